package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/presence"
	"presenced/internal/testbed/calendars"
)

func fetch(t *testing.T, s *Source, addresses ...string) ([]sources.Result, error) {
	t.Helper()
	boxes := make([]sources.Mailbox, len(addresses))
	for i, a := range addresses {
		boxes[i].Address = a
	}
	return s.Fetch(t.Context(), sourcetest.Window, boxes)
}

func TestItems_EachInItsOwnZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	g := graph(t, calendars.Options{})
	g.UTCOnly = true // says UTC whatever was asked, as one cloud does
	g.Put(alice, calendars.Mailbox{Events: []calendars.Event{
		{Start: at(9, 0), End: at(9, 30), Kind: "Busy", Subject: "a", Zone: "W. Europe Standard Time"},
		{Start: at(10, 0), End: at(10, 30), Kind: "tentative", Subject: "b", Zone: "Pacific Standard Time"},
		{Start: at(11, 0), End: at(11, 30), Kind: "elsewhere", Subject: "c"},
		{Start: at(12, 0), End: at(12, 30), Kind: "oof", Subject: "secret", Private: true},
		{Start: at(13, 0), End: at(13, 30), Kind: "unknown", Subject: "e"},
		{Start: at(13, 30), End: at(13, 35), Kind: "free"},
		{Start: at(23, 0), End: at(23, 0).Add(24 * time.Hour), Kind: "busy", Subject: "day"},
		{Start: at(14, 0), End: at(15, 0).Add(90 * 24 * time.Hour), Kind: "oof", Subject: "long"},
	}})
	results, err := source(t, options(g, sourcetest.NewClock())).Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{{Address: alice, Zone: berlin}})
	if err != nil {
		t.Fatal(err)
	}
	want := `25T09:00-25T09:30 busy "a";25T10:00-25T10:30 tentative "b";25T11:00-25T11:30 working_elsewhere "c";25T12:00-25T12:30 oof "";` +
		`25T13:00-25T13:30 free "e";25T13:30-25T13:35 free "";25T14:00-23T15:00 oof "long";25T23:00-26T23:00 busy "day" day;`
	if got := shown(results[0]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if w := results[0].Schedule.Warnings; len(w) != 1 || !strings.Contains(w[0], "unknown") {
		t.Errorf("warnings: %q", w)
	}
}

func TestItems_AnUnknownZoneIsTheUsers(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	g := graph(t, calendars.Options{})
	g.Put(alice, calendars.Mailbox{Events: []calendars.Event{{Start: at(10, 0), End: at(11, 0), Kind: "busy", Zone: "Customized Time Zone"}}})
	results, err := source(t, options(g, sourcetest.NewClock())).Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{{Address: alice, Zone: berlin}})
	if err != nil || shown(results[0]) != `25T09:00-25T10:00 busy "";` || len(results[0].Schedule.Warnings) != 1 {
		t.Errorf("got %s, %v, %v", shown(results[0]), results[0].Schedule.Warnings, err)
	}
}

