package eval

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// The proof of I1 on the pure rooms. A history is a user with her settings and
// then instants at which she or her devices do something. It is played twice; the
// second time with further acts that the watcher may not see, as the text of S3 and
// S8 says and not as the code does (hiddenActs). What he is shown and when must be
// the same.

// pureHistories is how many are played in `make test`; with PRESENCED_LONG there
// are twenty times as many.
const pureHistories = 100_000

// side is one of the two worlds.
type side struct {
	p   Person
	set privacy.Settings
	// contacts are her roster.
	contacts []presence.Contact
	op       privacy.Operator
}

// shown is one thing the watcher was shown.
type shown struct {
	at   time.Time
	view presence.View
	late bool // told with the delay of idleness (S10)
}

// looker is Person.Look, or one with a fault.
type looker func(sys *System, p *Person, now time.Time, w presence.Addr) (presence.View, time.Time)

// delayed reports whether the engine may tell a view later, as one that is owed to
// idleness.
func delayed(sys *System, p *Person, now time.Time, v *presence.View) bool {
	return v.Availability < presence.OfflineFrom && p.State(sys, now).Idle
}

// honest is what the engine does: the state of now, projected for the watcher, and
// the instant at which time alone may change it.
func honest(sys *System, p *Person, now time.Time, w presence.Addr) (presence.View, time.Time) {
	st := p.State(sys, now)
	_, v := p.Look(sys, &st, w)
	v.Container = 0 // told to nobody
	return v, st.Next
}

// pairOfWorlds plays one history with and without what the watcher may not see.
type pairOfWorlds struct {
	r       *rand.Rand
	sys     *System
	watcher presence.Addr
	sees    presence.ContainerID // the column of S3 that he has throughout
	offline bool                 // she has no device throughout
	closed  string               // a cell of his column that she has hidden throughout; empty: none
	bare    *side
	more    *side
	now     time.Time
	look    looker
	did     string // the hidden acts, for the failure's text
}

// play returns what was different, empty for nothing.
func (w *pairOfWorlds) play() string {
	w.hide()
	for range 1 + w.r.IntN(4) {
		step := time.Duration(w.r.IntN(700)) * time.Second
		if bad := w.wait(step); bad != "" {
			return bad
		}
		act := commonActs[w.r.IntN(len(commonActs))]
		if !w.offline || !act.device {
			seed := w.r.Uint64()
			act.do(w.bare, rand.New(rand.NewPCG(seed, 1)), w.now)
			act.do(w.more, rand.New(rand.NewPCG(seed, 1)), w.now)
		}
		w.hide()
	}
	return w.wait(48 * time.Hour)
}

// hide lets something happen in the second world that the watcher may not see.
func (w *pairOfWorlds) hide() {
	for range w.r.IntN(3) {
		act := hiddenActs[w.r.IntN(len(hiddenActs))]
		if act.hidden(w) {
			act.do(w.more, w.r, w.now)
			w.did += " " + act.name
		}
	}
}

// wait lets time pass in both worlds and compares what each shows on the way.
func (w *pairOfWorlds) wait(d time.Duration) string {
	until := w.now.Add(d)
	a, b := w.trace(w.bare, until), w.trace(w.more, until)
	w.now = until
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return fmt.Sprintf("only with%s: at %s he sees %+v", w.did, b[i].at, b[i].view)
		case i >= len(b):
			return fmt.Sprintf("only without%s: at %s he sees %+v", w.did, a[i].at, a[i].view)
		case !a[i].at.Equal(b[i].at) || a[i].view != b[i].view || a[i].late != b[i].late:
			return fmt.Sprintf("without%s: at %s he sees (late %v) %+v\nwith: at %s he sees (late %v) %+v",
				w.did, a[i].at, a[i].late, a[i].view, b[i].at, b[i].late, b[i].view)
		}
	}
	return ""
}

