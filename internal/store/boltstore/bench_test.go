package boltstore

import (
	"context"
	"fmt"
	"testing"

	"presenced/internal/engine"
)

// BenchmarkSave is settings changes with 64 in flight, each a document of 400
// bytes of one of 10 000 users.
func BenchmarkSave(b *testing.B) {
	s := mustOpen(b, b.TempDir())
	defer shut(b, s)
	doc := make([]byte, 400)
	places := make(chan struct{}, 64)
	for i := 0; b.Loop(); i++ {
		places <- struct{}{}
		w := engine.Write{User: fmt.Sprintf("user%d@example.org", i*7919%10000), Docs: map[string][]byte{engine.DocRules: doc}}
		s.Save(w, func(err error) {
			if err != nil {
				b.Error(err)
			}
			<-places
		})
	}
	if err := s.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "saves/s")
	b.ReportMetric(float64(b.N)/float64(s.Sequence()), "saves/commit")
}

// BenchmarkLoad is a start with 100 000 users of 5 documents and presence.
func BenchmarkLoad(b *testing.B) {
	const users = 100_000
	s := mustOpen(b, b.TempDir())
	defer shut(b, s)
	places := make(chan struct{}, 4096)
	for i := range users {
		places <- struct{}{}
		user := fmt.Sprintf("user%d@example.org", i)
		w := engine.Write{User: user, Docs: make(map[string][]byte)}
		for _, name := range []string{engine.DocEnrol, engine.DocRules, engine.DocSubs, engine.DocNote, engine.DocLists} {
			w.Docs[name] = make([]byte, 200)
		}
		s.Save(w, func(err error) {
			if err != nil {
				b.Error(err)
			}
			<-places
		})
		s.SavePresence(user, make([]byte, 64))
	}
	if err := s.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		found, docs := 0, 0
		err := s.Load(context.Background(), func(u engine.Saved) error {
			found++
			docs += len(u.Docs)
			return nil
		})
		if err != nil || found != users || docs != 5*users {
			b.Fatalf("%d users, %d documents, %v", found, docs, err)
		}
	}
	b.ReportMetric(float64(users*b.N)/b.Elapsed().Seconds(), "users/s")
}

// BenchmarkSavePresence is the caller's cost of remembering presence.
func BenchmarkSavePresence(b *testing.B) {
	s := mustOpen(b, b.TempDir())
	defer shut(b, s)
	users := make([]string, 10000)
	for i := range users {
		users[i] = fmt.Sprintf("user%d@example.org", i)
	}
	data := make([]byte, 64)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.SavePresence(users[i%len(users)], data)
	}
}
