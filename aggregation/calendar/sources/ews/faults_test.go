package ews

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/testbed/calendars"
)

// fails fetches one mailbox from a server that has a fault.
func fails(t *testing.T, s *Source) error {
	t.Helper()
	_, err := s.Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{{Address: alice}, {Address: "bob@corp.example"}})
	if err == nil {
		t.Fatal("no error")
	}
	return err
}

func TestFaults_AreToldApart(t *testing.T) {
	tests := []struct {
		name   string
		fault  calendars.Fault
		kind   sources.FaultKind
		remedy string
	}{
		{"busy under 200", calendars.ServerBusy(200, 90000), sources.Busy, "throttl"},
		{"busy under 500", calendars.ServerBusy(500, 90000), sources.Busy, "throttl"},
		{"busy under 503", calendars.ServerBusy(503, 90000), sources.Busy, "throttl"},
		{"connections", calendars.SOAPFault("ErrorExceededConnectionCount"), sources.Busy, "connections"},
		{"503 of a balancer", calendars.Fault{Status: 503, Header: map[string]string{"Retry-After": "90"}}, sources.Busy, ""},
		{"blocked tenant", calendars.Fault{Status: 403, Body: "Forbidden"}, sources.Forbidden, "kind graph"},
		{"wrong path", calendars.Fault{Status: 404}, sources.Moved, "/EWS/Exchange.asmx"},
		{"login page", calendars.Fault{Trouble: calendars.Login}, sources.Unauthorized, "log in"},
		{"cut", calendars.Fault{Trouble: calendars.Truncate}, sources.Malformed, "cut"},
		{"too large", calendars.Fault{Trouble: calendars.Huge}, sources.TooLarge, ""},
		{"dripping", calendars.Fault{Trouble: calendars.Drip}, sources.Unreachable, ""},
		{"resets", calendars.Fault{Trouble: calendars.Reset}, sources.Unreachable, ""},
		{"a proxy's 502", calendars.Fault{Status: 502, Body: "Bad Gateway"}, sources.Unreachable, "proxy"},
		{"another host", calendars.Fault{Status: 302, Header: map[string]string{"Location": "http://127.0.0.2:1/EWS/Exchange.asmx"}}, sources.Moved, "address"},
		{"no impersonation", calendars.SOAPFault("ErrorImpersonateUserDenied"), sources.Forbidden, "ApplicationImpersonation"},
	}
	for _, tt := range tests {
		e := server(t, calendars.Basic, calendars.Options{})
		e.Play(tt.fault)
		f := fault(t, fails(t, source(t, options(e, sourcetest.NewClock()))), tt.kind)
		if tt.kind == sources.Busy && tt.name != "connections" && f.RetryAfter != 90*time.Second {
			t.Errorf("%s: wait %v, want 90 s", tt.name, f.RetryAfter)
		}
		if !strings.Contains(f.Remedy, tt.remedy) {
			t.Errorf("%s: the remedy is %q, want something with %q", tt.name, f.Remedy, tt.remedy)
		}
		if text := fmt.Sprintf("%+v", *f); strings.Contains(text, e.Password) {
			t.Errorf("%s: the password is in %s", tt.name, text)
		}
	}
}

func TestTLS_IsToldApart(t *testing.T) {
	tests := []struct {
		name   string
		o      calendars.Options
		trust  bool
		remedy string
	}{
		{"expired", calendars.Options{Expired: true}, true, "renew"},
		{"for another name", calendars.Options{WrongName: true}, true, "mail.elsewhere.example"},
		{"of an unknown authority", calendars.Options{TLS: true}, false, "authority"},
	}
	for _, tt := range tests {
		e := server(t, calendars.Basic, tt.o)
		o := options(e, sourcetest.NewClock())
		if !tt.trust {
			o.RootCAs = nil
		}
		if f := fault(t, fails(t, source(t, o)), sources.BadTLS); !strings.Contains(f.Remedy, tt.remedy) {
			t.Errorf("%s: the remedy is %q", tt.name, f.Remedy)
		}
		if n := e.Hits("/EWS/"); n != 0 {
			t.Errorf("%s: %d requests got through", tt.name, n)
		}
	}
}

