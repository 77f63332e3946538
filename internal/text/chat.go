package text

// chats are what the service says in a chat: brief, since it is read between other
// messages.
var chats = map[Key]*phrase{
	"chat.help.short": {"Write \"help\" to see what you can say here.", "Schreiben Sie „hilfe“, um zu sehen, was Sie hier sagen können."},
	"chat.help": {
		"dnd 2h · busy until 16:00 · away · available · offline · clear\nnote back at 3 · ooo until Friday: back on Monday\nlevel bob@example.org team until Friday · levels · block bob@example.org · unblock bob@example.org\nwho sees what · why bob@example.org · view bob@example.org · requests · approve bob@example.org · refuse bob@example.org\ncalendar · calendar add https://cal.example.org/me.ics · status · privacy on · interrupt bob@example.org · apps · badge on\ntimezone Europe/Berlin · hours Mo-Fr 9-17 · location Berlin · language de · export · erase · disable",
		"nicht stören 2h · beschäftigt bis 16:00 · abwesend · verfügbar · unsichtbar · aufheben\nnotiz um 3 zurück · urlaub bis Freitag: Montag wieder da\nstufe bob@example.org team bis Freitag · stufen · block bob@example.org · freigeben bob@example.org\nwer sieht was · warum bob@example.org · als bob@example.org · anfragen · ja bob@example.org · nein bob@example.org\nkalender · kalender neu https://cal.example.org/me.ics · status · privat an · stören bob@example.org · apps · abzeichen an\nzeitzone Europe/Berlin · arbeitszeit Mo-Fr 9-17 · ort Berlin · sprache de · export · löschen · abmelden",
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
	"chat.requests":  {"These people would like to see you: %s. Answer \"approve\" or \"refuse\" with the address.", "Diese Personen möchten Sie sehen: %s. Antworten Sie „ja“ oder „nein“ mit der Adresse."},
	"chat.levels":    {"There is no such level. There are: %s.", "Diese Stufe gibt es nicht. Es gibt: %s."},

	"chat.calendar.line":  {"%d. %s", "%d. %s"},
	"chat.calendar.which": {"Which one? Please say its number or its name:\n%s", "Welcher? Bitte seine Nummer oder seinen Namen sagen:\n%s"},
	"chat.calendar.how":   {"Write \"calendar add\" and its address to add one.", "Schreiben Sie „kalender neu“ und seine Adresse, um einen hinzuzufügen."},
	"chat.calendar.stay":  {"Those you added yourself still count; \"calendar remove\" with the number takes one away:\n%s", "Die selbst hinzugefügten zählen weiter; „kalender entfernen“ mit der Nummer nimmt einen weg:\n%s"},
	"chat.calendar.password": {
		"This calendar wants a user name and a password. Please do not write them here: run the command \"calendar\" in your chat program, which asks for them.",
		"Dieser Kalender verlangt Benutzername und Passwort. Bitte nicht hier schreiben: Führen Sie den Befehl „calendar“ in Ihrem Chat-Programm aus, er fragt danach.",
	},

	"chat.use.enable":  {"enable yes begins to show others whether you are available; enable alone tells first who will see what.", "anmelden ja zeigt anderen von da an, ob Sie verfügbar sind; anmelden allein sagt vorher, wer was sehen wird."},
	"chat.use.disable": {"disable shows you as offline to everybody here, until you write enable yes. Your settings are kept.", "abmelden zeigt Sie hier allen als offline, bis Sie anmelden ja schreiben. Ihre Einstellungen bleiben erhalten."},
	"chat.use.clear":   {"clear takes back what you set; your devices, calendar and apps decide again.", "aufheben nimmt zurück, was Sie festgelegt haben; Ihre Geräte, Ihr Kalender und Ihre Apps entscheiden wieder."},
	"chat.use.calendar": {
		"calendar lists your calendars; calendar add https://cal.example.org/me.ics adds one, calendar test 1 tries it, calendar remove 1 takes it away; calendar off leaves out the calendar of your organisation, calendar on uses it again.",
		"kalender zeigt Ihre Kalender; kalender neu https://cal.example.org/me.ics fügt einen hinzu, kalender testen 1 probiert ihn aus, kalender entfernen 1 nimmt ihn weg; kalender aus lässt den Kalender Ihrer Organisation weg, kalender an verwendet ihn wieder.",
	},
	"chat.use.requests":  {"requests lists who asks to see you; approve bob@example.org or refuse bob@example.org answers.", "anfragen zeigt, wer Sie sehen möchte; ja bob@example.org oder nein bob@example.org antwortet."},
	"chat.use.who":       {"who sees what lists who has added you, who has asked and who else may look.", "wer sieht was zeigt, wer Sie hinzugefügt hat, wer angefragt hat und wer sonst nachsehen darf."},
	"chat.use.export":    {"export shows everything stored about you.", "export zeigt alles, was über Sie gespeichert ist."},
	"chat.use.state":     {"Say what you are doing, and how long: dnd 2h, busy until 16:00, away, lunch from 12:00 to 13:00.", "Sagen Sie, was Sie tun und wie lange: nicht stören 2h, beschäftigt bis 16:00, abwesend, besprechung von 12:00 bis 13:00."},
	"chat.use.note":      {"note TEXT sets your note, note off removes it.", "notiz TEXT setzt Ihre Notiz, notiz aus entfernt sie."},
	"chat.use.office":    {"ooo until Friday: TEXT says that you are out of office, ooo off ends it.", "urlaub bis Freitag: TEXT gibt Ihre Abwesenheit an, urlaub aus beendet sie."},
	"chat.use.level":     {"level bob@example.org team puts somebody in a level, with \"until Friday\" for a while; levels lists your rules.", "stufe bob@example.org team ordnet jemanden einer Stufe zu, mit „bis Freitag“ für eine Weile; stufen zeigt Ihre Regeln."},
	"chat.use.block":     {"block bob@example.org shows you as offline to somebody, whatever you do; block example.org to everybody there.", "block bob@example.org zeigt Sie jemandem als offline, was immer Sie tun; block example.org allen dort."},
	"chat.use.unblock":   {"unblock bob@example.org takes a block back.", "freigeben bob@example.org hebt eine Blockierung auf."},
	"chat.use.approve":   {"approve bob@example.org lets somebody see you who has asked; with a level: approve bob@example.org team.", "ja bob@example.org lässt jemanden Sie sehen, der angefragt hat; mit einer Stufe: ja bob@example.org team."},
	"chat.use.refuse":    {"refuse bob@example.org says no to somebody who has asked; they are not told.", "nein bob@example.org lehnt eine Anfrage ab; die Person erfährt das nicht."},
	"chat.use.why":       {"why bob@example.org tells why somebody sees you as they do.", "warum bob@example.org sagt, warum jemand Sie so sieht."},
	"chat.use.view":      {"view bob@example.org tells what somebody is shown of you.", "als bob@example.org sagt, was jemandem von Ihnen gezeigt wird."},
	"chat.use.privacy":   {"privacy on shows you to chosen people only, privacy off to all your levels.", "privat an zeigt Sie nur ausgewählten Personen, privat aus allen Ihren Stufen."},
	"chat.use.interrupt": {"interrupt bob@example.org lets somebody interrupt you, interrupt off bob@example.org takes it back.", "stören bob@example.org erlaubt jemandem, Sie zu stören, stören aus bob@example.org nimmt es zurück."},
	"chat.use.app":       {"apps lists the apps that may set your state; app phones@example.org allows one, app off phones@example.org takes it back.", "apps zeigt, welche Apps Ihren Status setzen dürfen; app phones@example.org erlaubt eine, app aus phones@example.org nimmt es zurück."},
	"chat.use.badge":     {"badge on gives you a badge for web pages, badge off takes it away for good.", "abzeichen an gibt Ihnen ein Abzeichen für Webseiten, abzeichen aus nimmt es für immer weg."},
	"chat.use.profile":   {"timezone Europe/Berlin, language en, hours Mo-Fr 09:00-17:30, location Berlin; each with \"none\" to take it back.", "zeitzone Europe/Berlin, sprache de, arbeitszeit Mo-Fr 09:00-17:30, ort Berlin; jeweils mit „keine“, um es zurückzunehmen."},
	"chat.use.erase":     {"This erases everything stored about you, for good. Write \"erase yes\" if you want that.", "Damit wird alles gelöscht, was über Sie gespeichert ist, unwiderruflich. Schreiben Sie „löschen ja“, wenn Sie das möchten."},
}
