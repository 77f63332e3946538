package ews

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"presenced/aggregation/calendar"
	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/exchange"
	"presenced/internal/presence"
)

// answer is what a server sends, of both requests. Namespaces are not looked at:
// servers and documentation differ in them.
type answer struct {
	XMLName  xml.Name   `xml:"Envelope"`
	Fault    *soapFault `xml:"Body>Fault"`
	FreeBusy []freeBusy `xml:"Body>GetUserAvailabilityResponse>FreeBusyResponseArray>FreeBusyResponse"`
	Tips     []mailTips `xml:"Body>GetMailTipsResponse>ResponseMessages>MailTipsResponseMessageType"`
}

// message is how an answer about one mailbox went.
type message struct {
	Class  string  `xml:"ResponseClass,attr"`
	Code   string  `xml:"ResponseCode"`
	Values []value `xml:"MessageXml>Value"`
}

// value is a detail of an error, by name.
type value struct {
	Name string `xml:"Name,attr"`
	Text string `xml:",chardata"`
}

type freeBusy struct {
	Message message `xml:"ResponseMessage"`
	View    struct {
		Type   string `xml:"FreeBusyViewType"`
		Digits string `xml:"MergedFreeBusy"`
		Array  *struct {
			Events []xmlEvent `xml:"CalendarEvent"`
		} `xml:"CalendarEventArray"`
	} `xml:"FreeBusyView"`
}

type xmlEvent struct {
	Start    string `xml:"StartTime"`
	End      string `xml:"EndTime"`
	BusyType string `xml:"BusyType"`
	Details  *struct {
		Subject  string `xml:"Subject"`
		Location string `xml:"Location"`
		Meeting  bool   `xml:"IsMeeting"`
		Private  bool   `xml:"IsPrivate"`
	} `xml:"CalendarEventDetails"`
}

type mailTips struct {
	Class string `xml:"ResponseClass,attr"`
	Code  string `xml:"ResponseCode"`
	// Pending are the tips the mailbox's server has not given Exchange in time.
	Pending string `xml:"MailTips>PendingMailTips"`
	Away    *struct {
		Message string `xml:"ReplyBody>Message"`
		Start   string `xml:"Duration>StartTime"`
		End     string `xml:"Duration>EndTime"`
	} `xml:"MailTips>OutOfOffice"`
}

// parse reads an answer.
func parse(body []byte) (*answer, error) {
	a := &answer{}
	if err := xml.Unmarshal(body, a); err != nil {
		return nil, &sources.Fault{
			Kind: sources.Malformed, Err: fmt.Errorf("the answer is no SOAP of Exchange"),
			Remedy: "see that the URL ends in /EWS/Exchange.asmx and that nothing in between changes or cuts answers",
		}
	}
	return a, nil
}

// results returns what the answer says about boxes, in their order, which is that
// of the answer.
func (a *answer) results(w sources.Window, boxes []sources.Mailbox) ([]sources.Result, error) {
	if len(a.FreeBusy) != len(boxes) {
		return nil, &sources.Fault{
			Kind: sources.Malformed, Err: fmt.Errorf("the server answered for %d mailboxes of %d", len(a.FreeBusy), len(boxes)),
			Remedy: "see that the URL is that of Exchange Web Services",
		}
	}
	results := make([]sources.Result, len(boxes))
	busy := 0
	for i := range boxes {
		results[i] = a.FreeBusy[i].result(w, &boxes[i])
		if sources.KindOf(results[i].Err) == sources.Busy {
			busy++
		}
	}
	if busy > 0 && busy == len(boxes) {
		return nil, results[0].Err // the server is, not each of them
	}
	return results, nil
}

