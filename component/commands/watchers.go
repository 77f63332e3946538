package commands

import (
	"slices"
	"strings"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/roster"
)

// The choices of the first page of watchers.
const (
	listWatchers   = "list"
	revokeWatchers = "revoke"
)

func watchersForm(r *run) *form {
	return &form{title: r.t("command.watchers"), instructions: r.t("form.watchers"), fields: []field{
		{name: "action", kind: listSingle, required: true, label: r.t("field.watching"), desc: r.t("field.watching.desc"), values: []string{listWatchers},
			options: []option{{listWatchers, r.t("option.watching.list")}, {revokeWatchers, r.t("option.watching.revoke")}}},
	}}
}

// revokeForm is the second page: whose subscription ends.
func revokeForm(r *run) *form {
	if r.in.text("action") != revokeWatchers || len(r.have.Watchers) == 0 {
		return nil
	}
	choice := field{name: "watchers", kind: listMulti, required: true, addresses: true, label: r.t("field.watchers"), desc: r.t("field.watchers.desc")}
	for _, w := range r.have.Watchers {
		choice.options = append(choice.options, option{w.JID, w.JID})
	}
	f := &form{title: r.t("command.watchers"), instructions: r.t("form.revoke")}
	r.choose(f, "form.revoke.choices", choice)
	return f
}

func watchers(r *run) (plan, []fault) {
	if r.in.text("action") == revokeWatchers {
		return r.revoke(), nil
	}
	a, err := r.s.door.Audience(r.ctx, r.who(), r.user.Addr)
	if err != nil {
		return plan{failed: err}, nil
	}
	return r.audience(&a), nil
}

func (r *run) revoke() plan {
	if len(r.have.Watchers) == 0 {
		return plan{done: r.t("note.revoke.none")}
	}
	var p plan
	seen := make(map[presence.Addr]bool)
	for _, jid := range r.in.all("watchers") {
		w, err := presence.ParseAddr(jid)
		if err == nil && !seen[w] {
			seen[w] = true
			p.changes = append(p.changes, engine.Revoke{Watcher: w})
		}
	}
	p.done = r.t("note.revoked", len(p.changes))
	return p
}

// audience shows who has added the user, who has asked and who else may look, as
// data and the first of them in words.
func (r *run) audience(a *engine.Audience) plan {
	if len(a.Members)+len(a.Rules) == 0 {
		return plan{done: r.t("note.watchers.none")}
	}
	f := &form{title: r.t("command.watchers"), reported: []field{
		{name: "who", kind: textSingle, label: r.t("field.who")},
		{name: "how", kind: textSingle, label: r.t("field.standing")},
		{name: "level", kind: textSingle, label: r.t("field.container")},
	}}
	size, cut := 0, false
	var lines []string
	row := func(who, how string, id presence.ContainerID) {
		lines = append(lines, r.t("watch.line", who, how, r.level(id)))
		cells := []string{who, how, r.level(id)}
		for _, v := range cells {
			size += len(element([]byte("<field var=''></field>"), "value", v))
		}
		if cut = cut || size > maxChoices; !cut {
			f.rows = append(f.rows, cells)
		}
	}
	slices.SortStableFunc(a.Members, func(x, y engine.Member) int { return order[x.Standing] - order[y.Standing] })
	for i := range a.Members {
		row(a.Members[i].JID, r.t(standing(&a.Members[i])), a.Members[i].Container)
	}
	for _, rule := range a.Rules {
		row(r.matches(rule), r.t("watch.rule"), rule.Container)
	}
	few := r.few(lines)
	words := strings.Join(few, "\n")
	f.instructions, f.lines, f.worded = words, lines, slices.Equal(few, lines)
	if cut {
		f.instructions = r.t("form.cut", len(f.rows), len(lines)) + "\n" + words
	}
	return plan{done: r.t("note.watchers", len(a.Members), len(a.Rules)) + "\n" + words, result: f}
}

// order puts who waits for an answer first, then who has added her.
var order = map[roster.Standing]int{
	roster.Pending: 0, roster.Accepted: 1, roster.None: 2, roster.Withdrawn: 3, roster.Refused: 4,
}

// standing tells how somebody watches the user.
func standing(m *engine.Member) text.Key {
	switch m.Standing {
	case roster.Accepted:
		return "watch.accepted"
	case roster.Pending:
		return "watch.pending"
	case roster.Refused:
		return "watch.refused"
	case roster.Withdrawn:
		return "watch.withdrew"
	}
	if !m.Sees {
		return "watch.maynot"
	}
	return "watch.may"
}
