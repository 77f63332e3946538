package caldav

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"presenced/aggregation/calendar/sources"
)

// count returns how often something was asked.
func (f *fake) count(what string) int {
	n := 0
	for _, a := range f.asked {
		if strings.HasPrefix(a, what+" ") {
			n++
		}
	}
	return n
}

// TestObjects_ThatRecurAreNotLeftToTheServer: Xandikos 0.2.8 finds an event in a
// time-range only by its first instance.
func TestObjects_ThatRecurAreNotLeftToTheServer(t *testing.T) {
	f := newFake(t)
	f.events["/c/juliet/work/r.ics"] = "Z" + event("r", "DTSTART:20200101T090000Z\nDTEND:20200101T093000Z\nRRULE:FREQ=DAILY")
	s, box := f.source(Options{}, "/c/juliet/work/")
	got, err := one(t, s, window, box)
	if want := "2 09:00, 2 10:00, 3 09:00"; err != nil || hours(got) != want {
		t.Errorf("got %q, %v, want %q", hours(got), err, want)
	}
}

func TestObjects_AreAskedForOtherwiseWhereAQuestionFails(t *testing.T) {
	const work = "/c/juliet/work/"
	partial := func(w http.ResponseWriter) { multi(w, answer(work, "<status>HTTP/1.1 507 X</status>")) }
	refuse := func(status int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(status) }
	}
	tests := []struct {
		name  string
		fails func(body string) bool
		how   func(http.ResponseWriter)
		gets  int // multigets
	}{
		{"no filter of properties", func(b string) bool { return strings.Contains(b, "prop-filter") }, refuse(403), 0},
		{"no time-range", func(b string) bool { return strings.Contains(b, "time-range") }, refuse(500), 0},
		{"no query at all", func(b string) bool { return strings.Contains(b, "calendar-query") }, refuse(501), 1},
		{"no query, as another type", func(b string) bool { return strings.Contains(b, "calendar-query") }, refuse(415), 1},
		{"only a part", func(b string) bool { return strings.Contains(b, "calendar-query") }, partial, 1},
	}
	for _, tt := range tests {
		f := newFake(t)
		f.events[work+"r.ics"] = "Z" + event("r", "DTSTART:20261101T090000Z\nDTEND:20261101T093000Z\nRRULE:FREQ=DAILY")
		f.instead = func(w http.ResponseWriter, _ *http.Request, body string) bool {
			if tt.fails(body) {
				tt.how(w)
				return true
			}
			return false
		}
		s, box := f.source(Options{}, work)
		got, err := one(t, s, window, box)
		if want := "2 09:00, 2 10:00, 3 09:00"; err != nil || hours(got) != want || f.count("calendar-multiget") != tt.gets {
			t.Errorf("%s: got %q, %v, asked %q", tt.name, hours(got), err, f.asked)
		}
	}
}

func TestObjects_AreGotInChunks(t *testing.T) {
	f := newFake(t)
	for n := range 2*perGet + 1 {
		f.events[fmt.Sprintf("/c/juliet/work/n%d & <more>.ics", n)] = event(fmt.Sprint(n), "DTSTART:20261102T150000Z\nDTEND:20261102T160000Z")
	}
	f.instead = func(w http.ResponseWriter, r *http.Request, body string) bool {
		if !strings.Contains(body, "calendar-query") {
			return false
		}
		var all []string // names without texts, as some servers answer
		for _, p := range f.in(r.URL.Path) {
			all = append(all, answer(p, ok("<getetag>1</getetag>"), failed("<C:calendar-data/>", 404)))
		}
		multi(w, all...)
		return true
	}
	s, box := f.source(Options{}, "/c/juliet/work/")
	got, err := one(t, s, window, box)
	if err != nil || len(got.Schedule.Events) != 2*perGet+2 {
		t.Errorf("got %d events, %v", len(got.Schedule.Events), err)
	}
}

func TestObjects_EachMayFail(t *testing.T) {
	const bad = "/c/juliet/work/x.ics"
	forbidden := "<propstat><prop><C:calendar-data/></prop><status>HTTP/1.1 403 X</status></propstat>"
	tests := []struct {
		name, object string
		warns        bool
	}{
		{"garbage", secret, true},
		{"half an event", event("x", "DTSTART:20261102T150000Z")[:60], true},
		{"an event without a start", event("x", "X-NOTHING:1"), true},
		{"403", forbidden, true},
		{"500", strings.Replace(forbidden, "403", "500", 1), true},
		{"gone in between", "<status>HTTP/1.1 404 X</status>", false},
		{"a recurrence bomb", event("x", "DTSTART:20261102T150000Z\nRRULE:FREQ=SECONDLY"), true},
	}
	for _, tt := range tests {
		f := newFake(t)
		f.events[bad] = tt.object
		s, box := f.source(Options{}, "/c/juliet/")
		got, err := one(t, s, window, box)
		if err != nil || !strings.Contains(hours(got), "2 10:00") || !strings.Contains(hours(got), "2 12:00") {
			t.Errorf("%s: got %q, %v: the other events are lost", tt.name, hours(got), err)
		}
		if warns := len(got.Schedule.Warnings) > 0; warns != tt.warns {
			t.Errorf("%s: warnings %q", tt.name, got.Schedule.Warnings)
		}
	}
}

