package ews

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/presence"
	"presenced/internal/testbed/calendars"
)

// one fetches one mailbox.
func one(t *testing.T, s *Source, box sources.Mailbox) sources.Result {
	t.Helper()
	return sourcetest.One(t, s, sourcetest.Window, box)
}

func TestTimes_OffsetZOrNeither(t *testing.T) {
	for _, times := range []string{"naive", "offset", "z"} {
		e := server(t, calendars.Basic, calendars.Options{})
		e.Times = times
		e.Put(alice, calendars.Mailbox{Events: []calendars.Event{{Start: at(10, 0), End: at(10, 30), Kind: "busy", Subject: "s"}}})
		r := one(t, source(t, options(e, sourcetest.NewClock())), sources.Mailbox{Address: alice})
		if got, want := shown(r), `25T10:00-25T10:30 busy "s";`; got != want {
			t.Errorf("%s: got %s, want %s (%v)", times, got, want, r.Err)
		}
	}
}

func TestKinds_AndWhatIsPrivate(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	e := server(t, calendars.Basic, calendars.Options{})
	e.Put(alice, calendars.Mailbox{Events: []calendars.Event{
		{Start: at(9, 0), End: at(9, 5), Kind: "free", Subject: "a"},
		{Start: at(9, 5), End: at(9, 10), Kind: "tentative", Subject: "b"},
		{Start: at(9, 10), End: at(9, 15), Kind: "busy", Subject: "<c> & d", Location: "Room 1", Meeting: true},
		{Start: at(9, 15), End: at(9, 20), Kind: "oof", Subject: "secret", Private: true},
		{Start: at(9, 20), End: at(9, 25), Kind: "elsewhere"},
		{Start: at(9, 25), End: at(9, 30), Kind: "NoData"},
		{Start: at(9, 30), End: at(9, 35), Kind: "Sabbatical"},
		{Start: at(23, 0), End: at(23, 0).Add(24 * time.Hour), Kind: "busy", Subject: "day"},
		{Start: at(0, 0).Add(-time.Hour), End: at(5, 0), Kind: "busy", Subject: "before the window"},
		{Start: at(7, 0), End: at(9, 0).Add(30 * 24 * time.Hour), Kind: "oof", Subject: "long"},
	}})
	r := one(t, source(t, options(e, sourcetest.NewClock())), sources.Mailbox{Address: alice, Zone: berlin})
	want := `25T07:00-25T09:00 oof "long";25T09:00-25T09:05 free "a";25T09:05-25T09:10 tentative "b";25T09:10-25T09:15 busy "<c> & d";` +
		`25T09:15-25T09:20 oof "";25T09:20-25T09:25 working_elsewhere "";25T09:25-25T09:30 free "";25T09:30-25T09:35 free "";25T23:00-26T23:00 busy "day" day;`
	if got := shown(r); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	ev := r.Schedule.Events
	if !ev[3].Attendees || ev[3].Location != "Room 1" || !ev[4].Private {
		t.Errorf("details are lost: %+v, %+v", ev[3], ev[4])
	}
	if !ev[0].End.Equal(at(9, 0).Add(30 * 24 * time.Hour)) {
		t.Errorf("an event that goes beyond the window ends %v", ev[0].End)
	}
	if len(r.Schedule.Warnings) != 1 || strings.Contains(r.Schedule.Warnings[0], "secret") {
		t.Errorf("warnings: %q", r.Schedule.Warnings)
	}
}

