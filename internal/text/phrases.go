package text

import (
	"fmt"
	"maps"
)

// Key names a phrase: words joined by dots, such as "notice.request".
type Key string

// phrases is every table in one, by key.
var phrases = join(basics, names, forms, fields, options, notes, faults, own, later, chats, whys, asides, seens, watching, calendars)

func join(tables ...map[Key]*phrase) map[Key]*phrase {
	all := make(map[Key]*phrase)
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

// T returns the phrase of that key in the language of a tag, English where there
// is no translation, with args in the places of its verbs (package fmt). A key
// that does not exist is returned itself; a test keeps that from happening.
func T(lang string, key Key, args ...any) string {
	p := phrases[key]
	if p == nil {
		return string(key)
	}
	if len(args) == 0 {
		return p.in(lang)
	}
	return fmt.Sprintf(p.in(lang), args...)
}

// basics are what status texts, levels and messages out of turn need.
var basics = map[Key]*phrase{
	"status.until":    {"%s until %s", "%s bis %s"},
	"status.date":     {"%d %s, %s", "%d. %s, %s"},
	"status.dateyear": {"%d %s %d, %s", "%d. %s %d, %s"},

	"level.custom":      {"Level %d", "Stufe %d"},
	"level.numbered":    {"%s (%d)", "%s (%d)"},
	"level.customshows": {"Your operator decides what is shown.", "Ihr Betreiber legt fest, was gezeigt wird."},

	"notice.group": {"Presence", "Präsenz"},
	"notice.suggest": {
		"These contacts show when your colleagues are in a meeting, on the phone or away. If your chat program does not offer to add them, you can do so yourself:",
		"Diese Kontakte zeigen, wann Ihre Kollegen in einer Besprechung, am Telefon oder abwesend sind. Falls Ihr Chat-Programm nicht anbietet, sie hinzuzufügen, können Sie das selbst tun:",
	},
	"notice.request": {
		"%[1]s would like to see whether you are available. To answer, write here \"approve %[1]s\" or \"refuse %[1]s\", or run the command \"Answer people who ask to see me\" (requests). Until you do, nothing is shown.",
		"%[1]s möchte sehen, ob Sie verfügbar sind. Zum Antworten schreiben Sie hier „ja %[1]s“ oder „nein %[1]s“, oder führen Sie den Befehl „Anfragen beantworten“ (requests) aus. Bis dahin wird nichts gezeigt.",
	},
}
