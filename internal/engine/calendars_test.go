package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/aggregation/calendar"
	"presenced/internal/presence"
	"presenced/privacy"
)

// at is an instant of a synctest bubble, in minutes from its beginning.
func at(minutes int) time.Time {
	return time.Date(2000, 1, 1, 0, minutes, 0, 0, time.UTC)
}

func meeting(from, to int) presence.Event {
	return presence.Event{Start: at(from), End: at(to), Kind: presence.EventBusy, Subject: "Budget"}
}

var groupware = SiteCalendar("groupware")

// read hands over what the groupware says now.
func (w *world) read(id CalendarID, events ...presence.Event) {
	now := time.Now()
	w.CalendarRead(presence.MustAddr(alice), id, CalendarReading{Packed: calendar.Pack(events), FetchedAt: now, Reach: now.Add(48 * time.Hour)})
	synctest.Wait()
}

func TestCalendars_EdgesComeFromATimer(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.watch(bob)
		w.read(groupware, meeting(10, 40), meeting(40, 50), meeting(50, 51))
		w.expect()
		time.Sleep(time.Until(at(10)) - time.Millisecond)
		w.expect()
		time.Sleep(time.Millisecond)
		w.expect(to(bob, "6500 in-a-meeting en"))
		time.Sleep(time.Until(at(51)) - time.Millisecond)
		w.expect() // back-to-back meetings never flicker (S6.3)
		time.Sleep(time.Millisecond)
		w.expect(to(bob, "3500 en"))
	})
}

func TestCalendars_OutliveARestartWithoutTheirServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		w := build(t, store)
		w.attach()
		w.apply(alice, Enable{})
		w.device(alice+"/desk", Device{})
		w.watch(bob)
		w.read(groupware, meeting(10, 40))
		w.Stop(context.Background())
		time.Sleep(time.Until(at(20))) // the edge passes while nobody is there

		w = build(t, store)
		defer w.Stop(context.Background())
		w.attach()
		w.device(alice+"/desk", Device{})
		w.expect(to(bob, "6500 in-a-meeting en"))
		time.Sleep(time.Until(at(40)))
		w.expect(to(bob, "3500 en"))
	})
}

func TestCalendars_StaleOnesHaveNoOpinion(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.watch(bob)
		day := 24 * 60
		w.read(groupware, meeting(10, 3*day))
		w.read(SiteCalendar("other"), meeting(2*day, 2*day+1))
		time.Sleep(time.Until(at(10)))
		w.expect(to(bob, "6500 in-a-meeting en"))
		time.Sleep(time.Until(at(60)))
		w.CalendarUnchanged(presence.MustAddr(alice), groupware, time.Now(), nil)
		time.Sleep(time.Until(at(day+60)) - time.Millisecond)
		w.expect()
		time.Sleep(time.Millisecond)
		w.expect(to(bob, "3500 en"))
		w.CalendarUnchanged(presence.MustAddr(alice), groupware, time.Now(), nil)
		w.expect(to(bob, "6500 in-a-meeting en"))
		time.Sleep(time.Until(at(2 * day))) // the end of what was asked for
		w.expect(to(bob, "3500 en"))
	})
}

func TestCalendars_SeveralOfOneUserAreOne(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.watch(bob)
		w.read(groupware, meeting(0, 30))
		w.expect(to(bob, "6500 in-a-meeting en"))
		w.read(SiteCalendar("other"), meeting(20, 40))
		time.Sleep(time.Until(at(30)))
		w.expect()
		w.CalendarGone(presence.MustAddr(alice), SiteCalendar("other"))
		w.expect(to(bob, "3500 en"))
	})
}

