package main

import (
	"testing"
	"time"
)

func TestEntryLine_IsOneLineForPeople(t *testing.T) {
	for line, want := range map[string]string{
		`{"at":"2026-11-22T15:00:00.123Z","what":"presence","who":"bob@example.org","way":"query","user":"alice@example.org","level":200}`:                                                                           "2026-11-22T15:00:00.123Z  bob@example.org  presence  alice@example.org  level 200  by query",
		`{"at":"A","what":"rule","who":"operator","uid":0,"way":"admin","user":"u","rules":[{"type":"user","value":"b","old":200,"new":32000,"until":"T"},{"type":"sameEnterprise","old":200}],"outcome":"refused"}`: "A  operator (uid 0)  rule  u  user b: 200 -> 32000 until T  sameEnterprise: 200 -> no rule  (refused)  by admin",
		`{"at":"A","what":"presence","who":"b","way":"http","user":"u","level":0,"times":7,"since":"S"}`:                                                                                                             "A  b  presence  u  level 0  7 times since S  by http",
		`{"at":"A","what":"lost","who":"presenced","lost":12}`:                                  "A  presenced  lost  12 entries",
		`{"at":"A","what":"grant","who":"x\u001b[2J\u202e\n","group":"g","as":"w","about":"p"}`: "A  x [2J    grant  group g  as w  p",
		"no entry \x1b": "no entry  ",
	} {
		if got := entryLine([]byte(line)); got != want {
			t.Errorf("%s:\n got %q\nwant %q", line, got, want)
		}
	}
}

func TestSinceWhen_TakesDurationsAndInstants(t *testing.T) {
	now := time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "24h": now.Add(-24 * time.Hour), "7d": now.Add(-7 * 24 * time.Hour), "2026-11-01": time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		"2026-11-22T14:00:00+01:00": now.Add(-2 * time.Hour),
	} {
		if got, err := sinceWhen(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
}
