package google

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"presenced/aggregation/calendar"
	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
	"presenced/aggregation/calendar/sources/outbound"
	"presenced/internal/presence"
)

const (
	// pageSize and maxPages bound what is read of one calendar.
	pageSize = 500
	maxPages = 20
	// maxToken is the longest sync token that is kept: a state has 1 KiB.
	maxToken = 300
	fields   = "nextPageToken,nextSyncToken,timeZone,items(status,summary,location,visibility,transparency,eventType," +
		"start,end,attendees(self,email,responseStatus),workingLocationProperties/type)"
)

// state is what is remembered of a calendar between two fetches.
type state struct {
	Sync  string `json:"s,omitempty"` // of the last answer
	Until int64  `json:"u,omitempty"` // the end of the window it was for, in Unix time
	away.Memory
}

func readState(raw []byte) state {
	var s state
	if json.Unmarshal(raw, &s) != nil {
		return state{}
	}
	return s
}

// bytes returns a state within the 1 KiB it may have.
func (s state) bytes() []byte {
	if len(s.Sync) > maxToken {
		s.Sync = ""
	}
	m := s.Memory
	s.Memory = away.Read(m.Bytes()) // without a note that is too long
	if s.Sync == "" && s.Away == nil {
		return nil
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	return raw
}

type page struct {
	Zone  string  `json:"timeZone"`
	Items []event `json:"items"`
	Next  string  `json:"nextPageToken"`
	Sync  string  `json:"nextSyncToken"`
}

type event struct {
	Status       string `json:"status"`
	Summary      string `json:"summary"`
	Location     string `json:"location"`
	Visibility   string `json:"visibility"`
	Transparency string `json:"transparency"`
	Type         string `json:"eventType"`
	Start        moment `json:"start"`
	End          moment `json:"end"`
	Attendees    []struct {
		Self     bool   `json:"self"`
		Email    string `json:"email"`
		Response string `json:"responseStatus"`
	} `json:"attendees"`
	Place struct {
		Type string `json:"type"`
	} `json:"workingLocationProperties"`
}

type moment struct {
	Date     string `json:"date"`
	DateTime string `json:"dateTime"`
	Zone     string `json:"timeZone"`
}

// events asks for the events of one calendar. Where a sync token says that nothing
// has changed and the window has moved little, that is all.
func (s *Source) events(ctx context.Context, w sources.Window, box sources.Mailbox) (sources.Result, error) {
	known := readState(box.State)
	moved := w.To.Sub(time.Unix(known.Until, 0))
	if known.Sync != "" && moved >= 0 && moved < w.To.Sub(w.From)/4 {
		p, err := s.list(ctx, box, url.Values{"syncToken": {known.Sync}})
		switch {
		case err == nil && len(p.Items) == 0 && p.Next == "":
			if p.Sync != "" {
				known.Sync = p.Sync
			}
			return sources.Result{Unchanged: true, State: known.bytes()}, nil
		case err != nil && !errors.Is(err, errResync):
			return sources.Result{}, err
		}
	}
	return s.all(ctx, w, box, known)
}

// errResync is 410: a sync token that does not count any more.
var errResync = errors.New("the sync token is too old")

// all reads the window from its first page to its last.
func (s *Source) all(ctx context.Context, w sources.Window, box sources.Mailbox, known state) (sources.Result, error) {
	r := reading{box: &box, window: w, warned: map[string]bool{}}
	query := url.Values{"timeMin": {w.From.UTC().Format(time.RFC3339)}, "timeMax": {w.To.UTC().Format(time.RFC3339)}}
	for range maxPages {
		p, err := s.list(ctx, box, query)
		if err != nil {
			return sources.Result{}, err
		}
		r.page(p)
		if p.Next == "" {
			known.Sync, known.Until = p.Sync, w.To.Unix()
			slices.SortStableFunc(r.out.Events, func(a, b presence.Event) int { return a.Start.Compare(b.Start) })
			return sources.Result{Schedule: r.out, State: known.bytes()}, nil
		}
		query.Set("pageToken", p.Next)
	}
	return sources.Result{}, &sources.Fault{
		Kind: sources.TooLarge, Err: fmt.Errorf("the calendar has more than %d events in the window", pageSize*maxPages),
		Remedy: "such a calendar is a program's: leave it out",
	}
}

// list asks for one page.
func (s *Source) list(ctx context.Context, box sources.Mailbox, query url.Values) (*page, error) {
	id := box.Address
	if s.o.Subject == EachUser {
		id = "primary"
	}
	query.Set("singleEvents", "true")
	query.Set("maxResults", fmt.Sprint(pageSize))
	query.Set("fields", fields)
	resp, err := s.send(ctx, box.Address, outbound.Request{URL: s.o.URL + "/calendar/v3/calendars/" + url.PathEscape(id) + "/events?" + query.Encode()})
	if err != nil {
		if resp != nil && resp.Status == http.StatusGone && query.Get("syncToken") != "" {
			return nil, errResync
		}
		return nil, err
	}
	return readPage(resp.Body)
}

// readPage reads an answer of events.list.
func readPage(body []byte) (*page, error) {
	p := &page{}
	if json.Unmarshal(body, p) != nil || p.Items == nil && p.Next == "" && p.Sync == "" && p.Zone == "" {
		return nil, malformed("the answer is no list of events")
	}
	return p, nil
}

// reading collects the events of one calendar.
type reading struct {
	box    *sources.Mailbox
	window sources.Window
	zone   *time.Location // of the calendar; nil: not told
	warned map[string]bool
	out    calendar.Schedule
}

func (r *reading) page(p *page) {
	if r.zone == nil && p.Zone != "" {
		r.zone, _ = calendar.Named(p.Zone, time.LoadLocation)
	}
	for i := range p.Items {
		r.event(&p.Items[i])
	}
}

// maxWarnings bounds what is told about one calendar.
const maxWarnings = 8

// warn tells each thing once.
func (r *reading) warn(text string) {
	if !r.warned[text] && len(r.warned) < maxWarnings {
		r.warned[text] = true
		r.out.Warnings = append(r.out.Warnings, text)
	}
}

// event adds one event if it touches the window. It stays whole.
func (r *reading) event(x *event) {
	if x.Status == "cancelled" { // it may have nothing but its id
		return
	}
	start, allDay, ok1 := r.time(x.Start)
	stop, _, ok2 := r.time(x.End)
	if !ok1 || !ok2 || stop.Before(start) {
		r.warn("an event has times that cannot be read; it is left out")
		return
	}
	if !start.Before(r.window.To) || !stop.After(r.window.From) {
		return
	}
	e := presence.Event{
		Start: start, End: stop, AllDay: allDay, Transparent: x.Transparency == "transparent",
		Private: x.Visibility == "private" || x.Visibility == "confidential",
	}
	if !e.Private {
		e.Subject, e.Location = x.Summary, x.Location
	}
	response := r.attend(x, &e)
	e.Kind = r.kind(x, response)
	e.Declined = response == "declined"
	if x.Type == "workingLocation" {
		e.Transparent, e.AllDay = e.Kind == presence.EventFree, false // it says where she works, not that she does
	}
	r.out.Events = append(r.out.Events, e)
}

// attend returns the user's own answer and notes whether others are invited.
func (r *reading) attend(x *event, e *presence.Event) (response string) {
	for _, a := range x.Attendees {
		if a.Self || r.box.Attendee != "" && strings.EqualFold(a.Email, strings.TrimPrefix(r.box.Attendee, "mailto:")) {
			response = a.Response
		} else {
			e.Attendees = true
		}
	}
	return response
}

// kind returns how an event is shown.
func (r *reading) kind(x *event, response string) presence.EventKind {
	switch x.Type {
	case "outOfOffice":
		return presence.EventOOF
	case "workingLocation":
		if x.Place.Type == "officeLocation" {
			return presence.EventFree
		}
		return presence.EventElsewhere
	case "birthday":
		return presence.EventFree
	case "", "default", "focusTime", "fromGmail":
	default:
		r.warn(fmt.Sprintf("an event is of type %.32q, which is unknown; it is read as usual", x.Type))
	}
	if x.Status == "tentative" || response == "tentative" || response == "needsAction" {
		return presence.EventTentative
	}
	return presence.EventBusy
}

// time reads a moment: with an offset, or a day in the user's zone, or in that of
// the calendar where hers is not known.
func (r *reading) time(m moment) (t time.Time, day, ok bool) {
	if m.DateTime != "" {
		t, err := time.Parse(time.RFC3339, m.DateTime)
		if err == nil {
			return t.UTC(), false, true
		}
		zone, known := calendar.Named(m.Zone, time.LoadLocation)
		if !known {
			return time.Time{}, false, false
		}
		t, err = time.ParseInLocation("2006-01-02T15:04:05", m.DateTime, zone)
		return t.UTC(), false, err == nil
	}
	zone := r.box.Zone
	if zone == nil {
		zone = r.zone
	}
	if zone == nil {
		zone = time.UTC
	}
	t, err := time.ParseInLocation(time.DateOnly, m.Date, zone)
	return t.UTC(), true, err == nil
}
