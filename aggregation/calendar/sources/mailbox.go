package sources

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"presenced/aggregation/calendar"
)

// Fingerprint stands for everything of a mailbox that decides what a source
// makes of the same answer: with another one, nothing that was kept counts. It
// has 22 characters and tells nothing about what it was made from.
func (m *Mailbox) Fingerprint() string {
	h := sha256.New()
	zone := "UTC"
	if m.Zone != nil {
		zone = m.Zone.String()
	}
	for _, part := range []string{m.User, m.Address, m.Username, m.Attendee, zone} {
		_, _ = h.Write(append([]byte(part), 0)) // a hash takes everything
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// Holds reports whether a schedule fetched up to reach still is worth keeping
// when this window is asked for: it covers half of it. A calendar that does not
// change for days must be expanded anew at some time.
func (w Window) Holds(reach time.Time) bool {
	return !reach.Before(w.From.Add(w.To.Sub(w.From) / 2))
}

// maxReaders is how many texts one Reader reads at a time. While it is read a text
// takes some six times its size, and no machine reads faster for reading more.
const maxReaders = 4

// Reader reads iCalendar texts with the zones of this machine. Its zero value is
// ready, its methods may be called at the same time.
type Reader struct {
	mu    sync.Mutex // guards what follows
	zones map[string]*time.Location
	slots chan struct{} // a token for each text that is being read
}

// begin waits for its turn; the end of it has to be called.
func (r *Reader) begin() (end func()) {
	r.mu.Lock()
	if r.slots == nil {
		r.slots = make(chan struct{}, maxReaders)
	}
	slots := r.slots
	r.mu.Unlock()
	slots <- struct{}{}
	return func() { <-slots }
}

// Read returns what a text says about a window, for a mailbox. where names the
// source in an error, which is a *Fault: Malformed or TooLarge.
func (r *Reader) Read(where string, text []byte, w Window, m *Mailbox) (calendar.Schedule, error) {
	defer r.begin()()
	s, err := calendar.Read(text, calendar.Options{From: w.From, To: w.To, Zone: m.Zone, Locate: r.locate, Attendee: m.Attendee})
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, calendar.ErrTooLarge):
		return s, &Fault{Kind: TooLarge, Err: fmt.Errorf("%s: %w", where, err), Remedy: "publish fewer years of the calendar"}
	case errors.Is(err, calendar.ErrTruncated):
		return s, &Fault{Kind: Malformed, Err: fmt.Errorf("%s: %w", where, err), Remedy: "it was cut on its way, or while it was written; it is read again"}
	default:
		return s, &Fault{Kind: Malformed, Err: fmt.Errorf("%s: %w", where, err), Remedy: "see that the address is that of the calendar itself"}
	}
}

// locate finds a zone once: each costs a file, and every calendar names some.
func (r *Reader) locate(name string) (*time.Location, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if z := r.zones[name]; z != nil {
		return z, nil
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, err // not kept: anybody can make up names
	}
	if r.zones == nil {
		r.zones = map[string]*time.Location{}
	}
	r.zones[name] = z
	return z, nil
}

// ServerFault reports whether a fault is one of the server, which every other
// mailbox of it would meet too: it gives the second result of Fetch.
func ServerFault(err error) bool {
	f, ok := errors.AsType[*Fault](err)
	return ok && (f.Kind == Unreachable || f.Kind == BadTLS || f.Kind == Busy)
}