func (f *freeBusy) result(w sources.Window, box *sources.Mailbox) sources.Result {
	if code := f.Message.Code; code != "NoError" || f.Message.Class == "Error" {
		return sources.Result{Err: exchange.Fault(code, backOff(f.Message.Values)), State: box.State}
	}
	r := reading{box: box, window: w}
	switch v := &f.View; {
	case v.Array != nil:
		for i := range v.Array.Events {
			r.event(&v.Array.Events[i])
		}
	case strings.Trim(v.Digits, "4") != "":
		r.digits(v.Digits)
	case v.Digits == "" && (strings.HasPrefix(v.Type, "Detailed") || strings.HasPrefix(v.Type, "FreeBusy")):
		// An empty calendar.
	default: // None, or digits that say that nothing is known
		return sources.Result{State: box.State, Err: &sources.Fault{
			Kind: sources.Forbidden, Err: fmt.Errorf("the server gives nothing of this mailbox's calendar"),
			Remedy: "let the account see free/busy times of the mailbox: its calendar's default permission, or the sharing with its forest",
		}}
	}
	return sources.Result{Schedule: r.schedule()}
}

// reading collects the events of one mailbox.
type reading struct {
	box      *sources.Mailbox
	window   sources.Window
	events   []presence.Event
	unknown  int    // words for kinds nobody documented
	word     string // the first of them
	unusable int    // events without times that can be read
}

// kinds are those of BusyType; NoData is none.
var kinds = map[string]presence.EventKind{
	"free": presence.EventFree, "tentative": presence.EventTentative, "busy": presence.EventBusy, "oof": presence.EventOOF,
	"workingelsewhere": presence.EventElsewhere,
}

// event adds one event if it touches the window. It stays whole: where it ends
// decides what "until" says, and what began first.
func (r *reading) event(x *xmlEvent) {
	start, err1 := parseTime(x.Start)
	stop, err2 := parseTime(x.End)
	if err1 != nil || err2 != nil || stop.Before(start) {
		r.unusable++
		return
	}
	if !start.Before(r.window.To) || !stop.After(r.window.From) {
		return
	}
	kind, known := kinds[strings.ToLower(strings.TrimSpace(x.BusyType))]
	if !known {
		r.unknown++
		if r.word == "" {
			r.word = x.BusyType
		}
	}
	e := presence.Event{Start: start, End: stop, Kind: kind, AllDay: calendar.WholeDays(start, stop, r.box.Zone)}
	if d := x.Details; d != nil {
		e.Private, e.Attendees = d.Private, d.Meeting
		if !d.Private {
			e.Subject, e.Location = d.Subject, d.Location
		}
	}
	r.events = append(r.events, e)
}

// digits adds an event for each run of the same digit. One character is one slot,
// also where it is no digit.
func (r *reading) digits(all string) {
	at, _ := bounds(r.window)
	shown := [...]presence.EventKind{presence.EventFree, presence.EventTentative, presence.EventBusy, presence.EventOOF, presence.EventFree}
	for len(all) > 0 {
		digit, _ := utf8.DecodeRuneInString(all)
		rest := strings.TrimLeftFunc(all, func(c rune) bool { return c == digit })
		n := utf8.RuneCountInString(all[:len(all)-len(rest)])
		stop := at.Add(time.Duration(n) * slot)
		switch d := int(digit) - '0'; {
		case d < 0 || d >= len(shown):
			r.unknown++
			r.word = string(digit)
		case shown[d] != presence.EventFree:
			r.events = append(r.events, presence.Event{Start: at, End: stop, Kind: shown[d], AllDay: calendar.WholeDays(at, stop, r.box.Zone)})
		}
		at, all = stop, rest
	}
}

func (r *reading) schedule() calendar.Schedule {
	slices.SortStableFunc(r.events, func(a, b presence.Event) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return a.End.Compare(b.End)
	})
	s := calendar.Schedule{Events: r.events}
	if r.unknown > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d events are shown as %s, which is unknown; they are read as free", r.unknown, quote(r.word)))
	}
	if r.unusable > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d events have times that cannot be read; they are left out", r.unusable))
	}
	return s
}

// quote shows a word of the server's, within reason.
func quote(word string) string {
	const few = 32
	return strconv.QuoteToASCII(word[:min(len(word), few)])
}

// parseTime reads a time with an offset (2007), with Z, or with neither (2013 and
// later): the last is in the zone of the request, which is UTC.
func parseTime(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t, err = time.Parse(naive, text)
	}
	if err == nil && (t.Year() < 1601 || t.Year() > 4500) { // what Exchange can hold
		err = fmt.Errorf("the year %d is none of Exchange's", t.Year())
	}
	if err != nil {
		return time.Time{}, err
	}
	return t.UTC(), nil
}
