package ews

import (
	"net/http"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/testbed/calendars"
)

// fake is an Exchange as the suite sees it.
type fake struct{ *calendars.Exchange }

func (f fake) Put(address string, start, end time.Time) {
	f.Exchange.Put(address, calendars.Mailbox{Events: []calendars.Event{{Start: start, End: end, Kind: "busy"}}})
}

func (f fake) Poison(address string, t sourcetest.Trouble) {
	box := f.Mailbox(address)
	fault := calendars.SOAPFault("ErrorInternalServerError")
	switch t {
	case sourcetest.Cuts:
		fault = calendars.Fault{Status: http.StatusOK, Body: "<s:Envelope><s:Body><GetUserAvail"}
	case sourcetest.Hangs:
		fault = calendars.Fault{Trouble: calendars.Hang}
	case sourcetest.Fails:
	}
	box.Poison = &fault
	f.Exchange.Put(address, box)
}

func (f fake) Heal(address string) {
	box := f.Mailbox(address)
	box.Poison = nil
	f.Exchange.Put(address, box)
}

func (f fake) Busy(n int, wait time.Duration) {
	fault := calendars.ServerBusy(http.StatusInternalServerError, int(wait.Milliseconds()))
	fault.Times = n
	f.Play(fault)
}

func (f fake) Hang()         { f.Play(calendars.Fault{Path: "/EWS/", Trouble: calendars.Hang}) }
func (f fake) Login()        { f.Play(calendars.Fault{Path: "/EWS/", Trouble: calendars.Login}) }
func (f fake) Break()        { f.Play(calendars.SOAPFault("ErrorInternalServerError")) }
func (f fake) Requests() int { return len(f.Batches()) + f.Struck("/EWS/") }

func (f fake) Forget() bool {
	if f.Auth != calendars.OAuth {
		return false
	}
	f.ExpireAll()
	return true
}

func (f fake) Largest() int {
	most := 0
	for _, n := range f.Batches() {
		most = max(most, n)
	}
	return most
}

// server starts a fake that asks who is there in one way.
func server(t *testing.T, auth string, o calendars.Options) *calendars.Exchange {
	t.Helper()
	e, err := calendars.NewExchange(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	e.Auth = auth
	return e
}

// options are those that reach a fake.
func options(e *calendars.Exchange, clock *sourcetest.Clock) Options {
	auth, _ := ParseAuth(e.Auth)
	o := Options{
		URL: e.URL + "/EWS/Exchange.asmx", Auth: auth, Username: e.Username, Password: e.Password, RootCAs: e.CA(),
		Timeout: sourcetest.Timeout, InFlight: 4, Now: clock.Now,
	}
	if auth == OAuth {
		o.TokenURL, o.Scope = e.URL+"/token", e.URL+"/.default"
	}
	return o
}

// source returns a source with options, which is closed when the test ends.
func source(t *testing.T, o Options) *Source {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestSuite(t *testing.T) {
	for _, auth := range []string{calendars.Basic, calendars.NTLM, calendars.OAuth} {
		t.Run(auth, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T, timeout time.Duration) *sourcetest.Rig {
				clock := sourcetest.NewClock()
				e := server(t, auth, calendars.Options{})
				o := options(e, clock)
				o.Timeout = timeout
				return &sourcetest.Rig{
					Source: source(t, o), Server: fake{e}, Secrets: []string{e.Password}, Clock: clock, InFlight: o.InFlight,
				}
			})
		})
	}
}
