package commands

import (
	"slices"
	"strings"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// told lists the levels in the order people are told of them, Blocked last.
var told = [...]presence.ContainerID{
	presence.External, presence.Colleagues, presence.Workgroup, presence.Friends, presence.Blocked,
}

// enableForm says in plain words what will be shown to whom (PRODUCT, Enrolment).
func enableForm(r *run) *form {
	f := &form{title: r.t("command.enable"), instructions: r.t("form.enable")}
	for _, key := range [...]text.Key{"form.enable.contacts", "form.enable.enterprise", "form.enable.federated", "form.enable.public", "form.enable.others", "form.enable.rules"} {
		f.fields = append(f.fields, say(r.t(key)))
	}
	f.fields = append(f.fields, r.levelTexts(told[:])...)
	f.fields = append(f.fields,
		say(r.t("form.enable.server")),
		field{name: "confirm", kind: boolean, required: true, values: []string{"0"},
			label: r.t("field.confirm"), desc: r.t("field.confirm.desc")})
	return f
}

// levelTexts tells what each of the levels shows.
func (r *run) levelTexts(levels []presence.ContainerID) []field {
	fields := make([]field, 0, len(levels))
	for _, id := range levels {
		fields = append(fields, say(r.t("form.level", text.Container(r.lang, id), text.ContainerShows(r.lang, id))))
	}
	return fields
}

// say is a line of text in a form.
func say(line string) field { return field{kind: fixed, values: []string{line}} }

func enable(r *run) (plan, []fault) {
	if !r.in.yes("confirm") {
		return plan{}, []fault{{"confirm", r.t("error.confirm")}}
	}
	return one(engine.Enable{}, r.t("note.enabled", r.mirror())), nil
}

func disable(r *run) (plan, []fault) {
	return one(engine.Disable{}, r.t("note.disabled")), nil
}

// mirror is the address others add to see the user's presence (PRODUCT, Mirror
// JID): the short form with one served host, else the escaped one.
func (r *run) mirror() string {
	domain := "@" + r.s.options.Domain
	local, _, _ := strings.Cut(r.user.Bare, "@")
	if len(r.s.hosts) == 1 && !strings.Contains(local, `\40`) {
		return local + domain
	}
	return presence.Escape(r.user.Bare) + domain
}

// levels lists the containers a rule may name by their id: of two rules of one
// kind the later level wins (S2.2).
func (r *run) levels() []presence.ContainerID {
	ids := append([]presence.ContainerID{presence.DefaultContainer}, told[:]...)
	for _, c := range r.s.options.Containers {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return ids
}

// level is the name of a container as people read it.
func (r *run) level(id presence.ContainerID) string {
	i := slices.IndexFunc(r.s.options.Containers, func(c Container) bool { return c.ID == id })
	if i >= 0 && r.s.options.Containers[i].Name != "" {
		return r.s.options.Containers[i].Name
	}
	return text.Container(r.lang, id)
}
