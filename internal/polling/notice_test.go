package polling

import (
	"context"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/internal/presence"
)

// proven is a source that is told of changes with a word.
type proven struct{ *fake }

func (proven) Proves(user, proof string) bool { return proof == "word for "+user }

func TestNoticed_ReadsSoonWhoseProofIsGood(t *testing.T) {
	f := &fake{}
	s := site("graph", f)
	s.Source = proven{f}
	polled(t, nil, []Site{s, site("other", &fake{})}, func(t *testing.T, p *Poller, d *door) {
		want(p, 3)
		time.Sleep(interval) // everybody has been read
		f.take()
		who := presence.MustAddr("u1@example.org")
		for _, c := range []struct {
			source string
			user   presence.Addr
			proof  string
			good   bool
		}{
			{"graph", who, "word for u1@example.org", true}, {"graph", who, "word for u1@example.org", true},
			{"graph", who, "word for u2@example.org", false}, {"graph", presence.MustAddr("nobody@example.org"), "word for nobody@example.org", false},
			{"other", who, "word for u1@example.org", false}, {"none", who, "word for u1@example.org", false},
			{"own:ics", who, "", false}, {"graph", presence.Addr{}, "", false},
		} {
			if got := p.Noticed(c.source, c.user, c.proof, false); got != c.good {
				t.Errorf("%s tells of %s with %q: %v, want %v", c.source, c.user.Key(), c.proof, got, c.good)
			}
		}
		time.Sleep(2 * gather)
		var told []string
		for _, c := range f.take() {
			told = append(told, strings.Join(c.users, " "))
		}
		if got := strings.Join(told, ", "); got != "u1@example.org" {
			t.Errorf("after the notices these are read: %q, want her once", got)
		}
	})
}

func TestNoticed_AfreshForgetsWhatTheSourceRemembers(t *testing.T) {
	f := &fake{}
	s := site("graph", f)
	s.Source = proven{f}
	polled(t, nil, []Site{s}, func(t *testing.T, p *Poller, d *door) {
		want(p, 1)
		time.Sleep(interval)
		p.mu.Lock()
		e := p.people[presence.MustAddr("u0@example.org")].entries[0]
		e.state = []byte("subscription")
		p.mu.Unlock()
		f.take()
		p.Noticed("graph", e.user, "word for u0@example.org", true)
		time.Sleep(2 * gather)
		calls := f.take()
		if len(calls) != 1 || calls[0].boxes[0].State != nil {
			t.Errorf("asked %+v, want once and with nothing remembered", calls)
		}
	})
}

// TestNoticed_WhileItIsAskedCountsAfterwards: what is on its way is put in force, for
// else a calendar that changes all the time would never be; then it is read again, and
// with nothing remembered where the source has forgotten.
func TestNoticed_WhileItIsAskedCountsAfterwards(t *testing.T) {
	f := &fake{}
	s := site("graph", f)
	s.Source = proven{f}
	polled(t, nil, []Site{s}, func(t *testing.T, p *Poller, d *door) {
		want(p, 1)
		time.Sleep(interval)
		f.take()
		f.mu.Lock()
		f.answer = func(context.Context, []sources.Mailbox) ([]sources.Result, error) {
			time.Sleep(2 * gather)
			return []sources.Result{{State: []byte("subscription")}}, nil
		}
		f.mu.Unlock()
		notice := func(afresh bool) {
			if !p.Noticed("graph", presence.MustAddr("u0@example.org"), "word for u0@example.org", afresh) {
				t.Fatal("the notice is not believed")
			}
		}
		notice(false)
		time.Sleep(gather + time.Second)
		d.take()
		for _, afresh := range []bool{false, true} {
			notice(afresh) // while it is asked
			time.Sleep(2 * gather)
			if got := d.take(); len(got) != 1 {
				t.Errorf("of what was on its way %q is put in force", got)
			}
			time.Sleep(gather)
		}
		var states []string
		for _, c := range f.take() {
			states = append(states, string(c.boxes[0].State))
		}
		if got := strings.Join(states, ","); got != ",subscription," {
			t.Errorf("asked with %q, want once each and with nothing after it is forgotten", got)
		}
	})
}
