package graph

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/testbed/calendars"
)

// listener repeats what validates it, as the daemon does.
func listener(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte(r.URL.Query().Get("validationToken")))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/?source=microsoft"
}

// noticing is a source that is told of changes, with the machine's clock: so long as
// a subscription lasts is for the fake to judge.
func noticing(t *testing.T, g *calendars.Graph, where string, now func() time.Time) *Source {
	t.Helper()
	o := options(g, sourcetest.NewClock())
	o.NotifyURL, o.Now, o.Replies = where, now, away.Note
	return source(t, o)
}

// ends has what is remembered of a subscription end in a while.
func ends(box *sources.Mailbox, in time.Duration) {
	s := readState(box.State)
	s.End = time.Now().Add(in).Unix()
	box.State = s.bytes()
}

func TestNotices_AreAskedForOnceAndRenewed(t *testing.T) {
	g := graph(t, calendars.Options{})
	g.Put(alice, calendars.Mailbox{Reply: &calendars.Reply{External: "Back soon", Audience: "all"}})
	var later time.Duration
	s := noticing(t, g, listener(t), func() time.Time { return time.Now().Add(later) })
	box := sources.Mailbox{User: "Alice@example.org", Address: alice}
	read := func() sources.Result {
		t.Helper()
		results, err := s.Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{box})
		if err != nil || results[0].Err != nil {
			t.Fatalf("%v, %+v", err, results)
		}
		box.State = results[0].State
		return results[0]
	}
	read()
	read()
	all := g.Subscriptions()
	if len(all) != 1 || all[0].Resource != "users/"+alice+"/events" || !strings.HasSuffix(all[0].URL, "?source=microsoft&user=Alice%40example.org") || all[0].URL != all[0].Lifecycle {
		t.Fatalf("asked for %+v, want one", all)
	}
	if !s.Proves("alice@example.org", all[0].ClientState) || s.Proves("bob@example.org", all[0].ClientState) || s.Proves("alice@example.org", "") {
		t.Error("what Microsoft was told to say proves something else")
	}
	end := all[0].End
	later = early / 2
	read()
	if all := g.Subscriptions(); !all[0].End.Equal(end) {
		t.Error("it is renewed long before it has to be")
	}
	// The fake lives now: what is asked for from then would be too long for it.
	later = 0
	ends(&box, early-time.Minute)
	if r := read(); r.Away == nil || r.Away.Note != "Back soon" {
		t.Errorf("beside a subscription the replies are %+v", r.Away)
	}
	if all := g.Subscriptions(); len(all) != 1 || !all[0].End.After(end.Add(-time.Second)) {
		t.Errorf("it is not renewed: %+v, first to %v", all, end)
	}
	g.EndSubscriptions()
	ends(&box, time.Hour)
	read() // finds that it is gone
	read()
	if n := len(g.Subscriptions()); n != 1 {
		t.Errorf("after Microsoft forgot it there are %d, want a new one", n)
	}
}

// After a restart nothing is remembered: there is a second subscription beside the
// first until that ends, and what either tells is believed.
func TestNotices_AfterARestartBothAreBelieved(t *testing.T) {
	g := graph(t, calendars.Options{})
	g.Put(alice, calendars.Mailbox{})
	where := listener(t)
	box := sources.Mailbox{User: "alice@example.org", Address: alice}
	var s *Source
	for range 2 {
		s = noticing(t, g, where, time.Now)
		if results, err := s.Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{box}); err != nil || results[0].Err != nil {
			t.Fatalf("%v, %+v", err, results)
		}
	}
	all := g.Subscriptions()
	if len(all) != 2 {
		t.Errorf("%d subscriptions, want the old one and a new one", len(all))
	}
	for _, one := range all {
		if !s.Proves(box.User, one.ClientState) {
			t.Error("what one of them tells is not believed after a restart")
		}
	}
}

// Without the right, or where Microsoft does not reach us, calendars are read all
// the same, and it is not asked with every poll.
func TestNotices_MayBeAbsent(t *testing.T) {
	for name, c := range map[string]struct {
		refuse bool
		where  string
		want   string
	}{
		"no right":  {true, "", "Calendars.Read"},
		"no way in": {false, "http://127.0.0.1:1/?source=x", "reaches notify_url"},
	} {
		g := graph(t, calendars.Options{})
		g.NoSubscriptions = c.refuse
		if c.where == "" {
			c.where = listener(t)
		}
		g.Put(alice, calendars.Mailbox{Events: []calendars.Event{{Start: at(10, 0), End: at(11, 0), Kind: "busy"}}})
		s := noticing(t, g, c.where, time.Now)
		box := sources.Mailbox{User: "alice@example.org", Address: alice}
		for n, want := range []int{1, 0} {
			results, err := s.Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{box})
			if err != nil || len(results[0].Schedule.Events) != 1 {
				t.Fatalf("%s: %v, %+v", name, err, results)
			}
			w := results[0].Schedule.Warnings
			if len(w) != want || want == 1 && !strings.Contains(w[0], c.want) {
				t.Errorf("%s, poll %d: warned %q, want %d with %q", name, n, w, want, c.want)
			}
			box.State = results[0].State
		}
	}
}
