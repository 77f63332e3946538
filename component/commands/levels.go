package commands

import (
	"slices"
	"strconv"
	"strings"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/privacy"
)

// The choices of the first page of levels.
const (
	listRules   = "list"
	putRule     = "put"
	removeRules = "remove"
	importLists = "import"
)

var ruleTypes = [...]struct {
	typ   privacy.RuleType
	label text.Key
}{
	{privacy.RuleUser, "option.type.user"},
	{privacy.RuleGroup, "option.type.group"},
	{privacy.RuleDomain, "option.type.domain"},
	{privacy.RuleSubscription, "option.type.subscription"},
	{privacy.RuleSameEnterprise, "option.type.enterprise"},
	{privacy.RuleFederated, "option.type.federated"},
	{privacy.RulePublicCloud, "option.type.public"},
}

func levelsForm(r *run) *form {
	return &form{title: r.t("command.levels"), instructions: r.t("form.levels"), fields: []field{
		{name: "action", kind: listSingle, required: true, label: r.t("field.action"), desc: r.t("field.action.desc"), values: []string{listRules},
			options: []option{{listRules, r.t("option.action.list")}, {putRule, r.t("option.action.put")}, {removeRules, r.t("option.action.remove")},
				{changeCells, r.t("option.action.cells")}, {importLists, r.t("option.action.import")}}},
	}}
}

// ruleForm is the second page: what to put, or which rules to remove.
func ruleForm(r *run) *form {
	switch r.in.text("action") {
	case putRule:
		return r.putForm()
	case removeRules:
		if len(r.rules()) > 0 {
			return r.removeForm()
		}
	case changeCells:
		return r.cellForm()
	case importLists:
		return r.importForm()
	}
	return nil
}

func (r *run) putForm() *form {
	types := field{name: "type", kind: listSingle, required: true, label: r.t("field.type"), desc: r.t("field.type.desc"), values: []string{string(privacy.RuleUser)}}
	for _, t := range ruleTypes {
		types.options = append(types.options, option{string(t.typ), r.t(t.label)})
	}
	level := field{name: "container", kind: listSingle, required: true, label: r.t("field.container"), desc: r.t("field.container.desc"), values: []string{itoa(int(presence.Colleagues))}}
	f := &form{title: r.t("form.put.title"), instructions: r.t("form.put")}
	for _, id := range r.levels() {
		name := r.numbered(id)
		level.options = append(level.options, option{itoa(int(id)), name})
		f.fields = append(f.fields, say(r.t("form.level", name, r.shows(id))))
	}
	f.fields = append(f.fields, level, types,
		field{name: "value", kind: textSingle, label: r.t("field.value"), desc: r.t("field.value.desc"), limit: maxValue},
		field{name: "until", kind: textSingle, label: r.t("field.leveluntil"), desc: r.t("field.leveluntil.desc")})
	return f
}

func (r *run) removeForm() *form {
	choice := field{name: "rules", kind: listMulti, required: true, label: r.t("field.rules"), desc: r.t("field.rules.desc")}
	seen := make(map[privacy.Rule]bool) // for a while and for good, it is one choice
	for _, rule := range r.rules() {
		if !seen[rule.Rule] {
			seen[rule.Rule] = true
			choice.options = append(choice.options, option{ruleKey(rule.Rule), r.inWords(rule)})
		}
	}
	f := &form{title: r.t("form.remove.title"), instructions: r.t("form.remove")}
	r.choose(f, "form.remove.choices", choice)
	return f
}

// choose adds a field with as many of its choices as one reply holds, and before
// it the first of them in words.
func (r *run) choose(f *form, lead text.Key, fd field) {
	f.fields = append(f.fields, r.spell(lead, fd.options)...)
	if fd.shown = fits(fd.options); fd.shown > 0 {
		f.fields = append(f.fields, say(r.t("form.cut", fd.shown, len(fd.options))))
	}
	f.fields = append(f.fields, fd)
}

// ruleKey is how forms name a rule: container, type and value.
func ruleKey(rule privacy.Rule) string {
	return strings.TrimSpace(itoa(int(rule.Container)) + " " + string(rule.Type) + " " + rule.Value)
}

// rules are the user's, those for a while last.
func (r *run) rules() []engine.TimedRule {
	all := make([]engine.TimedRule, 0, len(r.have.Rules)+len(r.have.Timed))
	for _, rule := range r.have.Rules {
		all = append(all, engine.TimedRule{Rule: rule})
	}
	return append(all, r.have.Timed...)
}

// inWords tells a rule as people read it.
func (r *run) inWords(rule engine.TimedRule) string {
	words := r.t("option.rule", r.matches(rule.Rule), r.numbered(rule.Container))
	if rule.Until.IsZero() {
		return words
	}
	return r.t("status.until", words, text.Moment(r.lang, rule.Until, r.now, r.zone()))
}

// matches tells in plain words whom a rule is about.
func (r *run) matches(rule privacy.Rule) string {
	switch rule.Type {
	case privacy.RuleUser:
		return rule.Value
	case privacy.RuleGroup:
		return r.t("rule.group", rule.Value)
	case privacy.RuleDomain:
		if below, ok := strings.CutPrefix(rule.Value, "*."); ok {
			return r.t("rule.below", below)
		}
		return r.t("rule.domain", rule.Value)
	case privacy.RuleSubscription:
		return r.t(subscriptionRule(rule.Value))
	case privacy.RuleSameEnterprise:
		return r.t("option.type.enterprise")
	case privacy.RuleFederated:
		return r.t("option.type.federated")
	case privacy.RulePublicCloud:
		return r.t("option.type.public")
	}
	return rule.String()
}

