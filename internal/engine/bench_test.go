package engine

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/internal/presence"
	"presenced/roster"
)

// quietSender takes everything and says nothing.
type quietSender struct{ wire }

func (*quietSender) Render(dst []byte, v *presence.View, lang string) []byte {
	return append(append(dst, v.Text[presence.FieldNotePersonal]...), lang...)
}
func (*quietSender) Present([]byte, []Target) {}

// BenchmarkDevice is one change of a device's status that twenty watchers see,
// from the mailbox's side of the owner.
func BenchmarkDevice(b *testing.B) {
	for _, watchers := range []int{0, 20} {
		b.Run(fmt.Sprint(watchers), func(b *testing.B) { benchmarkDevice(b, watchers) })
	}
}

func benchmarkDevice(b *testing.B, watchers int) {
	e, err := New(Options{
		Domain: "presence.example.org", Hosts: []string{"example.org"}, Language: "en", Liveness: time.Minute,
		Store: newMemory(), Sender: &quietSender{}, Log: slog.New(slog.DiscardHandler),
		Registerer: prometheus.NewRegistry(), Shards: 1,
	}, testRules(b))
	if err != nil {
		b.Fatal(err)
	}
	s := e.shards[0]
	s.attached()
	s.hostReady(Host{Name: "example.org", Managed: true, Reports: true, Complete: true}, time.Now())
	s.hostSynced("example.org", time.Now())
	u := s.newUser(presence.MustAddr(alice), alice)
	u.set.enrol = enrolDoc{V: docVersion, JID: alice, Enabled: true}
	for i := range watchers {
		w := fmt.Sprintf("w%d@example.org", i)
		u.set.subs.Put(presence.MustAddr(w), roster.Entry{Bare: w, Spelling: mirror, Standing: roster.Accepted})
	}
	u.recompile()
	user := jid(alice + "/desk")
	now := time.Now()
	statuses := make([]string, 64)
	for i := range statuses {
		statuses[i] = fmt.Sprint("status ", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(3 * time.Second) // within the pace of S10
		s.device(Device{User: user, Status: statuses[i%64]}, now)
	}
}
