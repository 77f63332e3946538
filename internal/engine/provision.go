package engine

import (
	"slices"
	"sync"
	"time"

	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/roster"
)

// ContactWriter puts mirrors into users' rosters, implemented by the XMPP edge.
type ContactWriter interface {
	// MirrorOf returns the bare JID of a user's mirror that is for mention.
	MirrorOf(user presence.Addr) string
	// Mirrored returns whose mirror an address of the component's domain is; false:
	// nobody's.
	Mirrored(contact presence.Addr) (presence.Addr, bool)
	// WriteContacts changes a user's roster on her behalf (XEP-0356). What of it was
	// refused is told through Engine.ContactsWritten when all is answered, unless the
	// link is lost before. Steps of two calls are taken in the order of the calls.
	WriteContacts(user presence.Addr, bare string, steps []ContactStep)
	// SuggestContacts sends a user a message from which her client may add contacts
	// when she agrees (XEP-0144).
	SuggestContacts(bare, text string, steps []ContactStep)
}

// ContactStep is one change of a user's roster: a mirror she is subscribed to, or no
// longer has.
type ContactStep struct {
	Mirror      string // bare JID
	Name, Group string // as the user calls the contact; empty: not at all
	Remove      bool
}

const (
	// maxOffered is how many mirrors are given at once; the others come when the
	// roster is read next.
	maxOffered = 100
	// maxOffering is to how many users of one host contacts are written at once: a
	// server saves and pushes each. The others' turn comes when their rosters are read
	// next, so that a whole site takes its time.
	maxOffering = 8
	// testLimit is how long the first write to a host may take to be seen there.
	testLimit = 2 * time.Minute
)

// offering is the way mirrors come to the users of one host.
type offering uint8

const (
	offerUntested offering = iota // rosters may be written, whether it works is not known
	offerTesting                  // one user's first contact is on its way
	offerContacts                 // it was found in her roster as it was written
	offerMessages                 // it was not: contacts are suggested
)

// offerStep is how far an offer to one user has come.
type offerStep uint8

const (
	offerNone    offerStep = iota
	offerAsked             // whom she is offered is being found out, or stored
	offerWriting           // it is on its way to her server: one of maxOffering
)

// contactHosts tells whether a host takes contacts, from what became of the first:
// some servers grant the right and refuse every use of it. It begins anew with each
// attach.
type contactHosts struct {
	mu sync.Mutex // guards of
	of map[string]contactHost
}

type contactHost struct {
	way     offering
	until   time.Time // the end of a test
	writing int       // users to whom contacts are being written
}

// begin takes one of the places of a host; false: there is none.
func (c *contactHosts) begin(host string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.of[host]
	if h.writing >= maxOffering {
		return false
	}
	h.writing++
	c.put(host, h)
	return true
}

// end gives the place back.
func (c *contactHosts) end(host string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.of[host]; h.writing > 0 { // else it was before the attach
		h.writing--
		c.put(host, h)
	}
}

// put notes what is known of a host; mu is held.
func (c *contactHosts) put(host string, h contactHost) {
	if c.of == nil {
		c.of = make(map[string]contactHost)
	}
	c.of[host] = h
}

func (c *contactHosts) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.of)
}

// way returns how the host's users are offered something now. Where that is still
// to be found out, whoever asks first finds it out.
func (c *contactHosts) way(host string, now time.Time) offering {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.of[host]
	if h.way == offerUntested || h.way == offerTesting && now.After(h.until) {
		h.way, h.until = offerTesting, now.Add(testLimit)
		c.put(host, h)
		return offerUntested
	}
	return h.way
}

// found notes what became of contacts that were written; true: that is news. What is
// missing tells something of the host during the test only: else it may never have
// been sent, or be refused for a reason of its own.
func (c *contactHosts) found(host string, works bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, way := c.of[host], offerMessages
	if works {
		way = offerContacts
	}
	if h.way == way || !works && h.way != offerTesting {
		return false
	}
	h.way = way
	c.put(host, h)
	return true
}

// provisions reports whether mirrors are offered to her: the operator wants it, and
// she is there to see it.
func (u *user) provisions() bool {
	return u.sh.e.rules().Provisioning && u.sh.e.opt.Contacts != nil && u.sh.up && u.set.enrol.Enabled && len(u.person.Inputs.Resources) > 0
}