// Exchange tells working elsewhere to those who ask as 2013 or later only, and 2010
// answers nobody who does. It is found out once.
func TestVersion_WorkingElsewhereAndExchange2010(t *testing.T) {
	for old, want := range map[bool]string{false: `25T10:00-25T11:00 working_elsewhere "";`, true: `25T10:00-25T11:00 free "";`} {
		e := server(t, calendars.Basic, calendars.Options{})
		e.Old = old
		e.Put(alice, calendars.Mailbox{
			Events: []calendars.Event{{Start: at(10, 0), End: at(11, 0), Kind: "elsewhere"}}, Reply: &calendars.Reply{Internal: "away"},
		})
		o := options(e, sourcetest.NewClock())
		o.Replies = away.Note
		s := source(t, o)
		for range 2 {
			if r := one(t, s, sources.Mailbox{Address: alice}); shown(r) != want || r.Away == nil {
				t.Errorf("old %v: got %s, %+v (%v)", old, shown(r), r.Away, r.Err)
			}
		}
		if n := e.Hits("/EWS/"); n != 4 && (!old || n != 5) {
			t.Errorf("old %v: %d requests for two readings, want two each and one to find out", old, n)
		}
	}
	// Who refuses everything has not told that it is old.
	e := server(t, calendars.Basic, calendars.Options{})
	e.Put(alice, calendars.Mailbox{})
	e.Play(calendars.SOAPFault("ErrorSchemaValidation"))
	s := source(t, options(e, sourcetest.NewClock()))
	fault(t, fails(t, s), sources.Broken)
	if s.old.Load() {
		t.Error("a server that takes no request at all is taken for an old one")
	}
}

func TestViews_ThatGiveLessThanWasAsked(t *testing.T) {
	events := []calendars.Event{
		{Start: at(10, 0), End: at(10, 25), Kind: "busy", Subject: "s"},
		{Start: at(10, 25), End: at(10, 30), Kind: "tentative"},
		{Start: at(11, 0), End: at(12, 0), Kind: "oof"},
	}
	tests := []struct{ view, want string }{
		{"FreeBusy", `25T10:00-25T10:25 busy "";25T10:25-25T10:30 tentative "";25T11:00-25T12:00 oof "";`},
		{"FreeBusyMerged", `25T10:00-25T10:25 busy "";25T10:25-25T10:30 tentative "";25T11:00-25T12:00 oof "";`},
		{"MergedOnly", `25T10:00-25T10:25 busy "";25T10:25-25T10:30 tentative "";25T11:00-25T12:00 oof "";`},
		{"None", ""},
	}
	for _, tt := range tests {
		e := server(t, calendars.Basic, calendars.Options{})
		e.Put(alice, calendars.Mailbox{Events: events, View: tt.view})
		r := one(t, source(t, options(e, sourcetest.NewClock())), sources.Mailbox{Address: alice})
		if got := shown(r); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.view, got, tt.want)
		}
		if none := tt.want == ""; none != (r.Err != nil) || none && sources.KindOf(r.Err) != sources.Forbidden {
			t.Errorf("%s: %v", tt.view, r.Err)
		}
	}
}

func TestCodes_OfOneMailbox(t *testing.T) {
	tests := map[string]sources.FaultKind{
		"ErrorMailRecipientNotFound":        sources.Gone,
		"ErrorProxyRequestProcessingFailed": sources.Broken,
		"ErrorNoFreeBusyAccess":             sources.Forbidden,
		"ErrorMailboxLogonFailed":           sources.Broken,
		"ErrorServiceDiscoveryFailed":       sources.Broken,
		"ErrorFreeBusyGenerationFailed":     sources.Broken,
		"ErrorAutoDiscoverFailed":           sources.Broken,
		"ErrorTimeoutExpired":               sources.Broken,
		"ErrorMailboxMoveInProgress":        sources.Moved,
		"ErrorNonPrimarySmtpAddress":        sources.Moved,
		"ErrorFreeBusyDLLimitReached":       sources.TooLarge,
		"ErrorOfNextYear":                   sources.Broken,
		"ErrorServerBusy":                   sources.Busy,
	}
	e := server(t, calendars.Basic, calendars.Options{})
	s := source(t, options(e, sourcetest.NewClock()))
	e.Put(alice, calendars.Mailbox{})
	remedies := map[string]bool{}
	for code, kind := range tests {
		e.Put("bob@corp.example", calendars.Mailbox{Error: code, ErrorText: "Bob's secret"})
		results, err := s.Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{{Address: alice}, {Address: "bob@corp.example"}})
		if err != nil || results[0].Err != nil {
			t.Errorf("%s: the other mailbox: %v, %v", code, err, results[0].Err)
			continue
		}
		f := fault(t, results[1].Err, kind)
		if strings.Contains(fmt.Sprintf("%+v", *f), "secret") || !strings.Contains(f.Error(), code) || f.Remedy == "" {
			t.Errorf("%s: %v, %s", code, f, f.Remedy)
		}
		remedies[f.Remedy] = true
	}
	if len(remedies) < 11 {
		t.Errorf("only %d remedies tell %d codes apart", len(remedies), len(tests))
	}
}

