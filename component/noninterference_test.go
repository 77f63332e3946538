package component

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
)

// The proof of I1 through rendered bytes: a history of users, operator and other
// people is played twice, the second time with further acts that the watcher may
// not see. He is a client of the component's stream and of the HTTP side. All that
// reaches him, with the simulated instant to the nanosecond, must be the same.
//
// Equal names of what is drawn at random (ETags, ids of streams and of commands)
// are compared, their letters are not.

// proofHistories is how many are played in `make test`; with PRESENCED_LONG there
// are ten times as many.
const proofHistories = 1000

// play plays a script and returns what the watcher got.
func play(t *testing.T, s *script, withHidden bool, wrong fault) (seen []string) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(s.began)
		p := &proofPlay{proofWorld: newProofWorld(t, s.watcher, wrong), script: s, devices: map[string]proofDevice{}, claims: map[string]proofClaim{}}
		defer p.close()
		p.begin()
		p.slow.Store(s.sees == presence.DefaultContainer || s.sees == presence.Blocked)
		for _, st := range s.steps {
			time.Sleep(st.wait)
			if !st.hidden || withHidden {
				st.do(p, rand.New(rand.NewPCG(st.seed, 3)))
			}
			synctest.Wait()
		}
		time.Sleep(11 * time.Minute) // everything that was held back has left
		for _, path := range proofPaths {
			path.ask(p.proofWorld)
		}
		synctest.Wait()
		seen = p.all()
	})
	return seen
}

// differ returns the first difference of two worlds, empty for none.
func differ(s *script, without, with []string) string {
	for i := range max(len(without), len(with)) {
		a, b := "nothing", "nothing"
		if i < len(without) {
			a = without[i]
		}
		if i < len(with) {
			b = with[i]
		}
		if a != b {
			return fmt.Sprintf("%s in %d got\n%s\nand, with what he may not see,\n%s\nin %s", s.watcher, s.sees, a, b, s)
		}
	}
	return ""
}

// String tells a history to people.
func (s *script) String() string {
	var b strings.Builder
	at := time.Duration(0)
	for _, st := range s.steps {
		at += st.wait
		mark := " "
		if st.hidden {
			mark = "*"
		}
		fmt.Fprintf(&b, "%s +%s %s\n", mark, at+15*time.Second, st.name)
	}
	return b.String()
}

// firstLeak plays histories side by side until one of them leaks.
func firstLeak(t *testing.T, n int, wrong fault) (leak string, events int) {
	var (
		mu   sync.Mutex // guards next, leak and events
		next uint64
		work sync.WaitGroup
	)
	for range 2 {
		work.Go(func() {
			for {
				mu.Lock()
				seed := next
				next++
				over := leak != "" || seed >= uint64(n)
				mu.Unlock()
				if over {
					return
				}
				s := newScript(seed)
				without, with := play(t, s, false, wrong), play(t, s, true, wrong)
				mu.Lock()
				events += len(with)
				if bad := differ(s, without, with); bad != "" && leak == "" {
					leak = fmt.Sprintf("history %d: %s", seed, bad)
				}
				mu.Unlock()
			}
		})
	}
	work.Wait()
	return leak, events
}

// TestI1_Histories: what reaches a watcher, and when, does not depend on what he
// may not see, on any path.
func TestI1_Histories(t *testing.T) {
	n := proofHistories
	if os.Getenv("PRESENCED_LONG") != "" {
		n *= 10
	}
	if testing.Short() {
		n /= 50
	}
	if raced {
		n /= 10
	}
	leak, events := firstLeak(t, n, fault{})
	if leak != "" {
		t.Error(leak)
	} else if events < 50*n {
		t.Errorf("only %d answers and presences in %d histories", events, n)
	}
}
