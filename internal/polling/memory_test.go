package polling

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// perUser is what the poller may keep of a user with one calendar, in bytes, beside
// what the source wants to have back.
const perUser = 400

func TestPoller_Memory(t *testing.T) {
	const users = 20_000
	p, err := New(Options{Interval: interval, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	p.SetDoor(&door{})
	p.SetSites([]Site{site("dav", &fake{})}, interval)
	wishes := make([]engine.CalendarWish, users)
	for i := range wishes {
		wishes[i] = wish(fmt.Sprintf("u%d@example.org", i))
		wishes[i].User = presence.MustAddr(wishes[i].Bare)
	}
	before := liveHeap()
	for _, w := range wishes {
		p.WantCalendars(w)
	}
	each := (liveHeap() - before) / users
	t.Logf("a user takes %d bytes", each)
	if each > perUser {
		t.Errorf("a user takes %d bytes, want at most %d", each, perUser)
	}
	runtime.KeepAlive(p)
	runtime.KeepAlive(wishes)
}

func liveHeap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
