package component

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// heap is what is in use after a collection, in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestQueries_TenThousandAtOnce: while the engine answers nobody, queries cost
// neither goroutines nor memory without bound; each gets its one answer in the end,
// as many as may wait a true one.
func TestQueries_TenThousandAtOnce(t *testing.T) {
	const queries, most = 10_000, 8 << 20
	for name, c := range map[string]struct {
		from     func(i int) string
		min, max int // that are answered
	}{
		"of one account":      {func(int) string { return asker }, maxJobsEach, maxJobsEach},
		"of as many accounts": {func(i int) string { return fmt.Sprintf("u%d@elsewhere.example/x", i) }, maxJobs, maxJobs + workers},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			release := make(chan struct{})
			d.door.look = func(context.Context, engine.Principal, []addr) []presence.View {
				<-release
				return []presence.View{meeting()}
			}
			goroutines, before := runtime.NumGoroutine(), heap()
			for i := range queries {
				frame := strings.Replace(iq("get", mirrorA, "<query xmlns='urn:presenced:1'/>"), asker, c.from(i), 1)
				if err := d.r.route([]byte(frame)); err != nil {
					t.Fatal(err)
				}
			}
			if now := runtime.NumGoroutine(); now > goroutines+2 {
				t.Errorf("%d goroutines, %d before", now, goroutines)
			}
			if used := heap() - before; used > most {
				t.Errorf("%d queries hold %d bytes, more than %d", queries, used, most)
			}
			close(release)
			out := d.ask(t, "<presence type='error' from='x' to='x'/>")
			answered, refused := strings.Count(out, "type='result'"), strings.Count(out, "<resource-constraint")
			if answered+refused != queries || answered < c.min || answered > c.max {
				t.Errorf("%d answered and %d refused of %d; want %d to %d answered", answered, refused, queries, c.min, c.max)
			}
		})
	}
}