func TestCalendars_AreNotStoredAgainForNothing(t *testing.T) {
	live(t, func(w *world) {
		key := presence.MustAddr(alice).Key()
		stored := func() string {
			w.store.mu.Lock()
			defer w.store.mu.Unlock()
			return string(w.store.docs[key][DocSchedule])
		}
		w.read(groupware, meeting(10, 40))
		first := stored()
		if first == "" {
			t.Fatal("nothing is stored")
		}
		time.Sleep(restoreAfter / 2)
		w.read(groupware, meeting(10, 40))
		if again := stored(); again != first {
			t.Errorf("the same reading is stored again: %s", again)
		}
		time.Sleep(restoreAfter / 2)
		w.read(groupware, meeting(10, 40))
		if again := stored(); again == first {
			t.Error("after an hour its time is not stored")
		}
		w.store.fail = errors.New("full")
		w.read(groupware, meeting(10, 45))
		w.store.fail = nil
		w.read(groupware, meeting(10, 45))
		if c := readStored(t, stored()); len(c.Calendars) != 1 || string(c.Calendars[0].Events) != calendar.Pack([]presence.Event{meeting(10, 45)}) {
			t.Errorf("what the store refused was not tried again: %+v", c)
		}
		w.CalendarGone(presence.MustAddr(alice), groupware)
		synctest.Wait()
		if left := stored(); left != "" {
			t.Errorf("a calendar that is gone is still stored: %s", left)
		}
	})
}

