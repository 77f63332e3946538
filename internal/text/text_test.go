package text

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"presenced/internal/presence"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct{ lang, fallback, want string }{
		{"de", "", "de"}, {"DE-at", "en", "de"}, {"de_CH", "en", "de"}, {"en-GB", "de", "en"},
		{"", "de", "de"}, {"fr", "de-DE", "de"}, {"fr", "it", "en"}, {"", "", "en"},
		{"deutsch", "en", "en"}, {"-de", "en", "en"},
	} {
		if got := Match(c.lang, c.fallback); got != c.want {
			t.Errorf("Match(%q, %q) = %q, want %q", c.lang, c.fallback, got, c.want)
		}
	}
	if got := Languages(); !reflect.DeepEqual(got, []string{"en", "de"}) {
		t.Errorf("Languages() = %q", got)
	}
}

func TestWorded(t *testing.T) {
	both := &presence.Wording{ByLanguage: map[string]string{"en": "At lunch", "de": "Mittag", "de-at": "Jause"}}
	for _, c := range []struct {
		lang string
		w    *presence.Wording
		want string
	}{
		{"de", both, "Mittag"}, {"DE-at", both, "Jause"}, {"de_AT", both, "Jause"}, {"de-CH-1996", both, "Mittag"}, {"fr", both, "At lunch"}, {"", both, "At lunch"}, {"-", both, "At lunch"},
		{"fr", &presence.Wording{ByLanguage: map[string]string{"pl": "obiad", "it": "pranzo"}}, "pranzo"},
		{"de", &presence.Wording{}, "at table"}, {"de", nil, "at table"},
	} {
		if got := Worded(c.lang, "at-table", c.w); got != c.want {
			t.Errorf("Worded(%q) = %q, want %q", c.lang, got, c.want)
		}
	}
}

func TestActivity_EveryKnownTokenIsTranslated(t *testing.T) {
	for _, a := range presence.Activities() {
		en, de := Activity("en", a), Activity("de", a)
		if en == "" || de == "" || en == string(a) || de == string(a) || en == de {
			t.Errorf("%s: %q and %q", a, en, de)
		}
	}
	if got := Activity("de", "on-a-boat"); got != "on a boat" {
		t.Errorf("custom token reads %q", got)
	}
	if got := Activity("de", presence.NoActivity); got != "" {
		t.Errorf("no token reads %q", got)
	}
}

func TestClass_EveryClassIsTranslated(t *testing.T) {
	for c := presence.ClassAvailable; c <= presence.ClassOffline; c++ {
		if Class("en", c) == "" || Class("de", c) == "" {
			t.Errorf("%s has no text", c)
		}
	}
	if got := Class("en", presence.ClassUnset); got != "" {
		t.Errorf("unset reads %q", got)
	}
}

