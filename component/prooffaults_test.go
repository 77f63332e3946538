package component

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/web"
)

// nosy is a Sender that counts what goes to others, for faults that tell of it.
type nosy struct {
	engine.Sender
	w      *proofWorld
	others *atomic.Int64
	extra  bool // an extra presence follows each of somebody else's
	swap   bool // with others watching, presence comes before `subscribed`
	talks  bool // his client is told of what others are shown
	last   []byte
	to     engine.Target
	owed   *engine.Target // whose subscribed is to come
}

func (n *nosy) his(t engine.Target) bool { return strings.HasPrefix(t.To, n.w.watcher) }

func (n *nosy) Present(body []byte, to []engine.Target) {
	n.Sender.Present(body, to)
	for _, t := range to {
		if n.his(t) {
			n.last, n.to = append([]byte(nil), body...), t
			if n.owed != nil {
				n.Sender.Subscribed(*n.owed)
				n.owed = nil
			}
			continue
		}
		n.others.Add(1)
		if shown, _ := activityIn(body); n.talks {
			n.w.c.tellActivity(shown, []engine.Target{{To: n.w.watcher, From: t.From}})
		}
		if n.extra && n.last != nil && t.From == n.to.From {
			n.Sender.Present(n.last, []engine.Target{n.to})
		}
	}
}

func (n *nosy) Subscribed(t engine.Target) {
	if n.swap && n.his(t) && n.others.Load() > 0 {
		n.owed = &t
		return
	}
	n.Sender.Subscribed(t)
}

// slow is a Door that takes longer the more others were told.
type slow struct {
	web.Door
	others *atomic.Int64
}

func (s slow) Look(ctx context.Context, asker engine.Principal, users []presence.Addr) []presence.View {
	time.Sleep(time.Duration(s.others.Load()) * time.Microsecond)
	return s.Door.Look(ctx, asker, users)
}

// stamped adds to a header of each answer how often others were told.
type stamped struct {
	next   http.RoundTripper
	header string
	others *atomic.Int64
}

func (s stamped) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.next.RoundTrip(r)
	if err == nil && (s.header != "Etag" || res.Header.Get(s.header) != "") {
		res.Header.Set(s.header, fmt.Sprintf("%s-%d", res.Header.Get(s.header), s.others.Load()))
	}
	return res, err
}

// TestI1_Histories_SeeFaults proves that the proof can fail: each of these is a
// leak that somebody might write, and each is noticed.
func TestI1_Histories_SeeFaults(t *testing.T) {
	count := func(extra, swap bool) func(o *atomic.Int64) func(*proofWorld, engine.Sender) engine.Sender {
		return func(o *atomic.Int64) func(*proofWorld, engine.Sender) engine.Sender {
			return func(w *proofWorld, s engine.Sender) engine.Sender {
				o.Store(0)
				return &nosy{Sender: s, w: w, others: o, extra: extra, swap: swap}
			}
		}
	}
	header := func(name string) func(o *atomic.Int64) func(*proofWorld, http.RoundTripper) http.RoundTripper {
		return func(o *atomic.Int64) func(*proofWorld, http.RoundTripper) http.RoundTripper {
			return func(_ *proofWorld, next http.RoundTripper) http.RoundTripper { return stamped{next, name, o} }
		}
	}
	for name, make := range map[string]func(o *atomic.Int64) fault{
		"an extra presence": func(o *atomic.Int64) fault { return fault{sender: count(true, false)(o)} },
		"an order":          func(o *atomic.Int64) fault { return fault{sender: count(false, true)(o)} },
		"an activity": func(o *atomic.Int64) fault {
			return fault{sender: func(w *proofWorld, s engine.Sender) engine.Sender {
				return &nosy{Sender: s, w: w, others: o, talks: true}
			}}
		},
		"a time": func(o *atomic.Int64) fault {
			return fault{sender: count(false, false)(o), door: func(_ *proofWorld, d web.Door) web.Door { return slow{d, o} }}
		},
		"an ETag": func(o *atomic.Int64) fault { return fault{sender: count(false, false)(o), handler: header("Etag")(o)} },
		"an id": func(o *atomic.Int64) fault {
			return fault{sender: count(false, false)(o), handler: header("X-Request-Id")(o)}
		},
	} {
		o := new(atomic.Int64)
		noticed := false
		for seed := uint64(0); seed < 100 && !noticed; seed++ {
			s := newScript(seed)
			noticed = differ(s, play(t, s, false, make(o)), play(t, s, true, make(o))) != ""
		}
		if !noticed {
			t.Errorf("%s tells of others, and nothing was noticed", name)
		}
	}
}

// TestI1_TextsChangeWithTheDay: the date in a text goes when the day ends, and not
// with the next change that a watcher may not see.
func TestI1_TextsChangeWithTheDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(24*time.Hour - 30*time.Minute)
		midnight := time.Now().Add(30 * time.Minute)
		s := &script{watching: watching{proofBob, 200}, subs: true}
		p := &proofPlay{proofWorld: newProofWorld(t, proofBob, fault{}), script: s, devices: map[string]proofDevice{}, claims: map[string]proofClaim{}}
		defer p.close()
		p.begin()
		p.apply(proofAlice, engine.SetOutOfOffice{Period: &presence.OutOfOffice{Start: time.Now(), End: midnight.Add(8 * time.Hour)}})
		p.device(proofAlice+"/desk", proofDevice{show: "away"})
		time.Sleep(time.Until(midnight) - time.Second)
		if told := p.stanzas(); !strings.Contains(told[len(told)-1], "until 2 January, 08:00 UTC") {
			t.Fatalf("before midnight: %s", told[len(told)-1])
		}
		time.Sleep(7 * time.Second)
		told := p.stanzas()
		if last := told[len(told)-1]; !strings.Contains(last, "until 08:00 UTC") {
			t.Errorf("after midnight: %s", last)
		}
		p.phones["home"] = "1"
		p.e.Reload(p.rules())
		time.Sleep(time.Minute)
		if now := p.stanzas(); len(now) != len(told) {
			t.Errorf("with a change that he may not see came %s", now[len(now)-1])
		}
	})
}

// stanzas is what the watcher has got from the component.
func (w *proofWorld) stanzas() []string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.seen["stanza"]...)
}
