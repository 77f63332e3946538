package text

// calendars are what the command about calendars says.
var calendars = map[Key]*phrase{
	"command.calendar": {"Connect my calendars", "Meine Kalender verbinden"},

	"form.calendar": {
		"While your calendar has a meeting, others see you in a meeting; when it ends, that ends.",
		"Während Ihr Kalender eine Besprechung enthält, sehen andere Sie in einer Besprechung; endet sie, endet auch das.",
	},
	"form.calendar.add": {
		"Address and password are kept encrypted. Only people whose level shows it see more of your calendar than when you are busy; of private events nobody does.",
		"Adresse und Passwort werden verschlüsselt aufbewahrt. Mehr von Ihrem Kalender als Ihre belegten Zeiten sehen nur Personen, deren Stufe das zeigt; von privaten Terminen niemand.",
	},
	"form.calendar.pick": {"Choose from your calendars.", "Bitte aus Ihren Kalendern wählen."},

	"field.calendar.action":        {"What to do", "Was möchten Sie tun"},
	"field.calendar.action.desc":   {"See your calendars, add one, try one, or remove some.", "Ihre Kalender ansehen, einen hinzufügen, einen ausprobieren oder einige entfernen."},
	"field.calendar.name":          {"Name", "Name"},
	"field.calendar.name.desc":     {"What you call it, in at most 64 characters. Empty means by the name of its server.", "Wie Sie ihn nennen, mit höchstens 64 Zeichen. Leer bedeutet nach dem Namen seines Servers."},
	"field.calendar.kind":          {"Kind", "Art"},
	"field.calendar.kind.desc":     {"How the calendar is offered.", "Wie der Kalender angeboten wird."},
	"field.calendar.url":           {"Address", "Adresse"},
	"field.calendar.url.desc":      {"Copy it from the settings of your calendar. It begins with https:// or webcal://.", "Kopieren Sie sie aus den Einstellungen Ihres Kalenders. Sie beginnt mit https:// oder webcal://."},
	"field.calendar.username":      {"User name", "Benutzername"},
	"field.calendar.username.desc": {"Leave it empty where the address is enough.", "Leer lassen, wo die Adresse genügt."},
	"field.calendar.password":      {"Password", "Passwort"},
	"field.calendar.password.desc": {"If your calendar can make app passwords, use one.", "Kann Ihr Kalender App-Passwörter erzeugen, nehmen Sie eines davon."},
	"field.calendar.which":         {"Calendar", "Kalender"},
	"field.calendar.which.desc":    {"Which one is meant.", "Welcher gemeint ist."},
	"field.calendar.read":          {"Last read", "Zuletzt gelesen"},

	"option.calendar.list":      {"Show my calendars", "Meine Kalender anzeigen"},
	"option.calendar.add":       {"Add a calendar", "Einen Kalender hinzufügen"},
	"option.calendar.test":      {"Try a calendar", "Einen Kalender ausprobieren"},
	"option.calendar.remove":    {"Remove calendars", "Kalender entfernen"},
	"option.calendar.refuse":    {"No calendar of my organisation", "Ohne den Kalender meiner Organisation"},
	"option.calendar.accept":    {"My organisation's calendar again", "Wieder den Kalender meiner Organisation"},
	"option.calendar.publish":   {"Show all my contacts what I do", "Allen Kontakten zeigen, was ich tue"},
	"option.calendar.unpublish": {"Do not show all of them what I do", "Nicht mehr allen zeigen, was ich tue"},
	"option.calendar.ics":       {"A calendar file (ICS, webcal)", "Eine Kalenderdatei (ICS, webcal)"},
	"option.calendar.caldav":    {"A calendar server (CalDAV)", "Ein Kalenderserver (CalDAV)"},
	"option.calendar.one":       {"%s (%s)", "%s (%s)"},
	"option.calendar.one.read":  {"%s (%s), last read %s", "%s (%s), zuletzt gelesen %s"},
	"option.calendar.site":      {"The calendar of your organisation: %s, last read %s", "Der Kalender Ihrer Organisation: %s, zuletzt gelesen %s"},

	"note.calendar.none":     {"You have added no calendar.", "Sie haben keinen Kalender hinzugefügt."},
	"note.calendar.how":      {"To add one, run this command again and choose \"Add a calendar\".", "Um einen hinzuzufügen, führen Sie diesen Befehl noch einmal aus und wählen „Einen Kalender hinzufügen“."},
	"note.calendar.list":     {"Calendars: %d.", "Kalender: %d."},
	"note.calendar.refused":  {"The calendar of your organisation is not used.", "Der Kalender Ihrer Organisation wird nicht verwendet."},
	"note.calendar.accepted": {"The calendar of your organisation is used from its next reading on.", "Der Kalender Ihrer Organisation wird ab dem nächsten Lesen verwendet."},
	"note.calendar.added":    {"The calendar \"%s\" is added. %s", "Der Kalender „%s“ ist hinzugefügt. %s"},
	"note.calendar.removed":  {"Calendars removed: %d. Nothing of them is shown or kept any more.", "Entfernte Kalender: %d. Von ihnen wird nichts mehr gezeigt oder aufbewahrt."},
	"note.calendar.empty":    {"It can be read. It shows no meeting in the next two days.", "Er ist lesbar. In den nächsten zwei Tagen zeigt er keine Besprechung."},
	"note.calendar.works": {
		"It can be read. Meetings in the next two days: %d, the first from %s until %s.",
		"Er ist lesbar. Besprechungen in den nächsten zwei Tagen: %d, die erste von %s bis %s.",
	},

	"note.calendar.published": {
		"Your server shows all your contacts what you do, such as \"In a meeting\", as long as every one of them may see it.",
		"Ihr Server zeigt allen Ihren Kontakten, was Sie tun, etwa „In einer Besprechung“, solange jeder von ihnen das sehen darf.",
	},
	"note.calendar.unpublished": {"Your server does not show your contacts any more what you do.", "Ihr Server zeigt Ihren Kontakten nicht mehr, was Sie tun."},
	"note.calendar.publishing":  {"Your server shows all your contacts what you do.", "Ihr Server zeigt allen Ihren Kontakten, was Sie tun."},
	"note.calendar.held":        {"At the moment it shows nothing. %s", "Im Augenblick zeigt er nichts. %s"},

	"error.calendar.publish.server": {
		"Your server does not let this service show your contacts what you do. Your operator can allow it.",
		"Ihr Server lässt diesen Dienst Ihren Kontakten nicht zeigen, was Sie tun. Ihr Betreiber kann das erlauben.",
	},
	"error.calendar.publish.roster": {
		"Who your contacts are cannot be read here, and so not to whom your server would show what you do.",
		"Wer Ihre Kontakte sind, ist hier nicht lesbar, und damit auch nicht, wem Ihr Server zeigen würde, was Sie tun.",
	},
	"error.calendar.publish.contact": {
		"%s is a contact of yours who may not see what you do, and your server would show it to all your contacts. Change the level, or remove the contact.",
		"%s gehört zu Ihren Kontakten und darf nicht sehen, was Sie tun; Ihr Server würde es aber allen Kontakten zeigen. Ändern Sie die Stufe, oder entfernen Sie den Kontakt.",
	},

	"error.calendar.key": {
		"Calendars cannot be added here, because there is no key to keep their addresses and passwords encrypted. Please ask your operator to set calendar.key_file.",
		"Kalender können hier nicht hinzugefügt werden, weil ein Schlüssel fehlt, mit dem Adressen und Passwörter verschlüsselt aufbewahrt werden. Bitte Ihren Betreiber, calendar.key_file zu setzen.",
	},
	"error.calendar.url":          {"This is not the address of a calendar. It begins with https://, holds no password, and is copied from the settings of your calendar.", "Das ist keine Adresse eines Kalenders. Sie beginnt mit https://, enthält kein Passwort und steht in den Einstellungen Ihres Kalenders."},
	"error.calendar.name":         {"Please write one line of at most 64 characters.", "Bitte eine Zeile mit höchstens 64 Zeichen schreiben."},
	"error.calendar.username":     {"Please write whom to sign in as, in at most 256 characters, or leave out the password.", "Bitte angeben, unter welchem Namen angemeldet wird, mit höchstens 256 Zeichen, oder das Passwort weglassen."},
	"error.calendar.password":     {"This is too long for a password. Please write at most 256 characters.", "Das ist für ein Passwort zu lang. Bitte höchstens 256 Zeichen schreiben."},
	"error.calendar.unreachable":  {"The server of the calendar does not answer. Please check the address, or try again later.", "Der Server des Kalenders antwortet nicht. Bitte die Adresse prüfen oder es später noch einmal versuchen."},
	"error.calendar.tls":          {"The server of the calendar cannot prove who it is. Please check the address.", "Der Server des Kalenders kann nicht belegen, wer er ist. Bitte die Adresse prüfen."},
	"error.calendar.unauthorized": {"The server did not accept the user name and the password. Some need a password made for apps.", "Der Server hat Benutzername und Passwort nicht angenommen. Manche verlangen ein eigenes Passwort für Apps."},
	"error.calendar.forbidden":    {"The server does not let you read that calendar. Please use another user name, or ask whoever keeps the calendar to share it with you.", "Der Server lässt Sie diesen Kalender nicht lesen. Bitte einen anderen Benutzernamen verwenden oder darum bitten, dass der Kalender für Sie freigegeben wird."},
	"error.calendar.gone":         {"There is no calendar at that address. Please copy the address once more from the settings of your calendar.", "Unter dieser Adresse gibt es keinen Kalender. Bitte die Adresse noch einmal aus den Einstellungen Ihres Kalenders kopieren."},
	"error.calendar.busy":         {"The server of the calendar is too busy. Please try again later.", "Der Server des Kalenders ist überlastet. Bitte später noch einmal versuchen."},
	"error.calendar.malformed":    {"What is at that address cannot be read as a calendar. Please copy the address of the calendar itself, not that of a page that shows it.", "Was unter dieser Adresse steht, ist nicht als Kalender lesbar. Bitte die Adresse des Kalenders selbst kopieren, nicht die einer Seite, die ihn zeigt."},
	"error.calendar.large":        {"The calendar is too large. Please offer a shorter part of it, such as the coming months; its settings can do that with many servers.", "Der Kalender ist zu groß. Bitte einen kürzeren Teil anbieten, etwa die nächsten Monate; bei vielen Servern geht das in den Einstellungen."},
	"error.calendar.private":      {"This address cannot be asked from here. Please use the public address of your calendar.", "Diese Adresse kann von hier aus nicht gefragt werden. Bitte die öffentliche Adresse Ihres Kalenders verwenden."},
	"error.calendar.broken":       {"The server of the calendar reports a failure of its own. Please try again later.", "Der Server des Kalenders meldet einen eigenen Fehler. Bitte später noch einmal versuchen."},
	"error.calendar.many":         {"Too many calendars are being tried at the moment. Please try again in a moment.", "Im Augenblick werden zu viele Kalender ausprobiert. Bitte gleich noch einmal versuchen."},
	"error.calendar.sealed":       {"What is kept of this calendar cannot be decrypted any more. Please remove it and add it again.", "Was von diesem Kalender aufbewahrt wird, ist nicht mehr zu entschlüsseln. Bitte entfernen und neu hinzufügen."},
	"error.calendar.kind":         {"Calendars of this kind are not read here. Please choose a calendar file or a calendar server.", "Kalender dieser Art werden hier nicht gelesen. Bitte eine Kalenderdatei oder einen Kalenderserver wählen."},
}
