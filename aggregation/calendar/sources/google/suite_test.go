package google

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources/bearer"
	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/testbed/calendars"
)

const alice = "alice@corp.example"

var fault, at, one, shown = sourcetest.Fault, sourcetest.At, sourcetest.One, sourcetest.Shown

// fake is Google as the suite sees it.
func fake(g *calendars.Google) sourcetest.Fake {
	return sourcetest.Fake{
		Calendars: g, Path: "/calendar/", Broken: calendars.GoogleError(http.StatusInternalServerError, "backendError"), Cut: `{"calendars":{"a":`,
		Throttle: func(wait time.Duration) calendars.Fault {
			fault := calendars.GoogleError(http.StatusForbidden, "rateLimitExceeded")
			fault.Header["Retry-After"] = strconv.Itoa(int(wait.Seconds()))
			return fault
		},
		Tokens: true, Singles: func() int { return len(g.Lists()) },
	}
}

func google(t *testing.T, o calendars.Options) *calendars.Google {
	t.Helper()
	return sourcetest.Open(t, calendars.NewGoogle, o)
}

// options are those that reach a fake.
func options(t *testing.T, g *calendars.Google, clock *sourcetest.Clock) Options {
	t.Helper()
	raw, err := g.KeyFile()
	if err != nil {
		t.Fatal(err)
	}
	key, err := bearer.ParseKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Key: key, URL: g.URL, MailURL: g.URL, RootCAs: g.CA(), Timeout: sourcetest.Timeout, InFlight: 4, Now: clock.Now}
}

// source returns a source with options, which is closed when the test ends.
func source(t *testing.T, o Options) *Source {
	t.Helper()
	return sourcetest.Open(t, New, o)
}

func TestSuite(t *testing.T) {
	modes := map[string]func(o *Options){
		"shared, free/busy":    func(*Options) {},
		"shared, events":       func(o *Options) { o.Events = true },
		"delegated, events":    func(o *Options) { o.Events, o.Subject = true, EachUser },
		"delegated, free/busy": func(o *Options) { o.Subject = EachUser },
	}
	for name, set := range modes {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T, timeout time.Duration) *sourcetest.Rig {
				clock := sourcetest.NewClock()
				g := google(t, calendars.Options{})
				o := options(t, g, clock)
				set(&o)
				o.Timeout = timeout
				return &sourcetest.Rig{
					Source: source(t, o), Server: fake(g), Secrets: []string{o.Key.PrivateKey[100:140], "tok-"}, Clock: clock, InFlight: o.InFlight,
					Single: o.Events || o.Subject == EachUser,
				}
			})
		})
	}
}
