package graph

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/testbed/calendars"
)

// fake is a Graph as the suite sees it.
type fake struct{ *calendars.Graph }

func (f fake) Put(address string, start, end time.Time) {
	f.Graph.Put(address, calendars.Mailbox{Events: []calendars.Event{{Start: start, End: end, Kind: "busy"}}})
}

func (f fake) Poison(address string, t sourcetest.Trouble) {
	box := f.Mailbox(address)
	fault := calendars.GraphError(http.StatusInternalServerError, "ErrorInternalServerError")
	switch t {
	case sourcetest.Cuts:
		fault = calendars.Fault{Status: http.StatusOK, Body: `{"value":[{"scheduleId":`}
	case sourcetest.Hangs:
		fault = calendars.Fault{Trouble: calendars.Hang}
	case sourcetest.Fails:
	}
	box.Poison = &fault
	f.Graph.Put(address, box)
}

func (f fake) Heal(address string) {
	box := f.Mailbox(address)
	box.Poison = nil
	f.Graph.Put(address, box)
}

func (f fake) Busy(n int, wait time.Duration) {
	fault := calendars.Throttled(strconv.Itoa(int(wait.Seconds())))
	fault.Times = n
	f.Play(fault)
}

func (f fake) Hang()  { f.Play(calendars.Fault{Path: "/v1.0/", Trouble: calendars.Hang}) }
func (f fake) Login() { f.Play(calendars.Fault{Path: "/v1.0/", Trouble: calendars.Login}) }
func (f fake) Break() {
	f.Play(calendars.GraphError(http.StatusInternalServerError, "generalException"))
}
func (f fake) Requests() int { return len(f.Batches()) + f.Struck("/v1.0/") }

func (f fake) Forget() bool {
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

func graph(t *testing.T, o calendars.Options) *calendars.Graph {
	t.Helper()
	g, err := calendars.NewGraph(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
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
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
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
					Source: source(t, o), Server: fake{g}, Secrets: []string{g.Secret, "tok-"}, Clock: clock, InFlight: o.InFlight,
				}
			})
		})
	}
}
