package ews

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
)

var errPlain = errors.New("the password is not sent without encryption")

// call posts a request about boxes and reads the answer. body makes it with a
// header. A server that is too old for the version it is asked as is asked as the old
// one it is, from then on.
func (s *Source) call(ctx context.Context, where string, who login, boxes []sources.Mailbox, body func(header []byte) []byte) (*answer, error) {
	old := s.old.Load()
	a, err := s.send(ctx, where, who, boxes, body(s.header(old, boxes)))
	if old || !errors.Is(err, errVersion) {
		return a, err
	}
	a, err = s.send(ctx, where, who, boxes, body(s.header(true, boxes)))
	if !errors.Is(err, errVersion) {
		s.old.Store(true)
	}
	return a, err
}

// send posts one request and reads the answer.
func (s *Source) send(ctx context.Context, where string, who login, boxes []sources.Mailbox, body []byte) (*answer, error) {
	anchor := s.impersonated(boxes)
	if anchor == "" {
		anchor = boxes[0].Address
	}
	header := http.Header{}
	header.Set("X-AnchorMailbox", anchor) // without it some servers answer 500 or 503 at times
	resp, err := s.via.post(ctx, where, who, header, body)
	if resp == nil {
		return nil, err
	}
	// What the server says in XML is more exact than the status it says it under.
	if a, bad := parse(resp.Body); bad == nil {
		if a.Fault != nil {
			return nil, a.Fault.fault()
		}
		if err == nil {
			return a, nil
		}
	} else if err == nil {
		err = bad
	}
	return nil, refine(s.o.Auth, resp.Status, resp.Header, err)
}

// replies asks for the automatic replies of the mailboxes that were answered for,
// and adds them to results. Where that fails, what is remembered holds.
func (s *Source) replies(ctx context.Context, where string, who login, boxes []sources.Mailbox, results []sources.Result) {
	as := s.o.SendAs
	if as == "" {
		as = boxes[0].Address
	}
	now := s.now()
	a, err := s.call(ctx, where, who, boxes, func(header []byte) []byte { return repliesRequest(header, as, boxes) })
	s.asker.Heed(err)
	for i := range results {
		r := &results[i]
		if r.Err != nil {
			continue
		}
		untold := ""
		switch {
		case err != nil || len(a.Tips) != len(boxes) || a.Tips[i].Class != "Success":
			untold = "the automatic replies could not be asked for" + because(err)
		case a.Tips[i].pending():
			untold = "the automatic reply is not known yet: the mailbox's server did not answer Exchange in time"
		}
		if untold != "" {
			r.Away, r.State = away.Read(boxes[i].State).Still(now), boxes[i].State
			r.Schedule.Warnings = append(r.Schedule.Warnings, untold)
			continue
		}
		t := a.Tips[i].Away
		if t != nil && t.Message != "" {
			// Without a period both are zero: from now on, until it is turned off.
			start, _ := parseTime(t.Start)
			stop, _ := parseTime(t.End)
			r.Away = away.New(start, stop, t.Message, s.o.Replies, now)
			if m := away.Read(boxes[i].State).Away; r.Away != nil && start.IsZero() && m != nil && m.End.IsZero() {
				r.Away.Start = m.Start // the same as before, not a new one with every poll
			}
		}
		r.State = away.Told(r.Away, now).Bytes()
	}
}

// pending reports whether Exchange does not know yet what the reply is.
func (t *mailTips) pending() bool {
	return strings.Contains(t.Pending, "OutOfOfficeMessage") || strings.Contains(t.Pending, "All")
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}
