package commands

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// shelf is a Calendars that says what it is told to.
type shelf struct {
	keeps bool
	trial Trial
	tried []string
}

func (s *shelf) Keeps() bool { return s.keeps }
func (s *shelf) Try(_ context.Context, user presence.JID, _ *time.Location, c engine.AddCalendar) Trial {
	s.tried = append(s.tried, user.Bare+" "+c.Access.URL)
	return s.trial
}
func (s *shelf) TryOwn(_ context.Context, user presence.Addr, id string) Trial {
	s.tried = append(s.tried, user.Key()+" "+id)
	return s.trial
}

func shelved(d Door, s *shelf) *Server {
	return New(d, Options{Domain: "presence.example.org", Hosts: []string{"example.org"}, Calendars: s})
}

// hers are two calendars of the user's own and one of the operator's.
var hers = engine.Inspection{
	Calendars: []engine.CalendarSummary{
		{ID: "aaaa", Name: "Work", Kind: engine.CalendarCalDAV, ReadAt: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)},
		{ID: "bbbb", Name: "Home", Kind: engine.CalendarICS},
	},
	SiteCalendars: []engine.CalendarSummary{{Name: "groupware", ReadAt: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}},
}

func TestCalendar_AddTriesFirst(t *testing.T) {
	d, s := has(engine.Inspection{}), &shelf{keeps: true}
	srv := shelved(d, s)
	s.trial.Meetings = []presence.Event{
		{Start: time.Now().Add(2 * time.Hour), End: time.Now().Add(3 * time.Hour)},
		{Start: time.Date(2099, 1, 2, 15, 0, 0, 0, time.UTC), End: time.Date(2099, 1, 2, 16, 0, 0, 0, time.UTC)},
	}
	page := run1(t, srv, "calendar", "", "execute")
	page = run1(t, srv, "calendar", page.Session, "next", "action", "add")
	if page.Status != "executing" || page.Form == nil {
		t.Fatalf("the second page is %+v", page)
	}
	done := run1(t, srv, "calendar", page.Session, "complete", "kind", "ics", "url", "webcal://cal.example.net/x.ics", "name", "Mine")
	if done.Status != "completed" || !strings.Contains(done.Note.Text, `"Mine"`) || !strings.Contains(done.Note.Text, "next two days: 2,") {
		t.Errorf("added: %+v", done.Note)
	}
	want := []engine.Change{engine.AddCalendar{Name: "Mine", Kind: "ics", Access: engine.CalendarAccess{URL: "https://cal.example.net/x.ics"}}}
	if !reflect.DeepEqual(d.applied, want) || len(s.tried) != 1 {
		t.Errorf("applied %+v, tried %q", d.applied, s.tried)
	}
}

func TestCalendar_AFaultComesBackWithoutThePassword(t *testing.T) {
	for lang, want := range map[string]string{"en": "did not accept", "de": "nicht angenommen"} {
		d := has(engine.Inspection{Profile: engine.Profile{Language: lang}})
		srv := shelved(d, &shelf{keeps: true, trial: Trial{Fault: "error.calendar.unauthorized"}})
		page := run1(t, srv, "calendar", "", "execute")
		page = run1(t, srv, "calendar", page.Session, "next", "action", "add")
		again := run1(t, srv, "calendar", page.Session, "complete",
			"kind", "caldav", "url", "https://dav.example.net/", "username", "me", "password", "hunter2")
		if again.Status != "executing" || !strings.Contains(again.Note.Text, want) || len(d.applied) != 0 {
			t.Errorf("%s: %+v, applied %v; want the form again", lang, again.Note, d.applied)
		}
		for _, f := range again.Form.Fields {
			switch {
			case f.Var == "password" && (f.Type != "text-private" || len(f.Values) > 0):
				t.Errorf("the password comes back as %+v", f)
			case f.Var == "username" && (len(f.Values) != 1 || f.Values[0] != "me"):
				t.Errorf("the user name comes back as %+v", f)
			}
		}
	}
}

func TestCalendar_WithoutAKeyNothingIsAdded(t *testing.T) {
	for name, srv := range map[string]*Server{"no key": shelved(has(engine.Inspection{}), &shelf{}), "no calendars": newServer(has(engine.Inspection{}))} {
		page := run1(t, srv, "calendar", "", "execute")
		again := run1(t, srv, "calendar", page.Session, "next", "action", "add")
		if !strings.Contains(again.Note.Text, "calendar.key_file") {
			t.Errorf("%s: %+v; want what the operator has to do", name, again)
		}
	}
}

func TestCalendar_WrongAddressesAreToldByField(t *testing.T) {
	d := has(engine.Inspection{})
	srv := shelved(d, &shelf{keeps: true})
	for _, c := range [][]string{
		{"url", "/etc/passwd", "copied from the settings"},
		{"url", "http://a.example/", "copied from the settings"},
		{"username", "", "whom to sign in as"},
	} {
		answers := map[string]string{"kind": "caldav", "url": "https://a.example/", "username": "me", "password": "pw"}
		answers[c[0]] = c[1]
		page := run1(t, srv, "calendar", "", "execute")
		page = run1(t, srv, "calendar", page.Session, "next", "action", "add")
		var flat []string
		for k, v := range answers {
			flat = append(flat, k, v)
		}
		if again := run1(t, srv, "calendar", page.Session, "complete", flat...); !strings.Contains(again.Note.Text, c[2]) || len(d.applied) != 0 {
			t.Errorf("%s=%q: %+v; want %q", c[0], c[1], again.Note, c[2])
		}
	}
}

