package engine

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/aggregation/calendar"
	"presenced/internal/presence"
	"presenced/roster"
)

// idleSender renders as the edge does, nearly, and sends nowhere.
type idleSender struct {
	wire
	sent int
}

func (s *idleSender) Present(_ []byte, to []Target) { s.sent += len(to) }

// BenchmarkCalendars_MeetingOfMany is the minute at which everybody's meeting begins:
// one owner fires the edges of its users, each with 20 intervals and 4 watchers. An
// edge must be out within a second with 50,000 users (row 19), that is within 20 µs
// an edge even with one owner.
func BenchmarkCalendars_MeetingOfMany(b *testing.B) {
	const people = 10_000
	out := &idleSender{}
	e, err := New(Options{
		Domain: "presence.example.org", Hosts: []string{"example.org"}, Language: "en", Store: newMemory(), Sender: out,
		Registerer: prometheus.NewRegistry(), Shards: 1, Log: slog.New(slog.DiscardHandler),
	}, testRules(b))
	if err != nil {
		b.Fatal(err)
	}
	s := e.shards[0]
	now := time.Now().Truncate(time.Minute)
	s.attached()
	s.hostReady(Host{Name: "example.org", Managed: true, Reports: true}, now)
	s.hostSynced("example.org", now)
	var events []presence.Event
	for i := range 20 {
		start := now.Add(time.Duration(75*i+5) * time.Minute)
		events = append(events, presence.Event{Start: start, End: start.Add(45 * time.Minute), Kind: presence.EventBusy})
	}
	packed := calendar.Pack(events)
	for i := range people {
		a := presence.MustAddr(fmt.Sprintf("u%d@example.org", i))
		u := s.newUser(a, a.Key())
		u.set.enrol.Enabled = true
		subs := roster.Subs{}
		for k := range 4 {
			w := presence.MustAddr(fmt.Sprintf("w%d@example.org", 4*i+k))
			subs.Put(w, roster.Entry{Standing: roster.Accepted, Bare: w.Key(), Spelling: a.Key()})
		}
		u.set.subs = &subs
		u.calendars().parts = []schedule{{id: groupware, packed: packed, fetched: now.Unix(), reach: now.Add(48 * time.Hour).Unix(), stored: 1}}
		u.recompile()
		s.device(Device{User: presence.JID{Addr: a, Bare: a.Key(), Resource: "desk"}}, now)
	}
	b.ReportAllocs()
	edge := 0
	for b.Loop() {
		edge++ // one after the other: each meeting begins and ends
		at := events[(edge-1)/2%20].Start.Add(time.Duration((edge-1)/40) * 25 * time.Hour)
		if edge%2 == 0 {
			at = at.Add(45 * time.Minute)
		}
		s.fire(at)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/people, "ns/edge")
	b.ReportMetric(float64(out.sent)/float64(b.N)/people, "sent/edge")
}
