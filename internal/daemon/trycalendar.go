package daemon

import (
	"context"
	"errors"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/component/commands"
	"presenced/internal/engine"
	"presenced/internal/polling"
	"presenced/internal/presence"
	"presenced/internal/text"
)

var _ commands.Calendars = (*calendars)(nil)

// Keeps reports whether there is a key.
func (k *calendars) Keeps() bool { return k.key != nil }

// Try reads a calendar that is to be added.
func (k *calendars) Try(ctx context.Context, user presence.JID, zone *time.Location, c engine.AddCalendar) commands.Trial {
	return trial(k.poller.Try(ctx, c, user.Bare, user.Bare, zone))
}

// TryOwn reads one that was added.
func (k *calendars) TryOwn(ctx context.Context, user presence.Addr, id string) commands.Trial {
	return trial(k.poller.TryOwn(ctx, user, id))
}

// trial tells what was found so that a person understands it. No detail of an error
// is told: it could say what is in the operator's networks.
func trial(found polling.Trial, err error) commands.Trial {
	switch {
	case err == nil:
	case errors.Is(err, polling.ErrTries):
		return commands.Trial{Fault: "error.calendar.many"}
	case errors.Is(err, polling.ErrSealed):
		return commands.Trial{Fault: "error.calendar.sealed"}
	case errors.Is(err, polling.ErrNoKind):
		return commands.Trial{Fault: "error.calendar.kind"}
	default:
		return commands.Trial{Fault: faultText(sources.KindOf(err))}
	}
	var t commands.Trial
	for _, e := range found.Events {
		if !e.Cancelled && !e.Declined && !e.Transparent && e.Kind != presence.EventFree && (!e.AllDay || e.Kind == presence.EventOOF) {
			t.Meetings = append(t.Meetings, e)
		}
	}
	return t
}

func faultText(k sources.FaultKind) text.Key {
	switch k {
	case sources.Unreachable:
		return "error.calendar.unreachable"
	case sources.BadTLS:
		return "error.calendar.tls"
	case sources.Unauthorized:
		return "error.calendar.unauthorized"
	case sources.Forbidden:
		return "error.calendar.forbidden"
	case sources.Gone, sources.Moved:
		return "error.calendar.gone"
	case sources.Busy:
		return "error.calendar.busy"
	case sources.Malformed:
		return "error.calendar.malformed"
	case sources.TooLarge:
		return "error.calendar.large"
	case sources.Refused:
		return "error.calendar.private"
	}
	return "error.calendar.broken"
}
