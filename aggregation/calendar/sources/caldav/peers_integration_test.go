//go:build integration

package caldav

import (
	"context"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/ics"
	"presenced/aggregation/calendar/sources/outbound"
	"presenced/internal/testbed"
)

// peer is a real server with one user's two calendars.
type peer struct {
	*testbed.Calendar
	t    *testing.T
	user string
	s    *Source
	box  sources.Mailbox
}

// eachPeer runs a test against both products.
func eachPeer(t *testing.T, o Options, test func(t *testing.T, p *peer)) {
	t.Helper()
	for _, kind := range []testbed.CalendarKind{testbed.Radicale, testbed.Xandikos} {
		t.Run(string(kind), func(t *testing.T) {
			p := &peer{t: t, user: "juliet"}
			p.Calendar = testbed.RunCalendar(t, kind, testbed.CalendarOptions{
				Users:   map[string]string{"juliet": secret, "romeo": secret, "service": secret},
				Service: []string{"service"},
			})
			o.Client = outbound.New(outbound.Options{Anywhere: true})
			t.Cleanup(o.Client.Close)
			p.s = New(o)
			p.box = sources.Mailbox{User: "juliet@example.org", Address: p.URL + "/", Username: "juliet", Password: secret}
			if kind == testbed.Xandikos {
				p.user = testbed.XandikosUser
			}
			for _, name := range []string{"work", "family"} {
				p.must(p.MakeCalendar(t.Context(), p.user, name, ""))
			}
			p.put("work", "1", "DTSTART:20261102T100000Z", "DTEND:20261102T110000Z")
			p.put("family", "2", "DTSTART:20261102T120000Z", "DTEND:20261102T130000Z")
			test(t, p)
		})
	}
}

func (p *peer) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// put stores an event.
func (p *peer) put(calendar, uid string, lines ...string) {
	p.t.Helper()
	text := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:" + uid +
		"\r\nDTSTAMP:20261101T000000Z\r\nSUMMARY:" + secret + "\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	p.must(p.Put(p.t.Context(), p.user, calendar, uid+".ics", text))
}

// want fetches, and keeps the state.
func (p *peer) want(what, starts string, unchanged bool) {
	p.t.Helper()
	got, err := one(p.t, p.s, window, p.box)
	if err != nil || got.Unchanged != unchanged || hours(got) != starts {
		p.t.Fatalf("%s: got %q, unchanged %v, %v; want %q", what, hours(got), got.Unchanged, err, starts)
	}
	p.box.State = got.State
}

func TestPeers_DiscoverAndFollowChanges(t *testing.T) {
	eachPeer(t, Options{}, func(t *testing.T, p *peer) {
		p.want("from the root", both, false)
		p.want("again", "", true)
		p.put("work", "3", "DTSTART:20261103T140000Z", "DTEND:20261103T150000Z")
		p.want("one more", both+", 3 14:00", false)
		p.want("again", "", true)
		p.must(p.Delete(t.Context(), p.user, "work", "1.ics"))
		p.want("one less", "2 12:00, 3 14:00", false)
		p.must(p.Delete(t.Context(), p.user, "family", ""))
		p.want("a calendar less", "3 14:00", false)
		p.box.Address, p.box.State = p.URL+p.Home(p.user)+"work/", nil
		p.want("by the address of a calendar", "3 14:00", false)
		p.box.Address = p.URL + p.Home(p.user)
		p.want("by the address of a home", "3 14:00", false)
		p.want("again", "", true)
	})
}

// TestPeers_RecurrencesAreOurs: Radicale 3.1.8 ignores expand, and Xandikos 0.2.8
// misses what began before the time that is asked for.
func TestPeers_RecurrencesAreOurs(t *testing.T) {
	eachPeer(t, Options{}, func(t *testing.T, p *peer) {
		p.put("work", "daily", "DTSTART:20200101T090000Z", "DTEND:20200101T093000Z", "RRULE:FREQ=DAILY")
		p.put("family", "dates", "DTSTART:20200101T140000Z", "DTEND:20200101T150000Z", "RDATE:20261103T140000Z")
		p.put("family", "day", "DTSTART;VALUE=DATE:20261103", "DTEND;VALUE=DATE:20261104")
		p.put("family", "long", "DTSTART:20261001T060000Z", "DTEND:20261201T060000Z")
		p.want("recurring", "1 06:00, 2 09:00, 2 10:00, 2 12:00, 3 00:00, 3 09:00, 3 14:00", false)
	})
}

