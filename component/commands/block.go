package commands

import (
	"slices"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/privacy"
)

func blockForm(r *run) *form {
	return &form{title: r.t("command.block"), instructions: r.t("form.block"), fields: append([]field{
		{name: "jid", kind: jidSingle, required: true, label: r.t("field.jid"), desc: r.t("field.jid.desc")},
	}, r.serverField("field.server", "field.server.desc")...)}
}

// serverField offers to ask the user's own server as well (S8.7), where it takes
// that. It is never done unasked: a server's block stops messages, too.
func (r *run) serverField(label, desc text.Key) []field {
	if !r.have.ServerBlocks {
		return nil
	}
	return []field{{name: "server", kind: boolean, label: r.t(label), desc: r.t(desc), values: []string{"0"}}}
}

// withServer puts before the changes what the user's own server is to do.
func (r *run) withServer(p plan, on bool, jids ...string) plan {
	if !r.have.ServerBlocks || !r.in.yes("server") {
		return p
	}
	var first []engine.Change
	for _, jid := range jids {
		first = append(first, engine.ServerBlock{JID: jid, On: on})
	}
	p.changes = append(first, p.changes...)
	return p
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
		return r.withServer(one(engine.Block{JID: jid}, r.t("note.blocked.domain", a)), true, jid), nil
	}
	return r.withServer(one(engine.Block{JID: jid}, r.t("note.blocked", a)), true, jid), nil
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
	f.fields = append(f.fields, r.serverField("field.unserver", "field.unserver.desc")...)
	return f
}

func unblock(r *run) (plan, []fault) {
	if r.blocked() == nil {
		return plan{done: r.t("note.nobody.blocked")}, nil
	}
	var p plan
	var jids []string
	for _, jid := range r.in.all("jid") {
		if !slices.Contains(jids, jid) {
			jids = append(jids, jid)
			p.changes = append(p.changes, engine.Unblock{JID: jid})
		}
	}
	p.done = r.t("note.unblocked")
	return r.withServer(p, false, jids...), nil
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