func subscriptionRule(value string) text.Key {
	switch sub, _ := presence.ParseSubscription(value); sub {
	case presence.SubTo:
		return "rule.subscription.to"
	case presence.SubFrom:
		return "rule.subscription.from"
	case presence.SubBoth:
		return "rule.subscription.both"
	}
	return "rule.subscription.none"
}

func changeRules(r *run) (plan, []fault) {
	switch r.in.text("action") {
	case putRule:
		return r.put()
	case removeRules:
		if len(r.rules()) == 0 {
			return plan{done: r.t("note.rules.none")}, nil
		}
		return r.remove()
	case changeCells:
		return r.setCell()
	case importLists:
		return r.importRules()
	}
	if len(r.rules()) == 0 {
		return plan{done: strings.Join(append([]string{r.t("note.rules.none")}, r.cellLines()...), "\n")}, nil
	}
	return r.list(), nil
}

func (r *run) put() (plan, []fault) {
	n, _ := strconv.Atoi(r.in.text("container")) // one of the choices
	rule := privacy.Rule{
		Container: presence.ContainerID(n),
		Type:      privacy.RuleType(r.in.text("type")),
		Value:     r.in.text("value"),
	}
	if rule.Type == privacy.RuleUser || rule.Type == privacy.RuleDomain {
		rule.Value = pasted(rule.Value)
	}
	if key := r.valueFault(rule); key != "" {
		return plan{}, []fault{{"value", r.t(key)}}
	}
	who, level := r.matches(rule), r.level(rule.Container)
	written := r.in.text("until")
	if written == "" {
		return one(engine.PutRule{Rule: rule}, r.t("note.rule.put", who, level)), nil
	}
	until, ok := parseWhen(written, r.now, r.zone(), true)
	switch {
	case !ok:
		return plan{}, []fault{{"until", r.t("error.when")}}
	case !until.After(r.now):
		return plan{}, []fault{{"until", r.t("error.past")}}
	}
	return one(engine.SetLevel{Rule: rule, Until: until}, r.t("note.rule.timed", who, level, text.Moment(r.lang, until, r.now, r.zone()))), nil
}

// valueFault names what is wrong with a rule's value (S2.1, S2.7); the engine
// checks it once more.
func (r *run) valueFault(rule privacy.Rule) text.Key {
	switch rule.Type {
	case privacy.RuleUser:
		j, err := presence.ParseJID(rule.Value)
		switch {
		case err != nil || j.Addr.Local() == "" || j.Resource != "" || !plausible(j.Addr):
			return "error.value.user"
		case j.Addr.Domain() == r.s.domain.Domain():
			return "error.own"
		}
	case privacy.RuleGroup:
		if rule.Value == "" {
			return "error.value.group"
		}
	case privacy.RuleDomain:
		plain, wild := strings.CutPrefix(rule.Value, "*.")
		a, err := presence.ParseJID(plain)
		switch {
		case err != nil || a.Addr.Local() != "" || a.Resource != "" || !plausible(a.Addr):
			return "error.value.domain"
		case a.Addr == r.s.domain && !wild:
			return "error.own"
		case r.s.bareWord(a.Addr) && !wild:
			return "error.value.domain"
		}
	case privacy.RuleSubscription:
		if _, ok := presence.ParseSubscription(rule.Value); !ok || rule.Value == "" {
			return "error.value.subscription"
		}
	default:
		if rule.Value != "" {
			return "error.value.empty"
		}
	}
	return ""
}

// needsRoster reports whether the rule to put can be judged only with the
// user's contact list.
func (r *run) needsRoster() bool {
	t := privacy.RuleType(r.in.text("type"))
	return t == privacy.RuleGroup || t == privacy.RuleSubscription
}

func (r *run) remove() (plan, []fault) {
	var p plan
	chosen := r.in.all("rules")
	seen := make(map[privacy.Rule]bool)
	for _, rule := range r.rules() {
		if slices.Contains(chosen, ruleKey(rule.Rule)) && !seen[rule.Rule] {
			seen[rule.Rule] = true
			p.changes = append(p.changes, engine.RemoveRule{Rule: rule.Rule})
		}
	}
	p.done = r.t("note.rules.removed", len(p.changes))
	return p, nil
}

// list shows the rules as data, as many as one reply holds, and the first of them
// in words, which every client shows.
func (r *run) list() plan {
	f := &form{title: r.t("command.levels"), reported: []field{
		{name: "who", kind: textSingle, label: r.t("field.who")},
		{name: "level", kind: textSingle, label: r.t("field.container")},
		{name: "rule", kind: textSingle, label: r.t("field.rule")},
	}}
	if len(r.have.Timed) > 0 {
		f.reported = append(f.reported, field{name: "until", kind: textSingle, label: r.t("field.leveluntil")})
	}
	size := 0
	all := r.rules()
	for _, rule := range all {
		row := []string{r.matches(rule.Rule), r.level(rule.Container), ruleKey(rule.Rule), writeWhen(rule.Until)}[:len(f.reported)]
		for _, v := range row {
			size += len(element([]byte("<field var=''></field>"), "value", v))
		}
		if size > maxChoices && len(f.rows) > 0 {
			break
		}
		f.rows = append(f.rows, row)
	}
	lines := make([]string, len(all))
	for i, rule := range all {
		lines[i] = r.inWords(rule)
	}
	few := r.few(lines)
	words := strings.Join(few, "\n")
	f.instructions = words // where a client shows the form alone, without its table
	f.lines, f.worded = lines, slices.Equal(few, lines)
	if len(f.rows) < len(lines) {
		f.instructions = r.t("form.cut", len(f.rows), len(lines)) + "\n" + words
	}
	told := append([]string{r.t("note.rules.list", len(lines)), words}, r.cellLines()...)
	return plan{done: strings.Join(told, "\n"), result: f}
}
