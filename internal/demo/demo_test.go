package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"presenced/internal/testbed"
)

// enhanced is an available presence with the extension.
func enhanced(show, status string, availability int, activity string) testbed.Stanza {
	return testbed.Stanza{Kind: "presence", From: mirror, Show: show, Status: status,
		Enhanced: &testbed.Enhanced{Availability: availability, Activity: activity}}
}

func TestReadLook(t *testing.T) {
	gone := testbed.Stanza{Kind: "presence", Type: "unavailable"}
	goneOut := testbed.Stanza{Kind: "presence", Type: "unavailable", Status: "Back Monday",
		Enhanced: &testbed.Enhanced{Availability: 18500, Activity: outOfOffice}}
	leaky := enhanced("", "", 3500, "")
	leaky.IdleSince = "2026-11-22T08:00:00Z"
	for _, c := range []struct {
		in   testbed.Stanza
		want look
	}{
		{enhanced("", "", 3500, ""), available},
		{enhanced("", "Room 412", 3500, ""), noted},
		{enhanced("away", "", 5000, ""), idle},
		{enhanced("dnd", "", 6500, ""), busy},
		{enhanced("dnd", "In a meeting", 6500, "in-a-meeting"), meeting},
		{enhanced("dnd", "Urgent interruptions only", 6900, urgentOnly), urgent},
		{enhanced("dnd", "", 7500, ""), look{"busy (idle)", 7500, ""}},
		{enhanced("dnd", "", 9500, ""), disturbNot},
		{enhanced("away", "", 12500, ""), look{"be right back", 12500, ""}},
		{enhanced("away", "", 15500, ""), away},
		{enhanced("xa", "Back Monday", 15500, outOfOffice), backMonday},
		{gone, offline},
		{goneOut, look{"offline: Back Monday", 18500, outOfOffice}},
		// What must never equal an expected cell.
		{enhanced("dnd", "", 3500, ""), look{"available as show=dnd", 3500, ""}},
		{enhanced("", "", 18500, ""), look{"a number that means nothing", 18500, ""}},
		{enhanced("", "", -1, ""), look{"a number that means nothing", -1, ""}},
		{testbed.Stanza{Kind: "presence", Show: "away"}, look{"show=away without a number", 0, ""}},
		{testbed.Stanza{Kind: "presence", Type: "error"}, look{"a presence of type error", 0, ""}},
		{testbed.Stanza{Kind: "presence", Type: "unsubscribed"}, look{"a presence of type unsubscribed", 0, ""}},
		{leaky, look{"available since 2026-11-22T08:00:00Z", 3500, ""}},
	} {
		if got := readLook(c.in); got != c.want {
			t.Errorf("readLook(type=%q show=%q status=%q %+v)\n got %v\nwant %v", c.in.Type, c.in.Show, c.in.Status, c.in.Enhanced, got, c.want)
		}
	}
}

func TestEndsThen(t *testing.T) {
	for _, c := range []struct {
		status, until string
		want          bool
	}{
		{"In a meeting until 10:41 UTC", "2026-11-22T10:41:59Z", true},
		{"In a meeting until 22 November, 10:41 UTC", "2026-11-22T10:41:00Z", true},
		{"In a meeting until 10:42 UTC", "2026-11-22T10:41:00Z", false},
		{"In a meeting", "2026-11-22T10:41:00Z", false},
		{"In a meeting until 10:41 UTC", "", false},
		{"Room 412", "2026-11-22T10:41:00Z", false},
	} {
		if got := endsThen(c.status, c.until); got != c.want {
			t.Errorf("endsThen(%q, %q) = %t, want %t", c.status, c.until, got, c.want)
		}
	}
}

func TestTable_LinesAreAlignedAndFit(t *testing.T) {
	var b bytes.Buffer
	tb := table{out: &b}
	tb.head()
	for _, st := range steps {
		var cells [len(columns)]cell
		for i, l := range st.want {
			cells[i] = cell{text: l.text, fresh: i%2 == 0}
		}
		tb.row(time.Now(), st.event, cells)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != len(steps)+2 {
		t.Fatalf("%d lines for %d steps and two of heading", len(lines), len(steps))
	}
	var bars []int
	for i, r := range lines[0] {
		if r == '|' {
			bars = append(bars, i)
		}
	}
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); n > 120 {
			t.Errorf("%d characters, want 120 at most: %s", n, l)
		}
		for _, at := range bars {
			if at >= len(l) || !strings.ContainsRune("|>+", rune(l[at])) {
				t.Errorf("no bar at %d: %s", at, l)
			}
		}
	}
}

