package text

// own are the commands about what is the user's own: whom she lets do more, her
// badge, and everything that is stored of her.
var own = map[Key]*phrase{
	"command.interruptions": {"Choose who may interrupt me", "Festlegen, wer mich stören darf"},
	"command.apps":          {"Choose which apps may set my state", "Festlegen, welche Apps meinen Status setzen dürfen"},
	"command.badge":         {"Have a badge for web pages and mail", "Ein Abzeichen für Webseiten und Mails haben"},
	"command.export":        {"Get everything stored about me", "Alles erhalten, was über mich gespeichert ist"},
	"command.erase":         {"Erase everything stored about me", "Alles löschen, was über mich gespeichert ist"},

	"form.interruptions": {
		"These people are told that they may reach you even while you ask not to be disturbed. They see no more of you than their level shows.",
		"Diese Personen erfahren, dass sie Sie auch dann erreichen dürfen, wenn Sie nicht gestört werden möchten. Sie sehen nicht mehr von Ihnen, als ihre Stufe zeigt.",
	},
	"form.interruptions.choices": {"Who may interrupt you", "Wer Sie stören darf"},
	"form.apps": {
		"An app, such as a telephone system, can say for a while that you are in a call or presenting. Only apps you add here may, besides your own programs and those of your operator.",
		"Eine App, etwa eine Telefonanlage, kann für eine Weile melden, dass Sie telefonieren oder etwas vorführen. Das dürfen nur Apps, die Sie hier hinzufügen, dazu Ihre eigenen Programme und die Ihres Betreibers.",
	},
	"form.apps.choices": {"Apps you allowed", "Apps, die Sie erlaubt haben"},
	"form.badge": {
		"A badge shows everybody who knows its address whether you are available, busy or away, and nothing else, whatever your levels say. The address cannot be guessed. If you take the badge away, its address is gone for good.",
		"Ein Abzeichen zeigt allen, die seine Adresse kennen, ob Sie verfügbar, beschäftigt oder abwesend sind, und sonst nichts, unabhängig von Ihren Stufen. Die Adresse lässt sich nicht erraten. Nehmen Sie das Abzeichen weg, ist seine Adresse für immer verloren.",
	},
	"form.export": {
		"What is stored about you does not fit into one answer. Please choose a part; together they are one JSON document.",
		"Was über Sie gespeichert ist, passt nicht in eine Antwort. Bitte wählen Sie einen Teil; zusammen sind sie ein JSON-Dokument.",
	},
	"form.erase": {
		"This erases your settings, your rules and everything else stored about you here, and ends the subscriptions of everybody who watches you. It cannot be undone. To pause instead, run the command \"Stop showing my availability\" (disable).",
		"Damit werden Ihre Einstellungen, Ihre Regeln und alles Übrige gelöscht, was hier über Sie gespeichert ist, und die Abonnements aller beendet, denen Sie gezeigt werden. Das lässt sich nicht rückgängig machen. Wollen Sie nur pausieren, führen Sie den Befehl „Meine Verfügbarkeit nicht mehr zeigen“ (disable) aus.",
	},

	"field.roll":        {"What to do", "Was möchten Sie tun"},
	"field.roll.desc":   {"See the list, add one to it, or take some off.", "Die Liste ansehen, etwas hinzufügen oder etwas entfernen."},
	"field.app":         {"Address of the app", "Adresse der App"},
	"field.app.desc":    {"The address the app asks from, such as phones@example.org. Your operator or the app tells it.", "Die Adresse, von der aus die App anfragt, etwa phones@example.org. Ihr Betreiber oder die App nennt sie."},
	"field.apps":        {"Apps", "Apps"},
	"field.person":      {"Address", "Adresse"},
	"field.person.desc": {"A person such as bob@example.org.", "Eine Person wie bob@example.org."},
	"field.people":      {"People", "Personen"},
	"field.badge":       {"I want a badge", "Ich möchte ein Abzeichen"},
	"field.badge.desc":  {"Take the mark away to be rid of it.", "Nehmen Sie die Markierung weg, um es loszuwerden."},
	"field.part":        {"Part", "Teil"},
	"field.part.desc":   {"Run the command once for each part.", "Führen Sie den Befehl für jeden Teil einmal aus."},
	"field.settings":    {"What is stored", "Was gespeichert ist"},
	"field.erase":       {"I want everything erased", "Ich möchte, dass alles gelöscht wird"},
	"field.erase.desc":  {"If you cancel instead, nothing changes.", "Wenn Sie stattdessen abbrechen, ändert sich nichts."},

	"option.roll.list":   {"Show the list", "Die Liste anzeigen"},
	"option.roll.add":    {"Add one", "Hinzufügen"},
	"option.roll.remove": {"Take some off", "Entfernen"},
	"option.part":        {"Part %s of %d", "Teil %s von %d"},

	"note.interruptions.none":    {"Nobody but the level Workgroup may interrupt you.", "Außer der Stufe Arbeitsgruppe darf Sie niemand stören."},
	"note.interruptions.added":   {"%s may interrupt you from now on.", "%s darf Sie ab jetzt stören."},
	"note.interruptions.removed": {"Taken off the list: %d.", "Von der Liste entfernt: %d."},
	"note.interruptions.list":    {"May interrupt you: %d.", "Dürfen Sie stören: %d."},
	"note.apps.none":             {"You have allowed no app to set your state.", "Sie haben keiner App erlaubt, Ihren Status zu setzen."},
	"note.apps.added":            {"%s may set your state from now on.", "%s darf ab jetzt Ihren Status setzen."},
	"note.apps.removed":          {"Apps that may set your state no longer: %d. What they said about you has ended.", "Apps, die Ihren Status nicht mehr setzen dürfen: %d. Was sie über Sie gemeldet haben, gilt nicht mehr."},
	"note.apps.list":             {"Apps that may set your state: %d.", "Apps, die Ihren Status setzen dürfen: %d."},
	"note.apps.claim":            {"\"%s\" until %s", "„%s“ bis %s"},
	"note.apps.claims":           {"%s: says now %s", "%s: meldet jetzt %s"},
	"note.apps.idle":             {"%s: says nothing now", "%s: meldet jetzt nichts"},
	"note.badge.on":              {"Your badge is /badge/%s.svg on the web address of this service, which your operator knows.", "Ihr Abzeichen ist /badge/%s.svg unter der Web-Adresse dieses Dienstes, die Ihr Betreiber kennt."},
	"note.badge.off":             {"You have no badge now.", "Sie haben jetzt kein Abzeichen."},
	"note.export":                {"This is what is stored about you (part %d of %d).", "Das ist über Sie gespeichert (Teil %d von %d)."},
	"note.erased":                {"Done. Nothing is stored about you any more.", "Erledigt. Über Sie ist nichts mehr gespeichert."},

	"error.app":      {"This cannot be an app. Please write the address it asks from, such as phones@example.org.", "Das kann keine App sein. Bitte die Adresse schreiben, von der aus sie anfragt, etwa phones@example.org."},
	"error.person":   {"Please write the address of another person, like bob@example.org.", "Bitte die Adresse einer anderen Person schreiben, wie bob@example.org."},
	"error.activity": {"This is not known here. Please choose from the list.", "Das ist hier nicht bekannt. Bitte aus der Liste wählen."},
}

