package aggregation

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func mustHours(t testing.TB, s string) Hours {
	t.Helper()
	h, err := ParseHours(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestHours_Off names S5.5: local times, whatever the clocks do.
func TestHours_Off(t *testing.T) {
	const week = "Mo-Th 08:00-12:00,13:00-17:00; Fr 08:00-14:00"
	for _, tt := range []struct {
		name, hours, zone, now string
		off                    bool
		next                   string
	}{
		{"morning", week, "UTC", "2026-11-25T09:00:00Z", false, "2026-11-25T12:00:00Z"},
		{"noon is off", week, "UTC", "2026-11-25T12:00:00Z", true, "2026-11-25T13:00:00Z"},
		{"evening", week, "UTC", "2026-11-25T17:00:00Z", true, "2026-11-26T08:00:00Z"},
		{"friday", week, "UTC", "2026-11-27T14:00:00Z", true, "2026-11-30T08:00:00Z"},
		{"in her zone", week, "Europe/Berlin", "2026-11-25T07:00:00Z", false, "2026-11-25T11:00:00Z"},
		{"in her zone, before", week, "Europe/Berlin", "2026-11-25T06:59:59Z", true, "2026-11-25T07:00:00Z"},
		{"to midnight", "Mo 20:00-24:00", "UTC", "2026-11-23T23:59:00Z", false, "2026-11-24T00:00:00Z"},
		{"night shift, before midnight", "Mo-Fr 22:00-06:00", "UTC", "2026-11-25T23:00:00Z", false, "2026-11-26T06:00:00Z"},
		{"night shift, after midnight", "Fr 22:00-06:00", "UTC", "2026-11-28T05:00:00Z", false, "2026-11-28T06:00:00Z"},
		{"night shift, another day", "Fr 22:00-06:00", "UTC", "2026-11-27T05:00:00Z", true, "2026-11-27T22:00:00Z"},
		{"the clocks go forward", "Su 01:00-04:00", "Europe/Berlin", "2026-03-29T00:30:00Z", false, "2026-03-29T02:00:00Z"},
		{"the clocks go back", "Su 01:00-04:00", "Europe/Berlin", "2026-10-25T00:30:00Z", false, "2026-10-25T03:00:00Z"},
		{"once a week", "Mo 09:00-10:00", "UTC", "2026-11-23T10:00:00Z", true, "2026-11-30T09:00:00Z"},
		{"around the clock", "Mo-Su 00:00-24:00", "UTC", "2026-11-25T00:00:00Z", false, "2026-11-26T00:00:00Z"},
		{"days wrap", "Sa-Mo 09:00-10:00", "UTC", "2026-11-22T09:30:00Z", false, "2026-11-22T10:00:00Z"},
		{"none", "", "UTC", "2026-11-25T09:00:00Z", false, ""},
	} {
		now, err := time.Parse(time.RFC3339, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		off, next := mustHours(t, tt.hours).Off(now, zoneOf(t, tt.zone))
		got := ""
		if !next.IsZero() {
			got = next.UTC().Format(time.RFC3339)
		}
		if off != tt.off || got != tt.next {
			t.Errorf("%s: off %v next %s, want %v %s", tt.name, off, got, tt.off, tt.next)
		}
	}
}

func TestParseHours_RefusesWithAnExample(t *testing.T) {
	for _, s := range []string{
		"9-5", "Mo", "Mo-Fr", "Mo-Fr 9", "Mo-Fr 09:00", "Mo-Fr 09:00-25:00", "Mo-Fr 24:00-06:00", "Mo 22:00-00:00", "Xx 09:00-10:00",
		"Mo,Mo 09:00-10:00", "Mo-We,Tu 09:00-10:00", "Mo- 09:00-10:00", "Mo 09:00-10:00,", "Mo-Su 1:00-2:00,3:00-4:00,5:00-6:00,7:00-8:00,9:00-10:00",
	} {
		if _, err := ParseHours(s); !errors.Is(err, ErrHours) {
			t.Errorf("%q: %v, want ErrHours", s, err)
		}
	}
	for _, s := range []string{"mo-fr 9:00-17:00", "Mo,We,Fr 09:00-12:00 , 13:00-14:00;", " ; Sa 10:00-11:00"} {
		if h, err := ParseHours(s); err != nil || h.IsZero() {
			t.Errorf("%q: %v, want hours", s, err)
		}
	}
}

// TestHours_NextIsAnEdge: nothing changes before next, and the daemon is not woken
// for ever.
func TestHours_NextIsAnEdge(t *testing.T) {
	zones := []*time.Location{time.UTC, zoneOf(t, "Europe/Berlin"), zoneOf(t, "Australia/Lord_Howe"), zoneOf(t, "America/St_Johns")}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"Mo-Fr 09:00-17:00", "Mo 22:00-06:00", "Su 01:30-02:30; We 00:00-24:00", "Sa,Su 23:59-00:01"}).Draw(t, "hours")
		h, err := ParseHours(text)
		if err != nil {
			t.Fatal(err)
		}
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		now := time.Unix(rapid.Int64Range(1_767_225_600, 1_830_297_600).Draw(t, "now"), 0)
		off, next := h.Off(now, zone)
		if !next.After(now) || next.Sub(now) > 8*24*time.Hour {
			t.Fatalf("next is %v after now", next.Sub(now))
		}
		between := now.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(now))-1).Draw(t, "between")))
		if then, again := h.Off(between, zone); then != off || !again.Equal(next) {
			t.Fatalf("%v between %v and %v: off %v, want %v; next %v", between, now, next, then, off, again)
		}
	})
}
