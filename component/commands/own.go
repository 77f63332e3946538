package commands

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"presenced/internal/engine"
)

// maxPart bounds one part of an export in bytes, as maxChoices does lists.
const maxPart = 40 << 10

func badgeForm(r *run) *form {
	on := "0"
	if handle, err := r.s.door.BadgeOf(r.ctx, r.who(), r.user.Addr); err == nil && handle != "" {
		on = "1"
	}
	return &form{title: r.t("command.badge"), instructions: r.t("form.badge"), fields: []field{
		{name: "on", kind: boolean, required: true, label: r.t("field.badge"), desc: r.t("field.badge.desc"), values: []string{on}},
	}}
}

func setBadge(r *run) (plan, []fault) {
	p := one(engine.SetBadge{On: r.in.yes("on")}, r.t("note.badge.off"))
	if r.in.yes("on") {
		p.tell = func() string {
			handle, err := r.s.door.BadgeOf(r.ctx, r.who(), r.user.Addr)
			if err != nil {
				return r.reason(err)
			}
			return r.t("note.badge.on", handle)
		}
	}
	return p, nil
}

// exported cuts what is stored of the user into parts that one reply holds.
func (r *run) exported() ([][]string, error) {
	docs, err := r.s.door.Settings(r.ctx, r.who(), r.user.Addr)
	if err != nil {
		return nil, err
	}
	settings := make(map[string]json.RawMessage, len(docs))
	for name, doc := range docs {
		settings[name] = doc
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err = enc.Encode(struct {
		JID      string                     `json:"jid"`
		Settings map[string]json.RawMessage `json:"settings"`
	}{r.user.Bare, settings})
	if err != nil {
		return nil, err
	}
	parts := [][]string{nil}
	size := 0
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSuffix(line, "\n")
		cost := len(element(nil, "value", line))
		if size += cost; size > maxPart && len(parts[len(parts)-1]) > 0 {
			parts, size = append(parts, nil), cost
		}
		last := len(parts) - 1
		parts[last] = append(parts[last], line)
	}
	return parts, nil
}

// exportForm asks which part where there are several.
func exportForm(r *run) *form {
	parts, err := r.exported()
	if err != nil || len(parts) < 2 {
		return nil
	}
	which := field{name: "part", kind: listSingle, required: true, label: r.t("field.part"), desc: r.t("field.part.desc"), values: []string{"1"}}
	for i := range parts {
		n := itoa(i + 1)
		which.options = append(which.options, option{n, r.t("option.part", n, len(parts))})
	}
	return &form{title: r.t("command.export"), instructions: r.t("form.export"), fields: []field{which}}
}

func export(r *run) (plan, []fault) {
	parts, err := r.exported()
	if err != nil {
		return plan{failed: err}, nil
	}
	n, _ := strconv.Atoi(r.in.text("part")) // one of the choices, or none
	n = min(max(n, 1), len(parts))
	part := parts[n-1]
	return plan{done: r.t("note.export", n, len(parts)), result: &form{
		title: r.t("command.export"), told: true,
		fields: []field{{name: "settings", kind: textMulti, label: r.t("field.settings"), values: part}},
	}}, nil
}

func eraseForm(r *run) *form {
	return &form{title: r.t("command.erase"), instructions: r.t("form.erase"), fields: []field{
		{name: "confirm", kind: boolean, required: true, values: []string{"0"}, label: r.t("field.erase"), desc: r.t("field.erase.desc")},
	}}
}

func erase(r *run) (plan, []fault) {
	if !r.in.yes("confirm") {
		return plan{}, []fault{{"confirm", r.t("error.confirm")}}
	}
	return one(engine.Erase{}, r.t("note.erased")), nil
}
