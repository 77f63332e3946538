package engine

import (
	"time"

	"presenced/internal/presence"
)

// consented handles a subscription stanza between a user and the component's
// own JID (PRODUCT, "Learning presence").
func (s *shard) consented(c Consent, now time.Time) {
	u := s.users[c.User.Addr]
	switch c.Kind {
	case ConsentSubscribe:
		s.e.enableByContact(s, c, now)
	case ConsentUnsubscribe:
		if u != nil && u.set.enrol.Enabled {
			u.disable(now, u.noteContact("disable"))
		}
	case ConsentSubscribed:
		if u != nil && u.set.enrol.Enabled && u.set.enrol.Consent != consentGranted {
			u.noteContact("consent")(now, nil)
			u.setConsent(consentGranted, now)
		}
	case ConsentUnsubscribed:
		switch {
		case u == nil || !u.set.enrol.Enabled:
		case u.set.enrol.Consent == consentGranted:
			u.disable(now, u.noteContact("disable")) // the component was removed from the roster
		case u.set.enrol.Consent == consentRefused: // said before
		default:
			u.noteContact("refuse-consent")(now, nil)
			u.setConsent(consentRefused, now)
		}
	}
}

// enableByContact enrols a user who added the component to her roster, where
// the operator lets her.
func (e *Engine) enableByContact(s *shard, c Consent, now time.Time) {
	if !e.mayEnrol(c.User.Addr) {
		return
	}
	u := s.users[c.User.Addr]
	if u == nil {
		u = s.newUser(c.User.Addr, c.User.Bare)
	}
	u.do(now, func(now time.Time) {
		if u.set.enrol.Enabled {
			u.ask(now, true)
			return
		}
		u.enable(c.User.Bare, u.noteContact("enable"))
	})
}

// ask requests the user's presence where that is how it is learned: once on the
// component's own account (again after the user did something herself).
func (u *user) ask(now time.Time, again bool) {
	if !u.host.Consent || !u.sh.up || !u.set.enrol.Enabled {
		return
	}
	switch c := u.set.enrol.Consent; {
	case c == consentGranted:
	case c == consentNone:
		u.sh.e.opt.Sender.Ask(u.bare())
		u.setConsent(consentAsked, now)
	case again:
		u.sh.e.opt.Sender.Ask(u.bare())
	}
}

func (u *user) setConsent(c consent, now time.Time) {
	u.do(now, func(time.Time) {
		doc := u.set.enrol
		doc.V, doc.Consent = docVersion, c
		u.save(Write{Docs: map[string][]byte{DocEnrol: encode(doc)}}, func(now time.Time, err error) {
			if err != nil {
				u.sh.e.warnStore(err)
				return
			}
			u.set.enrol = doc
			if c == consentGranted {
				u.pingAt = 0
				u.schedule()
			}
		})
	})
}

// enable enrols the user. It must be called from within do.
func (u *user) enable(bare string, then func(now time.Time, err error)) {
	doc := enrolDoc{V: docVersion, JID: bare, Enabled: true, Consent: u.set.enrol.Consent}
	if doc.Consent == consentRefused {
		doc.Consent = consentNone
	}
	u.save(Write{Docs: map[string][]byte{DocEnrol: encode(doc)}}, func(now time.Time, err error) {
		if err == nil {
			u.set.enrol = doc
			u.sh.e.setKnown(u.addr, true)
			u.compose()
			u.recompile()
			u.ask(now, true)
			u.learn()
			u.wantCard(cardLogin, now)
			u.reread(now)
			u.evaluate(now)
		}
		then(now, err)
	})

}

// enrolRetry is the pause after the store refused to enrol somebody unasked:
// when everybody is seen at once, its queue has no room for all of them.
const enrolRetry = time.Second

// enrolUnasked enrols a user whom the operator's mode or list names, unless she
// said no, and tries again until it is stored.
func (u *user) enrolUnasked(now time.Time) {
	if u.going != nil {
		u.going.enrolAt = 0
		u.rest()
	}
	again := func(now time.Time) {
		u.begin().enrolAt = u.in(enrolRetry+u.sh.jitter(enrolRetry), now)
		u.schedule()
	}
	queued := u.do(now, func(now time.Time) {
		if u.set.enrol.V != 0 {
			return
		}
		u.enable(u.bare(), func(now time.Time, err error) {
			if err != nil {
				u.sh.e.warnStore(err)
				again(now)
			}
		})
	})
	if !queued {
		again(now)
	}
}

// learn finds out about the devices of a user who was enrolled while the link
// was up: a server that forwards presence only does so at the next change.
func (u *user) learn() {
	switch {
	case !u.sh.up:
	case u.set.enrol.Consent == consentGranted:
		u.sh.e.opt.Sender.Probe(u.bare())
	case u.host.Managed && len(u.person.Inputs.Resources) == 0:
		u.sh.e.opt.Sender.Peek(u.addr, u.bare())
	}
}

// disable ends the enrolment. Watchers see her go offline; their subscriptions
// stay, silently (S13).
func (u *user) disable(now time.Time, then func(now time.Time, err error)) {
	u.do(now, func(time.Time) {
		doc := u.set.enrol
		had, online := doc.Consent, len(u.person.Inputs.Resources) > 0
		doc.V, doc.Enabled, doc.Consent = docVersion, false, consentNone
		given, docs := u.withdrawal()
		docs[DocEnrol] = encode(doc)
		u.save(Write{Docs: docs}, func(now time.Time, err error) {
			if err == nil {
				u.takeBack(given)
				u.noteGiven("contact-taken", given, "")
				u.set.enrol = doc
				u.sh.e.setKnown(u.addr, u.set.egress != nil)
				u.leavePublished()
				u.forgetPresence(now)
				u.forgetCalendars(now)
				u.oweEgress(online)
				if u.sh.up && (had == consentGranted || had == consentAsked) {
					u.sh.e.opt.Sender.Leave(u.bare())
				}
				u.regroup()
				u.evaluate(now)
			}
			then(now, err)
		})
	})
}

func (u *user) forgetPresence(now time.Time) {
	u.person.Inputs.Resources = nil
	u.dropClaims(now, func(presence.Claim) bool { return true })
	u.roster = rosterCopy{} // who waits for it goes on as without one
	u.person.Roster = nil
	u.forgetCard()
	u.refreshAt, u.pingAt = 0, 0
	u.markDirty(now)
}
