package google

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"presenced/aggregation/calendar"
	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/bearer"
	"presenced/aggregation/calendar/sources/outbound"
	"presenced/internal/presence"
)

type calendarID struct {
	ID string `json:"id"`
}

type busyAnswer struct {
	Calendars map[string]struct {
		Busy   []struct{ Start, End time.Time } `json:"busy"`
		Errors []struct {
			Reason string `json:"reason"`
		} `json:"errors"`
	} `json:"calendars"`
}

// freeBusy asks when boxes are busy, and nothing else is known of them. Google
// cuts what it answers at the window.
func (s *Source) freeBusy(ctx context.Context, w sources.Window, boxes []sources.Mailbox) ([]sources.Result, error) {
	ids := make([]calendarID, len(boxes))
	for i := range boxes {
		ids[i].ID = boxes[i].Address
	}
	body, err := json.Marshal(map[string]any{
		"timeMin": w.From.UTC().Format(time.RFC3339), "timeMax": w.To.UTC().Format(time.RFC3339), "timeZone": "UTC",
		"calendarExpansionMax": MaxBatch, "items": ids,
	})
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	resp, err := s.send(ctx, boxes[0].Address, outbound.Request{Method: http.MethodPost, URL: s.o.URL + "/calendar/v3/freeBusy", Header: header, Body: body})
	if err != nil {
		return nil, err
	}
	var answer busyAnswer
	if err := json.Unmarshal(resp.Body, &answer); err != nil || answer.Calendars == nil {
		return nil, malformed("the answer has no calendars")
	}
	results := make([]sources.Result, len(boxes))
	for i := range boxes {
		results[i] = answer.result(&boxes[i])
	}
	return results, nil
}

func malformed(what string) error {
	return &sources.Fault{Kind: sources.Malformed, Err: errors.New(what), Remedy: "see that nothing between here and Google changes answers"}
}

// result reads one calendar, found by its name: the answer is a map.
func (a *busyAnswer) result(box *sources.Mailbox) sources.Result {
	c, ok := a.Calendars[box.Address]
	if !ok {
		for name, other := range a.Calendars {
			if strings.EqualFold(name, box.Address) {
				c, ok = other, true
			}
		}
	}
	switch {
	case !ok:
		return sources.Result{State: box.State, Err: malformed("the server left this calendar out of its answer")}
	case len(c.Errors) > 0:
		return sources.Result{State: box.State, Err: reasonFault(c.Errors[0].Reason)}
	}
	var events []presence.Event
	for _, b := range c.Busy {
		if b.Start.Before(b.End) {
			events = append(events, presence.Event{
				Start: b.Start.UTC(), End: b.End.UTC(), Kind: presence.EventBusy, AllDay: calendar.WholeDays(b.Start, b.End, box.Zone),
			})
		}
	}
	slices.SortStableFunc(events, func(x, y presence.Event) int { return x.Start.Compare(y.Start) })
	return sources.Result{Schedule: calendar.Schedule{Events: events}}
}

// meaning is what a reason of Google's stands for.
type meaning struct {
	kind   sources.FaultKind
	remedy string
}

const slower = "the quota of the project is used up: poll less, or raise it in the Google Cloud console"

// reasons are those that come up. What is not here is as its status says.
var reasons = map[string]meaning{
	"notFound":                    {sources.Gone, "see the spelling of the address, and that the calendar is shared with the service account"},
	"groupTooBig":                 {sources.TooLarge, "the address is a group of too many: give the people instead"},
	"tooManyCalendarsRequested":   {sources.TooLarge, "ask about fewer calendars at once"},
	"internalError":               {sources.Broken, "Google could not read this calendar; it is asked again"},
	"rateLimitExceeded":           {sources.Busy, slower},
	"userRateLimitExceeded":       {sources.Busy, slower},
	"quotaExceeded":               {sources.Busy, slower},
	"calendarUsageLimitsExceeded": {sources.Busy, slower},
	"dailyLimitExceeded":          {sources.Busy, slower},
	"accessNotConfigured":         {sources.Forbidden, "enable the Google Calendar API in the project of the service account"},
	"insufficientPermissions":     {sources.Forbidden, "delegate to the service account exactly the scopes that the documentation names"},
	"forbidden":                   {sources.Forbidden, "share the calendar with the service account"},
	"requiredAccessLevel":         {sources.Forbidden, "share the calendar with the service account, with its event details"},
	"notACalendarUser":            {sources.Gone, "the user has no Google Calendar: turn the service on for her"},
}

func reasonFault(reason string) *sources.Fault {
	m, known := reasons[reason]
	if !known {
		return &sources.Fault{Kind: sources.Broken, Err: errors.New("google gives an error that is not documented"), Remedy: "see the status of Google Workspace"}
	}
	return &sources.Fault{Kind: m.kind, Err: fmt.Errorf("google says %s", reason), Remedy: m.remedy}
}

// send sends a request about a mailbox and says what a refusal means.
func (s *Source) send(ctx context.Context, address string, r outbound.Request) (*outbound.Response, error) {
	resp, err := s.tokens(address).Do(ctx, r)
	if resp == nil {
		return nil, err
	}
	s.granted.Store(true)
	if err == nil {
		return resp, nil
	}
	return resp, refine(resp, err)
}

// ofUsers makes refusals of tokens those of the users they were to stand for, once
// any user's was given: the account and the delegation are good.
func (s *Source) ofUsers(results []sources.Result, err error) ([]sources.Result, error) {
	if s.o.Subject != EachUser || !s.granted.Load() {
		return results, err
	}
	for i := range results {
		f, ok := errors.AsType[*sources.Fault](results[i].Err)
		if ok && errors.Is(f, bearer.ErrRefused) {
			g := *f
			g.Kind = sources.Forbidden
			results[i].Err = &g
		}
	}
	if errors.Is(err, bearer.ErrRefused) {
		err = nil
	}
	return results, err
}

// refine says what the reason in an error adds to a status.
func refine(resp *outbound.Response, err error) error {
	f, ok := errors.AsType[*sources.Fault](err)
	if !ok {
		return err
	}
	g := *f
	if errors.Is(err, outbound.ErrLoginPage) {
		g.Remedy = "what stands between here and Google wants a person to log in: let this machine past it"
	}
	var body struct {
		Error struct {
			Errors []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
		} `json:"error"`
	}
	_ = json.Unmarshal(resp.Body, &body)
	for _, e := range body.Error.Errors {
		if m, known := reasons[e.Reason]; known {
			g.Kind, g.Remedy, g.Err = m.kind, m.remedy, fmt.Errorf("google says %s: %w", e.Reason, f.Err)
			return &g
		}
	}
	switch resp.Status {
	case http.StatusBadGateway:
		g.Kind = sources.Unreachable
	case http.StatusForbidden:
		g.Remedy = "see the rights of the service account: the API enabled, and the calendar shared or the domain delegated"
	case http.StatusTooManyRequests:
		g.Remedy = slower
	}
	return &g
}
