package engine

import (
	"slices"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// rosterStatus tells what a user's roster copy is worth (S8.5).
type rosterStatus uint8

const (
	rosterUnread rosterStatus = iota // not read since the start
	rosterRead
	rosterFailed // never read, and the last attempt failed: fail closed
)

// rosterRetry is the pause after a failed reading.
const rosterRetry = 5 * time.Second

// rosterCopy is the last reading of a user's roster.
type rosterCopy struct {
	question
	status rosterStatus
	readAt seconds
	failed seconds // the last attempt; 0: it succeeded
}

// readRoster asks for the roster unless that is under way, and runs after when
// the answer, or the failure, is there. Without the right to read it after runs
// at once.
func (u *user) readRoster(now time.Time, after func(now time.Time)) {
	if !u.host.Roster || !u.sh.up || !u.set.enrol.Enabled {
		if after != nil {
			after(now)
		}
		return
	}
	u.join(askedRoster, after)
	if u.roster.reading {
		// What is under way may have been answered before the change that
		// caused this request.
		u.roster.again = u.roster.again || after != nil
		return
	}
	u.roster.reading = true
	u.sh.e.opt.Sender.ReadRoster(u.addr, u.bare())
}

// rosterRead takes the answer.
func (u *user) rosterRead(contacts []presence.Contact, err error, now time.Time) {
	u.roster.reading = false
	if u.roster.again && u.sh.up {
		u.roster.again = false
		u.roster.reading = true
		u.sh.e.opt.Sender.ReadRoster(u.addr, u.bare())
	}
	if err != nil {
		u.rosterFailed(err, now)
	} else {
		u.rosterNews(contacts, now)
	}
	u.serveWaiters(now)
	u.answered(askedRoster, u.roster.reading, now)
	if err == nil {
		u.provision(contacts)
	}
	u.schedule()
}

func (u *user) rosterFailed(err error, now time.Time) {
	u.refreshAt = u.in(rosterRetry+u.sh.jitter(rosterRetry), now)
	if !u.sh.up {
		return // the link went away meanwhile: not an answer about the roster
	}
	u.roster.failed = u.sh.e.instant(now).seconds()
	first := u.roster.status == rosterUnread
	if first {
		u.roster.status = rosterFailed
	}
	if first || u.rosterStale(now, u.sh.e.rules().MaxStale) {
		u.sh.e.warnRoster(err)
		u.recompile()
		u.evaluate(now)
	}
	u.sh.e.opt.Log.Debug("roster could not be read", "user", u.bare(), "error", err)
}

func (u *user) rosterNews(contacts []presence.Contact, now time.Time) {
	next := roster.New(contacts, u.sh.e.opt.Domain)
	old := u.person.Roster
	u.roster.readAt, u.roster.failed = u.sh.e.instant(now).seconds(), 0
	fresh := u.roster.status != rosterRead
	u.roster.status = rosterRead
	u.planRefresh(now)
	if !fresh && old != nil && old.Equal(next) {
		return
	}
	u.person.Roster = next
	if !fresh && old != nil {
		u.forgetContacts(old, next, now)
	}
	u.recompile()
	u.evaluate(now)
}

// planRefresh reads again within privacy.refresh while the user is online,
// spread so that everybody who logged in together is not read together (S8.8).
func (u *user) planRefresh(now time.Time) {
	u.refreshAt = 0
	if every := u.sh.e.rules().Refresh; len(u.person.Inputs.Resources) > 0 {
		u.refreshAt = u.in(every-u.sh.jitter(every/4), now)
	}
	again := u.in(rosterRetry+u.sh.jitter(rosterRetry), now)
	if u.lists.failed != 0 && u.listSource() != nil || u.roster.failed != 0 && u.host.Roster {
		u.refreshAt = earliest(u.refreshAt, again)
	}
}

// forgetContacts removes the rules of contacts that left the roster, where that
// lowers their container (S2.5).
func (u *user) forgetContacts(old, next *roster.Roster, now time.Time) {
	if gone := roster.Removed(old, next); len(gone) > 0 && next.Len() > 0 { // empty is more likely a fault than a decision
		u.dropRules(gone, now)
	}
}

// dropRules removes the rules of contacts that have left the roster and are not back
// in it. What the store refuses is tried again when the roster was read once more.
func (u *user) dropRules(gone []presence.Addr, now time.Time) {
	later := func() { u.join(askedRoster, func(now time.Time) { u.dropRules(gone, now) }) }
	if u.roster.status != rosterRead || u.person.Roster.Len() == 0 {
		later() // who has left is not known at the moment
		return
	}
	gone = slices.DeleteFunc(gone, func(a presence.Addr) bool {
		_, back := u.person.Roster.Get(a)
		return back
	})
	u.do(now, func(now time.Time) {
		drop := privacy.Departed(u.sh.e.rules().System.Site, u.policySettings(privacy.StateOK, now), gone, false)
		if len(u.set.rules.Timed) > 0 { // what they stand before goes as well
			for _, r := range privacy.Departed(u.sh.e.rules().System.Site, u.lasting(now), gone, false) {
				if !slices.Contains(drop, r) {
					drop = append(drop, r)
				}
			}
		}
		if len(drop) == 0 {
			return
		}
		before := u.set.rules
		u.saveRules(before.dropAbout(drop), func(_ time.Time, err error) {
			u.noteDropped(before, err)
			if err == nil || u.forgotten() {
				return
			}
			u.sh.e.opt.Log.Warn("rules of removed contacts could not be removed; they are tried again at the next reading", "error", err)
			later()
		})
	})
}