// later are the words for what begins or ends by itself.
var later = map[Key]*phrase{
	"field.from":       {"Starting", "Ab"},
	"field.from.desc":  {"Empty means now. Otherwise a time such as 14:00 or \"Friday 9:00\", or a date and time.", "Leer bedeutet jetzt. Sonst eine Zeit wie 14:00 oder „Freitag 9:00“ oder Datum und Uhrzeit."},
	"field.leveluntil": {"Until", "Bis"},
	"field.leveluntil.desc": {
		"Empty means until you change it. Otherwise a time such as 18:00, a day such as Friday, or a date: afterwards everything is as it was before.",
		"Leer bedeutet, bis Sie es ändern. Sonst eine Zeit wie 18:00, ein Tag wie Freitag oder ein Datum: Danach ist alles wieder wie zuvor.",
	},
	"field.clear":           {"What to clear", "Was aufgehoben wird"},
	"form.clear-state":      {"You have set states for later. Please choose what to clear.", "Sie haben Zustände für später festgelegt. Bitte wählen Sie, was aufgehoben wird."},
	"form.clear.choices":    {"What you have set", "Was Sie festgelegt haben"},
	"option.clear.now":      {"What counts now", "Was jetzt gilt"},
	"option.clear.later":    {"%s from %s", "%s ab %s"},
	"note.state.planned":    {"You will be shown as \"%s\" from %s on.", "Sie werden ab %[2]s als „%[1]s“ gezeigt."},
	"note.state.plannedfor": {"You will be shown as \"%s\" from %s until %s.", "Sie werden von %[2]s bis %[3]s als „%[1]s“ gezeigt."},
	"note.state.cancelled":  {"States for later that were cleared: %d.", "Aufgehobene Zustände für später: %d."},
	"note.rule.timed":       {"The rule is in force. %s: level %s until %s, and then as before.", "Die Regel gilt. %s: Stufe %s bis %s, danach wie zuvor."},
	"error.far":             {"This is more than a year away. Please write an earlier time.", "Das ist länger als ein Jahr hin. Bitte eine frühere Zeit angeben."},
	"error.until":           {"Please write a time within a year, or nothing.", "Bitte eine Zeit innerhalb eines Jahres schreiben oder nichts."},
}
