package commands

import (
	"strconv"
	"strings"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// The decisions about a request (S13.4); approve- also takes a container.
const (
	approve        = "approve-"
	approveDefault = approve + "default"
	refuse         = "refuse"
)

func requestsForm(r *run) *form {
	if len(r.have.Requests) == 0 {
		return nil
	}
	who := field{name: "requests", kind: listMulti, required: true, addresses: true, label: r.t("field.requests"), desc: r.t("field.requests.desc")}
	for _, w := range r.have.Requests {
		who.options = append(who.options, option{w.JID, w.JID})
	}
	decision := field{name: "decision", kind: listSingle, required: true, label: r.t("field.decision"), desc: r.t("field.decision.desc"),
		options: []option{{approveDefault, r.t("option.decision.default")}}}
	meaning := []field{say(r.t("form.choice", approveDefault, r.t("option.decision.default")))}
	for _, id := range r.levels() {
		if id == presence.DefaultContainer || id == presence.Blocked {
			continue // showing nothing is refusing
		}
		o := option{approve + itoa(int(id)), r.t("option.decision.level", r.numbered(id))}
		decision.options = append(decision.options, o)
		meaning = append(meaning, say(r.t("form.decision", o.value, o.label, r.shows(id))))
	}
	no := option{refuse, r.t("option.decision.refuse")}
	decision.options = append(decision.options, no)
	f := &form{title: r.t("command.requests"), instructions: r.t("form.requests")}
	r.choose(f, "form.requests.choices", who)
	f.fields = append(f.fields, say(r.t("form.requests.answers")))
	f.fields = append(f.fields, meaning...)
	f.fields = append(f.fields, say(r.t("form.choice", no.value, no.label)), decision)
	return f
}

func decide(r *run) (plan, []fault) {
	if len(r.have.Requests) == 0 {
		return plan{done: r.t("note.nobody.asks")}, nil
	}
	decision := r.in.text("decision")
	var p plan
	seen := make(map[presence.Addr]bool)
	for _, jid := range r.in.all("requests") {
		w, err := presence.ParseAddr(jid)
		if err != nil || seen[w] {
			continue
		}
		seen[w] = true
		p.changes = append(p.changes, decisionAbout(w, decision))
	}
	p.done = r.t("note.approved", len(p.changes))
	if decision == refuse {
		p.done = r.t("note.refused", len(p.changes))
	}
	return p, nil
}

func decisionAbout(w presence.Addr, decision string) engine.Change {
	level, ok := strings.CutPrefix(decision, approve)
	if !ok {
		return engine.Refuse{Watcher: w}
	}
	n, _ := strconv.Atoi(level) // 0 for the default
	return engine.Approve{Watcher: w, Container: presence.ContainerID(n)}
}
