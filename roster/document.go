package roster

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"presenced/internal/presence"
)

// subsVersion is the version of the stored document.
const subsVersion = 1

// The stored document, as it is read.
type (
	subsDoc struct {
		V    int       `json:"v"`
		Subs []entryJS `json:"subs"`
	}
	entryJS struct {
		Bare     string    `json:"jid"`
		Spelling string    `json:"mirror"`
		Standing string    `json:"standing"`
		Lang     string    `json:"lang,omitempty"`
		AskedAt  time.Time `json:"asked_at,omitzero"`
	}
)

// MarshalJSON writes the versioned document {"v":1,"subs":[…]}, byte for byte as
// encoding/json would write subsDoc. It is written by hand because a refill of a
// store renders every user's, and encoding/json takes five times as long. A time
// that RFC 3339 cannot hold is an error.
func (s *Subs) MarshalJSON() ([]byte, error) {
	dst := make([]byte, 0, 32+112*s.Len())
	dst = fmt.Appendf(dst, `{"v":%d,"subs":[`, subsVersion)
	first := true
	for i := range s.keys {
		if !s.has(i) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		e := s.entry(i)
		dst = appendMember(append(dst, '{'), "jid", e.Bare)
		dst = appendMember(append(dst, ','), "mirror", e.Spelling)
		dst = appendMember(append(dst, ','), "standing", e.Standing.String())
		if e.Lang != "" {
			dst = appendMember(append(dst, ','), "lang", e.Lang)
		}
		if !e.AskedAt.IsZero() {
			at, err := e.AskedAt.MarshalJSON()
			if err != nil {
				return nil, fmt.Errorf("subscriptions: %s: %w", e.Bare, err)
			}
			dst = append(append(dst, `,"asked_at":`...), at...)
		}
		dst = append(dst, '}')
	}
	return append(dst, "]}"...), nil
}

// appendMember appends "name":"value".
func appendMember(dst []byte, name, value string) []byte {
	dst = append(append(append(dst, '"'), name...), `":`...)
	start := len(dst)
	dst = append(dst, '"')
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ', c > '~', c == '<', c == '>', c == '&':
			text, _ := json.Marshal(value) // a string cannot fail
			return append(dst[:start], text...)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// UnmarshalJSON reads a document of MarshalJSON and replaces s. A newer version
// and an unreadable entry are errors: an entry left out would end a subscription.
func (s *Subs) UnmarshalJSON(data []byte) error {
	var doc subsDoc
	if err := json.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("subscriptions: %w", err)
	}
	if doc.V != subsVersion {
		return fmt.Errorf("subscriptions: version %d is not known here; use the presenced that wrote it", doc.V)
	}
	entries := make(map[presence.Addr]Entry, len(doc.Subs))
	for _, e := range doc.Subs {
		w, err := presence.ParseAddr(e.Bare)
		if err != nil {
			return fmt.Errorf("subscriptions: %w", err)
		}
		st, ok := ParseStanding(e.Standing)
		if !ok || st == None {
			return fmt.Errorf("subscriptions: %s has the unknown standing %q", e.Bare, e.Standing)
		}
		entries[w] = Entry{Bare: e.Bare, Spelling: e.Spelling, Standing: st, Lang: e.Lang, AskedAt: e.AskedAt}
	}
	if len(entries) > maxEntries {
		return fmt.Errorf("subscriptions: %d entries, more than the %d that can be kept", len(entries), maxEntries)
	}
	*s = pile(entries)
	return nil
}

// pile makes Subs of many entries at once.
func pile(entries map[presence.Addr]Entry) Subs {
	addrs := slices.SortedFunc(maps.Keys(entries), presence.Addr.Compare)
	s := Subs{keys: pack(addrs), at: slices.Repeat([]uint16{absent}, len(addrs))}
	for i, a := range addrs {
		s.set(i, entries[a])
	}
	s.gather()
	return s
}
