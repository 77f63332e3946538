package calendar

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"presenced/internal/presence"
)

// What is kept of one calendar at most. Nobody has as many meetings in two days;
// whoever sends more costs memory in proportion to this.
const (
	maxPacked           = 500 // events
	maxPackedText       = 200 // bytes of one subject, location or category
	maxPackedAll        = 32 << 10
	maxPackedCategories = 8 // of one event
)

// packVersion is the first byte of what Pack returns.
const packVersion = 1

// The bits of an event's first byte; the lowest three are its kind.
const (
	packKind      = 7
	packPrivate   = 1 << 3
	packAllDay    = 1 << 4
	packAttendees = 1 << 5
	packTexts     = 1 << 6
	packMinutes   = 1 << 7 // times are in minutes, not in seconds
)

// Pack returns events in a form for keeping: some six bytes for each and every
// text once. What can never count is left out (S6.2: cancelled, declined,
// transparent, all-day other than out-of-office, without duration), and with it
// the texts of private events. Times are cut to seconds, texts to 200 bytes; of
// more than 500 events the first by start are kept.
func Pack(events []presence.Event) string {
	kept := make([]presence.Event, 0, len(events))
	for i := range events {
		if e, ok := packable(events[i]); ok {
			kept = append(kept, e)
		}
	}
	slices.SortStableFunc(kept, func(a, b presence.Event) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return a.End.Compare(b.End)
	})
	kept = kept[:min(len(kept), maxPacked)]
	if len(kept) == 0 {
		return ""
	}
	p := packer{index: map[string]uint64{}}
	var last int64
	for i := range kept {
		p.event(&kept[i], last)
		last = kept[i].Start.Unix()
	}
	out := append(make([]byte, 0, 8+len(p.texts)+len(p.events)), packVersion)
	out = binary.AppendUvarint(out, uint64(len(p.index)))
	out = append(out, p.texts...)
	return string(append(out, p.events...))
}

// packable is the event as far as it is kept; false: not at all.
func packable(e presence.Event) (presence.Event, bool) {
	if e.Cancelled || e.Declined || e.Transparent || e.AllDay && e.Kind != presence.EventOOF {
		return e, false
	}
	e.Start, e.End = packedTime(e.Start), packedTime(e.End)
	if e.Private {
		e.Subject, e.Location = "", ""
	}
	return e, e.Start.Before(e.End)
}

// packedTime cuts a time to seconds between 1970 and the year 9999.
func packedTime(t time.Time) time.Time {
	const last = 253402300799
	return time.Unix(min(max(t.Unix(), 0), last), 0).UTC()
}

// packer collects texts and events.
type packer struct {
	index  map[string]uint64 // from 1
	texts  []byte
	events []byte
}

// text returns the number of a text, 0 for none or where there is no room.
func (p *packer) text(s string) uint64 {
	s = cut(strings.ToValidUTF8(s, "\uFFFD"), maxPackedText)
	if s == "" {
		return 0
	}
	if n := p.index[s]; n > 0 {
		return n
	}
	if len(p.texts)+len(s) > maxPackedAll {
		return 0
	}
	p.texts = binary.AppendUvarint(p.texts, uint64(len(s)))
	p.texts = append(p.texts, s...)
	n := uint64(len(p.index)) + 1
	p.index[s] = n
	return n
}