func TestAuth_TheWrongWay(t *testing.T) {
	ways := []string{calendars.Basic, calendars.NTLM, calendars.OAuth}
	for _, takes := range ways {
		for _, sends := range ways {
			e := server(t, takes, calendars.Options{TLS: true})
			o := options(e, sourcetest.NewClock())
			o.Auth, _ = ParseAuth(sends)
			o.TokenURL, o.Scope = e.URL+"/token", "s"
			if takes == sends {
				o.Password = "wr0ng-secret"
			}
			f := fault(t, fails(t, source(t, o)), sources.Unauthorized)
			if text := fmt.Sprintf("%+v", *f); strings.Contains(text, "wr0ng") || strings.Contains(text, e.Password) {
				t.Errorf("%s at one that takes %s: a password in %s", sends, takes, text)
			}
			if takes != sends && !strings.Contains(f.Remedy, "auth") && sends != calendars.OAuth {
				t.Errorf("%s at one that takes %s: %q says nothing of auth", sends, takes, f.Remedy)
			}
		}
	}
}

func TestNTLM_OneHandshakePerConnection(t *testing.T) {
	e := server(t, calendars.NTLM, calendars.Options{TLS: true})
	e.Put(alice, calendars.Mailbox{})
	o := options(e, sourcetest.NewClock())
	o.InFlight = 1
	s := source(t, o)
	for range 5 {
		if r := one(t, s, sources.Mailbox{Address: alice}); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	if got := e.Hits("/EWS/"); got != 7 { // three for the first, one for each other
		t.Errorf("%d requests, want 7", got)
	}
	if got := e.Connections(); got != 1 {
		t.Errorf("%d connections, want 1", got)
	}
	e.Play(calendars.Fault{Path: "/EWS/", Times: 1, Trouble: calendars.Reset})
	if r := one(t, s, sources.Mailbox{Address: alice}); r.Err != nil {
		t.Errorf("after a reset: %v", r.Err)
	}
}

func TestOwnCredentials_AreTheMailboxes(t *testing.T) {
	for _, auth := range []string{calendars.Basic, calendars.NTLM} {
		e := server(t, auth, calendars.Options{})
		e.Put(alice, calendars.Mailbox{})
		e.Put("bob@corp.example", calendars.Mailbox{})
		o := options(e, sourcetest.NewClock())
		boxes := []sources.Mailbox{{Address: alice, Username: "alice", Password: "al1ce-secret"}, {Address: "bob@corp.example"}}
		results, err := source(t, o).Fetch(t.Context(), sourcetest.Window, boxes)
		if err != nil || results[1].Err != nil {
			t.Fatalf("%s: %v, %v", auth, err, results)
		}
		if f := fault(t, results[0].Err, sources.Unauthorized); strings.Contains(fmt.Sprintf("%+v", *f), "al1ce") {
			t.Errorf("%s: the user's password is in %+v", auth, *f)
		}
		boxes[0].Username, boxes[0].Password = e.Username, e.Password
		if results, err = source(t, o).Fetch(t.Context(), sourcetest.Window, boxes); err != nil || results[0].Err != nil {
			t.Errorf("%s: with the right ones: %v, %v", auth, err, results)
		}
	}
}

func TestImpersonation_IsInTheHeader(t *testing.T) {
	e := server(t, calendars.Basic, calendars.Options{})
	e.NeedImpersonation = true
	e.Put(alice, calendars.Mailbox{})
	o := options(e, sourcetest.NewClock())
	if _, err := source(t, o).Fetch(t.Context(), sourcetest.Window, []sources.Mailbox{{Address: alice}}); sources.KindOf(err) != sources.Forbidden {
		t.Errorf("without impersonation: %v", err)
	}
	for impersonate, anchor := range map[string]string{FirstMailbox: alice, "service@corp.example": "service@corp.example"} {
		o.Impersonate = impersonate
		if r := one(t, source(t, o), sources.Mailbox{Address: alice}); r.Err != nil {
			t.Errorf("impersonating %s: %v", impersonate, r.Err)
		}
		if got := e.LastHeader().Get("X-AnchorMailbox"); got != anchor {
			t.Errorf("impersonating %s: X-AnchorMailbox %q, want %q", impersonate, got, anchor)
		}
	}
}

func TestBatch_AServerThatTakesFewer(t *testing.T) {
	e := server(t, calendars.Basic, calendars.Options{})
	e.Largest = 10
	boxes := make([]sources.Mailbox, 40)
	for i := range boxes {
		boxes[i].Address = fmt.Sprintf("u%d@corp.example", i)
		e.Put(boxes[i].Address, calendars.Mailbox{})
	}
	results, err := source(t, options(e, sourcetest.NewClock())).Fetch(t.Context(), sourcetest.Window, boxes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range results {
		if results[i].Err != nil {
			t.Errorf("mailbox %d: %v", i, results[i].Err)
		}
	}
}

func TestReplies_MakeOutOfOffice(t *testing.T) {
	e := server(t, calendars.Basic, calendars.Options{})
	clock := sourcetest.NewClock()
	o := options(e, clock)
	o.Replies = away.Note
	s := source(t, o)
	boxes := []sources.Mailbox{{Address: alice}, {Address: "bob@corp.example"}, {Address: "carol@corp.example"}, {Address: "nobody@corp.example"}}
	e.Put(alice, calendars.Mailbox{Reply: &calendars.Reply{Start: at(8, 0), End: at(18, 0), Internal: "<html><body><p>Back on <b>Monday</b></p></body></html>"}})
	e.Put("bob@corp.example", calendars.Mailbox{Reply: &calendars.Reply{Internal: "away"}})
	e.Put("carol@corp.example", calendars.Mailbox{})
	results, err := s.Fetch(t.Context(), sourcetest.Window, boxes)
	if err != nil {
		t.Fatal(err)
	}
	if a := results[0].Away; a == nil || a.Note != "Back on Monday" || !a.Start.Equal(at(8, 0)) || !a.End.Equal(at(18, 0)) {
		t.Errorf("alice: %+v", a)
	}
	if a := results[1].Away; a == nil || !a.Start.Equal(sourcetest.Now) || !a.End.IsZero() {
		t.Errorf("bob: %+v", a)
	}
	if results[2].Away != nil || results[3].Away != nil || results[3].Err == nil {
		t.Errorf("carol: %+v, nobody: %+v", results[2].Away, results[3])
	}
	for i := range boxes {
		boxes[i].State = results[i].State
	}
	clock.Move(time.Hour)
	results, err = s.Fetch(t.Context(), sourcetest.Window, boxes)
	if err != nil || results[1].Away == nil || !results[1].Away.Start.Equal(sourcetest.Now) {
		t.Errorf("an hour later bob's period begins anew: %v, %+v", err, results[1].Away)
	}
	// The calendars come, the replies do not: what was known holds.
	e.Play(calendars.Fault{Path: "/EWS/", Skip: 1, Status: http.StatusInternalServerError})
	results, err = s.Fetch(t.Context(), sourcetest.Window, boxes)
	if err != nil || results[0].Err != nil || results[0].Away == nil || results[2].Away != nil || len(results[0].Schedule.Warnings) != 1 {
		t.Errorf("without replies: %v, %+v", err, results)
	}
	e.Clear()
	e.Put(alice, calendars.Mailbox{})
	if results, err = s.Fetch(t.Context(), sourcetest.Window, boxes); err != nil || results[0].Away != nil {
		t.Errorf("alice is back: %v, %+v", err, results[0].Away)
	}
}

// Exchange asks the server of each mailbox, and says of those it has not heard from
// in time that the reply is pending, which is not that she is back.
func TestReplies_PendingIsNotBack(t *testing.T) {
	e := server(t, calendars.Basic, calendars.Options{})
	o := options(e, sourcetest.NewClock())
	o.Replies = away.Note
	s := source(t, o)
	e.Put(alice, calendars.Mailbox{Reply: &calendars.Reply{Internal: "away"}})
	first := one(t, s, sources.Mailbox{Address: alice})
	e.Put(alice, calendars.Mailbox{Reply: &calendars.Reply{Pending: true}})
	r := one(t, s, sources.Mailbox{Address: alice, State: first.State})
	if r.Away == nil || r.Away.Note != "away" || len(r.Schedule.Warnings) != 1 {
		t.Errorf("got %+v with %q, want what was known and a warning", r.Away, r.Schedule.Warnings)
	}
	e.Put(alice, calendars.Mailbox{})
	if r = one(t, s, sources.Mailbox{Address: alice, State: r.State}); r.Away != nil {
		t.Errorf("she is back, and still %+v", r.Away)
	}
}

// Who asks to be left alone while it is asked about replies is, by everybody.
func TestReplies_AServerThatIsBusyIsLeftAlone(t *testing.T) {
	e := server(t, calendars.Basic, calendars.Options{})
	o := options(e, sourcetest.NewClock())
	o.Replies = away.Note
	s := source(t, o)
	e.Put(alice, calendars.Mailbox{})
	busy := calendars.ServerBusy(500, 90000)
	busy.Skip = 1
	e.Play(busy)
	if r := one(t, s, sources.Mailbox{Address: alice}); r.Err != nil {
		t.Fatal(r.Err)
	}
	before := e.Hits("/EWS/")
	if f := fault(t, fails(t, s), sources.Busy); f.RetryAfter != 90*time.Second || e.Hits("/EWS/") != before {
		t.Errorf("the wait is %v, and it was asked %d times; want 90 s and none", f.RetryAfter, e.Hits("/EWS/")-before)
	}
}
