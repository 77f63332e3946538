package engine

import (
	"slices"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

type ruleT = privacy.Rule

// saveDoc stores one document and, when it is durable, lets commit put it in
// force and evaluates.
func (u *user) saveDoc(name string, doc []byte, commit func(), done func(error)) {
	u.save(Write{Docs: map[string][]byte{name: doc}}, func(now time.Time, err error) {
		if err == nil {
			commit()
			u.evaluate(now)
		}
		done(refusedStore(err))
	})
}

func (u *user) setManual(m *presence.Manual, answer answerFunc) {
	var res Result
	if err := u.sh.e.checkManual(m); err != nil {
		answer(Result{}, err)
		return
	}
	if len(u.person.Inputs.Resources) == 0 {
		res.Advice = append(res.Advice, AdviceNoDevice)
	}
	u.saveDoc(DocManual, encode(manualDoc{V: docVersion, Manual: m}), func() {
		u.chooseState(m)
	}, func(err error) {
		if err == nil && u.gist.online && u.gist.awake != m.Availability.Class() {
			res.Advice = append(res.Advice, AdviceBeaten)
		}
		answer(res, err)
	})
}

func (u *user) chooseState(m *presence.Manual) {
	u.set.choose(func(c *choices) { c.manual = m })
	u.person.Inputs.Manual = m
}

func (u *user) setNote(note string, answer answerFunc) {
	note, res, err := u.sh.e.checkNote(u.addr, note)
	if err != nil {
		answer(Result{}, err)
		return
	}
	doc := encode(noteDoc{V: docVersion, Text: note})
	if note == "" {
		doc = nil
	}
	u.saveDoc(DocNote, doc, func() {
		u.set.choose(func(c *choices) { c.note = note })
		u.obey()
	}, func(err error) { answer(res, err) })
}

// checkNote applies S9's limits and the user's link policy to a note she sets.
func (e *Engine) checkNote(user presence.Addr, note string) (string, Result, error) {
	if err := privacy.CheckNote(note); err != nil {
		return "", Result{}, &RefusedError{Kind: Invalid, Field: "note", Reason: err.Error(), Err: err}
	}
	op, _ := e.policyOf(user)
	v := op.Links.Apply(note)
	switch {
	case v.Refused:
		return "", Result{}, refuse(Invalid, "note", "this link is not allowed in notes here; write the note without it")
	case v.Text != note:
		return v.Text, Result{Advice: []Advice{AdviceNeutralised}}, nil
	case len(v.Links) > 0:
		return v.Text, Result{Advice: []Advice{AdviceLink}}, nil
	default:
		return v.Text, Result{}, nil
	}
}

func (u *user) setOOF(period *presence.OutOfOffice, now time.Time, answer answerFunc) {
	if period == nil {
		u.saveDoc(DocOOF, nil, func() {
			u.set.choose(func(c *choices) { c.oof = nil })
			u.person.Inputs.OOF = nil
		}, func(err error) { answer(Result{}, err) })
		return
	}
	p := *period
	if p.Start.IsZero() {
		p.Start = now
	}
	if !p.End.IsZero() && !p.End.After(p.Start) {
		answer(Result{}, refuse(Invalid, "end", "the end lies before the start; give a later end or none"))
		return
	}
	note, res, err := u.sh.e.checkNote(u.addr, p.Note)
	if err != nil {
		answer(Result{}, err)
		return
	}
	p.Note = note
	u.saveDoc(DocOOF, encode(oofDoc{V: docVersion, Period: &p}), func() {
		u.set.choose(func(c *choices) { c.oof = &p })
		u.obey()
	}, func(err error) { answer(res, err) })
}

// maxRules bounds the rules of one user; placing stays constant in their number.
const maxRules = 4096

func (u *user) putRule(r privacy.Rule, answer answerFunc) {
	e := u.sh.e
	rule, err := e.rules().System.Site.NewRule(r, u.host.Roster)
	if err != nil {
		answer(Result{}, &RefusedError{Kind: Invalid, Field: "value", Reason: err.Error(), Err: err})
		return
	}
	needsRoster := rule.Type == privacy.RuleGroup || rule.Type == privacy.RuleSubscription
	timed := slices.ContainsFunc(u.set.rules.Timed, func(t TimedRule) bool { return sameTarget(t.Rule, rule) })
	if slices.Contains(u.set.rules.Rules, rule) && !timed {
		answer(Result{Advice: []Advice{AdviceNothing}}, nil)
		return
	}
	if len(u.set.rules.Rules) >= maxRules {
		answer(Result{}, refuse(TooMany, "", "you have %d rules, the most there may be; remove one first", maxRules))
		return
	}
	doc := *u.set.rules
	doc.Rules = append(without(doc.Rules, []privacy.Rule{rule}), rule)
	doc.Timed = untimed(doc.Timed, rule) // what she says now counts now
	u.saveRules(doc, func(_ time.Time, err error) { answer(u.ruleAdvice(rule, needsRoster), refusedStore(err)) })
}

func (u *user) ruleAdvice(rule privacy.Rule, needsRoster bool) (res Result) {
	if needsRoster && u.roster.status != rosterRead {
		res.Advice = append(res.Advice, AdviceRosterNeeded)
	}
	if rule.Type != privacy.RuleUser {
		return res
	}
	if w, err := presence.ParseAddr(rule.Value); err == nil && w != u.addr && u.place(w).Container != rule.Container {
		res.Advice = append(res.Advice, AdviceOutranked)
	}
	return res
}

func (u *user) removeRule(want privacy.Rule, answer answerFunc) {
	canonical, err := u.sh.e.rules().System.Site.NewRule(want, true)
	if err != nil {
		canonical = want // it names a container or an address that is none any more
	}
	u.removeRules(func(r ruleT) bool { return r == want || r == canonical }, answer)
}

func (u *user) removeRules(match func(ruleT) bool, answer answerFunc) {
	doc := *u.set.rules
	doc.Rules = slices.DeleteFunc(slices.Clone(doc.Rules), match)
	doc.Timed = slices.DeleteFunc(slices.Clone(doc.Timed), func(t TimedRule) bool { return match(t.Rule) })
	if len(doc.Rules)+len(doc.Timed) == len(u.set.rules.Rules)+len(u.set.rules.Timed) {
		answer(Result{}, refuse(NotFound, "value", "there is no such rule; the command \"levels\" lists them"))
		return
	}
	u.saveRules(doc, func(_ time.Time, err error) { answer(Result{}, refusedStore(err)) })
}

// blockRule is the rule a block writes: for a person, or for a whole domain.
func blockRule(jid string) (privacy.Rule, error) {
	a, err := presence.ParseAddr(jid)
	if err != nil {
		return privacy.Rule{}, refuse(Invalid, "jid", "%q is not an address; write it like bob@example.org, or a domain", jid)
	}
	t := privacy.RuleUser
	if a.Local() == "" {
		t = privacy.RuleDomain
	}
	return privacy.Rule{Container: presence.Blocked, Type: t, Value: a.String()}, nil
}

func (u *user) block(jid string, answer answerFunc) {
	r, err := blockRule(jid)
	if err != nil {
		answer(Result{}, err)
		return
	}
	a := presence.MustAddr(r.Value)
	if a == u.addr {
		answer(Result{}, refuse(Invalid, "jid", "you cannot block yourself"))
		return
	}
	u.putRule(r, func(res Result, err error) {
		if err == nil && u.reachedRaw(a) {
			// Her server goes on sending raw presence to a native contact (S8.7).
			res.Advice = append(res.Advice, AdviceNativeBlock)
		}
		answer(res, err)
	})
}

func (u *user) unblock(jid string, answer answerFunc) {
	want, err := blockRule(jid)
	if err != nil {
		answer(Result{}, err)
		return
	}
	a := presence.MustAddr(want.Value)
	u.removeRules(func(r ruleT) bool {
		if r.Container != presence.Blocked || r.Type != want.Type {
			return false
		}
		have, err := presence.ParseAddr(r.Value)
		return err == nil && have == a
	}, answer)
}

func (u *user) setPrivacyMode(on bool, answer answerFunc) {
	if u.set.rules.PrivacyMode == on {
		answer(Result{Advice: []Advice{AdviceNothing}}, nil)
		return
	}
	doc := *u.set.rules
	doc.PrivacyMode = on
	u.saveRules(doc, func(_ time.Time, err error) { answer(Result{}, refusedStore(err)) })
}

// decide answers a pending request (S13.4). Yes writes the rule and the
// subscription in one write; no is silence towards the watcher.
func (u *user) decide(w presence.Addr, c presence.ContainerID, yes bool, answer answerFunc) {
	entry, ok := u.set.subs.Get(w)
	if !ok || entry.Standing != roster.Pending {
		answer(Result{}, refuse(NotFound, "watcher", "%s has not asked; the command \"requests\" lists who has", w))
		return
	}
	ev := roster.Refuse
	docs := map[string][]byte{}
	rules := *u.set.rules
	if yes {
		ev = roster.Approve
		if c == presence.DefaultContainer {
			c = presence.External
			if u.sh.e.rules().System.Site.Network(w) == privacy.SameEnterprise {
				c = presence.Colleagues
			}
		}
		rule, err := u.sh.e.rules().System.Site.NewRule(privacy.Rule{Container: c, Type: privacy.RuleUser, Value: entry.Bare}, u.host.Roster)
		if err != nil {
			answer(Result{}, &RefusedError{Kind: Invalid, Field: "container", Reason: err.Error(), Err: err})
			return
		}
		rules.V = docVersion
		rules.Rules = append(without(rules.Rules, []privacy.Rule{rule}), rule)
		rules.Timed = untimed(rules.Timed, rule)
		docs[DocRules] = encode(rules)
	}
	out := roster.Step(entry.Standing, ev, u.facts(w))
	subs := u.set.subs.Clone()
	entry.Standing = out.Next
	subs.Put(w, entry)
	docs[DocSubs] = encode(&subs)
	u.save(Write{Docs: docs}, func(now time.Time, err error) {
		if err == nil {
			u.set.rules, u.set.subs = &rules, &subs
			u.recompile()
			m := Mirror{Watcher: presence.JID{Addr: w, Bare: entry.Bare}, Spelling: entry.Spelling}
			u.act(m, out, now)
			u.evaluate(now)
		}
		answer(Result{}, refusedStore(err))
	})
}

// revoke ends an accepted subscription by the presentity's wish (S13).
func (u *user) revoke(w presence.Addr, answer answerFunc) {
	entry, ok := u.set.subs.Get(w)
	if !ok || entry.Standing != roster.Accepted {
		answer(Result{}, refuse(NotFound, "watcher", "%s does not watch you; the command \"watchers\" lists who does", w))
		return
	}
	out := roster.Step(entry.Standing, roster.Revoke, u.facts(w))
	subs := u.set.subs.Clone()
	entry.Standing = out.Next
	subs.Put(w, entry)
	u.saveSubs(subs, func(now time.Time, err error) {
		if err == nil {
			m := Mirror{Watcher: presence.JID{Addr: w, Bare: entry.Bare}, Spelling: entry.Spelling}
			u.act(m, out, now)
		}
		answer(Result{}, refusedStore(err))
	})
}

// erase removes everything and ends every subscription, for all watchers alike
// (S13).
func (u *user) erase(answer answerFunc) {
	debt, online := u.set.egress, len(u.person.Inputs.Resources) > 0
	u.save(Write{Erase: true, Docs: debt.alone()}, func(now time.Time, err error) {
		if err != nil {
			answer(Result{}, refusedStore(err))
			return
		}
		send := u.sh.e.opt.Sender
		had := u.set.enrol.Consent
		none := roster.Subs{}
		u.leavePublished()
		u.leaveOld(&none)
		u.set.subs.Each(func(_ presence.Addr, entry roster.Entry) {
			if entry.Standing == roster.Accepted {
				send.Unsubscribed(Target{To: entry.Bare, From: entry.Spelling})
			}
		})
		if u.sh.up && had != consentNone {
			send.Leave(u.bare())
		}
		u.sh.forget(u)
		u.sh.e.owes(debt, online)
		answer(Result{}, nil)
	})
}
