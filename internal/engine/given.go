package engine

import (
	"slices"
	"strings"

	"presenced/internal/presence"
)

// DocProvision is the document of the mirrors that were put into a user's roster, or
// suggested to her (privacy.provisioning).
const DocProvision = "provision"

// maxGiven bounds that document: rosters are shorter.
const maxGiven = 8192

// givenAs says what became of one mirror.
type givenAs string

const (
	givenWritten   givenAs = "written"   // about to be put into the roster, not seen there yet
	givenContact   givenAs = "contact"   // seen there: it is withdrawn when she leaves
	givenSuggested givenAs = "suggested" // she was sent it, what becomes of it is hers
	givenHers      givenAs = "hers"      // she added or removed it herself: it is left alone
)

// given is one mirror, by the user it is of: its own address is another wherever the
// user is moved to.
type given struct {
	JID string  `json:"jid"`
	As  givenAs `json:"as"`
}

// provisionDoc is stored before the first byte of an offer leaves, so that nothing is
// offered twice, and nothing that she took out of her roster comes back.
type provisionDoc struct {
	V     version `json:"v"`
	Given []given `json:"given"`
}

// alone is the document as the only one of a user; nil removes it.
func (d provisionDoc) alone() map[string][]byte {
	if len(d.Given) == 0 {
		return map[string][]byte{DocProvision: nil}
	}
	d.V = docVersion
	return map[string][]byte{DocProvision: encode(d)}
}

func (s *settings) provision() provisionDoc {
	if s.rare == nil {
		return provisionDoc{}
	}
	return s.rare.provision
}

// giving is what one look at a roster comes to.
type giving struct {
	given   []given         // what is known now
	changed bool            // and was not before
	arrived []presence.Addr // are in the roster as they were written
	failed  []presence.Addr // are not: the server did not take them
	open    []presence.Contact
}

// look holds what was given to a roster as it was read. mirrors are those of the
// component's domain in it, by whose they are, and whether she is subscribed to them;
// may tells which contacts have a mirror at all.
func (d provisionDoc) look(contacts []presence.Contact, mirrors map[presence.Addr]bool, may func(presence.Addr) bool) (g giving) {
	known := make(map[presence.Addr]bool, len(d.Given))
	for _, it := range d.Given {
		a, err := presence.ParseAddr(it.JID)
		if err != nil {
			g.changed = true // nobody can be offered by it
			continue
		}
		known[a] = true
		subscribed, there := mirrors[a]
		next := it
		switch {
		case it.As == givenWritten && subscribed:
			next.As, g.arrived = givenContact, append(g.arrived, a)
		case it.As == givenWritten:
			next.As, g.failed = givenSuggested, append(g.failed, a)
		case it.As == givenContact && !there:
			next.As = givenHers
		}
		g.changed = g.changed || next != it
		g.given = append(g.given, next)
	}
	for a := range mirrors {
		if !known[a] && len(g.given) < maxGiven {
			known[a], g.changed = true, true
			g.given = append(g.given, given{a.String(), givenHers})
		}
	}
	slices.SortFunc(g.given, func(a, b given) int { return strings.Compare(a.JID, b.JID) })
	for i := range contacts {
		c := &contacts[i]
		if sees := c.Subscription == presence.SubTo || c.Subscription == presence.SubBoth; sees && !known[c.Addr] && may(c.Addr) {
			g.open = append(g.open, *c)
		}
	}
	return g
}

// withdrawn splits what was given into what is taken back when she leaves, and what
// is hers to keep.
func (d provisionDoc) withdrawn() (back []presence.Addr, rest provisionDoc) {
	for _, it := range d.Given {
		a, err := presence.ParseAddr(it.JID)
		if err == nil && (it.As == givenContact || it.As == givenWritten) {
			back = append(back, a)
			continue
		}
		rest.Given = append(rest.Given, it)
	}
	return back, rest
}
