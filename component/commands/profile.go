package commands

import (
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// sameLanguage is the choice of no language of one's own.
const sameLanguage = "default"

func profileForm(r *run) *form {
	p := r.have.Profile
	chosen := p.Language
	if chosen == "" {
		chosen = sameLanguage
	}
	language := field{name: "language", kind: listSingle, label: r.t("field.language"), desc: r.t("field.language.desc"),
		values: []string{chosen}, options: []option{{sameLanguage, r.t("option.language.default")}}}
	for _, l := range text.Languages() {
		language.options = append(language.options, option{l, text.T(l, "option.language.name")})
	}
	return &form{title: r.t("command.profile"), instructions: r.toWhom("form.profile", presence.FieldTimezone, presence.FieldWorkingHours, presence.FieldLocation), fields: []field{
		{name: "timezone", kind: textSingle, label: r.t("field.timezone"), desc: r.t("field.timezone.desc"), values: values(p.Timezone)},
		language,
		{name: "hours", kind: textSingle, label: r.t("field.hours"), desc: r.t("field.hours.desc"), values: values(p.Hours), limit: presence.MaxNote},
		{name: "location", kind: textSingle, label: r.t("field.location"), desc: r.t("field.location.desc"), values: values(p.Location), limit: presence.MaxNote},
	}}
}

// setProfile replaces the profile. A field that was not sent keeps what it was, so
// that a bot can set one alone; an empty one takes it back.
func setProfile(r *run) (plan, []fault) {
	p := r.have.Profile
	for name, into := range map[string]*string{"timezone": &p.Timezone, "language": &p.Language, "hours": &p.Hours, "location": &p.Location} {
		if r.in[name] != nil {
			*into = r.in.text(name)
		}
	}
	if p.Language == sameLanguage {
		p.Language = ""
	}
	if p == (engine.Profile{}) {
		return one(engine.SetProfile{Profile: p}, r.t("note.profile.removed")), nil
	}
	return one(engine.SetProfile{Profile: p}, r.t("note.profile.set")), nil
}

// zone is the user's time zone, nil where none is known: UTC counts then, and is
// named.
func (r *run) zone() *time.Location { return text.Zone(r.have.Timezone) }