// trace is what he is shown until an instant: looked at now, whenever State.Next
// says that it may change, and at the end.
func (w *pairOfWorlds) trace(s *side, until time.Time) []shown {
	s.compile(w.sys)
	var out []shown
	for at := w.now; ; {
		v, next := w.look(w.sys, &s.p, at, w.watcher)
		if len(out) == 0 || out[len(out)-1].view != v {
			out = append(out, shown{at, v, delayed(w.sys, &s.p, at, &v)})
		}
		if next.IsZero() || next.After(until) {
			return out
		}
		if !next.After(at) {
			return append(out, shown{at: next}) // never: the other world's is longer
		}
		at = next
	}
}

// compile brings policy and roster up to date.
func (s *side) compile(sys *System) {
	s.p.Roster = roster.New(s.contacts, "presence.example.org")
	s.p.Policy = privacy.NewPolicy(sys.Site, s.set)
	s.p.Operator = &s.op
}

// clone is deep where acts change something in place.
func (s *side) clone() *side {
	c := *s
	in := &c.p.Inputs
	in.Resources = append([]presence.Resource(nil), in.Resources...)
	in.Claims = append([]presence.Claim(nil), in.Claims...)
	if in.Manual != nil {
		m := *in.Manual
		in.Manual = &m
	}
	if in.OOF != nil {
		o := *in.OOF
		in.OOF = &o
	}
	if in.Calendar != nil {
		in.Calendar = &presence.Calendar{FetchedAt: in.Calendar.FetchedAt, Events: append([]presence.Event(nil), in.Calendar.Events...)}
	}
	pr := *c.p.Profile
	c.p.Profile = &pr
	c.set.Rules = append([]privacy.Rule(nil), c.set.Rules...)
	c.set.Cells = append([]privacy.OwnCell(nil), c.set.Cells...)
	c.set.Block.JIDs = append([]string(nil), c.set.Block.JIDs...)
	c.set.Walls = append([]string(nil), c.set.Walls...)
	if c.set.Default != nil {
		c.set.Default = &privacy.List{Items: append([]privacy.Item(nil), c.set.Default.Items...)}
	}
	c.contacts = append([]presence.Contact(nil), c.contacts...)
	return &c
}

// newPair makes a user and a watcher somewhere in S2 and S8.
func newPair(seed uint64, sys *System, look looker) *pairOfWorlds {
	r := rand.New(rand.NewPCG(seed, 11))
	w := &pairOfWorlds{r: r, sys: sys, now: now, look: look, offline: r.IntN(8) == 0}
	s := &side{op: privacy.DefaultOperator()}
	s.op.LastActive = privacy.LastActiveMode(r.IntN(3))
	s.op.Withheld, _ = privacy.ParseWithheld([]string{"email"})
	s.op.OfflineDetails = privacy.OfflineDetails(r.IntN(2)) // all tells of blocks: S3 says so
	s.set = privacy.Settings{Owner: alice, State: privacy.StateOK, RosterReadable: true, Rules: privacy.Bootstrap()}
	s.p.Profile = &presence.Profile{PhotoSource: presence.UserPhoto}
	for f := range presence.FieldDevice {
		s.p.Profile.Text[f] = f.String()
	}
	place := places[r.IntN(len(places))]
	w.watcher, w.sees = presence.MustAddr(place.watcher), place.sees
	place.put(s)
	if r.IntN(3) == 0 {
		w.closed = []string{"notePersonal", "mobilePhone", "office", "timezone", "homePhone", "lastActive"}[r.IntN(6)]
		s.set.Cells = append(s.set.Cells, privacy.OwnCell{Container: closable(w.sees), Category: w.closed})
	}
	for range r.IntN(6) {
		if act := commonActs[r.IntN(len(commonActs))]; !w.offline || !act.device {
			act.do(s, r, w.now)
		}
	}
	w.bare, w.more = s, s.clone()
	return w
}

// closable is a container that a cell can be said of: of 0 and 32000 none can.
func closable(sees presence.ContainerID) presence.ContainerID {
	if sees == presence.DefaultContainer || sees == presence.Blocked {
		return presence.External
	}
	return sees
}

func newSystem(tb testing.TB) *System {
	tb.Helper()
	sys, _ := scene(tb)
	return sys
}

