package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// TestHistories_EveryWatcherConverges plays random histories of devices,
// settings, links and time, and then asks: was the last thing sent to every
// accepted watcher what she would be answered now? And was nothing sent twice
// in a row while the link stayed?
func TestHistories_EveryWatcherConverges(t *testing.T) {
	histories := 150
	if testing.Short() {
		histories = 20
	}
	for seed := range uint64(histories) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { playHistory(t, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

// history is one run with its reader of the wire.
type history struct {
	*world
	r        *rand.Rand
	attached bool
	last     map[string]string // what each watcher was shown last
	fresh    map[string]bool   // shown since the last attach
	truth    map[string]Device // the devices the server knows
}

func playHistory(t *testing.T, r *rand.Rand) {
	w := build(t, newMemory())
	defer w.Stop(context.Background())
	h := &history{world: w, r: r, attached: true, last: map[string]string{}, fresh: map[string]bool{}, truth: map[string]Device{}}
	w.attach()
	w.apply(alice, Enable{})
	for _, who := range []string{bob, boss, fred, alice} {
		w.mirrorEvent(MirrorSubscribe, who)
	}
	for range 60 {
		h.act()
		h.read()
		who := presence.MustAddr([]string{bob, boss, fred, zed, alice}[h.r.IntN(5)])
		h.viewAs(who, h.Look(context.Background(), Principal{Addr: who}, []presence.Addr{presence.MustAddr(alice)})[0])
	}
	if !h.attached {
		h.link()
	}
	time.Sleep(time.Minute) // everything that was held back has left
	h.read()
	h.compare()
}

// act does one random thing.
func (h *history) act() {
	shows := []presence.Show{presence.ShowNone, presence.ShowDND, presence.ShowAway, presence.ShowXA, presence.ShowChat}
	device := alice + []string{"/a", "/b", "/c"}[h.r.IntN(3)]
	switch h.r.IntN(12) {
	case 0, 1, 2, 3:
		d := Device{Show: shows[h.r.IntN(len(shows))], Priority: int8(h.r.IntN(4) - 1), Status: []string{"", "here"}[h.r.IntN(2)]}
		if h.r.IntN(3) == 0 {
			d.IdleSince = time.Now().Add(-time.Duration(h.r.IntN(900)) * time.Second)
		}
		h.tell(device, d)
	case 4:
		h.tell(device, Device{Gone: true})
	case 5:
		h.try(SetState{Availability: []presence.Availability{3500, 6500, 9500, 18500}[h.r.IntN(4)]})
	case 6:
		h.try(ClearState{})
	case 7:
		h.try(SetNote{Text: []string{"", "one", "two"}[h.r.IntN(3)]})
	case 8:
		h.try(Block{JID: []string{bob, fred}[h.r.IntN(2)]})
	case 9:
		h.try(Unblock{JID: []string{bob, fred}[h.r.IntN(2)]})
	case 10:
		h.link()
	case 11:
		time.Sleep(time.Duration(h.r.IntN(400)) * time.Second)
	}
	if h.r.IntN(6) == 0 {
		h.try(PutRule{Rule: privacy.Rule{Container: []presence.ContainerID{100, 300, 400}[h.r.IntN(3)], Type: privacy.RuleUser, Value: boss}})
	}
}

// try makes a change that may be refused.
func (h *history) try(c Change) {
	_, _ = h.Apply(context.Background(), Principal{Addr: presence.MustAddr(alice), JID: alice}, jid(alice), c)
}

// tell changes what the server knows, and the daemon hears of it when attached.
func (h *history) tell(device string, d Device) {
	if d.Gone {
		delete(h.truth, device)
	} else {
		h.truth[device] = d
	}
	if h.attached {
		h.device(device, d)
	}
}

// link takes the link down, or brings it back with the server's state.
func (h *history) link() {
	h.read()
	if h.attached {
		h.Detached(time.Now().Add(-time.Duration(h.r.IntN(20)) * time.Second))
		h.attached = false
		return
	}
	h.attached = true
	h.fresh = map[string]bool{}
	h.Attached(time.Now())
	h.HostReady(h.host)
	for device, d := range h.truth {
		h.device(device, d)
	}
	synctest.Wait()
	h.HostSynced(h.host.Name)
}

// read takes in what has left.
func (h *history) read() {
	for _, line := range h.out.take() {
		who, what, ok := strings.Cut(line, " <- "+mirror+": ")
		if !ok || what == "subscribed" {
			continue
		}
		if !h.attached {
			h.Fatalf("%s left while the link was down", line)
		}
		if h.fresh[who] && h.last[who] == what {
			h.Fatalf("%s was shown %q twice in a row", who, what)
		}
		h.last[who], h.fresh[who] = what, true
	}
}

// viewAs wants the explanation to show what the watcher is answered (S12), also
// while nothing may be sent.
func (h *history) viewAs(watcher presence.Addr, wire presence.View) {
	h.Helper()
	e, err := h.Explain(context.Background(), Principal{Addr: presence.MustAddr(alice)}, presence.MustAddr(alice), watcher)
	if err != nil {
		h.Fatal(err)
	}
	if e.View != wire {
		h.Errorf("view-as shows %s\n%+v\nthe wire\n%+v", watcher, e.View, wire)
	}
	if e.Hold == HoldNone && (e.Container.ID != wire.Container || e.Projection.Availability != wire.Availability) {
		h.Errorf("explained to %s: %+v, the wire %+v", watcher, e.Projection, wire)
	}
}

// compare asks as each watcher and wants to hear what she was shown last.
func (h *history) compare() {
	for _, who := range []string{bob, boss, fred, alice} {
		a := presence.MustAddr(who)
		v := h.Look(context.Background(), Principal{Addr: a}, []presence.Addr{presence.MustAddr(alice)})[0]
		want := strings.Join(strings.Fields(string(h.out.Render(nil, &v, "en"))), " ")
		if got := h.last[who]; got != want && !(got == "" && v.Availability == presence.Offline) {
			h.Errorf("%s was last shown %q, the truth is %q", who, got, want)
		}
		h.viewAs(a, v)
	}
}
