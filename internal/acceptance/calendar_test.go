//go:build integration

package acceptance

import (
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
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
	one := map[string]any{"name": "groupware", "kind": kind, "url": url}
	maps.Copy(one, more)
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

// TestS6_MeetingOnTime names S6.4: on a real Radicale a meeting is shown and ends on
// time although its server is killed, and the daemon started anew, in between.
func TestS6_MeetingOnTime(t *testing.T) {
	dav := testbed.RunCalendar(t, testbed.Radicale, testbed.CalendarOptions{
		Users: map[string]string{"alice": "pw", "service": "tops3cret"}, Service: []string{"service"},
	})
	s := open(t, topologies[0], source("caldav", dav.URL+"/{user}/", map[string]any{"username": "service", "password": "tops3cret"}))
	s.must(dav.MakeCalendar(t.Context(), "alice", "work", ""))
	start := time.Now().Add(6 * time.Second).Truncate(time.Second)
	end := start.Add(6 * time.Second)
	s.must(dav.Put(t.Context(), "alice", "work", "meeting.ics", ics(start, end)))

	alice := s.login("alice", "desk")
	s.enable(alice)
	bob := s.login("bob", "home")
	s.watch(bob, "alice")
	s.calendarRead(1)
	s.sees(bob, "alice", "online 3500", converge)
	s.must(dav.Kill()) // nobody tells any more when the meeting is

	s.punctual("the start", start, s.seenAt(bob, "dnd 6500 in-a-meeting", start.Add(onTime)))
	for _, st := range bob.Since(0) {
		if st.Enhanced != nil && st.Enhanced.Activity == "in-a-meeting" && (st.Enhanced.Until != end.UTC().Format(time.RFC3339) ||
			st.Status != "In a meeting until "+end.UTC().Format("15:04")+" UTC") {
			s.Errorf("bob is not told until when: %s", st.Raw)
		}
	}
	s.must(s.d.Stop())
	s.must(s.d.Start(t.Context()))
	s.sees(bob, "alice", "dnd 6500 in-a-meeting", time.Until(end))
	s.punctual("the end", end, s.seenAt(bob, "online 3500", end.Add(onTime)))
	if log, err := s.d.Log(); err != nil || strings.Contains(log, "tops3cret") || strings.Contains(log, "Budget") {
		s.Errorf("the log tells a password or a subject (%v):\n%s", err, log)
	}
}

// TestS6_OwnCalendar: a user adds her own calendar with the command, and takes it
// away. Its address is nowhere on the disk, and one of a private network is refused.
func TestS6_OwnCalendar(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/calendar")
		_, _ = w.Write([]byte(ics(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))))
	}))
	defer server.Close()
	dav := testbed.RunCalendar(t, testbed.Radicale, testbed.CalendarOptions{Users: map[string]string{"juliet": "pw"}, TLS: true})
	config := map[string]any{"calendar": map[string]any{"key_file": key, "user_networks": []string{"127.0.0.0/8"}}}
	s := openOn(t, topologies[0], config, testbed.Options{Privileged: true}, "SSL_CERT_FILE="+dav.CAFile())
	alice, bob := s.login("alice", "desk"), s.login("bob", "home")
	s.enable(alice)
	s.watch(bob, "alice")
	s.sees(bob, "alice", "online 3500", converge)
	for address, want := range map[string]string{
		"http://10.255.255.1/tops3cret.ics": "cannot be asked from here",
		"/etc/passwd":                       "not the address of a calendar",
	} {
		if answer := s.try(alice, "calendar", "action", "add", "kind", "ics", "url", address); !strings.Contains(answer, want) {
			s.Errorf("%s is answered with %s; want %q", address, answer, want)
		}
	}
	s.run(alice, "calendar", "action", "add", "kind", "ics", "url", server.URL+"/tops3cret.ics", "name", "Mine")
	s.sees(bob, "alice", "dnd 6500 in-a-meeting", converge)
	s.must(s.d.Stop())
	s.must(filepath.WalkDir(s.d.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "tops3cret") {
			s.Errorf("%s holds the address", path)
		}
		return err
	}))
	s.must(s.d.Start(t.Context()))
	s.sees(bob, "alice", "dnd 6500 in-a-meeting", converge)
	list := s.try(alice, "calendar", "action", "list")
	_, id, _ := strings.Cut(s.try(alice, "calendar", "action", "remove"), "<option label=")
	_, id, _ = strings.Cut(id, "<value>")
	id, _, _ = strings.Cut(id, "</value>")
	if !strings.Contains(list, "Mine (iCalendar), last read") || id == "" {
		s.Fatalf("her calendars are listed as %s", list)
	}
	s.run(alice, "calendar", "action", "remove", "calendar", id)
	s.sees(bob, "alice", "online 3500", converge)
	s.ownServer(alice, bob, dav)
}

// ownServer has alice add a calendar server that a private authority vouches for, and
// one that nobody does.
func (s *site) ownServer(alice, bob *testbed.Client, dav *testbed.Calendar) {
	s.Helper()
	s.must(dav.MakeCalendar(s.Context(), "juliet", "work", ""))
	s.must(dav.Put(s.Context(), "juliet", "work", "1.ics", ics(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))))
	stranger := httptest.NewUnstartedServer(http.NotFoundHandler())
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake it loses is the test
	stranger.StartTLS()
	defer stranger.Close()
	account := []string{"action", "add", "kind", "caldav", "username", "juliet", "password", "pw", "url"}
	if answer := s.try(alice, "calendar", append(account, stranger.URL)...); !strings.Contains(answer, "cannot prove who it is") {
		s.Errorf("a server nobody vouches for is answered with %s", answer)
	}
	s.run(alice, "calendar", append(account, dav.URL+"/")...)
	s.sees(bob, "alice", "dnd 6500 in-a-meeting", converge)
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
