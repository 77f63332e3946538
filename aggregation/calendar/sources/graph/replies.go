package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
	"presenced/internal/presence"
)

// maxSteps is how many requests JSON batching takes at once.
const maxSteps = 20

type step struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    any               `json:"body,omitempty"`
}

type stepAnswer struct {
	ID     string          `json:"id"`
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body"`
}

// setting is an automaticRepliesSetting.
type setting struct {
	Status   string `json:"status"`
	Audience string `json:"externalAudience"`
	Start    moment `json:"scheduledStartDateTime"`
	End      moment `json:"scheduledEndDateTime"`
	Internal string `json:"internalReplyMessage"`
	External string `json:"externalReplyMessage"`
}

// replies adds to results what boxes answer automatically. Where that cannot be
// asked, what is remembered holds.
func (s *Source) replies(ctx context.Context, boxes []sources.Mailbox, results []sources.Result) {
	for from := 0; from < len(boxes); from += maxSteps {
		to := min(from+maxSteps, len(boxes))
		told, err := s.settings(ctx, boxes[from:to], results[from:to])
		for i := from; i < to; i++ {
			if results[i].Err == nil {
				s.reply(&boxes[i], &results[i], told[strconv.Itoa(i-from)], err)
			}
		}
	}
}

// settings asks with one request about the mailboxes that were answered for.
func (s *Source) settings(ctx context.Context, boxes []sources.Mailbox, results []sources.Result) (map[string]stepAnswer, error) {
	var steps []step
	for i := range boxes {
		if results[i].Err == nil {
			steps = append(steps, step{
				ID: strconv.Itoa(i), Method: http.MethodGet,
				URL: "/users/" + url.PathEscape(boxes[i].Address) + "/mailboxSettings/automaticRepliesSetting",
			})
		}
	}
	if len(steps) == 0 {
		return nil, nil
	}
	return s.batch(ctx, steps)
}

// batch sends steps with one request and returns their answers by id.
func (s *Source) batch(ctx context.Context, steps []step) (map[string]stepAnswer, error) {
	body, err := json.Marshal(map[string]any{"requests": steps})
	if err != nil {
		return nil, err
	}
	resp, err := s.post(ctx, "/v1.0/$batch", body)
	if err != nil {
		s.asker.Heed(err)
		return nil, err
	}
	var answer struct {
		Responses []stepAnswer `json:"responses"`
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil {
		return nil, errors.New("the answer is no batch")
	}
	told := make(map[string]stepAnswer, len(answer.Responses))
	for _, a := range answer.Responses {
		told[a.ID] = a
	}
	return told, nil
}

// reply reads one mailbox's setting.
func (s *Source) reply(box *sources.Mailbox, r *sources.Result, a stepAnswer, err error) {
	now := s.now()
	var set setting
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("status %d", a.Status)
		if a.Status == http.StatusForbidden {
			err = errors.New("the application lacks the permission MailboxSettings.Read")
		}
	}
	if err == nil && json.Unmarshal(a.Body, &set) != nil {
		err = errors.New("the setting cannot be read")
	}
	if err != nil {
		r.Away, r.State = away.Read(box.State).Still(now), box.State
		r.Schedule.Warnings = append(r.Schedule.Warnings, "the automatic replies could not be asked for: "+err.Error())
		return
	}
	r.Away = set.away(box, s.o.Replies, now)
	r.State = away.Told(r.Away, now).Bytes()
}

// away returns the period of a setting. Its note is the reply to outsiders where
// everybody gets it, else none: what only colleagues may read stays with them.
func (set *setting) away(box *sources.Mailbox, replies away.Replies, now time.Time) *presence.OutOfOffice {
	note := ""
	if strings.EqualFold(set.Audience, "all") {
		note = set.External
	}
	switch strings.ToLower(set.Status) {
	case "alwaysenabled":
		o := away.New(time.Time{}, time.Time{}, note, replies, now)
		if m := away.Read(box.State).Away; o != nil && m != nil && m.End.IsZero() {
			o.Start = m.Start // the same as before, not a new one with every poll
		}
		return o
	case "scheduled":
		r := reading{box: box, zones: map[string]*time.Location{}, warned: map[string]bool{}}
		start, ok1 := r.time(set.Start)
		stop, ok2 := r.time(set.End)
		if ok1 && ok2 {
			return away.New(start, stop, note, replies, now)
		}
	}
	return nil
}
