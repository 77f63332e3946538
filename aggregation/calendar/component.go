package calendar

import (
	"bytes"
	"strconv"
	"strings"

	"presenced/internal/presence"
)

// component is one VEVENT, AVAILABLE, VFREEBUSY, VAVAILABILITY, VTIMEZONE,
// STANDARD or DAYLIGHT, read as far as it matters. What a component does not
// have is empty.
type component struct {
	kind string
	line int
	uid  string

	start, end, original moment // DTSTART, DTEND, RECURRENCE-ID
	hasStart, hasEnd     bool
	hasOriginal          bool
	thisAndFuture        bool
	length               length
	hasLength            bool
	rules, exrules       []*rule
	rdates               []period
	exdates              []moment
	sequence             int
	stamp                int64 // DTSTAMP; only to tell the newer of two
	broken               string

	show                 showAs
	subject, location    string
	categories           []string
	private, allDay      bool
	classed              bool // it says whether it is private
	cancelled, tentative bool
	transparent          bool
	organizer            person
	invited              person
	answer               string // PARTSTAT of the user, in upper case
	others               bool   // somebody else is invited

	busyType  string   // FBTYPE or BUSYTYPE, in upper case
	periods   []period // FREEBUSY, with its busyType
	priority  int
	tzid      string
	from, to  int64 // TZOFFSETFROM and TZOFFSETTO, in seconds
	hasOffset bool
	children  []*component
}

// person tells whether an address was seen, and whether it was the user's.
type person uint8

const (
	nobody person = iota
	somebody
	user
)

// showAs is X-MICROSOFT-CDO-BUSYSTATUS, or that there is none.
type showAs struct {
	given bool
	kind  presence.EventKind
}

// period is a PERIOD: a start, and an end or a length; where it has neither it
// is as long as its event. FREEBUSY adds a type.
type period struct {
	start, end        moment
	length            length
	hasEnd, hasLength bool
	busyType          string
}

// set takes one property. It returns what is wrong with it, "" if nothing.
func (c *component) set(p *property, r *reader) string {
	switch p.name {
	case "DTSTART":
		return c.setMoment(p, r, &c.start, &c.hasStart)
	case "DTEND":
		return c.setMoment(p, r, &c.end, &c.hasEnd)
	case "RECURRENCE-ID":
		c.thisAndFuture = strings.EqualFold(p.param("RANGE"), "THISANDFUTURE")
		return c.setMoment(p, r, &c.original, &c.hasOriginal)
	case "DURATION":
		if c.length, c.hasLength = parseLength(p.value); !c.hasLength {
			c.broken = "its DURATION cannot be read"
		}
	case "RRULE":
		return c.addRule(p, &c.rules)
	case "EXRULE":
		return c.addRule(p, &c.exrules)
	case "RDATE":
		return r.periods(p, "", &c.rdates)
	case "EXDATE":
		return r.moments(p, &c.exdates)
	case "FREEBUSY":
		return r.periods(p, strings.ToUpper(p.param("FBTYPE")), &c.periods)
	case "UID":
		c.uid = string(bytes.TrimSpace(p.value[:min(len(p.value), maxText)]))
	case "SEQUENCE":
		c.sequence = number(p.value)
	case "PRIORITY":
		c.priority = number(p.value)
	case "DTSTAMP":
		if m, ok := parseMoment(p.value, utc); ok {
			c.stamp = m.sec
		}
	case "TZID":
		c.tzid = string(p.value[:min(len(p.value), maxText)])
	case "TZOFFSETFROM":
		c.from, _ = parseOffset(p.value)
	case "TZOFFSETTO":
		c.to, c.hasOffset = parseOffset(p.value)
	default:
		c.describe(p, r)
	}
	return ""
}

// describe takes a property that says what kind of event it is.
func (c *component) describe(p *property, r *reader) {
	switch p.name {
	case "SUMMARY":
		c.subject = plain(p.value)
	case "LOCATION":
		c.location = plain(p.value)
	case "CATEGORIES":
		for rest := p.value; len(rest) > 0 && len(c.categories) < maxCategories; {
			var one []byte
			one, rest = cutEscaped(rest)
			if s := plain(one); s != "" {
				c.categories = append(c.categories, s)
			}
		}
	case "CLASS":
		// RFC 5545 §3.8.1.3: a class nobody knows is private; so is one of two.
		c.private, c.classed = c.private || word(p.value) != "PUBLIC", true
	case "STATUS":
		c.cancelled, c.tentative = word(p.value) == "CANCELLED", word(p.value) == "TENTATIVE"
	case "TRANSP":
		c.transparent = word(p.value) == "TRANSPARENT"
	case "X-MICROSOFT-CDO-ALLDAYEVENT":
		c.allDay = word(p.value) == "TRUE"
	case "X-MICROSOFT-CDO-BUSYSTATUS":
		c.show.kind, c.show.given = busyStatus[word(p.value)]
	case "FBTYPE", "BUSYTYPE":
		c.busyType = word(p.value)
	case "ORGANIZER":
		c.organizer = r.who(p)
	case "ATTENDEE":
		c.attend(p, r.who(p))
	}
}

// busyStatus are the values of X-MICROSOFT-CDO-BUSYSTATUS (MS-OXCICAL).
var busyStatus = map[string]presence.EventKind{
	"FREE": presence.EventFree, "TENTATIVE": presence.EventTentative, "BUSY": presence.EventBusy,
	"OOF": presence.EventOOF, "WORKINGELSEWHERE": presence.EventElsewhere,
}

// attend takes an ATTENDEE. Rooms and equipment are nobody.
func (c *component) attend(p *property, who person) {
	if who == user {
		c.invited = user
		c.answer = strings.ToUpper(p.param("PARTSTAT"))
		return
	}
	switch strings.ToUpper(p.param("CUTYPE")) {
	case "ROOM", "RESOURCE":
	default:
		c.others = true
	}
}

func (c *component) setMoment(p *property, r *reader, m *moment, has *bool) string {
	if *has {
		return "" // the first one counts
	}
	v, ok := r.form(p).moment(p.value)
	if !ok {
		c.broken = "its " + p.name + " " + quote(p.value) + " is no date"
		return ""
	}
	*m, *has = v, true
	return ""
}

func (c *component) addRule(p *property, to *[]*rule) string {
	if len(c.rules)+len(c.exrules) >= maxRules {
		return "has more than " + strconv.Itoa(maxRules) + " rules; the others are left out"
	}
	parsed, wrong := parseRule(p.value)
	if wrong != "" {
		return "rule " + quote(p.value) + " is not followed: " + wrong
	}
	parsed.except = p.name == "EXRULE"
	*to = append(*to, parsed)
	return ""
}

// word returns a token in upper case.
func word(b []byte) string {
	return strings.ToUpper(string(bytes.TrimSpace(b[:min(len(b), maxText)])))
}

// number reads a small number; what is none is 0.
func number(b []byte) int {
	n, err := strconv.Atoi(string(bytes.TrimSpace(b[:min(len(b), 12)])))
	if err != nil {
		return 0
	}
	return n
}

// quote shows a value in a warning.
func quote(b []byte) string {
	const most = 60
	if len(b) > most {
		return strconv.Quote(string(b[:most]) + "…")
	}
	return strconv.Quote(string(b))
}
