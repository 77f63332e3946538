package engine

import (
	"context"
	"testing"
	"time"

	"presenced/internal/presence"
)

func TestPretend_LeavesNoTrace(t *testing.T) {
	live(t, func(w *world) {
		for _, asker := range []string{alice, bob, fred, zed} {
			for _, who := range []string{"nobody@example.org", "x@nowhere.example", decoyAddr.String()} {
				v := w.Look(context.Background(), Principal{Addr: presence.MustAddr(asker)}, []presence.Addr{presence.MustAddr(who)})[0]
				if empty := emptyView(); !sameView(&v, &empty) {
					t.Errorf("%s sees of %s %+v", asker, who, v)
				}
			}
		}
		users, err := w.Users(context.Background(), Principal{Operator: true})
		if err != nil || len(users) != 1 || w.Known(decoyAddr) {
			t.Errorf("users are %+v, %v", users, err)
		}
		w.expect()
	})
}

// TestI1_WhoSeesNothingCostsNothingOfHers: for whom a container grants nothing, as
// for a stranger or whom she blocked, neither her state is made nor her calendar
// opened: how long the answer takes would tell what she does.
func TestI1_WhoSeesNothingCostsNothingOfHers(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.read(groupware, meeting(0, 60))
		w.apply(alice, Block{JID: fred})
		s := w.shardOf(presence.MustAddr(alice))
		for asker, opens := range map[string]bool{alice: true, boss: true, fred: false, zed: false} {
			call(context.Background(), s, func(time.Time) struct{} {
				s.stateOf = nil
				s.unpacked.Reset()
				return struct{}{}
			})
			time.Sleep(time.Second) // another instant, for which nothing was made yet
			w.Look(context.Background(), Principal{Addr: presence.MustAddr(asker)}, []presence.Addr{presence.MustAddr(alice)})
			made, _ := call(context.Background(), s, func(time.Time) [2]bool {
				return [2]bool{s.stateOf != nil && s.stateOf.addr == presence.MustAddr(alice), len(s.unpacked.Events) > 0}
			})
			if made != [2]bool{opens, opens} {
				t.Errorf("%s: her state made, her calendar opened: %v, want %v", asker, made, opens)
			}
		}
	})
}
