package engine

import (
	"time"

	"presenced/internal/presence"
)

// Attached tells that the link is up. Nothing is sent for the users of a host
// before HostSynced.
func (e *Engine) Attached(time.Time) {
	e.contacts.reset()
	e.everywhere(func(s *shard, _ time.Time) { s.attached() })
}

// Detached tells that the link is lost. What was handed to Present before
// confirmed has surely been read by the server.
func (e *Engine) Detached(confirmed time.Time) {
	e.everywhere(func(s *shard, now time.Time) { s.detached(confirmed, now) })
}

// HostReady tells what the server lets us do for a host; it may be said again
// when that changes. The engine asks for the presence it is not sent, then
// calls Sender.Settle once.
func (e *Engine) HostReady(h Host) {
	left := make(chan struct{}, len(e.shards)) // counts the owners still asking
	for range len(e.shards) - 1 {
		left <- struct{}{}
	}
	e.everywhere(func(s *shard, now time.Time) {
		s.hostReady(h, now)
		select {
		case <-left:
		default: // the last one
			e.opt.Sender.Settle(h.Name)
		}
	})
}

// HostSynced tells that everything the server had to say about a host's users
// has arrived: who was not mentioned is offline.
func (e *Engine) HostSynced(name string) {
	e.everywhere(func(s *shard, now time.Time) { s.hostSynced(name, now) })
}

// Device takes one presence of a device; it never blocks, and drops users who
// are not enrolled. So that those do not fill the mailbox either, the edge asks
// Known first.
func (e *Engine) Device(d Device) {
	if !e.shardOf(d.User.Addr).box.device(d) {
		e.metrics.lost.Inc()
	}
}

// Mirror takes a presence stanza to a mirror. Without room it is dropped, as a
// network would; the watcher's server asks again.
func (e *Engine) Mirror(m Mirror) {
	s := e.shardOf(m.Presentity)
	if !s.box.post(func(now time.Time) { s.mirror(m, now) }) {
		e.metrics.lost.Inc()
	}
}

// Consent takes a subscription stanza between a user and the component.
func (e *Engine) Consent(c Consent) {
	s := e.shardOf(c.User.Addr)
	if !s.box.post(func(now time.Time) { s.consented(c, now) }) {
		e.metrics.lost.Inc()
	}
}

// RosterRead answers Sender.ReadRoster.
func (e *Engine) RosterRead(user presence.Addr, contacts []presence.Contact, err error) {
	s := e.shardOf(user)
	s.box.must(func(now time.Time) {
		if u := s.users[user]; u != nil {
			u.rosterRead(contacts, err, now)
		}
	})
}