// provision offers her the mirrors of those contacts whose presence she gets natively
// and whose rules admit her, by S13.2: exactly those who would accept her at once,
// were she to ask. So a contact who is hidden is offered like one who is not, and one
// whom she would have to ask like one who does not exist (I2). It is given her roster
// as it has just been read, with the mirrors in it.
func (u *user) provision(contacts []presence.Contact) {
	if !u.provisions() || u.offered() {
		return
	}
	e := u.sh.e
	mirrors := make(map[presence.Addr]bool)
	for i := range contacts {
		if p, ok := e.opt.Contacts.Mirrored(contacts[i].Addr); ok {
			sub := contacts[i].Subscription
			mirrors[p] = mirrors[p] || sub == presence.SubTo || sub == presence.SubBoth
		}
	}
	g := u.set.provision().look(contacts, mirrors, func(a presence.Addr) bool {
		return a != u.addr && a.Local() != "" && e.serves(a.Domain())
	})
	if !g.changed && len(g.open) == 0 {
		return
	}
	u.herself().offered = offerAsked
	u.askAdmitting(g.open, func(now time.Time, open []presence.Contact) {
		if !u.do(now, func(now time.Time) { u.give(g, open, now) }) {
			u.offeringOver()
		}
	})
}

// offered reports whether an offer is under way.
func (u *user) offered() bool { return u.about != nil && u.about.offered != offerNone }

// offeringOver ends an offer, wherever it was.
func (u *user) offeringOver() {
	if !u.offered() {
		return
	}
	if u.about.offered == offerWriting {
		u.sh.e.contacts.end(u.host.Name)
	}
	u.about.offered = offerNone
}

// askAdmitting asks the owners of contacts which of them would accept her, and hands
// those to then, here.
func (u *user) askAdmitting(of []presence.Contact, then func(now time.Time, admitting []presence.Contact)) {
	home, watcher := u.sh, u.addr
	parts := make(map[*shard][]presence.Contact)
	for _, c := range of {
		s := home.e.shardOf(c.Addr)
		parts[s] = append(parts[s], c)
	}
	if len(parts) == 0 {
		then(time.Now(), nil)
		return
	}
	left, found := len(parts), make(map[presence.Addr]bool) // of home's goroutine
	answer := func(part []presence.Contact) {
		home.box.must(func(now time.Time) {
			for _, c := range part {
				found[c.Addr] = true
			}
			if left--; left == 0 { // in the order of her roster, whoever answered first
				then(now, slices.DeleteFunc(slices.Clone(of), func(c presence.Contact) bool { return !found[c.Addr] }))
			}
		})
	}
	for s, part := range parts {
		posted := s.box.post(func(time.Time) {
			var yes []presence.Contact
			for _, c := range part {
				if p := s.users[c.Addr]; p != nil && p.accepts(watcher) {
					yes = append(yes, c)
				}
			}
			answer(yes)
		})
		if !posted {
			answer(nil) // too busy: the next reading asks again
		}
	}
}

// accepts reports whether she would accept a watcher at once who does not watch her
// yet (S13.2).
func (u *user) accepts(w presence.Addr) bool {
	return u.loaded() && u.set.subs.Standing(w) != roster.Accepted && u.facts(w).Admitted
}

// give stores what is offered to her, then offers it. It runs within do.
func (u *user) give(g giving, open []presence.Contact, now time.Time) {
	if u.forgotten() || !u.provisions() {
		u.offeringOver()
		return
	}
	as, open := u.chooseWay(&g, open, now)
	for _, c := range open {
		if len(g.given) < maxGiven {
			g.given = append(g.given, given{c.Addr.String(), as})
			g.changed = true
		}
	}
	then := func(time.Time) { u.offer(&g, as, open) }
	if !g.changed {
		then(now)
		return
	}
	doc := provisionDoc{Given: g.given}
	u.save(Write{Docs: doc.alone()}, func(now time.Time, err error) {
		if err != nil {
			u.sh.e.warnStore(err)
			u.offeringOver()
			return
		}
		u.set.chooseRare(func(r *rare) { r.provision = doc })
		then(now)
	})
}

