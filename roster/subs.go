package roster

import (
	"errors"
	"slices"
	"time"

	"presenced/internal/intern"
	"presenced/internal/presence"
)

// Entry is one watcher's subscription to a mirror. Entries are comparable.
type Entry struct {
	Bare     string // the watcher's bare JID as she sent it
	Spelling string // the mirror JID she used, as sent; everything comes from it (S14)
	Standing Standing
	Lang     string    // the language of her last stanza; empty: unknown
	AskedAt  time.Time // when the presentity was asked, UTC; zero: never
}

// Limits bound what one presentity keeps (S10); zero means none are kept.
type Limits struct {
	Watchers int // accepted subscriptions
	Requests int // requests the presentity has not answered
}

// ErrFull is returned where a limit forbids another entry.
var ErrFull = errors.New("the limit is reached")

// Subs are the subscriptions to one presentity's mirror, kept compactly. The
// zero value is empty. Copies share nothing that changes; it is not safe for
// concurrent use.
type Subs struct {
	keys  keys
	at    []uint16 // for each key, which of rows; absent: no entry; nil: the first for all
	rows  []row    // distinct: most watchers of one user have the same
	words []string // distinct spellings, languages, and JIDs that are not their own key
	asked map[string]time.Time
}

// row refers to words; 0 stands for the key itself or the empty string.
type row struct {
	bare, spelling, lang uint16
	standing             Standing
}

// Len returns the number of entries.
func (s *Subs) Len() int {
	n := 0
	for i := range s.keys {
		if s.has(i) {
			n++
		}
	}
	return n
}

// Rows returns the number of rows; some may have no entry.
func (s *Subs) Rows() int { return len(s.keys) }

// has reports whether a row has an entry.
func (s *Subs) has(row int) bool { return s.at == nil || s.at[row] != absent }

// find returns the row of w's entry.
func (s *Subs) find(w presence.Addr) (int, bool) {
	i, known := s.keys.find(w)
	return i, known && s.has(i)
}

// Count returns the number of entries with that standing.
func (s *Subs) Count(st Standing) int {
	n := 0
	for i := range s.keys {
		if s.has(i) && s.row(i).standing == st {
			n++
		}
	}
	return n
}

// Get returns w's entry.
func (s *Subs) Get(w presence.Addr) (Entry, bool) {
	i, ok := s.find(w)
	if !ok {
		return Entry{}, false
	}
	return s.entry(i), true
}

// At returns the entry of a row; false where there is none.
func (s *Subs) At(row int) (Entry, bool) {
	if !s.has(row) {
		return Entry{}, false
	}
	return s.entry(row), true
}

// Standing returns w's standing, None for a stranger.
func (s *Subs) Standing(w presence.Addr) Standing {
	if i, ok := s.find(w); ok {
		return s.row(i).standing
	}
	return None
}

// Row returns the row of w's entry; false: she has none.
func (s *Subs) Row(w presence.Addr) (int, bool) { return s.find(w) }

// Addr returns the address of a row.
func (s *Subs) Addr(row int) presence.Addr { return s.keys.addr(row) }

// Spelled returns the watcher's bare JID and the mirror's JID of a row, both as
// she sent them.
func (s *Subs) Spelled(row int) (watcher, mirror string) {
	r := s.row(row)
	if r.bare != 0 {
		return s.word(r.bare), s.word(r.spelling)
	}
	return s.keys.at(row), s.word(r.spelling)
}

// row returns the i-th entry's.
func (s *Subs) row(i int) *row {
	if s.at == nil {
		return &s.rows[0]
	}
	return &s.rows[s.at[i]]
}

func (s *Subs) entry(i int) Entry {
	r := s.row(i)
	e := Entry{Bare: s.keys.at(i), Spelling: s.word(r.spelling), Standing: r.standing, Lang: s.word(r.lang), AskedAt: s.asked[s.keys.at(i)]}
	if r.bare != 0 {
		e.Bare = s.word(r.bare)
	}
	return e
}

func (s *Subs) word(i uint16) string {
	if i == 0 {
		return ""
	}
	return s.words[i-1]
}

// Each calls f once per entry, in the order of the addresses. f must not change s.
func (s *Subs) Each(f func(presence.Addr, Entry)) {
	for i := range s.keys {
		if s.has(i) {
			f(s.keys.addr(i), s.entry(i))
		}
	}
}

// Clone returns a copy that changes apart from s.
func (s *Subs) Clone() Subs {
	c := *s
	c.at, c.rows, c.words = slices.Clone(s.at), slices.Clone(s.rows), slices.Clone(s.words)
	c.asked = nil
	for k, t := range s.asked {
		c.ask(k, t)
	}
	return c
}

// Room tells whether limits allow one more entry of that standing: nil, or
// ErrFull.
func (s *Subs) Room(st Standing, l Limits) error {
	if st == Pending && s.Count(Pending) >= l.Requests || st == Accepted && s.Count(Accepted) >= l.Watchers || s.Len() >= maxEntries {
		return ErrFull
	}
	return nil
}

// maxEntries bounds one presentity's entries whatever the limits say, so that
// three words for each can be numbered.
const maxEntries = 1 << 14

