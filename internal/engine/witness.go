package engine

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// witness follows one change to tell the Auditor what came of it. Its methods do
// nothing on nil: a change of no access, or nobody who wants to know.
type witness struct {
	to    Auditor
	deed  Deed
	u     *user
	rules *rulesDoc // before the change
}

// witness returns who follows a change.
func (e *Engine) witness(who Principal, user presence.Addr, c Change) *witness {
	to := e.auditor()
	if to == nil {
		return nil
	}
	d, ok := accessOf(c)
	if !ok {
		return nil
	}
	d.Who, d.User, d.Change = who, user, true
	return &witness{to: to, deed: d}
}

// hear returns an answer that the witness hears as well, before whoever asked.
func (w *witness) hear(answer answerFunc) answerFunc {
	if w == nil {
		return answer
	}
	return func(r Result, err error) {
		w.deed.Outcome = outcomeOf(err)
		switch {
		case err == nil && slices.Contains(r.Advice, AdviceNothing):
			w.deed.Outcome = "nothing changed"
		case err == nil && w.u != nil:
			w.deed.Rules = ruleChanges(w.rules, w.u.set.rules, time.Now())
		}
		w.to.Noted(w.deed)
		answer(r, err)
	}
}

// begin remembers a user as she is before the change. It must be called from
// within do.
func (w *witness) begin(u *user) {
	if w != nil {
		w.u, w.rules = u, u.set.rules
	}
}

// accessOf tells a change of who may see what in words; false for any other. What
// a user shows is no access: states, notes, calendars, claims.
func accessOf(c Change) (d Deed, ok bool) {
	switch c := c.(type) {
	case Enable:
		d.What = "enable"
	case Disable:
		d.What = "disable"
	case Erase:
		d.What = "erase"
	case Import:
		d.What = "import"
		return d, !c.Check
	case PutRule:
		d.What, d.Rules = "rule", putting(c.Rule, time.Time{})
	case RemoveRule:
		d.What, d.Rules = "remove-rule", removing(c.Rule)
	case PutRules:
		d.What = "rules"
	case SetLevel:
		d.What, d.Rules = "level", putting(c.Rule, c.Until)
	case Block:
		d.What, d.About = "block", canonical(c.JID)
	case Unblock:
		d.What, d.About = "unblock", canonical(c.JID)
	case ServerBlock:
		d.What, d.About = switched("server-block", "server-unblock", c.On), canonical(c.JID)
	case SetPrivacyMode:
		d.What, d.About = "privacy-mode", switched("on", "off", c.On)
	case SetCell:
		d.What, d.About = "cell", c.inWords()
	case SetPriority:
		d.What, d.About = switched("may-interrupt", "may-not-interrupt", c.On), canonical(c.JID)
	case SetBadge:
		d.What, d.About = "badge-switch", switched("on", "off", c.On)
	case SetPublishing:
		d.What, d.About = "publish-switch", switched("on", "off", c.On)
	case AllowApp:
		d.What, d.About = "allow-app", canonical(c.JID)
	case DenyApp:
		d.What, d.About = "deny-app", canonical(c.JID)
	case Approve:
		d.What, d.About = "approve", c.Watcher.String()
	case Refuse:
		d.What, d.About = "refuse", c.Watcher.String()
	case Revoke:
		d.What, d.About = "revoke", c.Watcher.String()
	default:
		return d, false
	}
	return d, true
}

func switched(on, off string, is bool) string {
	if is {
		return on
	}
	return off
}

// canonical writes an address as the trail does everywhere, so that it is found
// again; what is none stays as it is.
func canonical(jid string) string {
	if a, err := presence.ParseAddr(jid); err == nil {
		return a.String()
	}
	return jid
}

// putting is a rule somebody wants, removing one she wants no more: told in place
// of the difference where nothing came of it.
func putting(r privacy.Rule, until time.Time) []RuleChange {
	return []RuleChange{{Type: string(r.Type), Value: valueOf(r), New: &r.Container, Until: until}}
}

func removing(r privacy.Rule) []RuleChange {
	return []RuleChange{{Type: string(r.Type), Value: valueOf(r), Old: &r.Container}}
}

func valueOf(r privacy.Rule) string {
	if r.Type == privacy.RuleUser || r.Type == privacy.RuleDomain {
		return canonical(r.Value)
	}
	return r.Value
}

// stand is what the rules about one target come to: the highest level of its kind
// counts (S2.2), one for a while before all.
type stand struct {
	level presence.ContainerID
	until time.Time
	all   string // every rule, to see a change that does not count
}

// stands sums the rules up by target, which is a rule without a level.
func (d *rulesDoc) stands(now time.Time) map[privacy.Rule]stand {
	out := make(map[privacy.Rule]stand, len(d.Rules))
	for _, r := range d.Rules {
		level := r.Container
		r.Container = 0
		s, known := out[r]
		if !known || level > s.level {
			s.level = level
		}
		s.all += strconv.Itoa(int(level)) + " "
		out[r] = s
	}
	for _, t := range d.running(now) {
		target := t.Rule
		target.Container = 0
		s := out[target]
		s.level, s.until = t.Container, t.Until
		s.all += strconv.Itoa(int(t.Container)) + " " + t.Until.String()
		out[target] = s
	}
	return out
}

// ruleChanges tells what differs between a user's rules before and after.
func ruleChanges(before, after *rulesDoc, now time.Time) []RuleChange {
	if before == after || before == nil || after == nil {
		return nil
	}
	old, fresh := before.stands(now), after.stands(now)
	var out []RuleChange
	for target, o := range old {
		n, stays := fresh[target]
		if stays && n == o {
			continue
		}
		c := RuleChange{Type: string(target.Type), Value: valueOf(target), Old: &o.level}
		if stays {
			c.New, c.Until = &n.level, n.until
		}
		out = append(out, c)
	}
	for target, n := range fresh {
		if _, known := old[target]; !known {
			out = append(out, RuleChange{Type: string(target.Type), Value: valueOf(target), New: &n.level, Until: n.until})
		}
	}
	slices.SortFunc(out, func(a, b RuleChange) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value))
	})
	return out
}
