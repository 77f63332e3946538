package text

import (
	"maps"
	"slices"
	"strings"

	"presenced/internal/presence"
)

var activities = map[presence.Activity]*phrase{
	presence.OnThePhone:   {"On the phone", "Am Telefon"},
	presence.InAConf:      {"In a conference", "In einer Konferenz"},
	presence.InAMeeting:   {"In a meeting", "In einer Besprechung"},
	presence.Presenting:   {"Giving a presentation", "In einer Präsentation"},
	presence.UrgentOnlyA:  {"Urgent interruptions only", "Nur dringende Unterbrechungen"},
	presence.OutOfOfficeA: {"Out of office", "Nicht im Büro"},
	presence.OffWork:      {"Off work", "Nicht bei der Arbeit"},
	presence.ExtendedAway: {"Away for a while", "Länger abwesend"},
	presence.FreeForChat:  {"Free for chat", "Offen für Gespräche"},
}

var classes = map[presence.Class]*phrase{
	presence.ClassAvailable:     {"Available", "Verfügbar"},
	presence.ClassAvailableIdle: {"Available, inactive", "Verfügbar, inaktiv"},
	presence.ClassBusy:          {"Busy", "Beschäftigt"},
	presence.ClassBusyIdle:      {"Busy, inactive", "Beschäftigt, inaktiv"},
	presence.ClassDoNotDisturb:  {"Do not disturb", "Bitte nicht stören"},
	presence.ClassBeRightBack:   {"Be right back", "Bin gleich zurück"},
	presence.ClassAway:          {"Away", "Abwesend"},
	presence.ClassOffline:       {"Offline", "Offline"},
}

// Activity returns what people read for a token. An operator's own token is told
// with blanks for its dashes; no token is an empty text.
func Activity(lang string, a presence.Activity) string {
	if p := activities[a]; p != nil {
		return p.in(lang)
	}
	if a.Known() || strings.IndexByte(string(a), '-') < 0 {
		return string(a)
	}
	return strings.ReplaceAll(string(a), "-", " ")
}

// Worded is Activity in the operator's words where she gave some: in the language
// asked for, else in English, else in the first one there is.
func Worded(lang string, a presence.Activity, w *presence.Wording) string {
	if w == nil || len(w.ByLanguage) == 0 {
		return Activity(lang, a)
	}
	for tag := strings.ReplaceAll(strings.ToLower(lang), "_", "-"); tag != ""; {
		if s := w.ByLanguage[tag]; s != "" {
			return s
		}
		cut := strings.LastIndexByte(tag, '-')
		tag = tag[:max(cut, 0)]
	}
	if s := w.ByLanguage["en"]; s != "" {
		return s
	}
	return w.ByLanguage[slices.Min(slices.Collect(maps.Keys(w.ByLanguage)))]
}

// Class returns what people read for a class of availability, empty for unset.
func Class(lang string, c presence.Class) string {
	if p := classes[c]; p != nil {
		return p.in(lang)
	}
	return ""
}