func TestCalendar_ListTestRemoveRefuse(t *testing.T) {
	d, s := has(hers), &shelf{keeps: true}
	srv := shelved(d, s)
	do := func(action string, more ...string) *got {
		t.Helper()
		page := run1(t, srv, "calendar", "", "execute")
		reply := run1(t, srv, "calendar", page.Session, "next", "action", action)
		if reply.Status == "executing" {
			reply = run1(t, srv, "calendar", reply.Session, "complete", more...)
		}
		return reply
	}
	list := run1(t, srv, "calendar", "", "execute", "action", "list")
	if len(list.Form.Items) != 3 || !strings.Contains(list.Note.Text, "Work (CalDAV), last read") || !strings.Contains(list.Note.Text, "groupware") {
		t.Errorf("list: %q, %d rows", list.Note.Text, len(list.Form.Items))
	}
	if r := do("test", "calendar", "bbbb"); r.Note.Text != "It can be read. It shows no meeting in the next two days." || s.tried[0] != "alice@example.org bbbb" {
		t.Errorf("test: %q, tried %q", r.Note.Text, s.tried)
	}
	do("remove", "calendar", "aaaa|bbbb")
	do("refuse")
	do("accept")
	want := []engine.Change{
		engine.RemoveCalendar{ID: "aaaa"}, engine.RemoveCalendar{ID: "bbbb"},
		engine.SetSiteCalendars{On: false}, engine.SetSiteCalendars{On: true},
	}
	if !reflect.DeepEqual(d.applied, want) {
		t.Errorf("applied %+v", d.applied)
	}
	srv = shelved(has(engine.Inspection{}), s)
	for _, action := range []string{"list", "test", "remove"} {
		if r := do(action); r.Note.Text != `You have added no calendar. To add one, run this command again and choose "Add a calendar".` {
			t.Errorf("%s of none: %q", action, r.Note.Text)
		}
	}
}

// TestCalendar_OffersWhatThereIsToDo: the choices that could do nothing are not
// shown, and understood all the same from a bot.
func TestCalendar_OffersWhatThereIsToDo(t *testing.T) {
	refused := hers
	refused.CalendarsRefused = true
	for _, c := range []struct {
		in   engine.Inspection
		want string
	}{
		{engine.Inspection{}, "list add"}, {hers, "list add test remove refuse"}, {refused, "list add test remove accept"},
	} {
		srv := shelved(has(c.in), &shelf{keeps: true})
		if got := strings.Join(run1(t, srv, "calendar", "", "execute").Form.field(t, "action").choices(), " "); got != c.want {
			t.Errorf("offered are %s, want %s", got, c.want)
		}
		if r := run1(t, srv, "calendar", "", "execute", "action", "accept"); r.Status != statusCompleted {
			t.Errorf("%s: %+v", c.want, r.Note)
		}
	}
}

// TestCalendar_PublishSaysWhyNot: what stands in the way is told in words, and nothing
// is asked of the engine then.
func TestCalendar_PublishSaysWhyNot(t *testing.T) {
	for _, c := range []struct {
		told engine.PublishingTold
		want string
	}{
		{engine.PublishingTold{}, "does not let this service"},
		{engine.PublishingTold{Offered: true, Unread: true}, "cannot be read here"},
		{engine.PublishingTold{Offered: true, HeldBy: "fred@partner.example"}, "fred@partner.example is a contact of yours who may not see"},
		{engine.PublishingTold{Offered: true}, "shows all your contacts what you do"},
	} {
		d := has(engine.Inspection{Publishing: c.told})
		r := run1(t, shelved(d, &shelf{}), "calendar", "", "execute", "action", "publish")
		var want []engine.Change
		if c.told.Offered && !c.told.Unread && c.told.HeldBy == "" {
			want = []engine.Change{engine.SetPublishing{On: true}}
		}
		if !strings.Contains(r.Note.Text, c.want) || !reflect.DeepEqual(d.applied, want) {
			t.Errorf("%+v: told %q, applied %+v; want %q", c.told, r.Note.Text, d.applied, c.want)
		}
	}
	held := has(engine.Inspection{Publishing: engine.PublishingTold{On: true, Offered: true, HeldBy: "fred@partner.example"}})
	if r := run1(t, shelved(held, &shelf{}), "calendar", "", "execute", "action", "list"); !strings.Contains(r.Note.Text, "At the moment it shows nothing. fred@partner.example") {
		t.Errorf("list: %q", r.Note.Text)
	}
	if r := run1(t, shelved(held, &shelf{}), "calendar", "", "execute", "action", "unpublish"); !strings.Contains(r.Note.Text, "any more") ||
		!reflect.DeepEqual(held.applied, []engine.Change{engine.SetPublishing{}}) {
		t.Errorf("unpublish: %q, applied %+v", r.Note.Text, held.applied)
	}
}

// run1 takes one step of an execution as alice.
func run1(t *testing.T, s *Server, node, session, action string, fields ...string) *got {
	t.Helper()
	return ask(t, s, "en", payload(node, session, action, fields...))
}
