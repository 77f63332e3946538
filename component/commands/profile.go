package commands

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
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
	p.Timezone = zoneSaid(p.Timezone)
	p.Hours = hoursSaid(p.Hours)
	if p == (engine.Profile{}) {
		return one(engine.SetProfile{Profile: p}, r.t("note.profile.removed")), nil
	}
	return one(engine.SetProfile{Profile: p}, r.t("note.profile.set")), nil
}

// zoneSaid is the name of the zone that "berlin" or "america/new york" mean. What it
// does not know it leaves: the engine says what is wrong with it.
func zoneSaid(s string) string {
	if s == "" || len(s) > maxSaid || text.Zone(s) != nil {
		return s
	}
	name := []byte(strings.ToLower(strings.Join(strings.Fields(s), "_")))
	for i, c := range name {
		if c >= 'a' && c <= 'z' && (i == 0 || name[i-1] == '/' || name[i-1] == '_') {
			name[i] = c - 'a' + 'A'
		}
	}
	try := []string{string(name), strings.ToUpper(s)}
	for _, region := range [...]string{"Europe", "America", "Asia", "Africa", "Australia", "Pacific", "Atlantic", "Indian"} {
		try = append(try, region+"/"+string(name))
	}
	for _, zone := range try {
		if text.Zone(zone) != nil {
			return zone
		}
	}
	return s
}

// zone is the user's time zone, nil where none is known: UTC counts then, and is
// named.
func (r *run) zone() *time.Location { return text.Zone(r.have.Timezone) }

var (
	hourHalf  = regexp.MustCompile(`(?i)\b(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)\b`)
	hourGaps  = regexp.MustCompile(`\s*(?:–|-|\bto\b|\bbis\b)\s*`)
	hourWords = regexp.MustCompile(`\s*\p{L}+`)
	hourParts = regexp.MustCompile(`(\d)\s*[,;]\s*(\p{L})`)
	hourList  = regexp.MustCompile(`\s*,\s*`)
	hourClock = regexp.MustCompile(`\d{1,2}(?:[:.]\d{2})?`)
)

// hoursSaid writes working hours as aggregation.ParseHours reads them, from days
// in either language, "9-17" and "9 bis 17 Uhr". What it does not know it leaves:
// the engine says what is wrong with it.
func hoursSaid(s string) string {
	s = hourHalf.ReplaceAllStringFunc(s, func(clock string) string {
		hour, minute, _, ok := saidClock(strings.ToLower(clock))
		if !ok {
			return clock
		}
		return strconv.Itoa(hour) + ":" + fmt.Sprintf("%02d", minute)
	})
	s = hourGaps.ReplaceAllString(s, "-")
	s = hourWords.ReplaceAllStringFunc(s, func(word string) string {
		name := strings.TrimSpace(word)
		if day, ok := weekdaySaid(strings.ToLower(name)); ok {
			return strings.TrimSuffix(word, name) + day.String()[:2]
		}
		if strings.EqualFold(name, "uhr") {
			return ""
		}
		return word
	})
	s = hourParts.ReplaceAllString(s, "$1; $2")
	s = hourList.ReplaceAllString(s, ",")
	return hourClock.ReplaceAllStringFunc(s, func(clock string) string {
		if len(clock) <= 2 {
			return clock + ":00"
		}
		return strings.Replace(clock, ".", ":", 1)
	})
}
