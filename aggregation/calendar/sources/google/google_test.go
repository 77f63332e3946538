package google

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/presence"
	"presenced/internal/testbed/calendars"
)

// eventsOf are options for events of users who delegated.
func eventsOf(t *testing.T, g *calendars.Google, clock *sourcetest.Clock) Options {
	t.Helper()
	o := options(t, g, clock)
	o.Events, o.Subject = true, EachUser
	return o
}

func TestEvents_KindsAndAnswers(t *testing.T) {
	g := google(t, calendars.Options{})
	day := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	g.Put(alice, calendars.Mailbox{Events: []calendars.Event{
		{Start: at(9, 0), End: at(9, 5), Kind: "busy", Subject: "a", Meeting: true},
		{Start: at(9, 5), End: at(9, 10), Kind: "tentative", Subject: "b"},
		{Start: at(9, 10), End: at(9, 15), Kind: "busy", Subject: "c", Response: "declined"},
		{Start: at(9, 15), End: at(9, 20), Kind: "busy", Subject: "d", Response: "needsAction"},
		{Start: at(9, 20), End: at(9, 25), Kind: "busy", Subject: "e", Transparent: true},
		{Start: at(9, 25), End: at(9, 30), Kind: "oof", Subject: "f"},
		{Start: at(9, 30), End: at(9, 35), Kind: "elsewhere", Subject: "g"},
		{Start: at(9, 35), End: at(9, 40), Kind: "busy", Subject: "secret", Private: true},
		{Start: at(9, 40), End: at(9, 45), Type: "focusTime", Subject: "h"},
		{Start: at(9, 45), End: at(9, 50), Type: "birthday", Subject: "i"},
		{Start: at(9, 50), End: at(9, 55), Type: "fromGmail", Subject: "j"},
		{Start: at(9, 55), End: at(10, 0), Type: "ofNextYear", Subject: "k"},
		{Start: at(10, 0), End: at(10, 5), Cancelled: true},
		{Start: day, End: day.Add(24 * time.Hour), Kind: "busy", Subject: "day", AllDay: true},
	}})
	r := one(t, source(t, eventsOf(t, g, sourcetest.NewClock())), sourcetest.Window, sources.Mailbox{Address: alice})
	want := `25T09:00-25T09:05 busy "a";25T09:05-25T09:10 tentative "b";25T09:10-25T09:15 busy "c" declined;25T09:15-25T09:20 tentative "d";` +
		`25T09:20-25T09:25 busy "e" transparent;25T09:25-25T09:30 oof "f";25T09:30-25T09:35 working_elsewhere "g";25T09:35-25T09:40 busy "";` +
		`25T09:40-25T09:45 busy "h";25T09:45-25T09:50 free "i";25T09:50-25T09:55 busy "j";25T09:55-25T10:00 busy "k";25T23:00-26T23:00 busy "day" day;`
	if got := shown(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(r.Schedule.Warnings) != 1 || !r.Schedule.Events[0].Attendees || r.Schedule.Events[1].Attendees {
		t.Errorf("warnings %q, attendees %v", r.Schedule.Warnings, r.Schedule.Events[0].Attendees)
	}
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	r = one(t, source(t, eventsOf(t, g, sourcetest.NewClock())), sourcetest.Window, sources.Mailbox{Address: alice, Zone: tokyo})
	if got := shown(r); !strings.Contains(got, `25T15:00-26T15:00 busy "day" day;`) {
		t.Errorf("her own day, in Tokyo: %s", got)
	}
}

func TestEvents_SyncTokens(t *testing.T) {
	g := google(t, calendars.Options{})
	s := source(t, eventsOf(t, g, sourcetest.NewClock()))
	g.Put(alice, calendars.Mailbox{Events: []calendars.Event{{Start: at(10, 0), End: at(11, 0), Kind: "busy", Subject: "a"}}})
	box, w := sources.Mailbox{Address: alice}, sourcetest.Window
	r := one(t, s, w, box)
	move := func(d time.Duration) { w.From, w.To = w.From.Add(d), w.To.Add(d) }
	steps := []struct {
		name      string
		do        func()
		unchanged bool
		requests  int
	}{
		{"nothing changed", func() { move(30 * time.Minute) }, true, 1},
		{"and again", func() { move(30 * time.Minute) }, true, 1},
		{"an event came", func() {
			g.Put(alice, calendars.Mailbox{Events: []calendars.Event{{Start: at(12, 0), End: at(13, 0), Kind: "oof"}}})
		}, false, 2},
		{"nothing since", func() {}, true, 1},
		{"the token is too old", g.ExpireSync, false, 2},
		{"the window has moved far", func() { move(13 * time.Hour) }, false, 1},
		{"a state that is none", func() { r.State = []byte("{") }, false, 1},
	}
	for _, step := range steps {
		box.State = r.State
		step.do()
		if string(r.State) == "{" {
			box.State = r.State
		}
		before := len(g.Lists())
		r = one(t, s, w, box)
		if r.Err != nil || r.Unchanged != step.unchanged || !r.Unchanged && len(r.Schedule.Events) == 0 && step.name != "the window has moved far" && step.name != "a state that is none" {
			t.Errorf("%s: %+v", step.name, r)
		}
		if got := len(g.Lists()) - before; got != step.requests {
			t.Errorf("%s: %d requests, want %d", step.name, got, step.requests)
		}
	}
}

func TestEvents_Pages(t *testing.T) {
	g := google(t, calendars.Options{})
	g.Page = 2
	s := source(t, eventsOf(t, g, sourcetest.NewClock()))
	put := func(n int) {
		events := make([]calendars.Event, n)
		for i := range events {
			events[i] = calendars.Event{Start: at(9, 0).Add(time.Duration(i) * 10 * time.Minute), End: at(9, 5).Add(time.Duration(i) * 10 * time.Minute), Kind: "busy"}
		}
		g.Put(alice, calendars.Mailbox{Events: events})
	}
	put(7)
	if r := one(t, s, sourcetest.Window, sources.Mailbox{Address: alice}); len(r.Schedule.Events) != 7 || len(g.Lists()) != 4 {
		t.Errorf("%d events with %d requests, want 7 with 4 (%v)", len(r.Schedule.Events), len(g.Lists()), r.Err)
	}
	put(100)
	g.Put("bob@corp.example", calendars.Mailbox{})
	results, err := s.Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{{Address: alice}, {Address: "bob@corp.example"}})
	if err != nil {
		t.Fatal(err)
	}
	fault(t, results[0].Err, sources.TooLarge)
	if results[1].Err != nil {
		t.Errorf("bob: %v", results[1].Err)
	}
}

