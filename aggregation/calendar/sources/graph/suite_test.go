package graph

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/testbed/calendars"
)

const alice = "alice@corp.example"

var fault, at, shown = sourcetest.Fault, sourcetest.At, sourcetest.Shown

// fake is a Graph as the suite sees it.
func fake(g *calendars.Graph) sourcetest.Fake {
	return sourcetest.Fake{
		Calendars: g, Path: "/v1.0/", Broken: calendars.GraphError(http.StatusInternalServerError, "generalException"), Cut: `{"value":[{"scheduleId":`,
		Throttle: func(wait time.Duration) calendars.Fault {
			return calendars.Throttled(strconv.Itoa(int(wait.Seconds())))
		},
		Tokens: true,
	}
}

func graph(t *testing.T, o calendars.Options) *calendars.Graph {
	t.Helper()
	return sourcetest.Open(t, calendars.NewGraph, o)
}

// options are those that reach a fake.
func options(g *calendars.Graph, clock *sourcetest.Clock) Options {
	return Options{
		URL: g.URL, LoginURL: g.URL, Tenant: g.Tenant, ClientID: g.ClientID, Secret: g.Secret, RootCAs: g.CA(),
		Timeout: sourcetest.Timeout, InFlight: 4, Now: clock.Now,
	}
}

// source returns a source with options, which is closed when the test ends.
func source(t *testing.T, o Options) *Source {
	t.Helper()
	return sourcetest.Open(t, New, o)
}

func TestSuite(t *testing.T) {
	for name, shuffle := range map[string]bool{"in order": false, "shuffled, one twice": true} {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T, timeout time.Duration) *sourcetest.Rig {
				clock := sourcetest.NewClock()
				g := graph(t, calendars.Options{})
				g.Shuffle = shuffle
				o := options(g, clock)
				o.Timeout = timeout
				return &sourcetest.Rig{
					Source: source(t, o), Server: fake(g), Secrets: []string{g.Secret, "tok-"}, Clock: clock, InFlight: o.InFlight,
				}
			})
		})
	}
}
