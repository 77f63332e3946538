package text

import "presenced/internal/presence"

var containers = map[presence.ContainerID]*phrase{
	presence.DefaultContainer: {"Default", "Standard"},
	presence.Self:             {"Yourself", "Sie selbst"},
	presence.External:         {"External", "Extern"},
	presence.Colleagues:       {"Colleagues", "Kollegen"},
	presence.Workgroup:        {"Workgroup", "Arbeitsgruppe"},
	presence.Friends:          {"Friends and Family", "Freunde und Familie"},
	presence.Blocked:          {"Blocked", "Blockiert"},
}

// shows follows the table of S3, row by row.
var shows = map[presence.ContainerID]*phrase{
	presence.DefaultContainer: {
		"You look offline, as to strangers, and nothing else is shown.",
		"Sie erscheinen offline wie für Fremde, und sonst wird nichts gezeigt.",
	},
	presence.Self: {
		"Everything is shown.",
		"Alles wird gezeigt.",
	},
	presence.External: {
		"Whether you are available, busy or away, and your name, e-mail address, job title, company and photo.",
		"Ob Sie verfügbar, beschäftigt oder abwesend sind, dazu Name, E-Mail-Adresse, Position, Firma und Foto.",
	},
	presence.Colleagues: {
		"The same as External, and also what you are doing and until when, your notes, office, work phone, working hours, free and busy times, location, time zone, kind of device, and when you were last active if your operator allows that.",
		"Dasselbe wie bei Extern, dazu was Sie gerade tun und bis wann, Ihre Notizen, Büro, Diensttelefon, Arbeitszeiten, freie und belegte Zeiten, Ort, Zeitzone, Art des Geräts und, wenn Ihr Betreiber das erlaubt, wann Sie zuletzt aktiv waren.",
	},
	presence.Workgroup: {
		"The same as Colleagues, and also your mobile phone and the subject and place of your meetings; these people may reach you even while you ask not to be disturbed.",
		"Dasselbe wie bei Kollegen, dazu Mobiltelefon sowie Thema und Ort Ihrer Besprechungen; diese Personen dürfen Sie auch dann erreichen, wenn Sie nicht gestört werden möchten.",
	},
	presence.Friends: {
		"The same as Colleagues, and also your mobile, home and other phones.",
		"Dasselbe wie bei Kollegen, dazu Mobiltelefon, private und weitere Telefonnummern.",
	},
	presence.Blocked: {
		"You always look offline, and nothing else is shown.",
		"Sie erscheinen immer offline, und sonst wird nichts gezeigt.",
	},
}

// Container returns the name of a level; one the operator added has a number only.
func Container(lang string, id presence.ContainerID) string {
	if p := containers[id]; p != nil {
		return p.in(lang)
	}
	return T(lang, "level.custom", id)
}

// ContainerShows tells in one sentence what a level shows to the people in it,
// as it is unless the operator or the user narrowed it (S3).
func ContainerShows(lang string, id presence.ContainerID) string {
	if p := shows[id]; p != nil {
		return p.in(lang)
	}
	return T(lang, "level.customshows")
}
