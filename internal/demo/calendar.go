package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// untilItsEnd stands in a cell for a status that tells when a meeting ends.
const untilItsEnd = "until its end"

// meetingLasts is how long Alice's meeting does: long enough for everybody to see
// it on a busy machine, short enough to be waited for.
const meetingLasts = 7 * time.Second

// endsThen reports whether a status tells of a meeting and of its end, as the
// extension beside it does. Its time of day is UTC, since nobody gave Alice a zone.
func endsThen(status, until string) bool {
	end, err := time.Parse(time.RFC3339, until)
	rest, meeting := strings.CutPrefix(status, "In a meeting until ")
	return err == nil && meeting && strings.HasSuffix(rest, end.UTC().Format("15:04")+" UTC")
}

// meets: a meeting begins that is in Alice's calendar, and the operator connects
// the calendars.
func meets(_ context.Context, s *stage) error {
	const stamp = "20060102T150405Z"
	now := time.Now().UTC()
	text := strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//presenced//demo//EN", "BEGIN:VEVENT", "UID:budget@example.localhost",
		"DTSTAMP:" + now.Format(stamp), "DTSTART:" + now.Format(stamp), "DTEND:" + now.Add(meetingLasts).Format(stamp),
		"SUMMARY:Budget", "END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n")
	if err := os.WriteFile(filepath.Join(s.daemon.Dir, "alice.ics"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("her calendar: %w", err)
	}
	c := s.config()
	c["calendar"] = map[string]any{"sources": []any{
		map[string]any{"name": "files", "kind": "ics", "url": filepath.Join(s.daemon.Dir, "{user}.ics")},
	}}
	if err := s.daemon.WriteConfig(c); err != nil {
		return err
	}
	return s.daemon.Signal(syscall.SIGHUP)
}

// waits: nobody does anything.
func waits(context.Context, *stage) error { return nil }