// maxSilent bounds the refused and withdrawn requests that are remembered. A
// forgotten one may prompt again, so it is generous.
const maxSilent = 1000

// Put stores e as w's entry; a standing of None removes it. Of more than 1000
// refused and withdrawn requests the one asked longest ago is forgotten. An
// entry beyond what Room allows at all is not stored: silence.
func (s *Subs) Put(w presence.Addr, e Entry) {
	i, known := s.keys.find(w)
	switch {
	case e.Standing == None || e.Standing >= numStandings:
		s.Remove(w)
		return
	case known:
		s.spread()
	case s.Len() >= maxEntries:
		return
	default:
		if len(s.keys) >= maxEntries {
			s.alone()
			i, _ = s.keys.find(w)
		}
		s.spread()
		s.keys = inserted(s.keys, i, intern.Make(w.Key()))
		s.at = inserted(s.at, i, absent)
	}
	s.set(i, e)
	if s.Count(Refused)+s.Count(Withdrawn) > maxSilent {
		s.forgetOldest(w)
	}
	s.gather()
}

// spread gives every key a number of its own, so that one may be changed.
func (s *Subs) spread() {
	if s.at == nil {
		s.at = make([]uint16, len(s.keys))
	}
}

// gather is the reverse, where all have the same.
func (s *Subs) gather() {
	for _, at := range s.at {
		if at != s.at[0] || at == absent {
			return
		}
	}
	if len(s.at) > 0 {
		s.rows = []row{s.rows[s.at[0]]}
	}
	s.at = nil
}

// alone drops the keys without an entry.
func (s *Subs) alone() {
	var own keys
	var at []uint16
	for i := range s.keys {
		if s.has(i) {
			own, at = append(own, s.keys[i]), append(at, s.at[i])
		}
	}
	s.keys, s.at = own, at
}

// on returns the subscriptions beside other keys, all of their own among them.
func (s *Subs) on(other keys) *Subs {
	out := s.Clone()
	out.keys, out.at = other, make([]uint16, len(other))
	next := 0
	for i := range other {
		out.at[i] = absent
		if next < len(s.keys) && s.keys[next] == other[i] {
			if s.at == nil {
				out.at[i] = 0
			} else {
				out.at[i] = s.at[next]
			}
			next++
		}
	}
	out.gather()
	return &out
}

// set fills in the i-th entry, whose key is in place.
func (s *Subs) set(i int, e Entry) {
	if len(s.words) > 3*len(s.at)+8 || len(s.rows) > 2*len(s.at)+8 {
		s.compact()
	}
	r := row{standing: e.Standing, spelling: s.intern(e.Spelling), lang: s.intern(e.Lang)}
	if e.Bare == "" {
		e.Bare = s.keys.addr(i).String()
	}
	if e.Bare != s.keys.at(i) {
		r.bare = s.intern(e.Bare)
	}
	s.at[i] = s.share(r)
	s.ask(s.keys.at(i), e.AskedAt)
}

// Remove takes w's entry out and reports whether there was one.
func (s *Subs) Remove(w presence.Addr) bool {
	i, ok := s.find(w)
	if !ok {
		return false
	}
	s.ask(w.Key(), time.Time{})
	s.spread()
	s.keys = deleted(s.keys, i)
	s.at = deleted(s.at, i)
	s.gather()
	return true
}

func (s *Subs) forgetOldest(but presence.Addr) {
	oldest := -1
	for i := range s.keys {
		if !s.has(i) {
			continue
		}
		r := s.row(i)
		if r.standing != Refused && r.standing != Withdrawn || s.keys.at(i) == but.Key() {
			continue
		}
		if oldest < 0 || s.asked[s.keys.at(i)].Before(s.asked[s.keys.at(oldest)]) {
			oldest = i
		}
	}
	s.Remove(s.keys.addr(oldest))
}

// ask remembers when key asked; zero forgets.
func (s *Subs) ask(key string, at time.Time) {
	if at.IsZero() {
		delete(s.asked, key)
		return
	}
	if s.asked == nil {
		s.asked = make(map[string]time.Time)
	}
	s.asked[key] = at.Round(0).UTC()
}

// intern returns the number of word.
func (s *Subs) intern(word string) uint16 {
	if word == "" {
		return 0
	}
	if i := slices.Index(s.words, word); i >= 0 {
		return uint16(i + 1)
	}
	s.words = append(s.words, word)
	return uint16(len(s.words))
}

// share returns the number of a row like r.
func (s *Subs) share(r row) uint16 {
	if i := slices.Index(s.rows, r); i >= 0 {
		return uint16(i)
	}
	s.rows = append(s.rows, r)
	return uint16(len(s.rows) - 1)
}

// compact drops rows that no entry has any more, and words that no row has.
func (s *Subs) compact() {
	rows, words := s.rows, s.words
	s.rows, s.words = nil, nil
	again := func(i *uint16) {
		if *i != 0 {
			*i = s.intern(words[*i-1])
		}
	}
	for i, at := range s.at {
		if at == absent {
			continue
		}
		r := rows[at]
		again(&r.bare)
		again(&r.spelling)
		again(&r.lang)
		s.at[i] = s.share(r)
	}
}