func TestObjects_WhenAllFail(t *testing.T) {
	tests := []struct {
		name, object string
		want         sources.FaultKind
	}{
		{"garbage", secret, sources.Malformed},
		{"403", "<propstat><prop><C:calendar-data/></prop><status>HTTP/1.1 403 X</status></propstat>", sources.Forbidden},
		{"no texts", "<propstat><prop><getetag/></prop><status>HTTP/1.1 200 X</status></propstat>", sources.Malformed},
	}
	for _, tt := range tests {
		f := newFake(t)
		for path := range f.events {
			f.events[path] = tt.object
		}
		s, box := f.source(Options{}, "/c/juliet/")
		_, err := one(t, s, window, box)
		wantFault(t, tt.name, err, tt.want)
	}
}

// TestObjects_HalfAScheduleIsNone: a calendar that fails must not look like free
// time, one that was taken away must not lose the others.
func TestObjects_HalfAScheduleIsNone(t *testing.T) {
	for status, want := range map[int]sources.FaultKind{500: sources.Broken, 503: sources.Busy, 401: sources.Unauthorized} {
		f := newFake(t)
		f.instead = func(w http.ResponseWriter, r *http.Request, _ string) bool {
			if r.URL.Path != "/c/juliet/family/" {
				return false
			}
			w.WriteHeader(status)
			return true
		}
		s, box := f.source(Options{}, "/c/juliet/")
		_, err := one(t, s, window, box)
		wantFault(t, fmt.Sprint(status), err, want)
	}
	for _, status := range []int{403, 404} {
		f := newFake(t)
		f.instead = func(w http.ResponseWriter, r *http.Request, _ string) bool {
			if r.URL.Path != "/c/juliet/family/" {
				return false
			}
			w.WriteHeader(status)
			return true
		}
		s, box := f.source(Options{}, "/c/juliet/")
		if got, err := one(t, s, window, box); err != nil || hours(got) != "2 10:00" || len(got.Schedule.Warnings) == 0 {
			t.Errorf("%d: got %q, %v, warnings %q", status, hours(got), err, got.Schedule.Warnings)
		}
	}
}

func TestObjects_ManyCalendarsAreBounded(t *testing.T) {
	f := newFake(t)
	for n := range maxCalendars {
		path := fmt.Sprintf("/c/juliet/a%03d/", n)
		f.props[path], f.below["/c/juliet/"] = typeCalendar+"<S:getctag>1</S:getctag>", append(f.below["/c/juliet/"], path)
	}
	s, box := f.source(Options{}, "/c/juliet/")
	got, err := one(t, s, window, box)
	if err != nil || len(got.Schedule.Warnings) == 0 || f.count("calendar-query") != 3*maxCalendars {
		t.Errorf("got %v, warnings %q, %d queries", err, got.Schedule.Warnings, f.count("calendar-query"))
	}
}

func TestFreeBusy(t *testing.T) {
	times := "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nDTSTART:20261102T080000Z\nDTEND:20261104T080000Z\nFREEBUSY:20261102T090000Z/20261102T093000Z\nEND:VFREEBUSY\nEND:VCALENDAR\n"
	radicale := "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nDTSTART:20261102T090000Z\nDTEND:20261102T093000Z\nFBTYPE:BUSY\nEND:VFREEBUSY\nEND:VCALENDAR\n"
	tests := []struct {
		name   string
		status int
		body   string
		want   sources.FaultKind
		good   bool
	}{
		{"times", 200, times, 0, true},
		{"one VFREEBUSY per event", 200, radicale, 0, true},
		{"a 207 of nothing", 207, "<multistatus xmlns='DAV:'/>", sources.Malformed, false},
		{"no times", 200, "BEGIN:VCALENDAR\nEND:VCALENDAR\n", sources.Malformed, false},
		{"cut", 200, times[:80], sources.Malformed, false},
		{"403", 403, "", sources.Forbidden, false},
		{"501", 501, "", sources.Broken, false},
	}
	for _, tt := range tests {
		f := newFake(t)
		f.instead = func(w http.ResponseWriter, _ *http.Request, body string) bool {
			if !strings.Contains(body, "free-busy-query") {
				return false
			}
			w.Header().Set("Content-Type", "application/octet-stream")
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
			return true
		}
		s, box := f.source(Options{FreeBusy: true}, "/c/juliet/work/")
		got, err := one(t, s, window, box)
		if !tt.good {
			wantFault(t, tt.name, err, tt.want)
			continue
		}
		if err != nil || hours(got) != "2 09:00" || f.count("calendar-query") > 0 {
			t.Errorf("%s: got %q, %v, asked %q", tt.name, hours(got), err, f.asked)
		}
	}
}

// TestFreeBusy_MayBeAllThereIs: with the right to see free/busy times only, even
// looking at the calendar is forbidden.
func TestFreeBusy_MayBeAllThereIs(t *testing.T) {
	f := newFake(t)
	f.instead = func(w http.ResponseWriter, r *http.Request, body string) bool {
		if r.Method == "PROPFIND" {
			w.WriteHeader(http.StatusForbidden)
		} else {
			_, _ = io.WriteString(w, "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nFREEBUSY:20261102T090000Z/PT30M\nEND:VFREEBUSY\nEND:VCALENDAR\n")
		}
		return true
	}
	s, box := f.source(Options{FreeBusy: true}, "/c/juliet/work/")
	for _, unchanged := range []bool{false, true} {
		got, err := one(t, s, window, box)
		if err != nil || got.Unchanged != unchanged || !unchanged && hours(got) != "2 09:00" {
			t.Errorf("got %q, unchanged %v, %v", hours(got), got.Unchanged, err)
		}
		box.State = got.State
	}
	if !slices.Contains(f.asked, "free-busy-query /c/juliet/work/") {
		t.Errorf("asked %q", f.asked)
	}
}
