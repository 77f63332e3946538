package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"presenced/aggregation/calendar"
	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/bearer"
	"presenced/aggregation/calendar/sources/exchange"
	"presenced/aggregation/calendar/sources/outbound"
	"presenced/internal/presence"
)

const wall = "2006-01-02T15:04:05"

// moment is a time in the zone beside it.
type moment struct {
	DateTime string `json:"dateTime"`
	TimeZone string `json:"timeZone"`
}

type question struct {
	Schedules []string `json:"schedules"`
	Start     moment   `json:"startTime"`
	End       moment   `json:"endTime"`
}

type schedule struct {
	ID    string `json:"scheduleId"`
	Items []item `json:"scheduleItems"`
	Error *struct {
		Code string `json:"responseCode"`
	} `json:"error"`
}

type item struct {
	Status   string `json:"status"`
	Start    moment `json:"start"`
	End      moment `json:"end"`
	Private  bool   `json:"isPrivate"`
	Subject  string `json:"subject"`
	Location string `json:"location"`
}

// maxAnchors is how many mailboxes are tried in the URL before a refusal counts
// as one of the application.
const maxAnchors = 5

// schedules asks about boxes. A mailbox that cannot stand in the URL says nothing
// about the others, so the next one is tried there.
func (s *Source) schedules(ctx context.Context, w sources.Window, boxes []sources.Mailbox) ([]sources.Result, error) {
	q := question{Start: inUTC(w.From), End: inUTC(w.To.Add(time.Second - 1))}
	for i := range boxes {
		q.Schedules = append(q.Schedules, boxes[i].Address)
	}
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	first := int(s.turn.Add(1)) % len(boxes)
	for try := 0; ; try++ {
		resp, err := s.asAnchor(ctx, boxes, first+try, body)
		if err == nil {
			return results(resp.Body, w, boxes)
		}
		kind := sources.KindOf(err)
		if errors.Is(err, bearer.ErrRefused) {
			return nil, err // whoever is in the URL
		}
		if kind != sources.Gone && kind != sources.Forbidden && kind != sources.Moved {
			return nil, err
		}
		if try+1 >= min(maxAnchors, len(boxes)) || s.o.As != "" {
			return nil, ofAnchor(err, kind, len(boxes))
		}
	}
}

// ofAnchor makes a failure that is that of the mailbox in the URL one that is
// looked for in halves. A mailbox asked about alone keeps what it is.
func ofAnchor(err error, kind sources.FaultKind, boxes int) error {
	f, ok := errors.AsType[*sources.Fault](err)
	if !ok || kind != sources.Moved || boxes == 1 {
		return err
	}
	g := *f
	g.Kind = sources.Gone
	return &g
}

// asAnchor sends the request under the name of one of boxes.
func (s *Source) asAnchor(ctx context.Context, boxes []sources.Mailbox, turn int, body []byte) (*outbound.Response, error) {
	as := s.o.As
	if as == "" {
		as = boxes[turn%len(boxes)].Address
	}
	if err := s.seats.take(ctx, as); err != nil {
		return nil, err
	}
	defer s.seats.leave(as)
	return s.post(ctx, "/v1.0/users/"+url.PathEscape(as)+"/calendar/getSchedule", body)
}

// post sends JSON and says what a refusal means here.
func (s *Source) post(ctx context.Context, path string, body []byte) (*outbound.Response, error) {
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json")
	header.Set("Prefer", `outlook.timezone="UTC"`)
	resp, err := s.tokens.Do(ctx, outbound.Request{Method: http.MethodPost, URL: s.o.URL + path, Header: header, Body: body})
	if resp == nil || err == nil {
		return resp, err
	}
	return nil, refine(resp, err)
}

// word is what a code of Graph's looks like. Nothing else it says is repeated.
var word = regexp.MustCompile(`^[A-Za-z_.]{1,60}$`)

// refine says what Graph's error code adds to a status.
func refine(resp *outbound.Response, err error) error {
	f, ok := errors.AsType[*sources.Fault](err)
	if !ok {
		return err
	}
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal(resp.Body, &body)
	g := *f
	code := body.Error.Code
	if word.MatchString(code) {
		g.Err = fmt.Errorf("%w: graph says %s", f.Err, code)
	}
	switch {
	case errors.Is(err, outbound.ErrLoginPage):
		g.Remedy = "what stands between here and Microsoft wants a person to log in: let this machine past it"
	case resp.Status == http.StatusBadGateway:
		g.Kind = sources.Unreachable
	case code == "MailboxNotEnabledForRESTAPI":
		g.Kind, g.Remedy = sources.Moved, "the mailbox is on the premises, or has no licence: give it to a source of kind ews"
	case resp.Status == http.StatusNotFound:
		g.Remedy = "the tenant has no such user; if addresses and user names differ there, name a user to ask as"
	case resp.Status == http.StatusForbidden && strings.Contains(body.Error.Message, "AppOnly AccessPolicy"):
		g.Remedy = "the tenant's policy does not let the application touch this mailbox: add it to the policy's group"
	case resp.Status == http.StatusForbidden:
		g.Remedy = "grant the application Calendars.ReadBasic, or Calendars.Read, as an application permission, with the consent of an administrator"
	case resp.Status == http.StatusBadRequest && exchange.Code(code) != "":
		return exchange.Fault(code, 0)
	}
	return &g
}

