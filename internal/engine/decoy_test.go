package engine

import (
	"context"
	"testing"

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
