//go:build integration

package acceptance

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// onTime is within how long of a meeting's edge a watcher is to see it.
const onTime = time.Second

// ics is a calendar of one meeting.
func ics(start, end time.Time) string {
	const stamp = "20060102T150405Z"
	return strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//presenced//acceptance//EN",
		"BEGIN:VEVENT", "UID:meeting@example.org", "DTSTAMP:" + start.UTC().Format(stamp),
		"DTSTART:" + start.UTC().Format(stamp), "DTEND:" + end.UTC().Format(stamp),
		"SUMMARY:Budget", "LOCATION:Room 412", "END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n")
}

// source is the configuration of one calendar source.
func source(kind, url string, more map[string]any) map[string]any {
	one := lay(more, map[string]any{"name": "groupware", "kind": kind, "url": url})
	return map[string]any{"calendar": map[string]any{"sources": []any{one}}}
}

// seenAt waits until a watcher is shown want of alice and returns when that came.
func (s *site) seenAt(c *testbed.Client, want string, limit time.Time) time.Time {
	s.Helper()
	s.sees(c, "alice", want, time.Until(limit))
	return time.Now()
}

// punctual fails unless an instant is at an edge, or less than a second after it.
func (s *site) punctual(what string, edge, seen time.Time) {
	s.Helper()
	late := seen.Sub(edge)
	s.Logf("%s is shown %v after it", what, late.Round(time.Millisecond))
	if late < 0 || late > onTime {
		s.Errorf("%s is shown %v after it, want within %v", what, late, onTime)
	}
}

// TestS6_MeetingOnTime names S6.4: a meeting is shown and ends on time although
// its calendar's server is gone and the daemon was started anew in between.
func TestS6_MeetingOnTime(t *testing.T) {
	var text atomic.Pointer[string] // made for the moment, once the daemon runs
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/alice.ics" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/calendar")
		_, _ = w.Write([]byte(*text.Load()))
	}))
	defer server.Close()
	s := open(t, topologies[0], source("ics", server.URL+"/{user}.ics", nil))
	start := time.Now().Add(6 * time.Second).Truncate(time.Second)
	end := start.Add(6 * time.Second)
	meeting := ics(start, end)
	text.Store(&meeting)
	alice := s.login("alice", "desk")
	s.enable(alice)
	bob := s.login("bob", "home")
	s.watch(bob, "alice")
	s.calendarRead(1)
	s.sees(bob, "alice", "online 3500", converge)
	server.Close() // nobody tells any more when the meeting is

	s.punctual("the start", start, s.seenAt(bob, "dnd 6500 in-a-meeting", start.Add(onTime)))
	last := bob.Since(0)
	for _, st := range last {
		if st.Enhanced != nil && st.Enhanced.Activity == "in-a-meeting" && !strings.Contains(st.Raw, "until='"+end.UTC().Format(time.RFC3339)+"'") {
			s.Errorf("bob is not told until when: %s", st.Raw)
		}
	}
	s.must(s.d.Stop())
	s.must(s.d.Start(t.Context()))
	s.sees(bob, "alice", "dnd 6500 in-a-meeting", time.Until(end))
	s.punctual("the end", end, s.seenAt(bob, "online 3500", end.Add(onTime)))
}

// calendarRead waits until the daemon's metrics tell of so many calendars that were
// read and did not fail.
func (s *site) calendarRead(calendars int) {
	s.Helper()
	var text string
	for deadline := time.Now().Add(converge); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var err error
		text, err = s.d.Metrics(s.Context())
		s.must(err)
		if strings.Contains(text, fmt.Sprintf(`presenced_calendar_users{source="groupware"} %d`, calendars)) &&
			strings.Contains(text, `presenced_calendar_users_failing{source="groupware"} 0`) &&
			!strings.Contains(text, `presenced_calendar_age_seconds{source="groupware"} -1`) {
			return
		}
	}
	s.Fatalf("the calendar is not read within %v:\n%s\n%s", converge, text, s.d.LogTail())
}

// TestS6_FileOfTheUser: a file appears, is read, and is none where it is missing.
func TestS6_FileOfTheUser(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	if err := os.WriteFile(filepath.Join(dir, "alice.ics"), []byte(ics(now.Add(-time.Hour), now.Add(time.Hour))), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, topologies[0], source("ics", dir+"/{user}.ics", nil))
	alice, bob := s.login("alice", "desk"), s.login("bob", "home")
	s.enable(alice)
	s.enable(bob) // who has no file
	carol := s.login("carol", "home")
	s.watch(carol, "alice")
	s.watch(carol, "bob")
	s.sees(carol, "alice", "dnd 6500 in-a-meeting", converge)
	s.sees(carol, "bob", "online 3500", converge)
	s.run(alice, "calendar", "action", "refuse")
	s.sees(carol, "alice", "online 3500", converge)
}
