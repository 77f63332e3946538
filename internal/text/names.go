package text

// names are the names of the commands.
var names = map[Key]*phrase{
	"command.list":          {"Commands", "Befehle"},
	"command.enable":        {"Start showing my availability", "Meine Verfügbarkeit zeigen"},
	"command.disable":       {"Stop showing my availability", "Meine Verfügbarkeit nicht mehr zeigen"},
	"command.set-state":     {"Set what others see me doing", "Festlegen, was ich gerade tue"},
	"command.clear-state":   {"Clear what I set and decide automatically", "Festlegung aufheben und automatisch zeigen"},
	"command.note":          {"Set or remove my note", "Meine Notiz setzen oder entfernen"},
	"command.out-of-office": {"Say that I am out of office", "Abwesenheit vom Büro angeben"},
	"command.profile":       {"Tell my time zone, working hours and place", "Meine Zeitzone, Arbeitszeiten und meinen Ort angeben"},
	"command.levels":        {"Decide who sees how much", "Festlegen, wer wie viel sieht"},
	"command.block":         {"Block somebody", "Jemanden blockieren"},
	"command.unblock":       {"Unblock somebody", "Blockierung aufheben"},
	"command.privacy-mode":  {"Show myself to chosen people only", "Mich nur ausgewählten Personen zeigen"},
	"command.requests":      {"Answer people who ask to see me", "Anfragen beantworten"},
}

