package component

import (
	"context"
	"errors"
	"fmt"
	"time"

	"presenced/component/stream"
	"presenced/internal/presence"
)

const (
	nsRoster = "jabber:iq:roster"

	// maxRosterReads is how many rosters are asked for at once: enough to keep
	// a server busy, few enough that their answers do not delay presence.
	maxRosterReads = 64
	// rosterFactor is how many times limits.contacts a roster may be long
	// before it counts as broken.
	rosterFactor = 4
	// maxGroups bounds the groups of one contact.
	maxGroups = 256
)

// rosterQueue asks for rosters.
type rosterQueue struct {
	fetchQueue
	l       *link
	answers chan rosterAnswer // never full: maxRosterReads are on their way at most
}

type rosterAnswer struct {
	user  presence.Addr
	frame []byte // a copy; nil with err
	err   error
}

func newRosterQueue(l *link) *rosterQueue {
	q := &rosterQueue{l: l, answers: make(chan rosterAnswer, maxRosterReads)}
	q.fetchQueue = fetchQueue{most: maxRosterReads, start: q.request}
	return q
}

func (q *rosterQueue) request(w wanted) {
	l := q.l
	id := l.tracker.add(request{
		from: presence.JID{Addr: w.user.Addr}, deadline: time.Now().Add(l.c.timing.roster),
		done: func(a answer) {
			r := rosterAnswer{user: w.user.Addr, err: a.err}
			if a.err == nil {
				r.frame = append([]byte(nil), a.frame...)
			}
			q.answers <- r
		},
	})
	l.send(func(dst []byte) []byte {
		dst = stream.AppendIQ(dst, "get", id, l.c.o.Domain, w.user.Bare)
		return append(dst, "<query xmlns='"+nsRoster+"'/></iq>"...)
	})
}

// run parses answers beside the reader: a long roster takes milliseconds.
func (q *rosterQueue) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-q.answers:
			contacts, err := []presence.Contact(nil), a.err
			if err == nil {
				contacts, err = parseRoster(a.frame, rosterFactor*q.l.c.o.MaxContacts)
			}
			if err != nil {
				q.l.c.metrics.rosterErrors.Inc()
			}
			q.finish(a.user)
			q.l.c.door.RosterRead(a.user, contacts, err)
			q.pump()
		}
	}
}

// parseRoster reads the result of a roster get. One bad item makes the whole
// roster an error: what cannot be understood must not grant anything.
func parseRoster(frame []byte, most int) ([]presence.Contact, error) {
	var x struct {
		Query *struct {
			Items []struct {
				JID          string   `xml:"jid,attr"`
				Name         string   `xml:"name,attr"`
				Subscription string   `xml:"subscription,attr"`
				Groups       []string `xml:"jabber:iq:roster group"`
			} `xml:"jabber:iq:roster item"`
		} `xml:"jabber:iq:roster query"`
	}
	if err := stream.Decode(frame, &x); err != nil {
		return nil, fmt.Errorf("component: roster: %w", err)
	}
	if x.Query == nil {
		return nil, errors.New("component: roster: an answer without a roster")
	}
	if n := len(x.Query.Items); n > most {
		return nil, fmt.Errorf("component: roster: %d contacts are more than %d", n, most)
	}
	contacts := make([]presence.Contact, 0, len(x.Query.Items))
	for i, it := range x.Query.Items {
		addr, err := presence.ParseAddr(it.JID)
		if err != nil {
			return nil, fmt.Errorf("component: roster: item %d: %w", i, err)
		}
		if it.Subscription == "remove" {
			continue // a removed contact is none
		}
		sub, ok := presence.ParseSubscription(it.Subscription)
		if !ok {
			return nil, fmt.Errorf("component: roster: item %d: unknown subscription", i)
		}
		if len(it.Groups) > maxGroups {
			return nil, fmt.Errorf("component: roster: item %d: %d groups are more than %d", i, len(it.Groups), maxGroups)
		}
		contacts = append(contacts, presence.Contact{Addr: addr, Name: it.Name, Subscription: sub, Groups: it.Groups})
	}
	return contacts, nil
}