// TestPeers_WhichCalendarsCount: neither server keeps the mark that a calendar
// does not block time. Radicale answers with an empty one, Xandikos with the
// opposite; such calendars count then.
func TestPeers_WhichCalendarsCount(t *testing.T) {
	eachPeer(t, Options{}, func(t *testing.T, p *peer) {
		free := "<C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>"
		p.must(p.MakeCalendar(t.Context(), p.user, "free", free))
		p.put("free", "3", "DTSTART:20261103T140000Z", "DTEND:20261103T150000Z")
		p.want("with a free calendar", both+", 3 14:00", false)
		if p.Kind == testbed.Xandikos { // its calendars take everything
			return
		}
		tasks := `<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>`
		p.must(p.MakeCalendar(t.Context(), p.user, "tasks", tasks))
		p.put("tasks", "4", "DTSTART:20261103T160000Z", "DTEND:20261103T170000Z")
		p.want("with a list of tasks", "", true)
	})
}

func TestPeers_FreeBusyIsNotTrusted(t *testing.T) {
	eachPeer(t, Options{FreeBusy: true}, func(t *testing.T, p *peer) {
		if p.Kind == testbed.Radicale { // it answers 207 with empty responses
			_, err := one(t, p.s, window, p.box)
			wantFault(t, "free/busy of Radicale", err, sources.Malformed)
			return
		}
		p.want("free/busy", both, false)
		p.want("again", "", true)
	})
}

func TestPeers_Rights(t *testing.T) {
	eachPeer(t, Options{Username: "service", Password: secret}, func(t *testing.T, p *peer) {
		if p.Kind == testbed.Xandikos { // it lets everybody in
			return
		}
		p.box.Password = "wrong"
		_, err := one(t, p.s, window, p.box)
		wantFault(t, "a wrong password", err, sources.Unauthorized)
		p.box.Username, p.box.Password = "romeo", secret
		p.box.Address = p.URL + "/{user}/"
		_, err = one(t, p.s, window, p.box)
		wantFault(t, "another user", err, sources.Forbidden)
		p.box.Username, p.box.Password = "", ""
		p.want("the service account", both, false)
		p.want("again", "", true)
		p.box.User, p.box.State = "nobody@example.org", nil
		_, err = one(t, p.s, window, p.box)
		wantFault(t, "a user without calendars", err, sources.Gone)
		p.box.Address = p.URL + "/"
		_, err = one(t, p.s, window, p.box)
		wantFault(t, "the account's own calendars", err, sources.Refused)
	})
}

func TestPeers_AnOutage(t *testing.T) {
	eachPeer(t, Options{}, func(t *testing.T, p *peer) {
		p.want("before", both, false)
		p.must(p.Kill())
		_, err := one(t, p.s, window, p.box)
		wantFault(t, "killed", err, sources.Unreachable)
		p.must(p.Start(t.Context()))
		p.want("back", "", true)
		p.must(p.Stall())
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err = p.s.Fetch(ctx, window, []sources.Mailbox{p.box})
		wantFault(t, "stalled", err, sources.Unreachable)
		p.must(p.Resume())
		p.want("going on", "", true)
	})
}

// TestPeers_AsFilesToo: Radicale's collections are iCalendar files for a plain
// GET, Xandikos answers with a page.
func TestPeers_AsFilesToo(t *testing.T) {
	eachPeer(t, Options{}, func(t *testing.T, p *peer) {
		s := ics.New(ics.Options{Client: p.s.o.Client})
		p.box.Address = p.URL + p.Home(p.user) + "work/"
		results, err := s.Fetch(t.Context(), window, []sources.Mailbox{p.box})
		p.must(err)
		if p.Kind == testbed.Xandikos {
			wantFault(t, "a page", results[0].Err, sources.Malformed)
			p.box.Address += "1.ics"
			results, err = s.Fetch(t.Context(), window, []sources.Mailbox{p.box})
			p.must(err)
		}
		if results[0].Err != nil || hours(results[0]) != "2 10:00" {
			t.Fatalf("got %q, %v", hours(results[0]), results[0].Err)
		}
		p.box.State = results[0].State
		results, err = s.Fetch(t.Context(), window, []sources.Mailbox{p.box})
		if err != nil || !results[0].Unchanged {
			t.Errorf("again: unchanged %v, %v", results[0].Unchanged, err)
		}
	})
}