// forms are what forms say before they ask.
var forms = map[Key]*phrase{
	"form.enable": {
		"Please read what will be shown to whom. You can change all of it later and stop at any time.",
		"Bitte lesen Sie, was wem gezeigt wird. Sie können alles später ändern und jederzeit aufhören.",
	},
	"form.enable.contacts": {
		"Your contacts who may already see when you are online: those in your organisation are in the level Colleagues, all others in the level External.",
		"Ihre Kontakte, die schon jetzt sehen dürfen, ob Sie online sind: Wer zu Ihrer Organisation gehört, ist in der Stufe Kollegen, alle anderen in der Stufe Extern.",
	},
	"form.enable.enterprise": {
		"Everybody else in your organisation: the level Colleagues.",
		"Alle anderen in Ihrer Organisation: die Stufe Kollegen.",
	},
	"form.enable.federated": {
		"People in partner organisations your operator has named: the level External.",
		"Personen in Partnerorganisationen, die Ihr Betreiber benannt hat: die Stufe Extern.",
	},
	"form.enable.public": {
		"People at public services your operator has named: the level Blocked.",
		"Personen bei öffentlichen Diensten, die Ihr Betreiber benannt hat: die Stufe Blockiert.",
	},
	"form.enable.others": {
		"Anybody else sees nothing. They may ask you, and you decide.",
		"Alle übrigen sehen nichts. Sie können bei Ihnen anfragen, und Sie entscheiden.",
	},
	"form.enable.rules": {
		"If you made rules here before, or changed what a level shows, that applies again and goes before all this.",
		"Haben Sie hier früher schon Regeln angelegt oder geändert, was eine Stufe zeigt, gilt das wieder und geht alldem vor.",
	},
	"form.enable.server": {
		"Besides this, your chat server goes on telling your own contacts when you are online, as it does now.",
		"Daneben teilt Ihr Chat-Server Ihren eigenen Kontakten weiterhin mit, wann Sie online sind, so wie bisher.",
	},
	"form.level": {"%s: %s", "%s: %s"},
	"form.set-state": {
		"What you set here goes before your calendar. You still look offline while none of your devices is online.",
		"Was Sie hier festlegen, geht Ihrem Kalender vor. Solange keines Ihrer Geräte online ist, erscheinen Sie trotzdem offline.",
	},
	"form.note": {
		"Your note is shown to everybody in the levels Colleagues, Workgroup, and Friends and Family.",
		"Ihre Notiz sehen alle in den Stufen Kollegen, Arbeitsgruppe sowie Freunde und Familie.",
	},
	"form.out-of-office": {
		"During this time, people in the levels Colleagues, Workgroup, and Friends and Family see \"Out of office\" and your note while you are away, and while you are offline if your operator allows that. While you are available or busy, your state is shown as usual.",
		"In dieser Zeit sehen alle in den Stufen Kollegen, Arbeitsgruppe sowie Freunde und Familie „Nicht im Büro“ und Ihre Notiz, während Sie abwesend sind, und auch während Sie offline sind, sofern Ihr Betreiber das erlaubt. Sind Sie verfügbar oder beschäftigt, wird das wie sonst gezeigt.",
	},
	"form.profile": {
		"Your time zone, working hours and place are shown to everybody in the levels Colleagues, Workgroup, and Friends and Family. While you are away outside your working hours, they see \"Off work\". What you leave empty is not shown.",
		"Ihre Zeitzone, Arbeitszeiten und Ihren Ort sehen alle in den Stufen Kollegen, Arbeitsgruppe sowie Freunde und Familie. Sind Sie außerhalb Ihrer Arbeitszeiten abwesend, sehen diese „Nicht bei der Arbeit“. Was Sie leer lassen, wird nicht gezeigt.",
	},
	"form.levels": {
		"A rule puts people in a level, and the level decides what they see of you.",
		"Eine Regel ordnet Personen einer Stufe zu, und die Stufe bestimmt, was sie von Ihnen sehen.",
	},
	"form.put.title": {"Add a rule", "Regel hinzufügen"},
	"form.put": {
		"A rule for one person goes before one for a group of contacts, and that before one for a domain. Where two of the same kind fit, the level that comes later in the list decides.",
		"Eine Regel für eine Person geht einer für eine Kontaktgruppe vor, und diese einer für eine Domain. Passen zwei derselben Art, entscheidet die Stufe, die in der Liste später kommt.",
	},
	"form.cells.title": {"What a level shows", "Was eine Stufe zeigt"},
	"form.cells": {
		"Choose a level, one thing, and whether people in that level shall see it.",
		"Wählen Sie eine Stufe, eine Angabe und ob die Personen in dieser Stufe sie sehen sollen.",
	},
	"level.alsoshown":   {"By your choice also: %s.", "Nach Ihrer Wahl auch: %s."},
	"level.hidden":      {"By your choice not: %s.", "Nach Ihrer Wahl nicht: %s."},
	"form.remove.title": {"Remove rules", "Regeln entfernen"},
	"form.remove": {
		"Choose the rules that shall no longer apply.",
		"Wählen Sie die Regeln, die nicht mehr gelten sollen.",
	},
	"form.remove.choices":   {"Your rules, with what to write for each", "Ihre Regeln, jeweils mit dem, was dafür zu schreiben ist"},
	"form.unblock.choices":  {"Whom you block", "Wen Sie blockieren"},
	"form.requests.choices": {"Who has asked", "Wer angefragt hat"},
	"form.requests.answers": {"What you can answer:", "Was Sie antworten können:"},
	"form.decision":         {"%s: %s. %s", "%s: %s. %s"},
	"form.choice":           {"%s: %s", "%s: %s"},
	"form.option":           {"%s – %s", "%s – %s"},
	"form.more":             {"and %d more", "und %d weitere"},
	"form.import.title":     {"Rules from your lists", "Regeln aus Ihren Listen"},
	"form.import": {
		"With these rules, everybody whom the lists on your chat server hide you from is blocked here too, also without the lists. Some others may be hidden as well. Nothing is shown to anybody who did not see it before. Send this to put the chosen rules in force.",
		"Mit diesen Regeln sind alle, vor denen die Listen auf Ihrem Chat-Server Sie verbergen, auch hier blockiert, selbst ohne die Listen. Einige andere können ebenfalls betroffen sein. Niemand sieht mehr als zuvor. Senden Sie dies ab, damit die gewählten Regeln gelten.",
	},
	"form.import.choices": {"Suggested", "Vorgeschlagen"},
	"form.block": {
		"Whoever you block always sees you offline here and is not told that it is a block.",
		"Wen Sie blockieren, der sieht Sie hier immer offline und erfährt nicht, dass das eine Blockierung ist.",
	},
	"form.unblock": {
		"Choose whom you no longer want to block.",
		"Wählen Sie, wen Sie nicht länger blockieren möchten.",
	},
	"form.privacy-mode": {
		"When this is on, only your contacts and the people and groups you made rules for see you. Everybody else sees nothing.",
		"Wenn dies eingeschaltet ist, sind Sie nur für Ihre Kontakte sichtbar sowie für Personen und Gruppen, für die Sie Regeln haben. Alle anderen sehen nichts.",
	},
	"form.requests": {
		"These people ask to see whether you are available. Whoever you refuse is not told.",
		"Diese Personen möchten sehen, ob Sie verfügbar sind. Wen Sie ablehnen, der erfährt das nicht.",
	},
	"form.cut": {
		"The first %d of %d are listed.",
		"Aufgeführt sind die ersten %d von %d.",
	},
}
