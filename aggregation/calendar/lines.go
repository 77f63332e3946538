package calendar

import (
	"bytes"
	"strings"
)

// lines cuts a text into content lines (RFC 5545 §3.1), unfolded on bytes, so
// that a fold inside a character does no harm. CRLF, LF and CR all end a line.
type lines struct {
	rest   []byte
	number int // of the line last returned, from 1
	next   int
	folded []byte // reused by each unfolded line
	long   bool   // the line last returned was cut at maxLine
}

func newLines(text []byte) *lines {
	return &lines{rest: bytes.TrimPrefix(text, []byte("\ufeff")), next: 1}
}

// physical cuts one line off, without its end.
func (l *lines) physical() []byte {
	l.next++
	i := bytes.IndexAny(l.rest, "\r\n")
	if i < 0 {
		line := l.rest
		l.rest = nil
		return line
	}
	line, end := l.rest[:i], i+1
	if l.rest[i] == '\r' && end < len(l.rest) && l.rest[end] == '\n' {
		end++
	}
	l.rest = l.rest[end:]
	return line
}

// read returns the next line that is not empty; it is valid until the next call.
// Of a folded line only maxLine bytes are kept.
func (l *lines) read() ([]byte, bool) {
	for len(l.rest) > 0 {
		l.number = l.next
		line := l.physical()
		l.long = len(line) > maxLine
		if l.continues() {
			line = l.unfold(line)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			return line[:min(len(line), maxLine)], true
		}
	}
	return nil, false
}

func (l *lines) continues() bool {
	return len(l.rest) > 0 && (l.rest[0] == ' ' || l.rest[0] == '\t')
}

func (l *lines) unfold(first []byte) []byte {
	l.folded = append(l.folded[:0], first[:min(len(first), maxLine)]...)
	for l.continues() {
		more := l.physical()[1:]
		if room := maxLine - len(l.folded); len(more) > room {
			more, l.long = more[:room], true
		}
		l.folded = append(l.folded, more...)
	}
	return l.folded
}

// property is one content line: a name in upper case, parameters and a value,
// both as written. It is valid as long as its line.
type property struct {
	name   string
	params []byte
	value  []byte
}

// parse splits a line into a property. A line without a colon, or with a name
// that is none, is refused.
func (p *property) parse(line []byte) bool {
	end := bytes.IndexAny(line, ":;")
	if end <= 0 {
		return false
	}
	p.name = upper(line[:end])
	if p.name == "" {
		return false
	}
	if line[end] == ':' {
		p.params, p.value = nil, line[end+1:]
		return true
	}
	colon := outside(line[end:], ':')
	if colon < 0 { // a quote that is never closed
		colon = bytes.IndexByte(line[end:], ':')
	}
	if colon < 0 {
		return false
	}
	if dated[p.name] {
		colon += colonInZone(line[end+colon+1:])
	}
	p.params, p.value = line[end+1:end+colon], line[end+colon+1:]
	return true
}

// dated are the properties whose value begins with a year.
var dated = map[string]bool{"DTSTART": true, "DTEND": true, "RECURRENCE-ID": true, "EXDATE": true, "RDATE": true}

// colonInZone returns how much of a value belongs to the parameters: Exchange writes
// TZID=tzone://Microsoft/Utc, and Outlook (UTC+01:00), without the quotes that a colon
// needs.
func colonInZone(value []byte) int {
	if _, _, ok := digits(bytes.TrimSpace(value), 4); ok {
		return 0
	}
	last := bytes.LastIndexByte(value, ':')
	if _, _, ok := digits(value[last+1:], 8); last < 0 || !ok {
		return 0
	}
	return last + 1
}

// outside returns where the first c outside quotes is, or -1.
func outside(b []byte, c byte) int {
	quoted := false
	for i, x := range b {
		switch {
		case x == '"':
			quoted = !quoted
		case x == c && !quoted:
			return i
		}
	}
	return -1
}

// param returns the first parameter of that name, without quotes; "" if there
// is none.
func (p *property) param(name string) string {
	for rest := p.params; len(rest) > 0; {
		var one []byte
		one, rest = cutParam(rest)
		key, value, _ := bytes.Cut(one, []byte("="))
		if len(key) == len(name) && strings.EqualFold(string(key), name) {
			return string(bytes.Trim(value, `" `))
		}
	}
	return ""
}

// cutParam cuts at the first semicolon outside quotes.
func cutParam(b []byte) (one, rest []byte) {
	i := outside(b, ';')
	if i < 0 {
		return b, nil
	}
	return b[:i], b[i+1:]
}

// names are those the reader looks at; most lines of a calendar carry others.
// Finding one costs no allocation.
var names = func() map[string]string {
	all := map[string]string{}
	for n := range strings.FieldsSeq(`
		BEGIN END UID SEQUENCE DTSTAMP DTSTART DTEND DURATION RRULE EXRULE RDATE
		EXDATE RECURRENCE-ID STATUS TRANSP CLASS SUMMARY LOCATION CATEGORIES
		ORGANIZER ATTENDEE X-MICROSOFT-CDO-BUSYSTATUS X-MICROSOFT-CDO-ALLDAYEVENT
		METHOD FREEBUSY FBTYPE BUSYTYPE PRIORITY TZID TZOFFSETFROM TZOFFSETTO`) {
		all[n] = n
	}
	return all
}()

// upper returns a name in upper case if it is one the reader looks at, and "-"
// for any other that is well formed; "" if it is no name.
func upper(name []byte) string {
	var buf [40]byte
	if len(name) > len(buf) {
		return "-"
	}
	for i, c := range name {
		switch {
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return ""
		}
		buf[i] = c
	}
	if known, ok := names[string(buf[:len(name)])]; ok {
		return known
	}
	return "-"
}