func TestFreeBusy_ErrorsOfOneCalendar(t *testing.T) {
	g := google(t, calendars.Options{})
	s := source(t, options(t, g, sourcetest.NewClock()))
	g.Put(alice, calendars.Mailbox{Events: []calendars.Event{
		{Start: at(6, 0), End: at(9, 0), Kind: "busy"}, {Start: at(10, 0), End: at(11, 0), Kind: "busy", Transparent: true},
	}})
	for reason, kind := range map[string]sources.FaultKind{
		"notFound": sources.Gone, "groupTooBig": sources.TooLarge, "internalError": sources.Broken, "rateLimitExceeded": sources.Busy, "ofNextYear": sources.Broken,
	} {
		g.Put("bob@corp.example", calendars.Mailbox{Error: reason})
		results, err := s.Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{{Address: "Alice@corp.example"}, {Address: "bob@corp.example"}})
		if err != nil {
			t.Errorf("%s: %v", reason, err)
			continue
		}
		if got := shown(results[0]); got != `25T08:30-25T09:00 busy "";` {
			t.Errorf("%s: alice: %s, %v", reason, got, results[0].Err)
		}
		fault(t, results[1].Err, kind)
	}
}

func TestFaults_AreToldApart(t *testing.T) {
	tests := []struct {
		name   string
		fault  calendars.Fault
		kind   sources.FaultKind
		remedy string
	}{
		{"403 rate", calendars.GoogleError(403, "rateLimitExceeded"), sources.Busy, "quota"},
		{"403 user rate", calendars.GoogleError(403, "userRateLimitExceeded"), sources.Busy, "quota"},
		{"403 quota", calendars.GoogleError(403, "quotaExceeded"), sources.Busy, "quota"},
		{"429", calendars.GoogleError(429, "rateLimitExceeded"), sources.Busy, "quota"},
		{"429 without words", calendars.Fault{Path: "/calendar/", Status: 429}, sources.Busy, "quota"},
		{"the API is off", calendars.GoogleError(403, "accessNotConfigured"), sources.Forbidden, "enable"},
		{"scopes", calendars.GoogleError(403, "insufficientPermissions"), sources.Forbidden, "scopes"},
		{"503", calendars.Fault{Path: "/calendar/", Status: 503, Header: map[string]string{"Retry-After": "60"}}, sources.Busy, ""},
		{"login page", calendars.Fault{Path: "/calendar/", Trouble: calendars.Login}, sources.Unauthorized, ""},
		{"cut", calendars.Fault{Path: "/calendar/", Trouble: calendars.Truncate}, sources.Malformed, ""},
		{"every token refused", calendars.GoogleError(401, "authError"), sources.Unauthorized, ""},
		{"another host", calendars.Fault{Path: "/calendar/", Status: 307, Header: map[string]string{"Location": "http://127.0.0.2:1/"}}, sources.Moved, ""},
	}
	for _, tt := range tests {
		g := google(t, calendars.Options{})
		g.Put(alice, calendars.Mailbox{})
		g.Play(tt.fault)
		_, err := source(t, options(t, g, sourcetest.NewClock())).Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{{Address: alice}})
		f := fault(t, err, tt.kind)
		if !strings.Contains(f.Remedy, tt.remedy) {
			t.Errorf("%s: the remedy is %q", tt.name, f.Remedy)
		}
	}
}

