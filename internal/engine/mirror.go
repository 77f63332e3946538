package engine

import (
	"time"

	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/roster"
)

// lookWait is how long somebody who asks waits for a user to be loaded (S8.5).
const lookWait = 10 * time.Second

// maxWaiters bounds those who wait for one user; more get the offline answer.
const maxWaiters = 256

// mirror handles a presence stanza to a mirror (S13, S14). Known, unknown and
// disabled users take the same way through the same mailbox.
func (s *shard) mirror(m Mirror, now time.Time) {
	u := s.users[m.Presentity]
	if u == nil || m.Kind == MirrorProbe && u.stranger(m.Watcher.Addr) {
		s.answerStranger(m)
		s.e.noteMirror(m, roster.None)
		return
	}
	switch m.Kind {
	case MirrorProbe:
		u.whenTold(m.Watcher.Addr, now, func(now time.Time) { u.again(m, roster.Probe, now) })
	case MirrorSubscribe:
		u.subscribe(m, now)
	case MirrorUnsubscribe:
		u.leave(m, now)
	case MirrorError:
		u.mute(m.Watcher.Addr, true)
	case MirrorSubscribed, MirrorUnsubscribed, MirrorAvailable, MirrorUnavailable:
		// Dropped (S14): a mirror has no interest in its watchers.
	}
}

// stranger reports whether a probe of w's has the answer of a mirror of nobody,
// whatever the user does. It is then given at once: that she is being loaded,
// or written, would tell that she exists (I1).
func (u *user) stranger(w presence.Addr) bool {
	return w != u.addr && u.set.subs.Standing(w) != roster.Accepted
}

// answerStranger is what a mirror of nobody answers: the table of S14 for a
// watcher without a standing.
func (s *shard) answerStranger(m Mirror) {
	var ev roster.Event
	switch m.Kind {
	case MirrorProbe:
		ev = roster.Probe
	case MirrorSubscribe:
		ev = roster.Subscribe
	default:
		return
	}
	if out := roster.Step(roster.None, ev, roster.Facts{}); out.Unsubscribed && !s.e.forgetful() {
		s.e.opt.Sender.Unsubscribed(Target{To: answerTo(m), From: m.Spelling})
	}
}

// forgetful: the store was empty at the start and nobody has enrolled since, or the
// operator said that it was lost. A subscription this daemon does not remember may
// be one then, and "unsubscribed" would end it for good (S13). It is so for
// everybody alike.
func (e *Engine) forgetful() bool { return e.opt.Forgetful || e.blank.Load() }

// answerTo is whom a direct answer goes to: the very session that asked.
func answerTo(m Mirror) string { return m.Watcher.Full() }

// subscribe handles a subscription request. Whether W is admitted depends on the
// roster, which is read first (S8.8, S13.2), and what he is shown on the lists. Whom
// nothing hangs on is not made to wait for them: how long they take depends on what
// she does (I1).
func (u *user) subscribe(m Mirror, now time.Time) {
	w := m.Watcher.Addr
	if u.stays(w) {
		u.reread(now)
		u.whenTold(w, now, func(now time.Time) { u.again(m, roster.Subscribe, now) })
		return
	}
	step := func(now time.Time) {
		u.do(now, func(now time.Time) { u.step(m, roster.Subscribe, now) })
	}
	u.do(now, func(now time.Time) {
		u.whenTold(w, now, func(now time.Time) {
			u.readRoster(now, func(now time.Time) {
				if u.person.Admits(w) && u.offlineTo(u.place(w).Container, now) { // else he is told nothing, or what she does
					u.readLists(now, nil)
					step(now)
					return
				}
				u.readLists(now, step)
			})
		})
	})
}

// again answers who is subscribed already: at once, and then stores what is new of how
// he speaks and is spelled, which may have to wait for a write of hers (I1).
func (u *user) again(m Mirror, ev roster.Event, now time.Time) {
	changed, out, dirty := u.planned(m, ev, now)
	entry, _ := changed.Get(m.Watcher.Addr)
	old, _ := u.set.subs.Get(m.Watcher.Addr)
	if !u.stays(m.Watcher.Addr) || entry.Spelling != old.Spelling { // stored before anything is said of it
		u.do(now, func(now time.Time) { u.step(m, ev, now) })
		return
	}
	u.heard(m, ev, out)
	u.act(m, out, now)
	if dirty {
		u.do(now, func(now time.Time) {
			if changed, out, dirty := u.planned(m, ev, now); dirty && out.Next == roster.Accepted {
				u.saveSubs(changed, func(_ time.Time, err error) {
					if err != nil {
						u.sh.e.warnStore(err)
					}
				})
			}
		})
	}
}

// facts are what the subscription table wants to know about a watcher.
func (u *user) facts(w presence.Addr) roster.Facts {
	f := roster.Facts{Self: w == u.addr, Enrolled: u.set.enrol.Enabled}
	if !f.Enrolled {
		return f
	}
	f.Admitted = u.person.Admits(w)
	f.Hidden = u.place(w).Container == presence.Blocked
	limits := u.sh.e.rules().Limits
	f.PendingFull = u.set.subs.Room(roster.Pending, limits) != nil
	if u.set.subs.Standing(w) != roster.Accepted && u.set.subs.Room(roster.Accepted, limits) != nil {
		f.Admitted, f.PendingFull = f.Self, true // no room for another watcher: silence
	}
	f.ShownAvailable = u.shownAvailable(w)
	return f
}

