package engine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestGroup_RemembersOfEachWatcher compares a group, which keeps what most of its
// watchers were sent once, with one list that has it of each.
func TestGroup_RemembersOfEachWatcher(t *testing.T) {
	const offline = 7
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.Custom(func(t *rapid.T) last {
			return last{
				sent: rapid.SampledFrom([]uint64{0, offline, 8, 9}).Draw(t, "sent"), at: stamp(rapid.IntRange(0, 3).Draw(t, "at")),
				fresh: rapid.Bool().Draw(t, "fresh"), muted: rapid.IntRange(0, 4).Draw(t, "muted") == 0,
			}
		})
		want := rapid.SliceOfN(one, 1, 12).Draw(t, "watchers")
		g := &group{pairs: make([]pair, len(want))}
		for i := range want {
			g.pairs[i] = pair(3 * i)
		}
		g.fill(want)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				i := rapid.IntRange(0, len(want)-1).Draw(t, "who")
				want[i] = one.Draw(t, "last")
				g.put(i, want[i])
			},
			"change": func(t *rapid.T) {
				l := one.Draw(t, "last")
				every := func(i int, was last) last {
					if i%2 == 0 {
						return l
					}
					return was
				}
				for i := range want {
					want[i] = every(i, want[i])
				}
				g.change(every)
			},
			"sent": func(t *rapid.T) {
				digest := rapid.SampledFrom([]uint64{offline, 8, 9}).Draw(t, "digest")
				freshOnly := rapid.Bool().Draw(t, "fresh only")
				var got, due []int
				g.sent(digest, 4, freshOnly, func(p pair) { got = append(got, p.row()/3) })
				for i := range want {
					w := &want[i]
					if freshOnly && !w.fresh {
						continue
					}
					if w.fresh = false; !w.muted && w.sent != digest {
						w.sent, w.at = digest, 4
						due = append(due, i)
					}
				}
				if !slices.Equal(got, due) {
					t.Fatalf("sent to %v, want %v", got, due)
				}
			},
			"uncertain": func(t *rapid.T) {
				confirmed := instant(rapid.IntRange(0, 5).Draw(t, "confirmed")) << stampBits
				g.uncertain(offline, confirmed)
				for i, l := range want {
					if l.sent != offline || l.at.after(confirmed) || g.last(g.pairs[i]).sent == 0 {
						want[i].sent, want[i].fresh = 0, true
					}
				}
			},
			"": func(t *rapid.T) {
				g.each(func(i int, l last) {
					// The instant may be a later one of another watcher's.
					if w := want[i]; l.sent != w.sent || l.fresh != w.fresh || l.muted != w.muted || l.at < w.at {
						t.Fatalf("watcher %d was last sent %+v, want %+v (of %+v)", i, l, w, want)
					}
					if l != g.last(g.pairs[i]) || g.pairs[i].row() != 3*i {
						t.Fatalf("watcher %d: %+v one way, %+v the other", i, l, g.last(g.pairs[i]))
					}
				})
				if !slices.IsSortedFunc(g.odd(), func(a, b odd) int { return int(a.row) - int(b.row) }) {
					t.Fatalf("out of order: %+v", g.odd())
				}
			},
		})
	})
}