// chooseWay decides how the open ones come to her, and which of them now.
func (u *user) chooseWay(g *giving, open []presence.Contact, now time.Time) (givenAs, []presence.Contact) {
	e, host := u.sh.e, u.host.Name
	open = open[:min(len(open), maxOffered)]
	switch {
	case len(g.arrived) > 0:
		if e.contacts.found(host, true) {
			e.opt.Log.Info("a host takes contacts from the component: mirrors are put into rosters", "host", host)
		}
	case len(g.failed) > 0:
		if e.contacts.found(host, false) {
			e.opt.Log.Warn("a host grants the right to change rosters and does not take the change: mirrors are suggested to their users instead", "host", host)
		}
	}
	if !u.host.Sets {
		return givenSuggested, open
	}
	if len(open) == 0 || !e.contacts.begin(host) {
		return givenWritten, nil
	}
	u.about.offered = offerWriting
	switch e.contacts.way(host, now) {
	case offerUntested:
		return givenWritten, open[:1] // the self-test
	case offerContacts:
		return givenWritten, open
	case offerMessages:
		return givenSuggested, open
	default: // it is being tested: when the roster is read next, the way is known
		return givenWritten, nil
	}
}

// offer does what was stored.
func (u *user) offer(g *giving, as givenAs, open []presence.Contact) {
	send := u.sh.e.opt.Contacts
	u.noteGiven("contact-put", g.arrived, "")
	u.noteGiven("contact-put", g.failed, "failed")
	for _, p := range g.arrived {
		u.watch(p, MirrorSubscribe)
	}
	var suggest, write []ContactStep
	for _, p := range g.failed {
		suggest = append(suggest, u.addition(&presence.Contact{Addr: p}))
	}
	for i := range open {
		if step := u.addition(&open[i]); as == givenSuggested {
			suggest = append(suggest, step)
		} else {
			write = append(write, step)
		}
	}
	if len(suggest) > 0 {
		send.SuggestContacts(u.bare(), text.T(u.language(), "notice.suggest"), suggest)
	}
	if len(write) == 0 {
		u.offeringOver()
		return
	}
	send.WriteContacts(u.addr, u.bare(), write)
}

// language is what she reads.
func (u *user) language() string {
	return text.Match(u.set.profile().Language, u.sh.e.opt.Language)
}

// addition is the addition of a contact's mirror. Its name is what she calls the
// contact: what the contact is called otherwise, the container may keep from her.
func (u *user) addition(c *presence.Contact) ContactStep {
	return ContactStep{Mirror: u.sh.e.opt.Contacts.MirrorOf(c.Addr), Name: c.Name, Group: text.T(u.language(), "notice.group")}
}

// watch has her begin, or end, to watch somebody's mirror as if her server had said
// so: what it keeps of the contact was written, not asked for.
func (u *user) watch(p presence.Addr, kind MirrorKind) {
	u.sh.e.Mirror(Mirror{
		Kind: kind, Presentity: p, Spelling: u.sh.e.opt.Contacts.MirrorOf(p),
		Watcher: presence.JID{Addr: u.addr, Bare: u.bare()}, Lang: u.set.profile().Language, given: true,
	})
}

// ContactsWritten answers ContactWriter.WriteContacts. Whatever the answer was, only
// the roster tells what is in it.
func (e *Engine) ContactsWritten(user presence.Addr, err error) {
	s := e.shardOf(user)
	s.box.must(func(now time.Time) {
		u := s.users[user]
		if u == nil || !u.offered() {
			return
		}
		if err != nil {
			e.opt.Log.Debug("a server refused a contact for a user's roster", "user", u.bare(), "error", err)
		}
		u.readRoster(now, func(time.Time) { u.offeringOver() })
	})
}

// withdrawal returns the documents that remain of what was given to her when she
// leaves, and what is to be taken back. Where that cannot be done it is left.
func (u *user) withdrawal() (back []presence.Addr, docs map[string][]byte) {
	docs = make(map[string][]byte)
	if !u.sh.e.rules().Provisioning || u.sh.e.opt.Contacts == nil || !u.sh.up || !u.host.Sets {
		return nil, docs
	}
	back, rest := u.set.provision().withdrawn()
	if len(back) == 0 {
		return nil, docs
	}
	return back, rest.alone()
}

// takeBack takes mirrors out of her roster that were put there.
func (u *user) takeBack(back []presence.Addr) {
	if len(back) == 0 {
		return
	}
	_, rest := u.set.provision().withdrawn()
	u.set.chooseRare(func(r *rare) { r.provision = rest })
	steps := make([]ContactStep, 0, len(back))
	for _, p := range back {
		u.watch(p, MirrorUnsubscribe)
		steps = append(steps, ContactStep{Mirror: u.sh.e.opt.Contacts.MirrorOf(p), Remove: true})
	}
	u.sh.e.opt.Contacts.WriteContacts(u.addr, u.bare(), steps)
}
