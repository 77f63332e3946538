package commands

import (
	"strings"

	"presenced/internal/engine"
	"presenced/internal/explain"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// lookForm asks for whose eyes.
func (r *run) lookForm(title, instructions text.Key) *form {
	return &form{title: r.t(title), instructions: r.t(instructions), fields: []field{
		{name: "jid", kind: jidSingle, required: true, label: r.t("field.look"), desc: r.t("field.look.desc")},
	}}
}

func viewForm(r *run) *form    { return r.lookForm("command.view-as", "form.view-as") }
func explainForm(r *run) *form { return r.lookForm("command.explain", "form.explain") }

// explained asks why the address in the form sees the user as it does (S12).
func (r *run) explained() (engine.Explained, plan, []fault) {
	jid := r.in.text("jid")
	a, _ := presence.ParseAddr(jid) // checked with the form
	switch {
	case a.Domain() == r.s.domain.Domain():
		return engine.Explained{}, plan{}, []fault{{"jid", r.t("error.own")}}
	case r.s.bareWord(a):
		return engine.Explained{}, plan{}, []fault{{"jid", r.t("error.word", jid)}}
	}
	e, err := r.s.door.Explain(r.ctx, r.who(), r.user.Addr, a)
	return e, plan{failed: err}, nil
}

// viewAs shows what somebody's program is told, item by item.
func viewAs(r *run) (plan, []fault) {
	e, p, faults := r.explained()
	if faults != nil || p.failed != nil {
		return p, faults
	}
	f := &form{title: r.t("command.view-as"), worded: true, reported: []field{
		{name: "what", kind: textSingle, label: r.t("seen.what")},
		{name: "value", kind: textSingle, label: r.t("seen.value")},
		{name: "key", kind: textSingle, label: r.t("seen.key")},
	}}
	for _, it := range explain.Seen(r.lang, &e) {
		f.rows = append(f.rows, []string{it.Label, it.Value, it.Key})
	}
	p.done = strings.Join(explain.AsSeen(r.lang, &e), "\n")
	p.result, f.instructions = f, p.done
	return p, nil
}

// explainWhy tells why somebody sees the user as he does.
func explainWhy(r *run) (plan, []fault) {
	e, p, faults := r.explained()
	if faults != nil || p.failed != nil {
		return p, faults
	}
	f := &form{title: r.t("command.explain"), worded: true, reported: []field{
		{name: "what", kind: textSingle, label: r.t("seen.what")},
		{name: "shown", kind: textSingle, label: r.t("seen.shown")},
	}}
	for _, c := range e.Categories {
		shown := r.t("seen.no")
		if c.Shown && e.Hold == engine.HoldNone {
			shown = r.t("seen.yes")
		}
		f.rows = append(f.rows, []string{text.Category(r.lang, c.Name), shown})
	}
	p.done = strings.Join(explain.Why(r.lang, &e, r.level), "\n")
	p.result, f.instructions = f, p.done
	return p, nil
}
