package calendar

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// zoneID is a zone name as a text uses it, resolved only when all VTIMEZONEs
// have been read.
type zoneID uint8

// The zones without a name.
const (
	floating zoneID = iota
	utc
	unnamed // beyond maxZones
	firstNamed
)

// zone tells the offset from UTC, in seconds, at an instant of Unix time.
type zone interface{ offset(at int64) int64 }

// place is a zone of the IANA database.
type place struct{ *time.Location }

func (p place) offset(at int64) int64 {
	_, off := time.Unix(at, 0).In(p.Location).Zone()
	return int64(off)
}

// instant returns when the clocks of z show a wall time. A time they show twice
// is the first one; one they skip is read with the offset before the gap (RFC
// 5545 §3.3.5).
func instant(wall int64, z zone) int64 {
	before, after := z.offset(wall-day), z.offset(wall+day)
	if first := wall - max(before, after); z.offset(first) == max(before, after) {
		return first
	}
	return wall - min(before, after) // the only one, or in a gap: before is less
}

// shown returns what the clocks of z show at an instant.
func shown(at int64, z zone) int64 { return at + z.offset(at) }

// zones resolves the names of one text.
type zones struct {
	user     zone
	locate   func(name string) (*time.Location, error)
	names    []string // by zoneID, from firstNamed on
	ids      map[string]zoneID
	found    []zone
	defined  map[string]*component // VTIMEZONE by TZID
	from, to int64                 // what definitions have to cover
	work     *work
	warnings *warnings
}

// id returns the number of a name.
func (z *zones) id(name string) zoneID {
	if id, known := z.ids[name]; known {
		return id
	}
	if len(z.names) >= maxZones {
		return unnamed
	}
	id := firstNamed + zoneID(len(z.names))
	z.names = append(z.names, name)
	z.ids[name] = id
	return id
}

// of returns the zone a moment is in; floating ones are where home says.
func (z *zones) of(m moment, home zone) zone {
	switch {
	case m.date:
		return z.user
	case m.zone == floating:
		return home
	case m.zone == utc:
		return place{time.UTC}
	case m.zone == unnamed:
		return z.user
	}
	if z.found == nil {
		z.found = make([]zone, len(z.names))
	}
	i := m.zone - firstNamed
	if z.found[i] == nil {
		z.found[i] = z.resolve(z.names[i])
	}
	return z.found[i]
}

// resolve finds a zone by its name: IANA, Windows, defined in the text, the IANA
// end of a path, an offset. The user's zone is the last resort.
func (z *zones) resolve(name string) zone {
	name = unescaped(name)
	if found := z.iana(name); found != nil {
		return found
	}
	if found := z.iana(windowsZones[strings.ToLower(name)]); found != nil {
		return found
	}
	if c := z.defined[name]; c != nil {
		if found := z.define(c); found != nil {
			return found
		}
	}
	if found := z.iana(withoutPrefix(name)); found != nil {
		return found
	}
	parts := strings.Split(name, "/")
	for i := max(1, len(parts)-3); i < len(parts)-1; i++ {
		if found := z.iana(strings.Join(parts[i:], "/")); found != nil {
			return found
		}
	}
	if off, ok := namedOffset(name); ok {
		return fixed(off)
	}
	z.warnings.add(0, "time zone "+quote([]byte(name))+" is unknown; its times are read as the user's")
	return z.user
}

// unescaped is a zone name without the escapes of a TEXT, which some programs
// write into parameters too.
func unescaped(name string) string { return strings.ReplaceAll(strings.TrimSpace(name), `\`, "") }

func (z *zones) iana(name string) zone {
	if z.locate == nil || name == "" || strings.EqualFold(name, "local") || len(name) > 64 {
		return nil
	}
	if loc, err := z.locate(name); err == nil && loc != nil {
		return place{loc}
	}
	return nil
}

// fixed is a zone whose clocks are never changed.
type fixed int64

func (f fixed) offset(int64) int64 { return int64(f) }

// namedOffset reads names such as GMT+0100, UTC-05:00 and "(UTC+01:00) Berlin".
func namedOffset(name string) (int64, bool) {
	name = strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(name, "("), ".", ":"))
	for _, prefix := range []string{"GMT", "UTC", ""} {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		if rest == "" {
			return 0, prefix != ""
		}
		end := strings.IndexFunc(rest, func(c rune) bool { return !strings.ContainsRune("+-:0123456789", c) })
		if end < 0 {
			end = len(rest)
		} else if rest[end] != ')' {
			return 0, false
		}
		return parseOffset([]byte(rest[:end]))
	}
	return 0, false
}

// turn is an instant at which the clocks are changed.
type turn struct{ at, offset int64 }

// observed is a zone made of the rules of a VTIMEZONE.
type observed struct {
	first int64 // the offset before all turns
	turns []turn
}

func (o observed) offset(at int64) int64 {
	i, _ := slices.BinarySearchFunc(o.turns, at, func(t turn, at int64) int {
		if t.at <= at {
			return -1
		}
		return 1
	})
	if i == 0 {
		return o.first
	}
	return o.turns[i-1].offset
}

// longAgo is where the turns of a VTIMEZONE begin to matter: 1970.
const longAgo = 0

// define makes a zone of a VTIMEZONE, nil if there is nothing in it.
func (z *zones) define(c *component) zone {
	var o observed
	earliest := never
	for _, part := range c.children {
		if !part.hasStart || !part.hasOffset {
			continue
		}
		if part.start.sec < earliest {
			earliest, o.first = part.start.sec, part.from
		}
		z.turns(part, func(wall int64) { o.turns = append(o.turns, turn{wall - part.from, part.to}) })
	}
	if len(o.turns) == 0 {
		return nil
	}
	slices.SortStableFunc(o.turns, func(a, b turn) int { return cmp.Compare(a.at, b.at) })
	return o
}

// turns calls add with the wall times at which a STANDARD or DAYLIGHT begins, on
// the clock before.
func (z *zones) turns(part *component, add func(wall int64)) {
	add(part.start.sec)
	for _, r := range part.rules {
		until := never
		if r.hasUntil {
			until = r.until.sec
			if r.until.zone == utc {
				until += part.from
			}
		}
		lo := max(min(longAgo, z.from-10*366*day), part.start.sec)
		if wrong := z.work.expand(r, part.start.sec, until, lo, z.to+366*day, add); wrong != "" {
			z.warnings.add(part.line, "time zone: "+wrong)
		}
	}
	for _, d := range part.rdates {
		add(d.start.sec)
	}
}