func TestContainer(t *testing.T) {
	for _, id := range []presence.ContainerID{0, 1, 100, 200, 300, 400, 32000} {
		for _, lang := range Languages() {
			if containers[id] == nil || Container(lang, id) == "" || !strings.HasSuffix(ContainerShows(lang, id), ".") {
				t.Errorf("%s %d: %q, %q", lang, id, Container(lang, id), ContainerShows(lang, id))
			}
		}
	}
	if got := Container("de", 150); got != "Stufe 150" {
		t.Errorf("custom level is called %q", got)
	}
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	u, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// view returns a busy view; fields alternate name and text.
func view(a presence.Activity, until time.Time, fields ...string) *presence.View {
	v := &presence.View{Availability: presence.Busy, Activity: a, Until: until}
	for i := 0; i+1 < len(fields); i += 2 {
		f, ok := presence.ParseField(fields[i])
		if !ok {
			panic("no field " + fields[i])
		}
		v.Text[f] = fields[i+1]
	}
	return v
}

func TestStatus(t *testing.T) {
	now := time.Date(2026, 11, 22, 13, 30, 0, 0, time.UTC)
	zoned := func(v *presence.View) *presence.View { v.Zone = true; return v }
	meeting, day := at(t, "2026-11-22T15:00:00Z"), at(t, "2026-11-23T09:05:00Z")
	for _, c := range []struct {
		name   string
		v      *presence.View
		en, de string
	}{
		{"nothing", view("", time.Time{}), "", ""},
		{"an end without a token", view("", meeting), "", ""},
		{"activity", view("in-a-meeting", time.Time{}), "In a meeting", "In einer Besprechung"},
		{"until, zone hidden", view("in-a-meeting", meeting, "timezone", "Europe/Berlin"), "In a meeting until 15:00 UTC", "In einer Besprechung bis 15:00 Uhr (UTC)"},
		{"until, zone not known", zoned(view("in-a-meeting", meeting)), "In a meeting until 15:00 UTC", "In einer Besprechung bis 15:00 Uhr (UTC)"},
		{"until, zone nonsense", zoned(view("in-a-meeting", meeting, "timezone", "../etc/passwd")), "In a meeting until 15:00 UTC", "In einer Besprechung bis 15:00 Uhr (UTC)"},
		{"until, zone of the machine", zoned(view("in-a-meeting", meeting, "timezone", "Local")), "In a meeting until 15:00 UTC", "In einer Besprechung bis 15:00 Uhr (UTC)"},
		{"until in her zone", zoned(view("in-a-meeting", meeting, "timezone", "Europe/Berlin")), "In a meeting until 16:00", "In einer Besprechung bis 16:00 Uhr"},
		{"another day", view("in-a-meeting", day), "In a meeting until 23 November, 09:05 UTC", "In einer Besprechung bis 23. November, 09:05 Uhr (UTC)"},
		{"another day only in her zone", zoned(view("in-a-meeting", at(t, "2026-11-22T15:30:00Z"), "timezone", "Asia/Tokyo")), "In a meeting until 23 November, 00:30", "In einer Besprechung bis 23. November, 00:30 Uhr"},
		{"another year", zoned(view("out-of-office", at(t, "2027-01-04T08:00:00Z"), "timezone", "Europe/Berlin")), "Out of office until 4 January 2027, 09:00", "Nicht im Büro bis 4. Januar 2027, 09:00 Uhr"},
		{"personal note", view("in-a-meeting", meeting, "notePersonal", "Ask Bob"), "Ask Bob", "Ask Bob"},
		{"out-of-office note", view("out-of-office", meeting, "noteOOF", "Skiing", "notePersonal", "Ask Bob"), "Skiing", "Skiing"},
		{"out-of-office note while not", view("in-a-meeting", time.Time{}, "noteOOF", "Skiing"), "In a meeting", "In einer Besprechung"},
		{"out-of-office note not granted", view("out-of-office", time.Time{}, "notePersonal", "Ask Bob"), "Ask Bob", "Ask Bob"},
	} {
		if en, de := StatusAt("en-GB", c.v, now), StatusAt("de", c.v, now); en != c.en || de != c.de {
			t.Errorf("%s: got %q and %q, want %q and %q", c.name, en, de, c.en, c.de)
		}
		if c.v.Until.IsZero() {
			if en := Status("en", c.v); en != c.en {
				t.Errorf("%s: Status gives %q, want %q", c.name, en, c.en)
			}
		}
	}
}

func TestStatus_TodayNeedsNoDate(t *testing.T) {
	v := &presence.View{Activity: presence.InAMeeting, Until: time.Now().UTC().AddDate(2, 0, 0)}
	if got, year := Status("en", v), v.Until.Format("2006"); !strings.Contains(got, year) {
		t.Errorf("%q does not tell the year %s", got, year)
	}
	v.Until = time.Now()
	if got := Status("en", v); len(got) != len("In a meeting until 15:00 UTC") {
		t.Errorf("%q tells more than the time of day", got)
	}
}

func TestStatus_DoesNotAllocate(t *testing.T) {
	withNote := &presence.View{Activity: presence.OutOfOfficeA}
	withNote.Text[presence.FieldNoteOOF] = "Skiing"
	plain := &presence.View{Activity: presence.InAMeeting}
	if n := testing.AllocsPerRun(100, func() {
		if Status("de", withNote) == "" || Status("en", plain) == "" {
			t.Fatal("no status")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
