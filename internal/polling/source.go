package polling

import (
	"net/netip"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/caldav"
	"presenced/aggregation/calendar/sources/ics"
	"presenced/aggregation/calendar/sources/outbound"
	"presenced/internal/engine"
)

// What one request to an address that a user gave may cost. Of those allOwn are on
// their way at a time, each perhaps to somebody who means harm.
const (
	ownTime = 30 * time.Second
	ownSize = 8 << 20
)

// NewOwn makes the sources of calendars that users add: they ask public addresses
// only, and the networks the operator allows.
func NewOwn(allow []netip.Prefix) map[string]sources.Source {
	client := outbound.New(outbound.Options{Allow: allow, Timeout: ownTime, MaxBody: ownSize, Conns: perOwn})
	return map[string]sources.Source{
		engine.CalendarICS:    ics.New(ics.Options{Client: client, Personal: true}),
		engine.CalendarCalDAV: caldav.New(caldav.Options{Client: client, Personal: true}),
	}
}
