package calendar

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The reasons a text cannot be trusted. Each is wrapped with what was found.
var (
	// ErrNotCalendar: there is no VCALENDAR, as in a login page.
	ErrNotCalendar = errors.New("not an iCalendar file")
	// ErrTruncated: the text ends inside a component, or another calendar begins
	// there.
	ErrTruncated = errors.New("truncated")
	// ErrTooLarge: the text is longer than MaxSize, or nested too deep.
	ErrTooLarge = errors.New("too large to be a calendar")
)

// document is what a text holds, as written.
type document struct {
	events       []*component
	freeBusy     []*component
	availability []*component
	zones        []*component
}

// frame is one open component; nil where its content does not matter.
type frame struct {
	name string
	is   *component
}

// reader makes a document of a text.
type reader struct {
	lines    *lines
	zones    *zones
	warnings *warnings
	attendee []byte

	doc     document
	method  string // of the calendar that is open, in upper case
	stack   []frame
	kept    int // components kept so far
	dates   int // dates kept so far
	closed  bool
	outside bool // a line outside of every calendar was told
}

// inside says which components count inside which.
var inside = map[string]string{
	"VEVENT": "VCALENDAR", "VFREEBUSY": "VCALENDAR", "VAVAILABILITY": "VCALENDAR", "VTIMEZONE": "VCALENDAR",
	"AVAILABLE": "VAVAILABILITY", "STANDARD": "VTIMEZONE", "DAYLIGHT": "VTIMEZONE",
}

