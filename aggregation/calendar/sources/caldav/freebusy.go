package caldav

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"presenced/aggregation/calendar"
	"presenced/aggregation/calendar/sources"
)

// errNoTimes: what answers a free-busy-query without such times says nothing.
// Radicale 3.1.8 answers so to everything; taken for "free", nobody would ever
// be in a meeting.
var errNoTimes = errors.New("the server knows no free/busy times")

// freeBusy asks the calendars of a listing for free/busy times.
func (v *visit) freeBusy(ctx context.Context, l *listing, hashed func(href, text string)) (calendar.Schedule, error) {
	var m merged
	for _, c := range l.calendars {
		resp, err := v.ask(ctx, "REPORT", c.url, "1", freeBusyQuery(v.w))
		if err != nil {
			return calendar.Schedule{}, err
		}
		if resp.Status != http.StatusOK || !bytes.Contains(bytes.ToUpper(resp.Body), []byte("BEGIN:VFREEBUSY")) {
			return calendar.Schedule{}, &sources.Fault{
				Kind: sources.Malformed, Err: fmt.Errorf("%s: %w", resp.Host(), errNoTimes),
				Remedy: "leave the free/busy mode: events are asked for then",
			}
		}
		hashed(c.url, string(resp.Body))
		if err := m.text(v, resp.Host(), "a calendar", string(resp.Body)); err != nil {
			return calendar.Schedule{}, err
		}
		if m.failed > 0 { // here a text is a whole calendar
			return calendar.Schedule{}, m.last
		}
	}
	s, err := m.done(v)
	if err == nil {
		s.OffHours = v.offHours(l)
		s.Warnings = v.warnings
	}
	return s, err
}