// leaks plays n histories side by side and returns the first difference.
func leaks(tb testing.TB, look looker, n int) string {
	tb.Helper()
	sys := newSystem(tb)
	var (
		found   atomic.Pointer[string]
		next    atomic.Int64
		running sync.WaitGroup
	)
	for range runtime.GOMAXPROCS(0) {
		running.Go(func() {
			for seed := next.Add(1); seed <= int64(n) && found.Load() == nil; seed = next.Add(1) {
				w := newPair(uint64(seed), sys, look)
				if bad := w.play(); bad != "" {
					text := fmt.Sprintf("history %d, %s in %d: %s", seed, w.watcher, w.sees, bad)
					found.Store(&text)
				}
			}
		})
	}
	running.Wait()
	if text := found.Load(); text != nil {
		return *text
	}
	return ""
}

// TestI1_PureHistories: what a watcher is shown, and when, does not depend on
// what he may not see.
func TestI1_PureHistories(t *testing.T) {
	n := pureHistories
	if os.Getenv("PRESENCED_LONG") != "" {
		n *= 20
	}
	if testing.Short() {
		n /= 100
	}
	if leak := leaks(t, honest, n); leak != "" {
		t.Error(leak)
	}
}

// TestI1_PureHistories_SeeFaults proves that the proof can fail: each of these
// leaks is one that somebody might write.
func TestI1_PureHistories_SeeFaults(t *testing.T) {
	for name, look := range map[string]looker{
		"a value: External sees the number, not its class": func(sys *System, p *Person, now time.Time, w presence.Addr) (presence.View, time.Time) {
			v, next := honest(sys, p, now, w)
			if p.Place(w).Container == presence.External && v.Availability < presence.OfflineFrom {
				v.Availability = p.State(sys, now).A.Availability
			}
			return v, next
		},
		"a time: she is not looked at while a private event runs": func(sys *System, p *Person, now time.Time, w presence.Addr) (presence.View, time.Time) {
			v, next := honest(sys, p, now, w)
			if c := p.Inputs.Calendar; c != nil && len(c.Events) > 0 && c.Events[0].Private && !next.IsZero() {
				next = next.Add(time.Second)
			}
			return v, next
		},
		"a size: the note is there, and empty": func(sys *System, p *Person, now time.Time, w presence.Addr) (presence.View, time.Time) {
			v, next := honest(sys, p, now, w)
			if p.Note != "" && v.Text[presence.FieldNotePersonal] == "" {
				v.Text[presence.FieldNotePersonal] = " "
			}
			return v, next
		},
		"a block that is seen: a hidden watcher may interrupt": func(sys *System, p *Person, now time.Time, w presence.Addr) (presence.View, time.Time) {
			v, next := honest(sys, p, now, w)
			v.Interrupt = p.State(sys, now).A.Availability < presence.OfflineFrom
			return v, next
		},
	} {
		if leaks(t, look, 5000) == "" {
			t.Errorf("%s: nothing was noticed", name)
		}
	}
}

// TestI1_PureHistories_SeeSomething: the histories are not all of people who are
// offline, and every hidden act takes part.
func TestI1_PureHistories_SeeSomething(t *testing.T) {
	sys := newSystem(t)
	acts, views := map[string]int{}, map[presence.Availability]int{}
	for seed := range uint64(3000) {
		w := newPair(seed, sys, func(sys *System, p *Person, now time.Time, a presence.Addr) (presence.View, time.Time) {
			v, next := honest(sys, p, now, a)
			views[v.Availability]++
			return v, next
		})
		if c := w.container(); c != w.sees {
			t.Fatalf("history %d: %s stands in %d, want %d", seed, w.watcher, c, w.sees)
		}
		for _, act := range hiddenActs {
			if act.hidden(w) {
				acts[act.name]++
			}
		}
		_ = w.play()
	}
	for _, act := range hiddenActs {
		if acts[act.name] == 0 {
			t.Errorf("%s is hidden from nobody", act.name)
		}
	}
	for _, a := range []presence.Availability{3500, 5000, 6500, 6900, 7500, 9500, 15500, 18500} {
		if views[a] == 0 {
			t.Errorf("nobody is ever shown %d: %v", a, views)
		}
	}
}

// container is where the watcher stands.
func (w *pairOfWorlds) container() presence.ContainerID {
	s := w.bare.clone()
	s.compile(w.sys)
	return s.p.Place(w.watcher).Container
}
