package calendars

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Event is one in a mailbox.
type Event struct {
	Start, End time.Time
	// Kind is free, tentative, busy, oof, elsewhere, or any word of the server's.
	Kind              string
	Subject, Location string
	Private, AllDay   bool
	Cancelled         bool
	Meeting           bool
	// Type, Transparent and Response (declined, tentative, needsAction, accepted)
	// are Google's.
	Type, Response string
	Transparent    bool
	// Zone is what Graph says its times are in; empty: UTC.
	Zone string
}

// Reply is a mailbox's automatic reply.
type Reply struct {
	Start, End time.Time // zero: always
	Internal   string
	External   string
	Audience   string // all, contactsOnly, none
	// Pending: Exchange asked another server and had no answer in its time.
	Pending bool
}

// Mailbox is one user's.
type Mailbox struct {
	Events []Event
	// Error is what the server says about it instead of its calendar.
	Error, ErrorText string
	// View is what Exchange gives when it gives less than it was asked for.
	View string
	// Poison strikes every request the mailbox is in.
	Poison *Fault
	Reply  *Reply
	// Moved is the address it answers to elsewhere.
	Moved string

	version int
}

// mailboxes are those of a server, by address in lower case.
type mailboxes struct {
	mu  sync.Mutex // guards all
	all map[string]Mailbox
}

// Put makes a mailbox what it is from now on.
func (m *mailboxes) Put(address string, box Mailbox) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = map[string]Mailbox{}
	}
	key := strings.ToLower(address)
	box.version = m.all[key].version + 1
	m.all[key] = box
}

// Mailbox returns what a mailbox is; nothing where there is none.
func (m *mailboxes) Mailbox(address string) Mailbox {
	box, _ := m.get(address)
	return box
}

// SetReply changes a mailbox's automatic reply and nothing of its calendar.
func (m *mailboxes) SetReply(address string, r *Reply) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := strings.ToLower(address)
	box := m.all[key]
	box.Reply = r
	m.all[key] = box
}

// Drop removes a mailbox.
func (m *mailboxes) Drop(address string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, strings.ToLower(address))
}

func (m *mailboxes) get(address string) (Mailbox, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	box, ok := m.all[strings.ToLower(address)]
	return box, ok
}

// poison returns the fault of the first poisoned mailbox among addresses.
func (m *mailboxes) poison(addresses []string) *Fault {
	for _, a := range addresses {
		if box, ok := m.get(a); ok && box.Poison != nil {
			return box.Poison
		}
	}
	return nil
}

// within returns the events that touch [from, to), whole, by start.
func (b *Mailbox) within(from, to time.Time) []Event {
	var events []Event
	for _, e := range b.Events {
		if e.Start.Before(to) && e.End.After(from) {
			events = append(events, e)
		}
	}
	slices.SortStableFunc(events, func(x, y Event) int { return x.Start.Compare(y.Start) })
	return events
}

// digits are the merged slots of a view: the highest of each.
func (b *Mailbox) digits(from, to time.Time, slot time.Duration) string {
	var digits strings.Builder
	for t := from; t.Before(to); t = t.Add(slot) {
		highest := byte('0')
		for _, e := range b.within(t, t.Add(slot)) {
			d := byte('0')
			switch e.Kind {
			case "tentative":
				d = '1'
			case "busy":
				d = '2'
			case "oof":
				d = '3'
			}
			highest = max(highest, d)
		}
		digits.WriteByte(highest)
	}
	return digits.String()
}
