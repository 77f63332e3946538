package explain

import (
	"strings"

	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/privacy"
)

// tier tells what put the watcher into his container (S2.2, S8): a clause.
func (w *words) tier() string {
	d := &w.e.Container
	switch d.Tier {
	case privacy.ReasonAdmin:
		return w.t("why.is.wall")
	case privacy.ReasonFailClosed, privacy.ReasonServerBlock, privacy.ReasonPrivacyList:
		return w.veto()
	case privacy.ReasonContact:
		if d.ID == presence.External {
			return w.t("why.is.contact")
		}
		return w.t("why.is.colleague")
	case privacy.ReasonDefault:
		switch {
		case w.component():
			return w.t("why.is.component")
		case d.PrivacyMode:
			return w.t("why.is.privacymode")
		}
		return w.t("why.is.stranger")
	}
	return w.rule(d.Match)
}

// component reports whether he is no watcher at all (S2.7): nothing was tried.
func (w *words) component() bool { return len(w.e.Vetoes) == 0 }

// veto tells the last veto that was tried, which hid her.
func (w *words) veto() string {
	if len(w.e.Vetoes) == 0 {
		return w.t("why.is.unreadable")
	}
	v := w.e.Vetoes[len(w.e.Vetoes)-1]
	switch v.Cause {
	case privacy.Suspected:
		return w.t("why.is.suspected")
	case privacy.NotLoaded:
		return w.t("why.is.loading")
	case privacy.Stale:
		return w.t("why.is.stale")
	case privacy.Malformed:
		return w.t("why.is.malformed", strings.Join(strings.Fields(v.Result), " "))
	case privacy.NoRoster:
		return w.t("why.is.noroster")
	case privacy.Denied, privacy.DeniedAll:
		return w.t(denials[v.Cause == privacy.DeniedAll][v.Name])
	}
	return w.t("why.is.unreadable")
}

// denials are the words of lists, by whether they hide from everybody.
var denials = map[bool]map[string]text.Key{
	false: {
		privacy.VetoServerBlock: "why.is.block", privacy.VetoPrivacyList: "why.is.list", privacy.VetoActiveList: "why.is.list",
	},
	true: {
		privacy.VetoServerBlock: "why.is.blockall", privacy.VetoPrivacyList: "why.is.listall", privacy.VetoActiveList: "why.is.listall",
	},
}

// rule tells a rule of hers as the reason.
func (w *words) rule(r privacy.Rule) string {
	switch r.Type {
	case privacy.RuleUser:
		if r.Container == presence.Blocked {
			return w.t("why.is.blocked")
		}
		return w.t("why.is.user")
	case privacy.RuleGroup:
		return w.t("why.is.group", r.Value)
	case privacy.RuleDomain:
		if below, ok := strings.CutPrefix(r.Value, "*."); ok {
			return w.t("why.is.below", below)
		}
		return w.t("why.is.domain", r.Value)
	case privacy.RuleSubscription:
		return w.t(subscriptions[r.Value])
	case privacy.RuleSameEnterprise:
		return w.t("why.is.enterprise")
	case privacy.RuleFederated:
		return w.t("why.is.federated")
	case privacy.RulePublicCloud:
		return w.t("why.is.public")
	}
	return w.t("why.is.stranger")
}

var subscriptions = map[string]text.Key{
	"none": "why.is.none", "to": "why.is.to", "from": "why.is.from", "both": "why.is.both",
}

// passed tells which vetoes were tried and let him through.
func (w *words) passed() {
	var names []string
	for _, v := range w.e.Vetoes {
		if key, ok := passings[v.Name]; ok && v.Cause == privacy.Passed {
			names = append(names, w.t(key))
		}
	}
	if names != nil {
		w.say("why.passed", list(names))
	}
}

// unread tells what could not decide because nobody here may read it.
func (w *words) unread() {
	if w.e.NoRoster {
		w.say("why.noroster")
	}
	if w.e.NoLists {
		w.say("why.nolists")
	}
}

var passings = map[string]text.Key{
	privacy.VetoWall: "why.passed.wall", privacy.VetoFailClosed: "why.passed.fail-closed", privacy.VetoServerBlock: "why.passed.server-block",
	privacy.VetoPrivacyList: "why.passed.privacy-list", privacy.VetoActiveList: "why.passed.active-list",
}
