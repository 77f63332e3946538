package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// waits is a door that answers one principal only when it is opened.
type waits struct {
	Door
	who  presence.Addr
	open chan struct{}
}

func (d *waits) Look(ctx context.Context, asker engine.Principal, users []presence.Addr) []presence.View {
	if asker.Addr == d.who {
		<-d.open
	}
	return d.Door.Look(ctx, asker, users)
}

// TestStorm_TenThousandAtOnce: what a token asks beyond its burst is refused at once
// and says when to come back, nobody else waits for it, and what does wait is small.
func TestStorm_TenThousandAtOnce(t *testing.T) {
	const questions, rate, burst, each = 10_000, 2000, 6500, 32 << 10
	s := newSite(t)
	s.online()
	s.o.Tokens = newKeep(rate, burst)
	s.tokens[bob], s.tokens[fred] = s.mint(bob), s.mint(fred)
	door := &waits{Door: s.o.Door, who: presence.MustAddr(bob), open: make(chan struct{})}
	s.o.Door = door
	before := inUse()
	began := time.Now()
	var work sync.WaitGroup
	var mu sync.Mutex // guards got
	got := map[int]int{}
	for range questions {
		work.Go(func() {
			r := httptest.NewRequest(http.MethodGet, "/v1/presence/"+alice, nil)
			r.Header.Set("Authorization", "Bearer "+s.tokens[bob])
			w := httptest.NewRecorder()
			s.http.Handler.ServeHTTP(w, r)
			mu.Lock()
			defer mu.Unlock()
			if got[w.Code]++; w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
				t.Error("refused without a word on when to come back")
			}
		})
	}
	refused := func() int { mu.Lock(); defer mu.Unlock(); return got[http.StatusTooManyRequests] }
	asked := counted(t, s.metrics.asked)
	for limit := time.Now().Add(patience); int(asked)+refused() < questions; time.Sleep(time.Millisecond) { // the pause of a poll
		if asked = counted(t, s.metrics.asked); time.Now().After(limit) {
			t.Fatalf("%v wait and %d are refused of %d", asked, refused(), questions)
		}
	}
	if used := inUse() - before; used > questions*each {
		t.Errorf("%v questions hold %d bytes, more than %d each", asked, used, each)
	}
	if res := s.ask(fred, "GET", "/v1/presence/"+alice, ""); res.StatusCode != http.StatusOK {
		t.Errorf("somebody else meanwhile: %d", res.StatusCode)
	}
	most := burst + int(time.Since(began).Seconds()*rate) + 1
	close(door.open)
	work.Wait()
	if got[200]+got[429] != questions || got[200] < burst || got[200] > most {
		t.Errorf("answered with %v, want %d to %d times 200 and 429 else", got, burst, most)
	}
}

// counted reads a counter.
func counted(t *testing.T, c prometheus.Counter) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

// inUse is what the heap and the stacks take, in bytes.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