func TestTable_FreshCellsAreMarked(t *testing.T) {
	var b bytes.Buffer
	at := time.Date(2026, 11, 22, 15, 4, 5, 0, time.UTC)
	tb := table{out: &b}
	tb.row(at, "desk says available", [len(columns)]cell{{"available", true}, {"do not disturb: In Room 412", false}, {"away", true}, {"offline", false}})
	want := "15:04:05  desk says available           > available           | do not disturb: In… > away           | offline\n"
	if b.String() != want {
		t.Errorf("got  %swant %s", b.String(), want)
	}
}

func TestSteps_AreConsistent(t *testing.T) {
	widths := map[string]int{"mallory": lastCell, "fred": fredCell, "bob": wideCell, "boss": wideCell}
	for _, st := range steps {
		if st.act == nil {
			t.Errorf("%q does nothing", st.event)
		}
		if n := utf8.RuneCountInString(st.event); n > eventWidth {
			t.Errorf("%q has %d characters, want %d at most", st.event, n, eventWidth)
		}
		for i, l := range st.want {
			name := columns[i].name
			if n := utf8.RuneCountInString(l.text); n > widths[name] {
				t.Errorf("%q: %s's %q has %d characters, want %d at most", st.event, name, l.text, n, widths[name])
			}
			fromTable(t, st.event, l)
		}
		// What the levels promise, whatever the table says (SEMANTICS S3).
		if fred := st.want[2]; fred.activity != "" || strings.Contains(fred.text, ":") {
			t.Errorf("%q: fred of level 100 would see %v", st.event, fred)
		}
		if st.want[3] != offline {
			t.Errorf("%q: mallory is blocked and would see %v", st.event, st.want[3])
		}
	}
}

// fromTable checks that the words of a look belong to its number.
func fromTable(t *testing.T, event string, l look) {
	t.Helper()
	if l == offline {
		return
	}
	word, status, _ := strings.Cut(l.text, ": ")
	for _, c := range classes {
		if l.availability < c.from {
			continue
		}
		show := c.show
		if l.activity == outOfOffice {
			show = "xa"
		}
		if status == "urgent only" {
			status = "Urgent interruptions only"
		}
		if got := readLook(enhanced(show, status, l.availability, l.activity)); got != l {
			t.Errorf("%q: %q does not go with %d %s, which reads %q", event, word, l.availability, l.activity, got.text)
		}
		return
	}
	t.Errorf("%q: %v has no class", event, l)
}

func TestJudge(t *testing.T) {
	once := []testbed.Stanza{enhanced("", "", 3500, "")}
	twice := append(slices.Clone(once), once...)
	thrice := append(slices.Clone(twice), once...)
	normal, crash := &step{event: "e"}, &step{event: "e", crash: true}
	for _, c := range []struct {
		title             string
		st                *step
		before, want, got look
		came              []testbed.Stanza
		says              string // empty: fine
	}{
		{"changed and sent once", normal, offline, available, available, once, ""},
		{"unchanged and silent", normal, available, available, available, nil, ""},
		{"sent twice", normal, offline, available, available, twice, "2 presences"},
		{"unchanged but sent", normal, available, available, available, once, "1 presences"},
		{"wrong", normal, offline, available, away, once, "want  available (3500)"},
		{"late", normal, offline, available, offline, nil, "received since the event: nothing"},
		{"in a crash, again", crash, available, available, available, once, ""},
		{"in a crash, missed", crash, available, available, available, nil, ""},
		{"in a crash, with the state between", crash, offline, available, available, twice, ""},
		{"in a crash, too often", crash, offline, available, available, thrice, "3 presences"},
		{"in a crash, repeated for nothing", crash, available, available, available, twice, "2 presences"},
		{"in a crash, wrong", crash, offline, available, offline, nil, "got   offline"},
	} {
		err := judge("bob", c.st, c.before, c.want, c.got, c.came)
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", c.title, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: got %v, want %q", c.title, err, c.says)
		}
	}
}

func TestStayFor(t *testing.T) {
	for _, c := range []struct {
		in   string
		want time.Duration
		ok   bool
	}{
		{"", -1, true}, {"0", 0, true}, {"30", 30 * time.Second, true}, {"-1", 0, false}, {"soon", 0, false},
	} {
		got, err := stayFor(c.in)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("stayFor(%q) = %v, %v; want %v", c.in, got, err, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", []string{""}},
		{"one two", []string{"one two"}},
		{"one two three", []string{"one two", "three"}},
		{"a verylongword b", []string{"a", "verylongword", "b"}},
	} {
		if got := wrap(c.in, 8); !slices.Equal(got, c.want) {
			t.Errorf("wrap(%q, 8) = %q, want %q", c.in, got, c.want)
		}
	}
}
