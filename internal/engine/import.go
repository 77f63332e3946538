package engine

import (
	"bytes"
	"maps"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// imported are a user's settings as somebody handed them in, found good.
type imported struct {
	set    settings
	docs   map[string][]byte // set, as it is stored
	advice []Advice
}

// applyImport puts settings that readImport accepted in place of what the user
// has.
func (s *shard) applyImport(user presence.JID, c Import, now time.Time, seen *witness, answer answerFunc) {
	if r := s.unreadable(user, &c.read.set); r != nil {
		answer(Result{}, r)
		return
	}
	u := s.users[user.Addr]
	if u == nil && c.Check {
		answer(Result{Advice: c.read.advice}, nil)
		return
	}
	if u == nil {
		u = s.newUser(user.Addr, c.read.set.enrol.JID)
	}
	queued := u.do(now, func(time.Time) {
		seen.begin(u)
		u.importSettings(c, answer)
	})
	if !queued {
		answer(Result{}, errBusy)
	}
}

// unreadable refuses rules that could never match, as NewRule does (S2.6), where
// the server has said that it does not let rosters be read.
func (s *shard) unreadable(user presence.JID, set *settings) *RefusedError {
	if h := s.hosts[user.Addr.Domain()]; h == nil || !h.ready || h.Roster {
		return nil
	}
	for _, r := range set.rules.Rules {
		if r.Type == privacy.RuleGroup || r.Type == privacy.RuleSubscription {
			return refuse(Invalid, DocRules, "rule %q needs her roster, which the server does not let the component read; allow it (\"presenced check\" says how) or take the rule out", r)
		}
	}
	return nil
}

// importSettings stores the new settings in one write and puts them in force. It
// runs within do.
func (u *user) importSettings(c Import, answer answerFunc) {
	had, mine := u.set.enrol.V != 0, u.set
	mine.enrol.Consent, mine.lists = c.read.set.enrol.Consent, c.read.set.lists // her server's word, not her choice
	switch {
	case had && maps.EqualFunc(chosen(mine.documents()), chosen(c.read.docs), bytes.Equal):
		answer(Result{Advice: []Advice{AdviceNothing}}, nil)
		return
	case had && !c.Replace:
		answer(Result{}, refuse(Invalid, "jid", "%s has other settings here already; add --replace to put these in their place", u.bare()))
		return
	case c.Check:
		answer(Result{Advice: c.read.advice}, nil)
		return
	}
	docs := maps.Clone(c.read.docs)
	maps.Copy(docs, u.set.egress.alone()) // what her server holds of ours stays to be known
	c.read.set.egress = u.set.egress
	given := u.set.provision() // and so does what was offered to her
	c.read.set.chooseRare(func(r *rare) { r.provision = given })
	if len(given.Given) > 0 {
		maps.Copy(docs, given.alone())
	}
	u.save(Write{Erase: true, Docs: docs}, func(now time.Time, err error) {
		if err == nil {
			u.exchange(c.read.set, now)
		}
		answer(Result{Advice: append(c.read.advice, u.consentAdvice()...)}, refusedStore(err))
	})
}

// exchange puts other settings in force, as a load would: who watches by them is
// shown what they allow, whoever watched without them is told that it is over,
// as at an erasure (S13).
func (u *user) exchange(set settings, now time.Time) {
	old := u.set
	u.exchanged(&set)
	u.endOthers(set.subs)
	u.set = set
	u.keepSchedule(old.cals)
	u.sh.e.handles.drop(old.badge)
	u.sh.e.handles.put(set.badge, u.addr)
	u.sh.e.setKnown(u.addr, set.enrol.Enabled || set.egress != nil)
	if !set.enrol.Enabled {
		u.forgetPresence(now)
		u.forgetCalendars(now)
		if u.sh.up && (old.enrol.Consent == consentGranted || old.enrol.Consent == consentAsked) {
			u.sh.e.opt.Sender.Leave(u.bare())
		}
	}
	u.compose()
	u.recompile()
	u.showNewcomers(old.subs)
	if set.enrol.Enabled {
		if set.enrol.Consent != consentRefused {
			u.ask(now, true)
		}
		if !old.enrol.Enabled {
			u.learn()
			u.wantCard(cardLogin, now)
		}
		u.reread(now)
	}
	u.endUnallowed(now)
	u.keep(now) // the write has taken what was stored of her presence away
	u.evaluate(now)
	u.serveWaiters(now)
}

// endOthers ends the subscriptions that next does not hold in the same spelling:
// whoever was shown something sees the mirror go, and is told once that there is
// no subscription unless there is one in another spelling.
func (u *user) endOthers(next *roster.Subs) {
	send := u.sh.e.opt.Sender
	for i := range u.groups {
		g := &u.groups[i]
		g.each(func(j int, l last) {
			to := u.target(g.pairs[j])
			entry, _ := next.Get(u.watcher(g.pairs[j]))
			stays := entry.Standing == roster.Accepted
			if stays && entry.Spelling == to.From {
				return
			}
			if l.sent != u.sh.e.offlineDigest && !l.muted {
				send.Present(u.sh.e.offline, []Target{to})
			}
			if !stays && u.sh.up {
				send.Unsubscribed(to)
			}
		})
	}
}

// showNewcomers has the watchers that old did not hold in the same spelling sent
// the state once, whatever it is: what an earlier daemon told them is not known.
func (u *user) showNewcomers(old *roster.Subs) {
	for i := range u.groups {
		g := &u.groups[i]
		g.change(func(j int, l last) last {
			p := g.pairs[j]
			entry, _ := old.Get(u.watcher(p))
			if entry.Standing == roster.Accepted && entry.Spelling == u.target(p).From {
				return l
			}
			l.sent, l.fresh, g.pending = 0, true, true
			return l
		})
	}
}
