package google

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
	"presenced/aggregation/calendar/sources/outbound"
)

// vacation is a VacationSettings of Gmail.
type vacation struct {
	On       bool   `json:"enableAutoReply"`
	Text     string `json:"responseBodyPlainText"`
	HTML     string `json:"responseBodyHtml"`
	Contacts bool   `json:"restrictToContacts"`
	Domain   bool   `json:"restrictToDomain"`
	Start    string `json:"startTime"` // in milliseconds of Unix time
	End      string `json:"endTime"`
}

// reply adds to r what the user's vacation responder says. Where that cannot be
// asked, what is remembered holds. A reply that not everybody gets gives no note.
func (s *Source) reply(ctx context.Context, box *sources.Mailbox, r *sources.Result) {
	if r.Err != nil {
		return
	}
	now := s.now()
	known := readState(box.State).Memory
	state := readState(r.State)
	resp, err := s.send(ctx, box.Address, outbound.Request{URL: s.o.MailURL + "/gmail/v1/users/me/settings/vacation"})
	var v vacation
	if err == nil && json.Unmarshal(resp.Body, &v) != nil {
		err = errors.New("the setting cannot be read")
	}
	if err != nil {
		r.Away, state.Memory = known.Still(now), known
		r.State = state.bytes()
		r.Schedule.Warnings = append(r.Schedule.Warnings, "the vacation responder could not be asked for: "+err.Error())
		return
	}
	if v.On {
		note := v.HTML
		if note == "" {
			note = v.Text
		}
		if v.Contacts || v.Domain {
			note = ""
		}
		r.Away = away.New(milliseconds(v.Start), milliseconds(v.End), note, s.o.Replies, now)
		if r.Away != nil && v.Start == "" && known.Away != nil && known.Away.End.Equal(r.Away.End) {
			r.Away.Start = known.Away.Start // the same as before, not a new one with every poll
		}
	}
	state.Memory = away.Told(r.Away, now)
	r.State = state.bytes()
}

// milliseconds reads a time; zero: there is none.
func milliseconds(text string) time.Time {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms <= 0 || ms > 1<<47 { // beyond the year 6429
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