func (r *reader) read() error {
	var p property
	for {
		line, ok := r.lines.read()
		if !ok {
			break
		}
		if !p.parse(line) {
			r.badLine("cannot be read") // not what it says: that may be a private subject
			continue
		}
		var err error
		switch p.name {
		case "BEGIN":
			err = r.begin(word(p.value))
		case "END":
			r.end(word(p.value))
		default:
			r.property(&p)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case len(r.stack) > 0:
		return fmt.Errorf("%w: it ends inside %s; read it again", ErrTruncated, r.stack[len(r.stack)-1].name)
	case !r.closed:
		return fmt.Errorf("%w: no BEGIN:VCALENDAR in it; is the address that of a page or a login form?", ErrNotCalendar)
	}
	return nil
}

// badLine warns of a line nobody can read, but not of a whole page of them.
func (r *reader) badLine(what string) {
	if len(r.stack) > 0 {
		r.warnings.add(r.lines.number, what)
		return
	}
	if !r.outside && r.closed {
		r.warnings.add(r.lines.number, "is outside of the calendar")
	}
	r.outside = true
}

func (r *reader) begin(name string) error {
	if name == "VCALENDAR" && len(r.stack) > 0 {
		return fmt.Errorf("%w: line %d begins a calendar inside %s; read it again", ErrTruncated, r.lines.number, r.stack[len(r.stack)-1].name)
	}
	if len(r.stack) >= maxDepth {
		return fmt.Errorf("%w: line %d is nested more than %d deep", ErrTooLarge, r.lines.number, maxDepth)
	}
	if at := r.open(name); at >= 0 && inside[name] != "" {
		r.drop(at) // the one before was never ended
	}
	if name == "VCALENDAR" {
		r.method = ""
	}
	f := frame{name: name}
	if within := inside[name]; within != "" && len(r.stack) > 0 && r.stack[len(r.stack)-1].name == within {
		f.is = r.keep(name)
	}
	r.stack = append(r.stack, f)
	return nil
}

// keep makes a component, nil when there are too many.
func (r *reader) keep(name string) *component {
	r.kept++
	if r.kept > maxEvents {
		if r.kept == maxEvents+1 {
			r.warnings.add(r.lines.number, "is beyond the "+strconv.Itoa(maxEvents)+" events that are read; the rest is left out")
		}
		return nil
	}
	return &component{kind: name, line: r.lines.number}
}

// open returns where the innermost open component of that name is, or -1.
func (r *reader) open(name string) int {
	for i, f := range slices.Backward(r.stack) {
		if f.name == name {
			return i
		}
	}
	return -1
}

// drop closes all from i on without taking them.
func (r *reader) drop(i int) {
	for _, f := range r.stack[i:] {
		if f.is != nil {
			r.warnings.add(f.is.line, f.name+" is never ended and left out")
		}
	}
	r.stack = r.stack[:i]
}

func (r *reader) end(name string) {
	i := r.open(name)
	if i < 0 {
		r.badLine("ends " + quote([]byte(name)) + ", which has not begun")
		return
	}
	r.drop(i + 1)
	f := r.stack[i]
	r.stack = r.stack[:i]
	if name == "VCALENDAR" {
		r.closed = true
	}
	if f.is != nil {
		r.take(f.is)
	}
}

// take files a whole component where it belongs.
func (r *reader) take(c *component) {
	if n := len(r.stack); n > 0 && r.stack[n-1].is != nil {
		parent := r.stack[n-1].is
		parent.children = append(parent.children, c)
		return
	}
	switch c.kind {
	case "VEVENT":
		r.event(c)
	case "VFREEBUSY":
		r.doc.freeBusy = append(r.doc.freeBusy, c)
	case "VAVAILABILITY":
		if len(r.doc.availability) == maxAvailability {
			r.warnings.add(0, "there are more than the "+strconv.Itoa(maxAvailability)+" availabilities that are read; the others are left out")
			return
		}
		r.doc.availability = append(r.doc.availability, c)
	case "VTIMEZONE":
		r.doc.zones = append(r.doc.zones, c)
	}
}

// event files an event by what the calendar is sent for (RFC 5546 §1.4): one that is
// called off is none, and an answer to an invitation is not the invitation.
func (r *reader) event(c *component) {
	switch r.method {
	case "CANCEL":
		c.cancelled = true
	case "REPLY", "COUNTER", "DECLINECOUNTER", "REFRESH":
		r.warnings.add(c.line, c.label()+"left out: it is only a "+r.method+" to an invitation")
		return
	}
	r.doc.events = append(r.doc.events, c)
}

func (r *reader) property(p *property) {
	if len(r.stack) == 0 {
		r.badLine("")
		return
	}
	if p.name == "METHOD" && len(r.stack) == 1 {
		r.method = word(p.value)
	}
	c := r.stack[len(r.stack)-1].is
	if c == nil || p.name == "-" {
		return
	}
	if r.lines.long {
		r.warnings.add(r.lines.number, p.name+" is longer than "+strconv.Itoa(maxLine)+" bytes; the rest is not read")
	}
	if wrong := c.set(p, r); wrong != "" {
		r.warnings.add(r.lines.number, c.label()+wrong)
	}
}

// label names a component in a warning: by its UID, never by what it is about.
func (c *component) label() string {
	if c.uid == "" {
		return ""
	}
	return "event " + quote([]byte(c.uid)) + ": "
}

// form is how the dates of one property are written.
type form struct {
	zone zoneID
	date bool
}

func (r *reader) form(p *property) form {
	f := form{zone: floating, date: strings.EqualFold(p.param("VALUE"), "DATE")}
	if tzid := p.param("TZID"); tzid != "" {
		f.zone = r.zones.id(tzid)
	}
	return f
}

func (f form) moment(value []byte) (moment, bool) {
	m, ok := parseMoment(value, f.zone)
	if ok && f.date {
		m = m.asDate()
	}
	return m, ok
}

// each calls f with the values of a list, until there are too many dates.
func (r *reader) each(p *property, have int, f func(value []byte) bool) string {
	wrong := ""
	for rest := p.value; len(rest) > 0; {
		var one []byte
		one, rest, _ = bytes.Cut(rest, []byte(","))
		if one = bytes.TrimSpace(one); len(one) == 0 {
			continue
		}
		if have >= maxDates || r.dates >= 10*maxDates {
			return "has too many dates; the others are left out"
		}
		if f(one) {
			have++
			r.dates++
		} else {
			wrong = quote(one) + " in " + p.name + " is no date"
		}
	}
	return wrong
}

// moments reads a list of dates.
func (r *reader) moments(p *property, to *[]moment) string {
	f := r.form(p)
	return r.each(p, len(*to), func(value []byte) bool {
		m, ok := f.moment(value)
		if ok {
			*to = append(*to, m)
		}
		return ok
	})
}

// periods reads a list of dates or periods.
func (r *reader) periods(p *property, busyType string, to *[]period) string {
	f := r.form(p)
	return r.each(p, len(*to), func(value []byte) bool {
		start, rest, long := bytes.Cut(value, []byte("/"))
		m, ok := f.moment(start)
		one := period{start: m, busyType: busyType}
		if ok && long {
			if one.length, one.hasLength = parseLength(rest); !one.hasLength {
				one.end, one.hasEnd = f.moment(rest)
				ok = one.hasEnd
			}
		}
		if ok {
			*to = append(*to, one)
		}
		return ok
	})
}

// who tells whose address a property holds. Some servers write a path and put
// the address into EMAIL.
func (r *reader) who(p *property) person {
	if len(r.attendee) > 0 &&
		(bytes.EqualFold(address(p.value), r.attendee) || strings.EqualFold(string(address([]byte(p.param("EMAIL")))), string(r.attendee))) {
		return user
	}
	return somebody
}
