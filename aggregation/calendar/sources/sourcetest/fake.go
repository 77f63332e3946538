package sourcetest

import (
	"net/http"
	"slices"
	"time"

	"presenced/internal/testbed/calendars"
)

// Calendars is a server of package calendars.
type Calendars interface {
	Put(address string, box calendars.Mailbox)
	Mailbox(address string) calendars.Mailbox
	Play(f calendars.Fault)
	Clear()
	Delay(d time.Duration)
	Most() int
	Batches() []int
	Struck(path string) int
	ExpireAll()
}

// Fake is one of them as the suite sees it, with what is its own.
type Fake struct {
	Calendars
	// Path begins those of requests for calendars.
	Path string
	// Broken is 500 in the server's own words; Cut begins an answer.
	Broken calendars.Fault
	Cut    string
	// Throttle is a refusal with how long to wait.
	Throttle func(wait time.Duration) calendars.Fault
	// Tokens: it gives some out.
	Tokens bool
	// Singles counts the requests that had one mailbox only; nil: none has.
	Singles func() int
}

var _ Server = Fake{}

// Put makes address a mailbox with one busy event.
func (f Fake) Put(address string, start, end time.Time) {
	f.Calendars.Put(address, calendars.Mailbox{Events: []calendars.Event{{Start: start, End: end, Kind: "busy"}}})
}

// Poison makes a mailbox spoil every request it is in.
func (f Fake) Poison(address string, t Trouble) {
	fault := f.Broken
	switch t {
	case Cuts:
		fault = calendars.Fault{Status: http.StatusOK, Body: f.Cut}
	case Hangs:
		fault = calendars.Fault{Trouble: calendars.Hang}
	case Fails:
	}
	box := f.Mailbox(address)
	box.Poison = &fault
	f.Calendars.Put(address, box)
}

// Heal ends what Poison began.
func (f Fake) Heal(address string) {
	box := f.Mailbox(address)
	box.Poison = nil
	f.Calendars.Put(address, box)
}

// Busy refuses the next n requests.
func (f Fake) Busy(n int, wait time.Duration) {
	fault := f.Throttle(wait)
	fault.Times = n
	f.Play(fault)
}

// Hang answers nothing.
func (f Fake) Hang() { f.Play(calendars.Fault{Path: f.Path, Trouble: calendars.Hang}) }

// Login answers with a page.
func (f Fake) Login() { f.Play(calendars.Fault{Path: f.Path, Trouble: calendars.Login}) }

// Break answers 500.
func (f Fake) Break() { f.Play(f.Broken) }

// Forget makes tokens invalid.
func (f Fake) Forget() bool {
	if f.Tokens {
		f.ExpireAll()
	}
	return f.Tokens
}

// Requests counts those for calendars.
func (f Fake) Requests() int {
	n := len(f.Batches()) + f.Struck(f.Path)
	if f.Singles != nil {
		n += f.Singles()
	}
	return n
}

// Largest is how many mailboxes a request had at most.
func (f Fake) Largest() int { return slices.Max(append(f.Batches(), 0)) }
