package text

// chats are what the service says in a chat: brief, since it is read between other
// messages.
var chats = map[Key]*phrase{
	"chat.help.short": {"Write \"help\" to see what you can say here.", "Schreiben Sie „hilfe“, um zu sehen, was Sie hier sagen können."},
	"chat.help": {
		"dnd 2h · busy until 16:00 · away · available · offline · clear\nnote back at 3 · ooo until Friday: back on Monday\nlevel bob@example.org team until Friday · levels · block bob@example.org · unblock bob@example.org\nwho sees what · why bob@example.org · view bob@example.org · requests · approve bob@example.org · refuse bob@example.org\nstatus · privacy on · interrupt bob@example.org · apps · badge on · timezone Europe/Berlin · language de · disable",
		"nicht stören 2h · beschäftigt bis 16:00 · abwesend · verfügbar · unsichtbar · aufheben\nnotiz um 3 zurück · urlaub bis Freitag: Montag wieder da\nstufe bob@example.org team bis Freitag · stufen · block bob@example.org · unblock bob@example.org\nwer sieht was · warum bob@example.org · als bob@example.org · anfragen · ja bob@example.org · nein bob@example.org\nstatus · privat an · stören bob@example.org · apps · abzeichen an · zeitzone Europe/Berlin · sprache de · abmelden",
	},
	"chat.help.more":     {"All commands, with explanations, are also in your chat program under \"Commands\" of this contact.", "Alle Befehle, mit Erklärungen, stehen auch in Ihrem Chat-Programm unter „Befehle“ dieses Kontakts."},
	"chat.help.stranger": {"Nothing is shown about you yet. Write \"enable\" to begin.", "Über Sie wird noch nichts gezeigt. Schreiben Sie „anmelden“, um zu beginnen."},
	"chat.enable": {
		"Your contacts and your organisation will see whether you are available, busy or away; colleagues also see what you are doing, your phone at work and your notes; anybody else has to ask you. Write \"enable yes\" if you want that.",
		"Ihre Kontakte und Ihre Organisation sehen dann, ob Sie verfügbar, beschäftigt oder abwesend sind; Kollegen sehen auch, was Sie tun, Ihr Diensttelefon und Ihre Notizen; alle anderen müssen bei Ihnen anfragen. Schreiben Sie „anmelden ja“, wenn Sie das möchten.",
	},
	"chat.unknown":   {"I do not understand \"%s\". Write \"help\" to see what you can say.", "Ich verstehe „%s“ nicht. Schreiben Sie „hilfe“, um zu sehen, was Sie sagen können."},
	"chat.encrypted": {"I cannot read encrypted messages. Please turn encryption off in this chat and write again.", "Verschlüsselte Nachrichten kann ich nicht lesen. Bitte schalten Sie die Verschlüsselung in diesem Chat aus und schreiben Sie noch einmal."},
	"chat.long":      {"That is too long for me. Please write less.", "Das ist mir zu lang. Bitte schreiben Sie weniger."},
	"chat.toomuch":   {"That is too much for a chat. Please run the command \"%s\" in your chat program.", "Das ist zu viel für einen Chat. Bitte führen Sie den Befehl „%s“ in Ihrem Chat-Programm aus."},
	"chat.form":      {"Please write: %s, with %s, each as name=value.", "Bitte schreiben Sie: %s, dazu %s, jeweils als name=wert."},
	"chat.pair":      {"Please write the values for \"%s\" as name=value.", "Bitte schreiben Sie die Werte für „%s“ als name=wert."},
	"chat.which":     {"Which \"%s\": %s?", "Welches „%s“: %s?"},
	"chat.state.is":  {"Right now you are: %s.", "Im Augenblick sind Sie: %s."},
	"chat.note.is":   {"Your note: %s", "Ihre Notiz: %s"},
	"chat.requests":  {"Would like to see you: %s. Answer \"approve\" or \"refuse\" with the address.", "Möchten Sie sehen: %s. Antworten Sie „ja“ oder „nein“ mit der Adresse."},
	"chat.levels":    {"There is no such level. There are: %s.", "Diese Stufe gibt es nicht. Es gibt: %s."},

	"chat.use.state":     {"Say what you are doing, and how long: dnd 2h, busy until 16:00, away, lunch from 12:00 to 13:00.", "Sagen Sie, was Sie tun und wie lange: nicht stören 2h, beschäftigt bis 16:00, abwesend, besprechung von 12:00 bis 13:00."},
	"chat.use.note":      {"note TEXT sets your note, note off removes it.", "notiz TEXT setzt Ihre Notiz, notiz aus entfernt sie."},
	"chat.use.office":    {"ooo until Friday: TEXT says that you are out of office, ooo off ends it.", "urlaub bis Freitag: TEXT gibt Ihre Abwesenheit an, urlaub aus beendet sie."},
	"chat.use.level":     {"level bob@example.org team puts somebody in a level, with \"until Friday\" for a while; levels lists your rules.", "stufe bob@example.org team ordnet jemanden einer Stufe zu, mit „bis Freitag“ für eine Weile; stufen zeigt Ihre Regeln."},
	"chat.use.block":     {"block bob@example.org", "block bob@example.org"},
	"chat.use.unblock":   {"unblock bob@example.org", "unblock bob@example.org"},
	"chat.use.approve":   {"approve bob@example.org, or with a level: approve bob@example.org team", "ja bob@example.org, oder mit einer Stufe: ja bob@example.org team"},
	"chat.use.refuse":    {"refuse bob@example.org", "nein bob@example.org"},
	"chat.use.why":       {"why bob@example.org tells why somebody sees you as they do.", "warum bob@example.org sagt, warum jemand Sie so sieht."},
	"chat.use.view":      {"view bob@example.org tells what somebody is shown of you.", "als bob@example.org sagt, was jemandem von Ihnen gezeigt wird."},
	"chat.use.privacy":   {"privacy on shows you to chosen people only, privacy off to all your levels.", "privat an zeigt Sie nur ausgewählten Personen, privat aus allen Ihren Stufen."},
	"chat.use.interrupt": {"interrupt bob@example.org lets somebody interrupt you, interrupt off bob@example.org takes it back.", "stören bob@example.org erlaubt jemandem, Sie zu stören, stören aus bob@example.org nimmt es zurück."},
	"chat.use.app":       {"apps lists the apps that may set your state; app phones@example.org allows one, app off phones@example.org takes it back.", "apps zeigt, welche Apps Ihren Status setzen dürfen; app phones@example.org erlaubt eine, app aus phones@example.org nimmt es zurück."},
	"chat.use.badge":     {"badge on gives you a badge for web pages, badge off takes it away for good.", "abzeichen an gibt Ihnen ein Abzeichen für Webseiten, abzeichen aus nimmt es für immer weg."},
	"chat.use.profile":   {"timezone Europe/Berlin, language en, hours Mo-Fr 09:00-17:30, location Berlin; each with \"none\" to take it back.", "zeitzone Europe/Berlin, sprache de, arbeitszeiten Mo-Fr 09:00-17:30, ort Berlin; jeweils mit „none“, um es zurückzunehmen."},
	"chat.use.erase":     {"This erases everything stored about you, for good. Write \"erase yes\" if you want that.", "Damit wird alles gelöscht, was über Sie gespeichert ist, unwiderruflich. Schreiben Sie „löschen ja“, wenn Sie das möchten."},
}