func TestAnchor_GoesRoundAndRefusalsAreItsOwn(t *testing.T) {
	g := graph(t, calendars.Options{})
	s := source(t, options(g, sourcetest.NewClock()))
	addresses := []string{"a@corp.example", "b@corp.example", "c@corp.example", "d@corp.example"}
	for _, a := range addresses {
		g.Put(a, calendars.Mailbox{})
	}
	for range 8 {
		if _, err := fetch(t, s, addresses...); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range addresses {
		if n := g.Anchors()[a]; n != 2 {
			t.Errorf("%s was charged for %d of 8 requests, want 2", a, n)
		}
	}
	g.Blocked = map[string]bool{"b@corp.example": true}
	g.Drop("c@corp.example")
	g.Put("d@corp.example", calendars.Mailbox{Moved: "elsewhere"})
	for range 8 { // one anchor after the other, until one may
		results, err := fetch(t, s, addresses...)
		if err != nil {
			t.Fatal(err)
		}
		fault(t, results[2].Err, sources.Gone)
		for _, i := range []int{0, 1} {
			if results[i].Err != nil {
				t.Errorf("%s: %v", addresses[i], results[i].Err)
			}
		}
	}
	_, err := fetch(t, s, "b@corp.example")
	if f := fault(t, err, sources.Forbidden); !strings.Contains(f.Remedy, "policy") {
		t.Errorf("the remedy is %q", f.Remedy)
	}
	_, err = fetch(t, s, "d@corp.example")
	if f := fault(t, err, sources.Moved); !strings.Contains(f.Remedy, "ews") {
		t.Errorf("the remedy is %q", f.Remedy)
	}
	o := options(g, sourcetest.NewClock())
	o.As = "a@corp.example"
	before := g.Anchors()["a@corp.example"]
	if _, err := fetch(t, source(t, o), "b@corp.example", "a@corp.example"); err != nil || g.Anchors()["a@corp.example"] != before+1 {
		t.Errorf("as one user: %v, %v", err, g.Anchors())
	}
}

func TestSeats_FourRequestsPerMailbox(t *testing.T) {
	g := graph(t, calendars.Options{})
	g.Put(alice, calendars.Mailbox{})
	g.Delay(20 * time.Millisecond)
	o := options(g, sourcetest.NewClock())
	o.InFlight = 12
	s := source(t, o)
	var all sync.WaitGroup
	for range 24 {
		all.Go(func() {
			if results, err := fetch(t, s, alice); err != nil || results[0].Err != nil {
				t.Errorf("got %v, %v", results, err) // the fake refuses the fifth with 429
			}
		})
	}
	all.Wait()
	if got := g.Most(); got > MaxPerMailbox+1 { // and one for the token
		t.Errorf("%d requests at once for one mailbox", got)
	}
	if len(s.seats.taken) != 0 {
		t.Errorf("seats are still taken: %v", s.seats.taken)
	}
	ctx, cancel := context.WithCancel(t.Context())
	for range MaxPerMailbox {
		if err := s.seats.take(ctx, alice); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := s.seats.take(ctx, alice); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for a seat did not end: %v", err)
	}
}

func TestTokens_RenewedInTheMiddleOfABatch(t *testing.T) {
	g := graph(t, calendars.Options{})
	g.ExpireAfter(1) // each is good for one request, whatever it says
	o := options(g, sourcetest.NewClock())
	o.Replies = away.Note
	g.Put(alice, calendars.Mailbox{Reply: &calendars.Reply{External: "x", Audience: "all"}})
	s := source(t, o)
	for i := range 3 {
		results, err := fetch(t, s, alice)
		if err != nil || results[0].Err != nil || results[0].Away == nil {
			t.Fatalf("fetch %d: %+v, %v", i, results, err)
		}
	}
	if got := g.Issued(); got != 6 {
		t.Errorf("%d tokens for 6 requests", got)
	}
	if got, want := g.Scope(), g.URL+"/.default"; got != want {
		t.Errorf("the scope is %q, want %q", got, want)
	}
}

func TestFaults_AreToldApart(t *testing.T) {
	tests := []struct {
		name   string
		fault  calendars.Fault
		kind   sources.FaultKind
		wait   time.Duration
		remedy string
	}{
		{"429 in seconds", calendars.Throttled("120"), sources.Busy, 2 * time.Minute, ""},
		{"429 with a date", calendars.Throttled(time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat)), sources.Busy, 10 * time.Minute, ""},
		{"503", calendars.Fault{Path: "/v1.0/", Status: 503, Header: map[string]string{"Retry-After": "60"}}, sources.Busy, time.Minute, ""},
		{"no consent", calendars.GraphError(403, "Authorization_RequestDenied"), sources.Forbidden, 0, "Calendars.ReadBasic"},
		{"login page", calendars.Fault{Path: "/v1.0/", Trouble: calendars.Login}, sources.Unauthorized, 0, ""},
		{"cut", calendars.Fault{Path: "/v1.0/", Trouble: calendars.Truncate}, sources.Malformed, 0, ""},
		{"another host", calendars.Fault{Path: "/v1.0/", Status: 307, Header: map[string]string{"Location": "http://127.0.0.2:1/"}}, sources.Moved, 0, ""},
		{"every token refused", calendars.GraphError(401, "InvalidAuthenticationToken"), sources.Unauthorized, 0, "cloud"},
		{"the window", calendars.GraphError(400, "ErrorTimeIntervalTooBig"), sources.TooLarge, 0, ""},
		{"the token server is busy", calendars.Fault{Path: "/contoso.example/", Status: 503, Header: map[string]string{"Retry-After": "30"}}, sources.Busy, 30 * time.Second, ""},
		{"the token server is a web page", calendars.Fault{Path: "/contoso.example/", Trouble: calendars.Login}, sources.Unauthorized, 0, ""},
	}
	for _, tt := range tests {
		g := graph(t, calendars.Options{})
		g.Put(alice, calendars.Mailbox{})
		g.Play(tt.fault)
		_, err := fetch(t, source(t, options(g, sourcetest.NewClock())), alice)
		f := fault(t, err, tt.kind)
		if d := f.RetryAfter - tt.wait; d > 2*time.Second || d < -2*time.Second {
			t.Errorf("%s: wait %v, want %v", tt.name, f.RetryAfter, tt.wait)
		}
		if !strings.Contains(f.Remedy, tt.remedy) {
			t.Errorf("%s: the remedy is %q", tt.name, f.Remedy)
		}
	}
}

func TestCredentials_ThatAreWrong(t *testing.T) {
	tests := []struct {
		name   string
		set    func(o *Options)
		remedy string
	}{
		{"secret", func(o *Options) { o.Secret = "wr0ng-secret" }, "its value, not its id"},
		{"client", func(o *Options) { o.ClientID = "another" }, "no such application"},
		{"tenant", func(o *Options) { o.Tenant = "another.example" }, "no such tenant"},
	}
	for _, tt := range tests {
		g := graph(t, calendars.Options{})
		o := options(g, sourcetest.NewClock())
		tt.set(&o)
		_, err := fetch(t, source(t, o), alice)
		f := fault(t, err, sources.Unauthorized)
		if !strings.Contains(f.Remedy, tt.remedy) {
			t.Errorf("%s: the remedy is %q", tt.name, f.Remedy)
		}
		if text := fmt.Sprintf("%v %+v", f, *f); strings.Contains(text, "wr0ng") {
			t.Errorf("%s: the error tells the secret: %s", tt.name, text)
		}
	}
}

