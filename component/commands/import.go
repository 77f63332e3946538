package commands

import (
	"errors"
	"slices"

	"presenced/internal/engine"
	"presenced/internal/text"
	"presenced/privacy"
)

// suggestion is what the user's lists on her server come to as rules.
type suggestion struct {
	rules []privacy.Rule
	err   error
}

// suggest asks for it, once.
func (r *run) suggest() *suggestion {
	if r.suggested == nil {
		r.suggested = new(suggestion)
		r.suggested.rules, r.suggested.err = r.s.door.Suggest(r.ctx, r.who(), r.user.Addr)
	}
	return r.suggested
}

// importForm shows the suggested rules, all of them chosen. Nothing is put in force
// before she sends it back.
func (r *run) importForm() *form {
	s := r.suggest()
	if s.err != nil || len(s.rules) == 0 {
		return nil
	}
	choice := field{name: "rules", kind: listMulti, required: true, label: r.t("field.suggested"), desc: r.t("field.suggested.desc")}
	for _, rule := range s.rules {
		choice.options = append(choice.options, option{ruleKey(rule), r.inWords(engine.TimedRule{Rule: rule})})
	}
	f := &form{title: r.t("form.import.title"), instructions: r.t("form.import")}
	r.choose(f, "form.import.choices", choice)
	fd := f.find("rules")
	for i, o := range fd.options {
		if fd.shown > 0 && i >= fd.shown {
			break
		}
		fd.values = append(fd.values, o.value)
	}
	return f
}

// importRules puts those of the suggested rules that she chose.
func (r *run) importRules() (plan, []fault) {
	s := r.suggest()
	if s.err != nil {
		return plan{}, []fault{{"action", r.t(importFault(s.err))}}
	}
	if len(s.rules) == 0 {
		return plan{done: r.t("note.import.none")}, nil
	}
	chosen := r.in.all("rules")
	rules := slices.DeleteFunc(slices.Clone(s.rules), func(rule privacy.Rule) bool { return !slices.Contains(chosen, ruleKey(rule)) })
	return one(engine.PutRules{Rules: rules}, r.t("note.import.done", len(rules))), nil
}

func importFault(err error) text.Key {
	refusal, ok := errors.AsType[*engine.RefusedError](err)
	switch {
	case !ok:
		return "error.internal"
	case refusal.Field == "hides":
		return "error.import.hides"
	case refusal.Field == "lists":
		return "error.import.unread"
	case refusal.Kind == engine.TooMany:
		return "error.toomany"
	}
	return "error.unavailable"
}
