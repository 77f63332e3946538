package calendar

import (
	"strings"
	"time"
)

// Named returns the time zone a server calls by name: one of the IANA database,
// one of Windows ("W. Europe Standard Time"), or an offset ("UTC+02:00"). The
// prefix that Exchange sometimes writes ("tzone://Microsoft/Utc") is left out.
// locate finds IANA zones, as time.LoadLocation does. False means that nobody
// knows the name; empty names and "Local" are unknown.
func Named(name string, locate func(name string) (*time.Location, error)) (*time.Location, bool) {
	name = withoutPrefix(strings.TrimSpace(name))
	z := zones{locate: locate}
	for _, n := range []string{name, windowsZones[strings.ToLower(name)]} {
		if p, ok := z.iana(n).(place); ok {
			return p.Location, true
		}
	}
	if name == "" {
		return nil, false
	}
	if off, ok := namedOffset(name); ok {
		return time.FixedZone(name, int(off)), true
	}
	return nil, false
}

// withoutPrefix leaves out what Exchange sometimes writes before the name of a zone.
func withoutPrefix(name string) string {
	if rest, ok := strings.CutPrefix(strings.ToLower(name), "tzone://microsoft/"); ok {
		return strings.ToUpper(rest)
	}
	return name
}
