package commands

import (
	"strings"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// The choices of the first page of a roll.
const (
	listRoll   = "list"
	addRoll    = "add"
	removeRoll = "remove"
)

// roll is a list of addresses the user keeps: a command shows it, adds one and
// removes some.
type roll struct {
	title, form, choices, none, added, removed, listed text.Key
	jid, jidDesc, chosen                               text.Key
	list                                               func(*run) []string
	add, remove                                        func(jid string) engine.Change
	// line tells one entry in words; nil: by its address.
	line func(r *run, jid string) string
}

// appRoll are the apps that may claim for the user (S5.2).
var appRoll = roll{
	title: "command.apps", form: "form.apps", choices: "form.apps.choices",
	none: "note.apps.none", added: "note.apps.added", removed: "note.apps.removed", listed: "note.apps.list",
	jid: "field.app", jidDesc: "field.app.desc", chosen: "field.apps",
	list:   func(r *run) []string { return r.have.Apps },
	add:    func(jid string) engine.Change { return engine.AllowApp{JID: jid} },
	remove: func(jid string) engine.Change { return engine.DenyApp{JID: jid} },
	line:   (*run).appLine,
}

// interruptRoll are the people who may interrupt the user (S7).
var interruptRoll = roll{
	title: "command.interruptions", form: "form.interruptions", choices: "form.interruptions.choices",
	none: "note.interruptions.none", added: "note.interruptions.added", removed: "note.interruptions.removed", listed: "note.interruptions.list",
	jid: "field.person", jidDesc: "field.person.desc", chosen: "field.people",
	list:   func(r *run) []string { return r.have.Priority },
	add:    func(jid string) engine.Change { return engine.SetPriority{JID: jid, On: true} },
	remove: func(jid string) engine.Change { return engine.SetPriority{JID: jid} },
}

// pages are the two pages of the command.
func (l *roll) pages() []func(*run) *form { return []func(*run) *form{l.first, l.second} }

func (l *roll) first(r *run) *form {
	return &form{title: r.t(l.title), instructions: r.t(l.form), fields: []field{
		{name: "action", kind: listSingle, required: true, label: r.t("field.roll"), desc: r.t("field.roll.desc"), values: []string{listRoll},
			options: []option{{listRoll, r.t("option.roll.list")}, {addRoll, r.t("option.roll.add")}, {removeRoll, r.t("option.roll.remove")}}},
	}}
}

func (l *roll) second(r *run) *form {
	f := &form{title: r.t(l.title), instructions: r.t(l.form)}
	switch r.in.text("action") {
	case addRoll:
		f.fields = []field{{name: "jid", kind: jidSingle, required: true, label: r.t(l.jid), desc: r.t(l.jidDesc)}}
		return f
	case removeRoll:
		have := l.list(r)
		if len(have) == 0 {
			return nil
		}
		choice := field{name: "jids", kind: listMulti, required: true, addresses: true, label: r.t(l.chosen), desc: r.t("field.rules.desc")}
		for _, jid := range have {
			choice.options = append(choice.options, option{jid, jid})
		}
		r.choose(f, l.choices, choice)
		return f
	}
	return nil
}

func (l *roll) change(r *run) (plan, []fault) {
	have := l.list(r)
	switch action := r.in.text("action"); {
	case action == addRoll:
		return l.put(r)
	case len(have) == 0:
		return plan{done: r.t(l.none)}, nil
	case action == removeRoll:
		var p plan
		seen := make(map[string]bool)
		for _, jid := range r.in.all("jids") {
			if !seen[jid] {
				seen[jid] = true
				p.changes = append(p.changes, l.remove(jid))
			}
		}
		p.done = r.t(l.removed, len(p.changes))
		return p, nil
	}
	lines := make([]string, len(have))
	for i, jid := range have {
		lines[i] = jid
		if l.line != nil {
			lines[i] = l.line(r, jid)
		}
	}
	return plan{done: r.t(l.listed, len(lines)) + "\n" + strings.Join(r.few(lines), "\n")}, nil
}

func (l *roll) put(r *run) (plan, []fault) {
	jid := r.in.text("jid")
	switch a, _ := presence.ParseAddr(jid); { // checked with the form
	case a.Domain() == r.s.domain.Domain():
		return plan{}, []fault{{"jid", r.t("error.own")}}
	case r.s.bareWord(a):
		return plan{}, []fault{{"jid", r.t("error.word", jid)}}
	}
	return one(l.add(jid), r.t(l.added, jid)), nil
}

// appLine tells what an app claims now.
func (r *run) appLine(jid string) string {
	var told []string
	for _, c := range r.have.Claims {
		if sameAddress(c.App, jid) {
			told = append(told, r.t("note.apps.claim", r.stateName(c.Availability, c.Activity), text.Moment(r.lang, c.Expires, r.now, r.zone())))
		}
	}
	if told == nil {
		return r.t("note.apps.idle", jid)
	}
	return r.t("note.apps.claims", jid, strings.Join(told, ", "))
}
