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

// Account is how the operator signs in at a source.
type Account struct {
	Username, Password string
	FreeBusy           bool // ask for free/busy times only
}

// NewSource makes a source of the operator's, which may ask every address; false
// for a kind that is not read.
func NewSource(kind string, a Account) (sources.Source, bool) {
	client := outbound.New(outbound.Options{Anywhere: true, Conns: perServer})
	switch kind {
	case "ics":
		return ics.New(ics.Options{Client: client, Username: a.Username, Password: a.Password, Files: true}), true
	case "caldav":
		return caldav.New(caldav.Options{Client: client, Username: a.Username, Password: a.Password, FreeBusy: a.FreeBusy}), true
	}
	return nil, false
}

// ownTime bounds one request to an address that a user gave.
const ownTime = 30 * time.Second

// NewOwn makes the sources of calendars that users add: they ask public addresses
// only, and the networks the operator allows.
func NewOwn(allow []netip.Prefix) map[string]sources.Source {
	client := outbound.New(outbound.Options{Allow: allow, Timeout: ownTime, Conns: perOwn})
	return map[string]sources.Source{
		engine.CalendarICS:    ics.New(ics.Options{Client: client, Personal: true}),
		engine.CalendarCalDAV: caldav.New(caldav.Options{Client: client, Personal: true}),
	}
}