// cut shortens valid UTF-8 to at most n bytes, at a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func (p *packer) event(e *presence.Event, last int64) {
	head := byte(e.Kind) & packKind
	for _, b := range []struct {
		is  bool
		bit byte
	}{{e.Private, packPrivate}, {e.AllDay, packAllDay}, {e.Attendees, packAttendees}} {
		if b.is {
			head |= b.bit
		}
	}
	categories := e.Categories[:min(len(e.Categories), maxPackedCategories)]
	if e.Subject != "" || e.Location != "" || len(categories) > 0 {
		head |= packTexts
	}
	start, end := e.Start.Unix(), e.End.Unix()
	delta, length := start-last, end-start
	if start%60 == 0 && end%60 == 0 {
		head |= packMinutes
		delta, length = start/60-last/60, length/60
	}
	p.events = append(p.events, head)
	p.events = binary.AppendUvarint(p.events, uint64(delta))
	p.events = binary.AppendUvarint(p.events, uint64(length))
	if head&packTexts == 0 {
		return
	}
	p.events = binary.AppendUvarint(p.events, p.text(e.Subject))
	p.events = binary.AppendUvarint(p.events, p.text(e.Location))
	p.events = binary.AppendUvarint(p.events, uint64(len(categories)))
	for _, c := range categories {
		p.events = binary.AppendUvarint(p.events, p.text(c))
	}
}

// Unpacked is where packed events are unpacked to; it may be used again and again,
// and then does not allocate. What Unpack put into Events holds until Reset.
type Unpacked struct {
	Events []presence.Event
	texts  []string
}

// Reset forgets what was unpacked.
func (u *Unpacked) Reset() { u.Events, u.texts = u.Events[:0], u.texts[:0] }

// Unpack appends what Pack returned; the texts are parts of packed. It returns
// false, and appends nothing, if packed is anything else.
func (u *Unpacked) Unpack(packed string) bool {
	if packed == "" {
		return true
	}
	had := len(u.Events)
	r := unpacker{rest: packed[1:], bad: packed[0] != packVersion}
	first := len(u.texts)
	for n := r.count(len(r.rest)); n > 0 && !r.bad; n-- {
		u.texts = append(u.texts, r.text())
	}
	texts := u.texts[first:]
	var last int64
	for r.rest != "" && !r.bad {
		if len(u.Events)-had >= maxPacked {
			r.bad = true
			break
		}
		u.Events = append(u.Events, u.event(&r, texts, &last))
	}
	if r.bad {
		u.Events = u.Events[:had]
	}
	return !r.bad
}

func (u *Unpacked) event(r *unpacker, texts []string, last *int64) presence.Event {
	head := r.byte()
	const longest = 1 << 39 // seconds; keeps every sum far from the end of int64
	start, length := int64(r.count(longest)), int64(r.count(longest))
	if head&packMinutes != 0 {
		start, length = (*last/60+start)*60, length*60
	} else {
		start += *last
	}
	*last = start
	r.bad = r.bad || start > longest || length == 0
	e := presence.Event{
		Start: time.Unix(start, 0).UTC(), End: time.Unix(start+length, 0).UTC(), Kind: presence.EventKind(head & packKind),
		Private: head&packPrivate != 0, AllDay: head&packAllDay != 0, Attendees: head&packAttendees != 0,
	}
	if head&packTexts == 0 {
		return e
	}
	e.Subject, e.Location = r.pick(texts), r.pick(texts)
	first := len(u.texts)
	for n := r.count(maxPackedCategories); n > 0 && !r.bad; n-- {
		if c := r.pick(texts); c != "" {
			u.texts = append(u.texts, c)
		}
	}
	if len(u.texts) > first {
		e.Categories = u.texts[first:len(u.texts):len(u.texts)]
	}
	return e
}

// unpacker reads; bad is set at the first thing that does not fit.
type unpacker struct {
	rest string
	bad  bool
}

func (r *unpacker) byte() byte {
	if r.bad || r.rest == "" {
		r.bad = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

// count reads a number of at most limit.
func (r *unpacker) count(limit int) int {
	var n uint64
	for shift := uint(0); shift < 63; shift += 7 {
		b := r.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if r.bad || n > uint64(limit) {
				break
			}
			return int(n)
		}
	}
	r.bad = true
	return 0
}

func (r *unpacker) text() string {
	n := r.count(len(r.rest))
	if r.bad || n > len(r.rest) {
		r.bad = true
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// pick reads the number of a text.
func (r *unpacker) pick(texts []string) string {
	n := r.count(len(texts))
	if n == 0 {
		return ""
	}
	return texts[n-1]
}
