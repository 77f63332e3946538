package audit

import (
	"encoding/json"
	"time"
	"unicode"
	"unicode/utf8"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// Entry is one line of the trail. docs/audit.md says what each word means.
type Entry struct {
	At      string                `json:"at"` // UTC, with milliseconds
	What    string                `json:"what"`
	Who     string                `json:"who,omitempty"` // a JID, or one of the words below
	UID     *uint32               `json:"uid,omitempty"` // of the operator, where known
	Way     string                `json:"way,omitempty"`
	User    string                `json:"user,omitempty"`  // whose presence or access; none: everybody's
	Group   string                `json:"group,omitempty"` // of the operator, in place of user
	As      string                `json:"as,omitempty"`    // as whom the operator asked
	About   string                `json:"about,omitempty"`
	Level   *presence.ContainerID `json:"level,omitempty"` // by which the answer was made
	Rules   []Rule                `json:"rules,omitempty"`
	Outcome string                `json:"outcome,omitempty"`
	Times   int64                 `json:"times,omitempty"` // asked so often since …
	Since   string                `json:"since,omitempty"` // … and last at At
	Lost    int64                 `json:"lost,omitempty"`  // entries that could not be written
}

// Rule is what became of a user's rules about one person, group, domain or
// network. A level that is absent means that there is no rule.
type Rule struct {
	Type  string                `json:"type"`
	Value string                `json:"value,omitempty"`
	Old   *presence.ContainerID `json:"old,omitempty"`
	New   *presence.ContainerID `json:"new,omitempty"`
	Until string                `json:"until,omitempty"`
}

// The words that stand in place of an address.
const (
	Operator = "operator"
	Anybody  = "anybody" // who looks at a badge
	Nobody   = "nobody"  // whose badge does not exist
	Daemon   = "presenced"
	Server   = "server"   // the user's own
	Erased   = "(erased)" // no address: parentheses are in no domain
)

// Bounds of one line.
const (
	maxText  = 3071 // the longest JID (RFC 7622 §3.1)
	maxRules = 32   // more go on in the next line
)

// anonymous is whom the engine names as the asker for a badge.
var anonymous = presence.MustAddr("anonymous.invalid")

const stamp = "2006-01-02T15:04:05.000Z"

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(stamp)
}

// askerOf fills in who did something, and by which way.
func (e *Entry) askerOf(who engine.Principal) {
	e.Way = who.Way.String()
	switch {
	case who.Operator:
		e.Who = Operator
		if who.UID != engine.NoUID {
			e.UID = &who.UID
		}
		e.As = name(who.Addr)
	case who.Way == engine.WayServer:
		e.Who = Server
	case who.Addr.IsZero() && who.Way >= engine.WayDaemon:
		e.Who = Daemon
	case who.Addr == anonymous:
		e.Who = Anybody
	default:
		e.Who = name(who.Addr)
	}
}

func name(a presence.Addr) string {
	if a.IsZero() {
		return ""
	}
	return cut(a.String())
}

// entriesOf makes the lines of a deed, more than one for many rules.
func entriesOf(at time.Time, d *engine.Deed) []Entry {
	first := Entry{
		At: instant(at), What: d.What, User: name(d.User), Group: cut(d.Group), About: cut(d.About), Outcome: cut(d.Outcome),
	}
	first.askerOf(d.Who)
	if d.User == anonymous {
		first.User = Nobody
	}
	if !d.Eyes.IsZero() {
		first.As = name(d.Eyes)
	}
	rules := make([]Rule, len(d.Rules))
	for i, r := range d.Rules {
		rules[i] = Rule{Type: cut(r.Type), Value: cut(r.Value), Old: r.Old, New: r.New, Until: instant(r.Until)}
	}
	var all []Entry
	for len(rules) > maxRules {
		e := first
		e.Rules, rules = rules[:maxRules], rules[maxRules:]
		all = append(all, e)
	}
	first.Rules = rules
	return append(all, first)
}

// cut bounds a text that somebody else wrote.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	n := maxText - len("…")
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// appendLine appends an entry as one line. Beside what JSON must escape, it escapes
// everything that a terminal might obey or not show.
func appendLine(dst []byte, e *Entry) []byte {
	text, err := json.Marshal(e)
	if err != nil {
		panic("audit: an entry cannot be rendered: " + err.Error()) // its types cannot fail
	}
	return append(appendPlain(dst, text), '\n')
}

// appendPlain appends JSON with what cannot be printed escaped.
func appendPlain(dst, text []byte) []byte {
	for len(text) > 0 {
		if text[0] < utf8.RuneSelf && text[0] != 0x7f {
			dst, text = append(dst, text[0]), text[1:]
			continue
		}
		r, n := utf8.DecodeRune(text)
		if unicode.IsPrint(r) {
			dst = append(dst, text[:n]...)
		} else {
			dst = appendEscape(dst, r)
		}
		text = text[n:]
	}
	return dst
}

// appendEscape appends \uXXXX, or two of them (RFC 8259 §7).
func appendEscape(dst []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	unit := func(v rune) {
		dst = append(dst, '\\', 'u', digits[v>>12&0xf], digits[v>>8&0xf], digits[v>>4&0xf], digits[v&0xf])
	}
	if r > 0xffff {
		r -= 0x10000
		unit(0xd800 + r>>10)
		unit(0xdc00 + r&0x3ff)
		return dst
	}
	unit(r)
	return dst
}