// planned is what one event of the subscription table comes to.
func (u *user) planned(m Mirror, ev roster.Event, now time.Time) (changed roster.Subs, out roster.Outcome, dirty bool) {
	w := m.Watcher.Addr
	out = roster.Step(u.set.subs.Standing(w), ev, u.facts(w))
	changed = u.set.subs.Clone()
	entry, known := changed.Get(w)
	entry.Bare = m.Watcher.Bare
	if ev != roster.Unsubscribe && (ev == roster.Subscribe || entry.Spelling == "") {
		entry.Spelling = m.Spelling
	}
	entry.Lang = u.langOf(m, &entry)
	entry.Standing = out.Next
	if out.Prompt {
		entry.AskedAt = now
	}
	old, _ := u.set.subs.Get(w)
	dirty = entry != old
	if out.Next == roster.None {
		dirty = known
	}
	changed.Put(w, entry)
	return changed, out, dirty
}

// langOf is the language a watcher is told things in.
func (u *user) langOf(m Mirror, entry *roster.Entry) string {
	if m.Lang == "" {
		return entry.Lang
	}
	return text.Match(m.Lang, u.sh.e.opt.Language)
}

// heard tells the trail of what a watcher asked. A probe is repeated by his server at
// each login: he asked when he subscribed.
func (u *user) heard(m Mirror, ev roster.Event, out roster.Outcome) {
	if ev != roster.Probe {
		u.sh.e.noteMirror(m, out.Next)
	}
}

// step applies one event of the subscription table and stores what it changed
// before anything is said.
func (u *user) step(m Mirror, ev roster.Event, now time.Time) {
	standing := u.set.subs.Standing(m.Watcher.Addr)
	changed, out, dirty := u.planned(m, ev, now)
	u.heard(m, ev, out)
	if !dirty {
		u.left(m)
		u.act(m, out, now)
		return
	}
	u.saveSubs(changed, func(now time.Time, err error) {
		u.left(m)
		if err != nil {
			// Nothing was said, so nothing is lost: the watcher's server asks
			// again at the next login.
			u.sh.e.warnStore(err)
			if standing == roster.Accepted {
				u.act(m, out, now)
			}
			return
		}
		u.act(m, out, now)
	})
}

func (u *user) saveSubs(subs roster.Subs, then func(now time.Time, err error)) {
	u.save(Write{Docs: map[string][]byte{DocSubs: encodeSubs(&subs)}}, func(now time.Time, err error) {
		if err == nil {
			u.leaveOld(&subs)
			u.set.subs = &subs
			u.regroup()
		}
		// What was decided is said before the projections follow: `subscribed`
		// comes first on the wire.
		then(now, err)
		if err == nil {
			u.emit(now, causeEvent)
			u.schedule()
		}
	})
}

// leaveOld tells watchers whose subscription ends that the mirror is gone,
// where they had been shown something (S14).
func (u *user) leaveOld(next *roster.Subs) {
	for i := range u.groups {
		g := &u.groups[i]
		g.each(func(j int, l last) {
			p := g.pairs[j]
			if next.Standing(u.watcher(p)) != roster.Accepted && l.sent != u.sh.e.offlineDigest && !l.muted {
				u.sh.e.opt.Sender.Present(u.sh.e.offline, []Target{u.target(p)})
			}
		})
	}
}

// act says what the table decided. After a farewell, or without a link, nothing
// is said any more: the watcher's server asks again.
func (u *user) act(m Mirror, out roster.Outcome, now time.Time) {
	send := u.sh.e.opt.Sender
	heard := out.Unmute && u.mute(m.Watcher.Addr, false)
	if out.Mute {
		u.mute(m.Watcher.Addr, true)
	}
	if !u.sh.up {
		return
	}
	if out.Subscribed {
		send.Subscribed(Target{To: m.Watcher.Bare, From: m.Spelling})
	}
	if out.Unsubscribed {
		send.Unsubscribed(Target{To: answerTo(m), From: m.Spelling})
	}
	if out.Prompt {
		lang := text.Match(u.set.profile().Language, u.sh.e.opt.Language)
		send.Notify(u.bare(), text.T(lang, "notice.request", m.Watcher.Bare))
	}
	if out.Project {
		u.answer(m, out.Subscribed, now)
	}
	if heard {
		u.emit(now, causeEvent) // now, not with whatever happens next: that may be none of his business (I1)
	}
}

// answer sends the current projection to one watcher: to the session that
// probed, or to all of them after a subscription.
func (u *user) answer(m Mirror, everywhere bool, now time.Time) {
	to := answerTo(m)
	if everywhere {
		to = m.Watcher.Bare
	}
	entry, _ := u.set.subs.Get(m.Watcher.Addr)
	entry.Lang = u.langOf(m, &entry)
	key := u.keyFor(m.Watcher.Addr, &entry)
	body, digest := u.sh.e.offline, u.sh.e.offlineDigest
	if u.mayTell(key.container, now) { // else the wait for it was too long (S8.5)
		body, digest = u.render(key, now)
	}
	u.sh.e.opt.Sender.Present(body, []Target{{To: to, From: m.Spelling}})
	if everywhere {
		u.markSent(m.Watcher.Addr, digest, now)
	}
}
