package outbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"presenced/internal/engine"
)

// model is the outbox said plainly: an entry for each pair, in order of arrival.
type model struct{ entries []*entry }

func (m *model) hold(t engine.Target, p op) {
	bare, _, _ := strings.Cut(t.To, "/")
	pair := engine.Target{To: bare, From: t.From}
	i := slices.IndexFunc(m.entries, func(e *entry) bool { return e.pair == pair })
	if i < 0 {
		i = len(m.entries)
		m.entries = append(m.entries, &entry{pair: pair})
	}
	m.entries[i].add(p)
}

func (m *model) stanzas() (out []string) {
	for _, e := range m.entries {
		for _, p := range e.ops {
			out = append(out, want(p.to, e.pair.From, string(p.end)))
		}
	}
	return out
}

// TestHold_CastsAndEntriesAgree holds the same stanzas by pairs and as the
// outbox does, for mirrors whose watchers are told this and that.
func TestHold_CastsAndEntriesAgree(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		out, m := New(Options{SoftLimit: 1000}), &model{}
		p := newPeer(t, out, 0)
		p.stuff(t)
		for step := range 1 + rnd.IntN(30) {
			step := randomStep(rnd, step)
			end := step.end
			if step.keep {
				out.subscription(step.to[0], end)
			} else {
				out.Present(end, step.to)
			}
			for _, to := range step.to {
				m.hold(to, op{to: to.To, end: end, keep: step.keep})
			}
		}
		exp := m.stanzas()
		if s := out.Stats(); s.Pairs != len(m.entries) || s.Entries != len(exp) {
			t.Errorf("seed %d: %d pairs with %d stanzas are held, want %d with %d", seed, s.Pairs, s.Entries, len(m.entries), len(exp))
		}
		if got := withoutStuff(p.all(t)); !slices.Equal(got, exp) {
			t.Fatalf("seed %d:\ngot  %q\nwant %q", seed, got, exp)
		}
		if s := out.Stats(); s.Pairs != 0 || s.Entries != 0 || len(out.mirrors) != 0 {
			t.Fatalf("seed %d: something is left: %+v, %d mirrors", seed, s, len(out.mirrors))
		}
	}
}

type heldStep struct {
	to   []engine.Target
	end  []byte
	keep bool
}

// randomStep is mostly a presence to one of a few fixed audiences, sometimes to
// other pairs of the same mirrors, a device, or a subscription stanza.
func randomStep(rnd *rand.Rand, n int) heldStep {
	from := fmt.Sprintf("m%d@p", rnd.IntN(3))
	target := func(w int) engine.Target { return engine.Target{To: fmt.Sprintf("w%d@x", w), From: from} }
	s := heldStep{end: body(n)}
	switch rnd.IntN(10) {
	case 0:
		s.to, s.keep, s.end = []engine.Target{target(rnd.IntN(8))}, true, subscribed
	case 1:
		s.to = []engine.Target{target(rnd.IntN(8))}
		s.to[0].To += "/d"
	case 2:
		for _, w := range rnd.Perm(8)[:1+rnd.IntN(8)] {
			s.to = append(s.to, target(w))
		}
	default:
		half := rnd.IntN(2)
		for w := range 4 {
			s.to = append(s.to, target(4*half+w))
		}
	}
	return s
}

// TestHold_NewsOverwhelmAHalfSentCast: who was sent the earlier presence already
// comes after those who were not.
func TestHold_NewsOverwhelmAHalfSentCast(t *testing.T) {
	out := New(Options{SoftLimit: 1000})
	p := newPeer(t, out, 0)
	p.stuff(t)
	var to []engine.Target
	for w := range 4 {
		to = append(to, engine.Target{To: fmt.Sprintf("w%d@x", w), From: "m@p"})
	}
	out.Present(body(1), to)
	out.head.sent = 2
	out.pairs, out.stats.Entries = 2, 2
	out.Present(body(2), to)
	var exp []string
	for _, w := range []int{2, 3, 0, 1} {
		exp = append(exp, want(to[w].To, "m@p", string(body(2))))
	}
	if got := withoutStuff(p.all(t)); !slices.Equal(got, exp) {
		t.Errorf("got %q, want %q", got, exp)
	}
}