func TestReplies_MakeOutOfOffice(t *testing.T) {
	g := graph(t, calendars.Options{})
	clock := sourcetest.NewClock()
	o := options(g, clock)
	o.Replies, o.Size = away.Note, 40 // two batches of JSON
	s := source(t, o)
	addresses := make([]string, 25)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("u%d@corp.example", i)
		g.Put(addresses[i], calendars.Mailbox{})
	}
	g.Put(addresses[0], calendars.Mailbox{Reply: &calendars.Reply{Start: at(8, 0), End: at(18, 0), Internal: "for colleagues", External: "<p>for all</p>", Audience: "all"}})
	g.Put(addresses[1], calendars.Mailbox{Reply: &calendars.Reply{Start: at(8, 0), End: at(18, 0), Internal: "for colleagues", External: "for contacts", Audience: "contactsOnly"}})
	g.Put(addresses[24], calendars.Mailbox{Reply: &calendars.Reply{Internal: "x", External: "until I say so", Audience: "all"}})
	results, err := fetch(t, s, addresses...)
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]*presence.OutOfOffice{
		0:  {Start: at(8, 0), End: at(18, 0), Note: "for all"},
		1:  {Start: at(8, 0), End: at(18, 0)},
		24: {Start: sourcetest.Now, Note: "until I say so"},
	}
	for i := range results {
		got := results[i].Away
		if (got == nil) != (want[i] == nil) || got != nil && *got != *want[i] {
			t.Errorf("%s: got %+v, want %+v", addresses[i], got, want[i])
		}
	}
	g.NoReplies = true
	again, err := s.Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{{Address: addresses[0], State: results[0].State}})
	if err != nil || again[0].Away == nil || again[0].Away.Note != "for all" {
		t.Fatalf("without the right what was known is lost: %+v, %v", again, err)
	}
	if w := again[0].Schedule.Warnings; len(w) != 1 || !strings.Contains(w[0], "MailboxSettings.Read") {
		t.Errorf("warnings: %q", w)
	}
}

// Who asks to be left alone while it is asked about replies is, by everybody.
func TestReplies_AServerThatIsBusyIsLeftAlone(t *testing.T) {
	g := graph(t, calendars.Options{})
	g.Put(alice, calendars.Mailbox{})
	o := options(g, sourcetest.NewClock())
	o.Replies = away.Note
	s := source(t, o)
	busy := calendars.Throttled("120")
	busy.Path = "/v1.0/$batch"
	g.Play(busy)
	if results, err := fetch(t, s, alice); err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	before := g.Hits("/v1.0/")
	_, err := fetch(t, s, alice)
	if f := fault(t, err, sources.Busy); f.RetryAfter != 2*time.Minute || g.Hits("/v1.0/") != before {
		t.Errorf("the wait is %v, and it was asked %d times; want 2 min and none", f.RetryAfter, g.Hits("/v1.0/")-before)
	}
}

func TestNew_NationalClouds(t *testing.T) {
	for url, login := range map[string]string{
		"":                                "https://login.microsoftonline.com",
		"https://graph.microsoft.us/v1.0": "https://login.microsoftonline.us",
		"https://dod-graph.microsoft.us":  "https://login.microsoftonline.us",
		"https://microsoftgraph.chinacloudapi.cn/": "https://login.partner.microsoftonline.cn",
		"https://graph.example.org":                "",
	} {
		s, err := New(Options{URL: url, Tenant: "t", ClientID: "c", Secret: "s"})
		if login == "" {
			if err == nil {
				t.Errorf("%s: nobody knows where it gives tokens", url)
			}
			continue
		}
		if err != nil || s.o.LoginURL != login {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func FuzzResults(f *testing.F) {
	body, err := os.ReadFile(filepath.Join("testdata", "schedule.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"value":[{"scheduleId":"adelev@contoso.example","error":{"responseCode":"ErrorServerBusy"}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		boxes := []sources.Mailbox{{Address: "adelev@contoso.example"}, {Address: "meganb@contoso.example"}}
		day := time.Date(2019, 3, 15, 0, 0, 0, 0, time.UTC)
		got, err := results(body, sources.Window{From: day, To: day.Add(48 * time.Hour)}, boxes)
		if err != nil {
			return
		}
		for _, r := range got {
			for _, e := range r.Schedule.Events {
				if e.End.Before(e.Start) {
					t.Errorf("an event from %v to %v", e.Start, e.End)
				}
			}
			if len(r.Schedule.Warnings) > maxWarnings {
				t.Errorf("%d warnings", len(r.Schedule.Warnings))
			}
		}
	})
}