func TestParse_DocumentedSample(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("testdata", "availability.xml"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := parse(body)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2006, 10, 16, 0, 0, 0, 0, time.UTC)
	results, err := a.results(sources.Window{From: day, To: day.Add(48 * time.Hour)}, []sources.Mailbox{{Address: "a"}, {Address: "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shown(results[0]), `16T13:00-16T13:30 busy "Weekly";16T14:00-16T15:00 busy "Lunch";`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := shown(results[1]), `16T16:00-16T17:00 tentative "";`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := a.results(sources.Window{From: day, To: day.Add(time.Hour)}, []sources.Mailbox{{Address: "a"}}); sources.KindOf(err) != sources.Malformed {
		t.Errorf("two answers to one question: %v", err)
	}
}

// What a server may say without events, and times it writes for none.
func TestResult_DigitsWithoutEvents(t *testing.T) {
	for _, tt := range []struct{ view, digits, want string }{
		{"FreeBusyMerged", strings.Repeat("4", 24), "nothing"},
		{"DetailedMerged", strings.Repeat("4", 24), "nothing"},
		{"FreeBusyMerged", "0022", "25T08:10-25T08:20 busy \"\";"},
		{"DetailedMerged", strings.Repeat("0", 24), ""},
		{"Detailed", "", ""},
		{"MergedOnly", "0é€2", "25T08:15-25T08:20 busy \"\";"}, // of digits nobody documented
	} {
		f := freeBusy{Message: message{Code: "NoError", Class: "Success"}}
		f.View.Type, f.View.Digits = tt.view, tt.digits
		r := f.result(sources.Window{From: at(8, 0), To: at(10, 0)}, &sources.Mailbox{Address: alice})
		got := shown(r)
		if r.Err != nil && sources.KindOf(r.Err) == sources.Forbidden {
			got = "nothing"
		}
		if got != tt.want {
			t.Errorf("%s with %q: got %q, want %q", tt.view, tt.digits, got, tt.want)
		}
	}
	for _, text := range []string{"9999-12-31T23:59:59", "0001-01-01T00:00:01Z", "", "x"} {
		if got, err := parseTime(text); err == nil || !got.IsZero() {
			t.Errorf("%q is %v, %v; want no time", text, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	body, err := os.ReadFile(filepath.Join("testdata", "availability.xml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`<Envelope><Body><Fault><detail><MessageXml><Value Name="BackOffMilliseconds">9</Value></MessageXml></detail></Fault></Body></Envelope>`))
	f.Add([]byte(`<E:Envelope xmlns:E="x"><Body><GetUserAvailabilityResponse><FreeBusyResponseArray><FreeBusyResponse><FreeBusyView><MergedFreeBusy>0123499é</MergedFreeBusy></FreeBusyView>` +
		`<ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode></ResponseMessage></FreeBusyResponse></FreeBusyResponseArray></GetUserAvailabilityResponse></Body></E:Envelope>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := parse(body)
		if err != nil {
			return
		}
		if a.Fault != nil && a.Fault.fault() == nil {
			t.Error("a fault that is none")
		}
		results, err := a.results(sourcetest.Window, make([]sources.Mailbox, len(a.FreeBusy)))
		if err != nil {
			return
		}
		for _, r := range results {
			for _, e := range r.Schedule.Events {
				if e.End.Before(e.Start) || e.Kind > presence.EventElsewhere {
					t.Errorf("an event from %v to %v, %v", e.Start, e.End, e.Kind)
				}
			}
		}
	})
}