func readStored(t *testing.T, doc string) (c scheduleDoc) {
	t.Helper()
	if err := json.Unmarshal([]byte(doc), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// wanted writes down what the engine wants read.
type wanted struct{ lines []string }

func (r *wanted) WantCalendars(w CalendarWish) {
	own := make([]string, 0, len(w.Own))
	for _, o := range w.Own {
		own = append(own, o.Name)
	}
	r.lines = append(r.lines, fmt.Sprintf("%s site=%t own=%v zone=%s attendee=%s have=%d", w.Bare, w.Site, own, w.Zone, w.Attendee, len(w.Have)))
}
func (r *wanted) ForgetCalendars(a presence.Addr) { r.lines = append(r.lines, "forget "+a.Key()) }

// glass seals nothing.
type glass struct{}

func (glass) Seal(context string, plain []byte) []byte { return append([]byte(context+"|"), plain...) }

func TestCalendars_ReaderIsToldWhatIsWanted(t *testing.T) {
	live(t, func(w *world) {
		r := &wanted{}
		w.opt.Calendars, w.opt.Sealer = r, glass{}
		next := func(want string) {
			t.Helper()
			synctest.Wait()
			got := r.lines
			r.lines = nil
			if len(got) == 0 || got[len(got)-1] != want {
				t.Fatalf("the reader was told %q, want %q", got, want)
			}
		}
		w.apply(alice, SetProfile{Profile{Timezone: "Europe/Berlin"}})
		next("alice@example.org site=true own=[] zone=Europe/Berlin attendee=alice@example.org have=0")
		card := &presence.Profile{}
		card.Text[presence.FieldEmail] = "a.liddell@example.org"
		w.CardRead(presence.MustAddr(alice), card, nil)
		next("alice@example.org site=true own=[] zone=Europe/Berlin attendee=a.liddell@example.org have=0")
		w.read(groupware, meeting(10, 40))
		w.apply(alice, AddCalendar{Kind: CalendarICS, Access: CalendarAccess{URL: "webcal://cal.example.net/private-4711.ics"}})
		next("alice@example.org site=true own=[cal.example.net] zone=Europe/Berlin attendee=a.liddell@example.org have=1")
		w.apply(alice, SetSiteCalendars{On: false})
		next("alice@example.org site=false own=[cal.example.net] zone=Europe/Berlin attendee=a.liddell@example.org have=1")
		own := w.owned(alice).set.cals.own[0]
		if !strings.Contains(string(own.Sealed), own.ID+`|{"url":"https://cal.example.net/private-4711.ics"}`) {
			t.Errorf("sealed is %q", own.Sealed)
		}
		w.apply(alice, RemoveCalendar{ID: own.ID})
		next("alice@example.org site=false own=[] zone=Europe/Berlin attendee=a.liddell@example.org have=0")
		w.apply(alice, Disable{})
		next("forget alice@example.org")
	})
}

// owned returns one user, who is not to change meanwhile.
func (w *world) owned(bare string) *user {
	a := presence.MustAddr(bare)
	return w.shardOf(a).users[a]
}

func TestCalendars_WhatIsNotWantedIsNotShown(t *testing.T) {
	live(t, func(w *world) {
		w.opt.Sealer = glass{}
		w.device(alice+"/desk", Device{})
		w.watch(bob)
		w.read(groupware, meeting(0, 30))
		w.expect(to(bob, "6500 in-a-meeting en"))
		w.apply(alice, SetSiteCalendars{On: false})
		w.expect(to(bob, "3500 en"))
		w.read(groupware, meeting(0, 30)) // an answer that was on its way
		w.expect()
		w.apply(alice, SetSiteCalendars{On: true})
		w.read(groupware, meeting(0, 30))
		w.expect(to(bob, "6500 in-a-meeting en"))
	})
}

func TestCalendars_RefusesWhatMayNotBeKept(t *testing.T) {
	add := func(kind, url, user, password string) AddCalendar {
		return AddCalendar{Kind: kind, Access: CalendarAccess{URL: url, Username: user, Password: password}}
	}
	for name, c := range map[string]struct {
		add   AddCalendar
		field string
	}{
		"no kind":           {add("", "https://example.net/a", "", ""), "kind"},
		"no address":        {add("ics", "", "", ""), "url"},
		"a file":            {add("ics", "file:///etc/passwd", "", ""), "url"},
		"a path":            {add("ics", "/etc/passwd", "", ""), "url"},
		"password in it":    {add("ics", "https://a:b@example.net/", "", ""), "url"},
		"clear password":    {add("caldav", "http://example.net/", "a", "b"), "url"},
		"long":              {add("ics", "https://example.net/"+strings.Repeat("a", 3000), "", ""), "url"},
		"password of whom":  {add("caldav", "https://example.net/", "", "b"), "username"},
		"a name of 2 lines": {AddCalendar{Kind: "ics", Name: "a\nb", Access: CalendarAccess{URL: "https://example.net/"}}, "name"},
	} {
		_, err := CheckCalendar(c.add)
		if r, ok := errors.AsType[*RefusedError](err); !ok || r.Field != c.field {
			t.Errorf("%s: %v; want a refusal of %s", name, err, c.field)
		}
	}
	live(t, func(w *world) {
		who := Principal{Addr: presence.MustAddr(alice), JID: alice}
		good := add("ics", "https://example.net/a.ics", "", "")
		if _, err := w.Apply(w.Context(), who, jid(alice), good); err == nil || !strings.Contains(err.Error(), "calendar.key_file") {
			t.Errorf("without a key: %v; want a refusal that names calendar.key_file", err)
		}
		w.opt.Sealer = glass{}
		for range maxOwnCalendars {
			w.apply(alice, good)
		}
		if _, err := w.Apply(w.Context(), who, jid(alice), good); err == nil {
			t.Errorf("more than %d calendars are accepted", maxOwnCalendars)
		}
	})
}

func TestCalendars_GoWithExportAndImport(t *testing.T) {
	live(t, func(w *world) {
		w.opt.Sealer = glass{}
		w.apply(alice, AddCalendar{Name: "Mine", Kind: CalendarICS, Access: CalendarAccess{URL: "https://example.net/a.ics"}})
		w.read(groupware, meeting(10, 40))
		saved, err := w.ExportUser(w.Context(), presence.MustAddr(alice))
		if err != nil {
			t.Fatal(err)
		}
		back := Import{Docs: saved.Docs}
		w.read(groupware, meeting(10, 45)) // nobody's choice
		if r := w.importAlice(back); !slices.Contains(r.Advice, AdviceNothing) {
			t.Errorf("the same settings changed something: %v", r)
		}
		w.apply(alice, Erase{})
		w.importAlice(back)
		c := w.owned(alice).set.cals
		if len(c.own) != 1 || len(c.parts) != 1 {
			t.Errorf("imported %+v", c)
		}
		back.Docs[DocCals] = []byte(`{"v":1,"own":[{"id":"a","name":"","kind":"file","sealed":""}]}`)
		back.Replace = true
		if _, err := w.Apply(w.Context(), Principal{Operator: true}, jid(alice), back); err == nil {
			t.Error("a calendar of no kind is imported")
		}
	})
}

func (w *world) importAlice(c Import) Result {
	w.Helper()
	r, err := w.Apply(context.Background(), Principal{Operator: true}, jid(alice), c)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// TestCalendars_Memory holds what 20 intervals of each of many users cost to 400
// bytes a user.
func TestCalendars_Memory(t *testing.T) {
	const people = 10_000
	e, err := New(Options{
		Domain: "presence.example.org", Hosts: []string{"example.org"}, Language: "en", Store: newMemory(), Sender: &wire{},
		Registerer: prometheus.NewRegistry(), Shards: 1, Log: slog.New(slog.DiscardHandler),
	}, testRules(t))
	if err != nil {
		t.Fatal(err)
	}
	s := e.shards[0]
	for i := range people {
		a := presence.MustAddr(fmt.Sprintf("u%d@example.org", i))
		s.newUser(a, a.Key())
	}
	before := liveHeap()
	now := time.Now()
	for _, u := range s.users {
		events := make([]presence.Event, 20)
		for i := range events {
			start := now.Truncate(time.Minute).Add(time.Duration(i) * 75 * time.Minute)
			events[i] = presence.Event{Start: start, End: start.Add(45 * time.Minute), Kind: presence.EventBusy, Attendees: true}
		}
		u.calendars().parts = []schedule{{id: groupware, packed: calendar.Pack(events), fetched: now.Unix(), reach: now.Unix()}}
	}
	if each := (liveHeap() - before) / people; each > 400 {
		t.Errorf("a schedule of 20 intervals takes %d bytes a user, want at most 400", each)
	} else {
		t.Logf("a schedule of 20 intervals takes %d bytes a user", each)
	}
	runtime.KeepAlive(e)
}

func liveHeap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What a meeting is about is for the workgroup, when it ends for colleagues, and
// neither of a private one for anybody (S3, S6.2).
func TestCalendars_DetailsByLevel(t *testing.T) {
	live(t, func(w *world) {
		w.apply(alice, PutRule{Rule: privacy.Rule{Container: presence.Workgroup, Type: privacy.RuleUser, Value: boss}})
		w.device(alice+"/desk", Device{})
		w.watch(bob, boss, fred)
		tells := func(watcher string) string {
			v := w.Look(w.Context(), Principal{Addr: presence.MustAddr(watcher)}, []presence.Addr{presence.MustAddr(alice)})[0]
			return strings.Join([]string{v.Text[presence.FieldMeetingSubject], v.Text[presence.FieldMeetingLocation], v.Text[presence.FieldFreeBusy]}, "|")
		}
		expect := func(what string, want map[string]string) {
			t.Helper()
			for _, watcher := range []string{bob, boss, fred, zed} {
				if got := tells(watcher); got != want[watcher] {
					t.Errorf("%s: %s is told %q, want %q", what, watcher, got, want[watcher])
				}
			}
		}
		m := meeting(10, 40)
		m.Location = "Room 412"
		w.read(groupware, m)
		nothing := "||"
		before := "||free until 2000-01-01T00:10:00Z"
		expect("before it", map[string]string{bob: before, boss: before, fred: nothing, zed: nothing})
		time.Sleep(time.Until(at(10)))
		w.out.take()
		end := "busy until 2000-01-01T00:40:00Z"
		expect("in it", map[string]string{bob: "||" + end, boss: "Budget|Room 412|" + end, fred: nothing, zed: nothing})
		m.Subject = "Layoffs"
		w.read(groupware, m)
		w.expect() // nobody is sent anything who may not know
		m.Private = true
		w.read(groupware, m)
		expect("private", map[string]string{bob: nothing, boss: nothing, fred: nothing, zed: nothing})
	})
}