func inUTC(t time.Time) moment { return moment{DateTime: t.UTC().Format(wall), TimeZone: "UTC"} }

// results reads an answer, whose schedules are matched by address: they may be
// in any order, twice, or missing.
func results(body []byte, w sources.Window, boxes []sources.Mailbox) ([]sources.Result, error) {
	var answer struct {
		Value []schedule `json:"value"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Value == nil {
		return nil, &sources.Fault{Kind: sources.Malformed, Err: errors.New("the answer is no list of schedules"), Remedy: "see that the URL is that of Microsoft Graph"}
	}
	byID := make(map[string]*schedule, len(answer.Value))
	for i := range answer.Value {
		id := strings.ToLower(answer.Value[i].ID)
		if byID[id] == nil {
			byID[id] = &answer.Value[i]
		}
	}
	found := make([]sources.Result, len(boxes))
	busy := 0
	for i := range boxes {
		found[i] = byID[strings.ToLower(boxes[i].Address)].result(w, &boxes[i])
		if sources.KindOf(found[i].Err) == sources.Busy {
			busy++
		}
	}
	if busy > 0 && busy == len(boxes) {
		return nil, found[0].Err
	}
	return found, nil
}

func (s *schedule) result(w sources.Window, box *sources.Mailbox) sources.Result {
	switch {
	case s == nil:
		return sources.Result{State: box.State, Err: &sources.Fault{
			Kind: sources.Malformed, Err: errors.New("the server left this mailbox out of its answer"), Remedy: "give the mailbox's primary address",
		}}
	case s.Error != nil:
		return sources.Result{State: box.State, Err: exchange.Fault(s.Error.Code, 0)}
	}
	r := reading{box: box, zones: map[string]*time.Location{}, warned: map[string]bool{}}
	for i := range s.Items {
		r.item(&s.Items[i], w)
	}
	slices.SortStableFunc(r.out.Events, func(a, b presence.Event) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return a.End.Compare(b.End)
	})
	return sources.Result{Schedule: r.out}
}

// reading collects the events of one mailbox.
type reading struct {
	box    *sources.Mailbox
	zones  map[string]*time.Location
	warned map[string]bool
	out    calendar.Schedule
}

// kinds are those of freeBusyStatus, in any case; "unknown" is not a kind.
var kinds = map[string]presence.EventKind{
	"free": presence.EventFree, "tentative": presence.EventTentative, "busy": presence.EventBusy, "oof": presence.EventOOF,
	"workingelsewhere": presence.EventElsewhere,
}

// item adds one item if it touches the window. It stays whole: where it ends
// decides what "until" says.
func (r *reading) item(x *item, w sources.Window) {
	start, ok1 := r.time(x.Start)
	stop, ok2 := r.time(x.End)
	if !ok1 || !ok2 || stop.Before(start) {
		r.warn("an event has times that cannot be read; it is left out")
		return
	}
	if !start.Before(w.To) || !stop.After(w.From) {
		return
	}
	kind, known := kinds[strings.ToLower(x.Status)]
	if !known {
		r.warn(fmt.Sprintf("an event is shown as %.32q, which is unknown; it is read as free", x.Status))
	}
	e := presence.Event{Start: start, End: stop, Kind: kind, Private: x.Private, AllDay: calendar.WholeDays(start, stop, r.box.Zone)}
	if !x.Private {
		e.Subject, e.Location = x.Subject, x.Location
	}
	r.out.Events = append(r.out.Events, e)
}

// maxWarnings bounds what is told about one mailbox.
const maxWarnings = 8

func (r *reading) warn(text string) {
	if !r.warned[text] && len(r.warned) < maxWarnings {
		r.warned[text] = true
		r.out.Warnings = append(r.out.Warnings, text)
	}
}

// time reads a moment in its own zone, by the names of Windows or IANA.
func (r *reading) time(m moment) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, m.DateTime); err == nil {
		return t.UTC(), true // with an offset the zone says nothing
	}
	t, err := time.ParseInLocation(wall, m.DateTime, r.zone(m.TimeZone))
	return t.UTC(), err == nil && t.Year() > 1600 && t.Year() < 4501
}

func (r *reading) zone(name string) *time.Location {
	if z := r.zones[name]; z != nil {
		return z
	}
	z, ok := calendar.Named(name, time.LoadLocation)
	if !ok {
		r.warn(fmt.Sprintf("time zone %.64q is unknown; its times are read as the user's", name))
		if z = r.box.Zone; z == nil {
			z = time.UTC
		}
	}
	if len(r.zones) < maxWarnings {
		r.zones[name] = z
	}
	return z
}
