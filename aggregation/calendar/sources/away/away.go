// Package away turns automatic replies into out-of-office periods (SEMANTICS
// S6.1: out-of-office is on while the user's own period runs).
//
// A source that could not ask keeps what it knew, for as long as a schedule would
// be kept (S6.4): not knowing is not being back. Notes are plain text of at most
// presence.MaxNote characters; whether links in them are shown is decided where
// notes are (S9).
package away

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"presenced/internal/presence"
)

// Replies says how much of the automatic replies is used.
type Replies uint8

// The values of Replies.
const (
	Off    Replies = iota // they are not asked for
	Period                // the period, without the text
	Note                  // the period, with the text as its note
)

const (
	// maxText bounds what is read of a reply; the note is in its first lines.
	maxText = 64 << 10
	// keep is how long a period is believed that could not be asked about again.
	keep = 24 * time.Hour
	// maxState leaves room for the rest in the 1 KiB of sources.Result.State.
	maxState = 640
)

// New returns the period of automatic replies that are sent in [start, end), with
// the reply, in HTML or as text, as its note. A zero start is now; a zero end is
// none. It returns nil for a period that is over or that ends before it begins.
func New(start, end time.Time, reply string, r Replies, now time.Time) *presence.OutOfOffice {
	if start.IsZero() {
		start = now
	}
	if r == Off || !end.IsZero() && (!now.Before(end) || !start.Before(end)) {
		return nil
	}
	o := &presence.OutOfOffice{Start: start.UTC()}
	if !end.IsZero() {
		o.End = end.UTC()
	}
	if r == Note {
		o.Note = Text(reply)
	}
	return o
}

// Text returns a reply as a note: the text of HTML in one line, at most
// presence.MaxNote characters, cut at a word.
func Text(reply string) string {
	if len(reply) > maxText {
		reply = reply[:maxText]
	}
	if strings.Contains(reply, "<") {
		reply = plain(reply)
	}
	words := strings.FieldsFunc(strings.ToValidUTF8(reply, ""), func(c rune) bool {
		return unicode.IsSpace(c) || unicode.IsControl(c)
	})
	var b strings.Builder
	left := presence.MaxNote
	for _, w := range words {
		n := utf8.RuneCountInString(w)
		if b.Len() > 0 {
			n++
		}
		if n > left-1 { // one for the ellipsis
			if b.Len() == 0 {
				b.WriteString(string([]rune(w)[:left-1]))
			}
			b.WriteString("…")
			break
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w)
		left -= n
	}
	return b.String()
}

// plain returns the text between the tags; what is not shown (style, script, the
// head) is left out, and every tag separates words that a line break would.
func plain(s string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	hidden := 0
	for {
		switch t := z.Next(); t {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			if hidden == 0 {
				b.Write(z.Text())
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			switch string(name) {
			case "style", "script", "head", "title":
				switch t {
				case html.StartTagToken:
					hidden++
				case html.EndTagToken:
					hidden = max(0, hidden-1)
				}
			case "br", "p", "div", "td", "tr", "li", "h1", "h2", "h3", "table":
				b.WriteByte(' ')
			}
		}
	}
}

// Memory is what a source remembers of a mailbox between two fetches.
type Memory struct {
	Away  *presence.OutOfOffice `json:"a,omitempty"`
	Asked time.Time             `json:"t,omitzero"` // when it was last told
}

// Read returns what Bytes made; nothing where that is not readable.
func Read(state []byte) Memory {
	var m Memory
	if len(state) == 0 || len(state) > 4*maxState || json.Unmarshal(state, &m) != nil {
		return Memory{}
	}
	return m
}

// Bytes returns m in at most 640 bytes: a note that is too long for them is left
// out. Empty memories are nil.
func (m Memory) Bytes() []byte {
	if m.Away == nil {
		return nil
	}
	raw, err := json.Marshal(m)
	if err == nil && len(raw) > maxState {
		o := *m.Away
		o.Note = ""
		m.Away = &o
		raw, err = json.Marshal(m)
	}
	if err != nil {
		return nil
	}
	return raw
}

// Told is the memory of an answer.
func Told(o *presence.OutOfOffice, now time.Time) Memory {
	return Memory{Away: o, Asked: now.UTC().Truncate(time.Second)}
}

// Still returns the period that is remembered, unless it is over or too old.
func (m Memory) Still(now time.Time) *presence.OutOfOffice {
	if m.Away == nil || now.Sub(m.Asked) > keep || !m.Away.End.IsZero() && !now.Before(m.Away.End) {
		return nil
	}
	return m.Away
}
