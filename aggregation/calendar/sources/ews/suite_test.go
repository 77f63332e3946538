package ews

import (
	"net/http"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/testbed/calendars"
)

const alice = "alice@corp.example"

var fault, at, shown = sourcetest.Fault, sourcetest.At, sourcetest.Shown

// fake is an Exchange server as the suite sees it.
func fake(e *calendars.Exchange) sourcetest.Fake {
	return sourcetest.Fake{
		Calendars: e, Path: "/EWS/", Broken: calendars.SOAPFault("ErrorInternalServerError"), Cut: "<s:Envelope><s:Body><GetUserAvail",
		Throttle: func(wait time.Duration) calendars.Fault {
			return calendars.ServerBusy(http.StatusInternalServerError, int(wait.Milliseconds()))
		},
		Tokens: e.Auth == calendars.OAuth,
	}
}

// server starts a fake that asks who is there in one way.
func server(t *testing.T, auth string, o calendars.Options) *calendars.Exchange {
	t.Helper()
	e := sourcetest.Open(t, calendars.NewExchange, o)
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
	return sourcetest.Open(t, New, o)
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
					Source: source(t, o), Server: fake(e), Secrets: []string{e.Password}, Clock: clock, InFlight: o.InFlight,
				}
			})
		})
	}
}