func TestTokens_AreEachUsersOwnAndRenewed(t *testing.T) {
	g := google(t, calendars.Options{})
	g.Delegated = map[string]bool{alice: true}
	g.ExpireAfter(1)
	o := eventsOf(t, g, sourcetest.NewClock())
	g.Put(alice, calendars.Mailbox{})
	g.Put("bob@corp.example", calendars.Mailbox{})
	s := source(t, o)
	for range 2 {
		results, err := s.Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{{Address: alice}, {Address: "bob@corp.example"}})
		if err != nil || results[0].Err != nil {
			t.Fatalf("%v, %+v", err, results)
		}
		if f := fault(t, results[1].Err, sources.Forbidden); !strings.Contains(f.Remedy, "delegation") {
			t.Errorf("the remedy is %q", f.Remedy)
		}
	}
	if got, want := g.Scope(), scopeEvents; got != want {
		t.Errorf("asked for %q, want %q and no more", got, want)
	}
	for i := range maxUsers + 5 {
		s.tokens(fmt.Sprintf("u%d@corp.example", i))
	}
	if n := len(s.users); n > maxUsers {
		t.Errorf("%d tokens are kept", n)
	}
}

func TestReplies_MakeOutOfOffice(t *testing.T) {
	g := google(t, calendars.Options{})
	o := eventsOf(t, g, sourcetest.NewClock())
	o.Replies = away.Note
	s := source(t, o)
	tests := []struct {
		name  string
		reply *calendars.Reply
		want  *presence.OutOfOffice
	}{
		{"none", nil, nil},
		{"for all", &calendars.Reply{Start: at(8, 0), End: at(18, 0), External: "<div>Back &gt; soon</div>", Audience: "all"},
			&presence.OutOfOffice{Start: at(8, 0), End: at(18, 0), Note: "Back > soon"}},
		{"for contacts", &calendars.Reply{Start: at(8, 0), End: at(18, 0), External: "x", Audience: "contactsOnly"}, &presence.OutOfOffice{Start: at(8, 0), End: at(18, 0)}},
		{"for the domain", &calendars.Reply{External: "x", Audience: "none"}, &presence.OutOfOffice{Start: sourcetest.Now}},
		{"over", &calendars.Reply{Start: at(1, 0), End: at(2, 0), External: "x", Audience: "all"}, nil},
	}
	var box sources.Mailbox
	for _, tt := range tests {
		g.Put(alice, calendars.Mailbox{Reply: tt.reply})
		box.Address = alice
		r := one(t, s, sourcetest.Window, box)
		if got := r.Away; (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
		if tt.name == "for all" {
			box.State = r.State
		}
	}
	g.Put(alice, calendars.Mailbox{Reply: tests[1].reply})
	one(t, s, sourcetest.Window, box)
	box.State = one(t, s, sourcetest.Window, box).State
	if r := one(t, s, sourcetest.Window, box); !r.Unchanged || r.Away == nil {
		t.Errorf("nothing changed: %+v", r)
	}
	g.SetReply(alice, &calendars.Reply{Start: at(8, 0), End: at(17, 0), External: "x", Audience: "all"})
	if r := one(t, s, sourcetest.Window, box); !r.Unchanged || r.Away == nil || !r.Away.End.Equal(at(17, 0)) {
		t.Errorf("only the reply changed: %+v", r)
	}
	g.SetReply(alice, tests[1].reply)
	g.Play(calendars.Fault{Path: "/gmail/", Status: http.StatusForbidden})
	if r := one(t, s, sourcetest.Window, box); r.Err != nil || r.Away == nil || r.Away.Note != "Back > soon" || len(r.State) == 0 {
		t.Errorf("without the right what was known is lost: %+v", r)
	}
}

// A user nobody may stand for is one user's trouble, once others have got their
// tokens: the server is not left alone for her.
func TestDelegation_OneUserIsNotTheDomain(t *testing.T) {
	g := google(t, calendars.Options{})
	g.Delegated = map[string]bool{alice: true}
	s := source(t, eventsOf(t, g, sourcetest.NewClock()))
	g.Put(alice, calendars.Mailbox{})
	stranger := sources.Mailbox{Address: "stranger@corp.example"}
	fault := func() sources.FaultKind {
		results, err := s.Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{stranger})
		if err == nil {
			err = results[0].Err
		}
		return sources.KindOf(err)
	}
	if got := fault(); got != sources.Unauthorized {
		t.Errorf("before anybody got a token it is of kind %d, want that nobody is let in", got)
	}
	one(t, s, sourcetest.Window, sources.Mailbox{Address: alice})
	if got := fault(); got != sources.Forbidden {
		t.Errorf("afterwards it is of kind %d, want her own", got)
	}
}

func FuzzEvents(f *testing.F) {
	body, err := os.ReadFile(filepath.Join("testdata", "events.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := readPage(body)
		if err != nil {
			return
		}
		r := reading{box: &sources.Mailbox{Address: alice}, window: sourcetest.Window, warned: map[string]bool{}}
		r.page(p)
		for _, e := range r.out.Events {
			if e.End.Before(e.Start) {
				t.Errorf("an event from %v to %v", e.Start, e.End)
			}
		}
		if len(r.out.Warnings) > maxWarnings {
			t.Errorf("%d warnings", len(r.out.Warnings))
		}
	})
}
