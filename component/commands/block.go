package commands

import (
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

func blockForm(r *run) *form {
	return &form{title: r.t("command.block"), instructions: r.t("form.block"), fields: []field{
		{name: "jid", kind: jidSingle, required: true, label: r.t("field.jid"), desc: r.t("field.jid.desc")},
	}}
}

func block(r *run) (plan, []fault) {
	jid := r.in.text("jid")
	a, _ := presence.ParseAddr(jid) // checked with the form
	switch {
	case a == r.user.Addr:
		return plan{}, []fault{{"jid", r.t("error.self")}}
	case a.Domain() == r.s.domain.Domain():
		return plan{}, []fault{{"jid", r.t("error.own")}}
	case r.s.bareWord(a):
		return plan{}, []fault{{"jid", r.t("error.word", jid)}}
	case a.Local() == "":
		return one(engine.Block{JID: jid}, r.t("note.blocked.domain", a)), nil
	}
	return one(engine.Block{JID: jid}, r.t("note.blocked", a)), nil
}

// blocked lists whom the user blocks with block; nil for nobody.
func (r *run) blocked() []option {
	var options []option
	for _, rule := range r.have.Rules {
		if rule.Container == presence.Blocked && (rule.Type == privacy.RuleUser || rule.Type == privacy.RuleDomain) {
			options = append(options, option{rule.Value, r.matches(rule)})
		}
	}
	return options
}

func unblockForm(r *run) *form {
	choice := field{name: "jid", kind: listMulti, required: true, addresses: true, label: r.t("field.blocked"), desc: r.t("field.blocked.desc"), options: r.blocked()}
	if choice.options == nil {
		return nil
	}
	f := &form{title: r.t("command.unblock"), instructions: r.t("form.unblock")}
	r.choose(f, "form.unblock.choices", choice)
	return f
}

func unblock(r *run) (plan, []fault) {
	if r.blocked() == nil {
		return plan{done: r.t("note.nobody.blocked")}, nil
	}
	var p plan
	seen := make(map[string]bool)
	for _, jid := range r.in.all("jid") {
		if !seen[jid] {
			seen[jid] = true
			p.changes = append(p.changes, engine.Unblock{JID: jid})
		}
	}
	p.done = r.t("note.unblocked")
	return p, nil
}

func modeForm(r *run) *form {
	on := "0"
	if r.have.PrivacyMode {
		on = "1"
	}
	return &form{title: r.t("command.privacy-mode"), instructions: r.t("form.privacy-mode"), fields: []field{
		{name: "on", kind: boolean, required: true, label: r.t("field.mode"), desc: r.t("field.mode.desc"), values: []string{on}},
	}}
}

func setMode(r *run) (plan, []fault) {
	on := r.in.yes("on")
	done := r.t("note.mode.off")
	if on {
		done = r.t("note.mode.on")
	}
	return one(engine.SetPrivacyMode{On: on}, done), nil
}
