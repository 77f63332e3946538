package polling

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// What Try is bounded by.
const (
	maxTries = 4
	tryTime  = 10 * time.Second
)

// ErrTries tells that too many calendars are being tried at the moment.
var ErrTries = errors.New("too many calendars are being tried; try again in a moment")

// ErrNoKind tells that users' calendars of that kind are not read here.
var ErrNoKind = errors.New("calendars of that kind are not read here")

// ErrSealed tells that what is kept of the calendar was encrypted with another key.
var ErrSealed error = errSealed

// Trial is what Try found.
type Trial struct {
	Events   []presence.Event // of the next 48 hours, those that may count
	Warnings int
}

// Try reads a user's own calendar once, as the rounds would, and waits up to 10 s
// for it. The error is a *sources.Fault, or one of this package's.
func (p *Poller) Try(ctx context.Context, c engine.AddCalendar, bare, attendee string, zone *time.Location) (Trial, error) {
	source := p.opt.Own[c.Kind]
	if source == nil {
		return Trial{}, ErrNoKind
	}
	select {
	case p.try <- struct{}{}:
		defer func() { <-p.try }()
	default:
		return Trial{}, ErrTries
	}
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	now := time.Now()
	box := sources.Mailbox{
		User: bare, Address: c.Access.URL, Username: c.Access.Username, Password: c.Access.Password,
		Attendee: attendee, Zone: zone,
	}
	found, err := source.Fetch(ctx, sources.Window{From: now, To: now.Add(Ahead)}, []sources.Mailbox{box})
	switch {
	case err != nil:
		return Trial{}, err
	case len(found) != 1:
		return Trial{}, fmt.Errorf("calendar: %w", errAnswers)
	case found[0].Err != nil:
		return Trial{}, found[0].Err
	}
	return Trial{Events: found[0].Schedule.Events, Warnings: len(found[0].Schedule.Warnings)}, nil
}

// TryOwn is Try for a calendar of hers that is there already; ErrNoKind if it
// is not.
func (p *Poller) TryOwn(ctx context.Context, user presence.Addr, id string) (Trial, error) {
	p.mu.Lock()
	who := p.people[user]
	var own *engine.OwnCalendar
	var bare, attendee string
	var zone *time.Location
	if who != nil {
		bare, attendee, zone = who.bare, who.attendee, who.zone
		if i := slices.IndexFunc(who.own, func(o engine.OwnCalendar) bool { return o.ID == id }); i >= 0 {
			own = &who.own[i]
		}
	}
	p.mu.Unlock()
	if own == nil {
		return Trial{}, ErrNoKind
	}
	access, ok := p.open(user, own)
	if !ok {
		return Trial{}, ErrSealed
	}
	return p.Try(ctx, engine.AddCalendar{Kind: own.Kind, Access: access}, bare, attendee, zone)
}
