//go:build integration

package acceptance

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"

	"presenced/internal/testbed"
)

// pour changes the presence of users without end until ctx is done.
func (s *stage) pour(ctx context.Context, users []string) {
	for i := 0; ctx.Err() == nil; i++ {
		s.fake.SetPresence(users[i%len(users)]+desk, []string{"", "<show>dnd</show>", "<show>away</show>"}[i%3])
	}
}

// TestProcess_SIGTERMWhileBusy: with events pouring in, a stop says goodbye to
// every watcher, ends the stream politely and returns 0.
func TestProcess_SIGTERMWhileBusy(t *testing.T) {
	for dialect, d := range dialects {
		t.Run(dialect, func(t *testing.T) {
			s := script(t, testbed.ComponentOptions{Dialect: d})
			s.run(nil, true)
			users, watchers := names("u", 20), []string{bob, mallory, "w@" + host}
			s.enable(users...)
			for _, u := range users {
				s.fake.SetPresence(u+desk, "<show>away</show>")
				s.subscribe(u, watchers...)
			}
			// The others' subscriptions may be on their way still: what they are
			// shown last counts, if they are shown anything.
			for _, u := range users {
				s.sees(bob, u, "away 15500", converge)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var work sync.WaitGroup
			work.Go(func() { s.pour(ctx, users) })
			l := s.last()
			mark := l.Traffic().Presences
			s.eventually(converge, "changes are shown", func() string {
				if l.Traffic().Presences < mark+100 {
					return "too few"
				}
				return ""
			})
			s.must(s.d.Signal(syscall.SIGTERM))
			code, err := s.d.Wait(ctx)
			<-l.Done()
			cancel()
			work.Wait()
			s.must(err)
			if code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			if err := l.Err(); !strings.Contains(fmt.Sprint(err), "stream closed by the peer") {
				t.Errorf("the stream was not ended politely: %v", err)
			}
			for _, w := range watchers {
				for _, u := range users {
					if all := s.story(w, u); len(all) > 0 && all[len(all)-1] != "offline" {
						t.Errorf("%s is left with %q of %s", w, all, u)
					}
				}
			}
		})
	}
}
