package engine

import (
	"time"

	"presenced/internal/presence"
)

// When a vCard is read again.
const (
	cardLife = 24 * time.Hour
	// cardSpread is over how long the reading of everybody's vCards is spread after
	// an attach, and added to cardLife so that it stays spread.
	cardSpread = 10 * time.Minute
	// cardLogin is the same for those who log in or are enrolled, who may do so
	// together as well.
	cardLogin = 10 * time.Second
)

// card is how the reading of a user's own vCard on her server goes.
type card struct {
	readAt instant // 0: not read
	dueAt  instant // when it is read next; 0: at the next attach or login
}

// CardRead answers Sender.ReadCard, or tells of a vCard that was read for another
// reason: what it says, nil for nothing. The profile is kept and must not be
// changed. An error means that no answer came, and leaves what was known.
func (e *Engine) CardRead(user presence.Addr, found *presence.Profile, err error) {
	s := e.shardOf(user)
	s.box.must(func(now time.Time) {
		if u := s.users[user]; u != nil && u.set.enrol.Enabled && err == nil {
			u.cardRead(found, now)
		}
	})
}

func (u *user) cardRead(found *presence.Profile, now time.Time) {
	old := u.ownCard()
	u.card.readAt = u.sh.e.instant(now)
	if found != nil || old != nil {
		u.herself().card = found
	}
	if old == found || old != nil && found != nil && *old == *found {
		return
	}
	u.compose()
	u.evaluate(now)
}

// wantCard has the vCard read within a time, unless it was today.
func (u *user) wantCard(within time.Duration, now time.Time) {
	if !u.set.enrol.Enabled || u.cardAge(now) < cardLife {
		return
	}
	u.card.dueAt = earliest(u.card.dueAt, u.in(u.sh.jitter(within), now))
}

// cardAge is how long ago the vCard was read; cardLife if it was not.
func (u *user) cardAge(now time.Time) time.Duration {
	if u.card.readAt == 0 {
		return cardLife
	}
	return time.Duration(u.sh.e.instant(now) - u.card.readAt)
}

// ownCard is what her vCard says; nil: nothing.
func (u *user) ownCard() *presence.Profile {
	if u.about == nil {
		return nil
	}
	return u.about.card
}

// readCard asks for the vCard when its time has come. While the link is away the
// next attach asks anew.
func (u *user) readCard(now time.Time) {
	if !u.card.dueAt.come(u.sh.e.instant(now)) {
		return
	}
	u.card.dueAt = 0
	if !u.sh.up || !u.host.ready || !u.set.enrol.Enabled {
		return
	}
	u.card.dueAt = u.in(cardLife+u.sh.jitter(cardSpread), now)
	if !u.sh.e.opt.Sender.ReadCard(u.addr, u.bare()) {
		u.card.dueAt = u.in(cardLogin+u.sh.jitter(cardSpread), now) // everybody logs in at once
	}
}

// forgetCard drops what was read of a user who is no longer enrolled.
func (u *user) forgetCard() {
	u.card = card{}
	if u.about != nil {
		u.about.card = nil
		u.compose()
	}
}
