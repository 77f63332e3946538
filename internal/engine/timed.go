package engine

import (
	"slices"
	"time"

	"presenced/privacy"
)

// TimedRule is a rule for a while: until then it counts in place of every other
// rule about the same person, group or domain, which counts again afterwards.
type TimedRule struct {
	privacy.Rule
	Until time.Time `json:"until"`
}

// SetLevel puts a person, group or domain in a level in place of all rules there
// are about just that; with Until for a while only.
type SetLevel struct {
	Rule  privacy.Rule
	Until time.Time // zero: until she changes it
}

func (SetLevel) change() {}

// maxTimed is the longest a rule for a while lasts: what is meant for longer is
// meant for good.
const maxTimed = 366 * 24 * time.Hour

// sameTarget reports whether two rules are about the same people.
func sameTarget(a, b privacy.Rule) bool { return a.Type == b.Type && a.Value == b.Value }

// inForce returns the rules that count at now, and when that changes; zero: never
// by itself.
func (d *rulesDoc) inForce(now time.Time) (rules []privacy.Rule, until time.Time) {
	rules = d.Rules
	for _, t := range d.Timed {
		if !now.Before(t.Until) {
			continue
		}
		if until.IsZero() || t.Until.Before(until) {
			until = t.Until
		}
		rules = slices.DeleteFunc(slices.Clone(rules), func(r privacy.Rule) bool { return sameTarget(r, t.Rule) })
		rules = append(rules, t.Rule)
	}
	return rules, until
}

// endOf is when a rule for a while has ended and timedOut has not heard of it: also
// at once, where it ended while the daemon did not run or something else was at work.
func (u *user) endOf(next, now time.Time) instant {
	for _, t := range u.set.rules.Timed {
		if !now.Before(t.Until) && !u.heardOf(t) {
			return u.sh.e.instant(now)
		}
	}
	return u.sh.e.instant(next)
}

// heardOf reports whether timedOut has been called since a rule ended.
func (u *user) heardOf(t TimedRule) bool {
	return u.about != nil && u.about.rulesHeard != 0 && u.sh.e.instant(t.Until) <= u.about.rulesHeard
}

// running are the timed rules that have not ended.
func (d *rulesDoc) running(now time.Time) []TimedRule {
	return slices.DeleteFunc(slices.Clone(d.Timed), func(t TimedRule) bool { return !now.Before(t.Until) })
}

// untimed are the timed rules that are not about the same as a rule.
func untimed(timed []TimedRule, rule privacy.Rule) []TimedRule {
	return slices.DeleteFunc(slices.Clone(timed), func(t TimedRule) bool { return sameTarget(t.Rule, rule) })
}

// lasting are the settings that decide about watchers as if no rule were for a
// while.
func (u *user) lasting(now time.Time) privacy.Settings {
	s := u.policySettings(privacy.StateOK, now)
	s.Rules = u.set.rules.Rules
	return s
}

// timedOut is called when a rule for a while has ended: who it was about is placed
// anew at once, whether or not the store can be told.
func (u *user) timedOut(now time.Time) {
	u.noteEnded(now)
	u.recompile()
	u.evaluate(now)
	u.do(now, func(now time.Time) {
		doc := *u.set.rules
		if doc.Timed = doc.running(now); len(doc.Timed) < len(u.set.rules.Timed) {
			u.saveRules(doc, func(time.Time, error) {}) // refused: it goes with the next change
		}
	})
}

func (u *user) setLevel(c SetLevel, now time.Time, answer answerFunc) {
	rule, err := u.sh.e.rules().System.Site.NewRule(c.Rule, u.host.Roster)
	switch {
	case err != nil:
		answer(Result{}, &RefusedError{Kind: Invalid, Field: "value", Reason: err.Error(), Err: err})
		return
	case !c.Until.IsZero() && (!c.Until.After(now) || c.Until.Sub(now) > maxTimed):
		answer(Result{}, refuse(Invalid, "until", "a level lasts until some time within a year; write that, or none"))
		return
	}
	doc := *u.set.rules
	same := func(r privacy.Rule) bool { return sameTarget(r, rule) }
	doc.Timed = untimed(doc.running(now), rule)
	if c.Until.IsZero() {
		doc.Rules = append(slices.DeleteFunc(slices.Clone(doc.Rules), same), rule)
	} else {
		doc.Timed = append(doc.Timed, TimedRule{Rule: rule, Until: c.Until.UTC()})
	}
	if len(doc.Rules)+len(doc.Timed) > maxRules {
		answer(Result{}, refuse(TooMany, "", "you have %d rules, the most there may be; remove one first", maxRules))
		return
	}
	needsRoster := rule.Type == privacy.RuleGroup || rule.Type == privacy.RuleSubscription
	u.saveRules(doc, func(_ time.Time, err error) { answer(u.ruleAdvice(rule, needsRoster), refusedStore(err)) })
}

// readTimed holds the timed rules of an import to what SetLevel would accept.
func (e *Engine) readTimed(doc *rulesDoc, now time.Time) error {
	doc.Timed = doc.running(now)
	if len(doc.Timed)+len(doc.Rules) > maxRules {
		return refuse(TooMany, DocRules, "document %s has more than %d rules; take some out", DocRules, maxRules)
	}
	for i, t := range doc.Timed {
		r, err := e.rules().System.Site.NewRule(t.Rule, true)
		if err != nil {
			return wrong(DocRules, err)
		}
		doc.Timed[i].Rule = r
	}
	return nil
}

// dropAbout takes rules about gone people away, timed ones too.
func (d rulesDoc) dropAbout(drop []privacy.Rule) rulesDoc {
	d.Rules = without(d.Rules, drop)
	d.Timed = slices.DeleteFunc(slices.Clone(d.Timed), func(t TimedRule) bool { return slices.Contains(drop, t.Rule) })
	return d
}
