package text

// notes are what a command ends in when it was done.
var notes = map[Key]*phrase{
	"note.nothing": {"It already was so; nothing had to be changed.", "Das war schon so; es musste nichts geändert werden."},
	"note.enabled": {
		"Done. Whoever adds %s to their contacts now sees what their level shows.",
		"Erledigt. Wer %s zu seinen Kontakten hinzufügt, sieht nun, was seine Stufe zeigt.",
	},
	"note.disabled": {
		"Done. From now on you look offline to everybody here. Nobody is told. Your settings are kept in case you come back.",
		"Erledigt. Ab jetzt erscheinen Sie hier für alle offline. Niemand wird benachrichtigt. Ihre Einstellungen bleiben erhalten, falls Sie wiederkommen.",
	},
	"note.state.shown":      {"You are now shown as \"%s\".", "Sie werden nun als „%s“ gezeigt."},
	"note.state.shownuntil": {"You are now shown as \"%s\" until %s.", "Sie werden nun als „%s“ gezeigt, bis %s."},
	"note.state.set":        {"Your state is set to \"%s\".", "Ihr Status ist auf „%s“ gesetzt."},
	"note.state.setuntil":   {"Your state is set to \"%s\" until %s.", "Ihr Status ist auf „%s“ gesetzt, bis %s."},
	"note.state.day":        {"This ends by itself after 24 hours.", "Das endet nach 24 Stunden von selbst."},
	"note.state.week":       {"This ends by itself after 7 days.", "Das endet nach 7 Tagen von selbst."},
	"note.state.cleared":    {"Your devices, calendar and apps decide again what is shown.", "Ihre Geräte, Ihr Kalender und Ihre Apps entscheiden wieder, was gezeigt wird."},
	"note.note.set":         {"Your note is set.", "Ihre Notiz ist gesetzt."},
	"note.note.removed":     {"You have no note now.", "Sie haben jetzt keine Notiz."},
	"note.office.now":       {"Your out-of-office period is set until you end it.", "Ihre Abwesenheit ist eingetragen, bis Sie sie beenden."},
	"note.office.until":     {"Your out-of-office period is set until %s.", "Ihre Abwesenheit ist eingetragen bis %s."},
	"note.office.from":      {"Your out-of-office period is set from %s until you end it.", "Ihre Abwesenheit ist ab %s eingetragen, bis Sie sie beenden."},
	"note.office.period":    {"Your out-of-office period is set from %s until %s.", "Ihre Abwesenheit ist eingetragen von %s bis %s."},
	"note.office.seen": {
		"While you are away or offline in that time, people whose level allows it see \"%s\".",
		"Während Sie in dieser Zeit abwesend oder offline sind, sehen Personen, deren Stufe das erlaubt, „%s“.",
	},
	"note.office.seennote": {
		"While you are away or offline in that time, people whose level allows it see \"%s\" and your note.",
		"Während Sie in dieser Zeit abwesend oder offline sind, sehen Personen, deren Stufe das erlaubt, „%s“ und Ihre Notiz.",
	},
	"note.office.ended":    {"Your out-of-office period is over.", "Ihre Abwesenheit ist beendet."},
	"note.profile.set":     {"Your profile is set. People whose level allows it see it.", "Ihr Profil ist gesetzt. Personen, deren Stufe das erlaubt, sehen es."},
	"note.profile.removed": {"Your profile is empty now.", "Ihr Profil ist jetzt leer."},
	"note.rule.put":        {"The rule is in force. %s: level %s.", "Die Regel gilt. %s: Stufe %s."},
	"note.rules.none":      {"You have no rules. Only people you approve see anything.", "Sie haben keine Regeln. Nur wem Sie zustimmen, der sieht etwas."},
	"note.rules.list":      {"Rules: %d.", "Regeln: %d."},
	"note.rules.removed":   {"Rules removed: %d.", "Entfernte Regeln: %d."},
	"note.cell.shown":      {"The level %s now shows: %s.", "Die Stufe %s zeigt jetzt: %s."},
	"note.cell.hidden":     {"The level %s no longer shows: %s.", "Die Stufe %s zeigt nicht mehr: %s."},
	"note.cell.table":      {"In the level %s it is again as usual: %s.", "In der Stufe %s ist es wieder wie üblich: %s."},
	"note.blocked":         {"%s now always sees you offline here.", "%s sieht Sie hier ab jetzt immer offline."},
	"note.blocked.domain":  {"Everybody at %s now always sees you offline here.", "Alle bei %s sehen Sie hier ab jetzt immer offline."},
	"note.unblocked": {
		"The block is gone. What these people see is decided by your other rules.",
		"Die Blockierung ist aufgehoben. Was diese Personen sehen, bestimmen Ihre anderen Regeln.",
	},
	"note.nobody.blocked": {"You have blocked nobody.", "Sie haben niemanden blockiert."},
	"note.nobody.asks":    {"Nobody is waiting for an answer.", "Niemand wartet auf eine Antwort."},
	"note.approved":       {"Approved: %d. They now see what their level shows.", "Zugestimmt: %d. Diese Personen sehen nun, was ihre Stufe zeigt."},
	"note.refused":        {"Refused: %d. They are not told.", "Abgelehnt: %d. Diese Personen erfahren das nicht."},
	"note.mode.on":        {"From now on only your contacts and the people and groups you made rules for see you.", "Ab jetzt sind Sie nur für Ihre Kontakte sichtbar sowie für Personen und Gruppen, für die Sie Regeln haben."},
	"note.mode.off":       {"From now on all your rules count again.", "Ab jetzt gelten wieder alle Ihre Regeln."},

	"note.advice.link":        {"Your note holds a link; please make sure that you want to share it.", "Ihre Notiz enthält einen Link; prüfen Sie bitte, ob Sie ihn teilen möchten."},
	"note.advice.neutralised": {"The link in it was changed so that nobody opens it by accident.", "Der Link darin wurde so geändert, dass ihn niemand aus Versehen öffnet."},
	"note.advice.consent": {
		"Your chat program now asks whether this service may see when you are online. Please accept, or you will be shown as offline.",
		"Ihr Chat-Programm fragt nun, ob dieser Dienst sehen darf, wann Sie online sind. Bitte stimmen Sie zu, sonst erscheinen Sie offline.",
	},
	"note.import.none": {
		"The lists on your chat server hide you from nobody whom your rules would show you to.",
		"Die Listen auf Ihrem Chat-Server verbergen Sie vor niemandem, der Sie nach Ihren Regeln sehen würde.",
	},
	"note.import.done": {
		"Rules added: %d. The lists on your chat server stay as they are and go on to apply until you remove them there.",
		"Hinzugefügte Regeln: %d. Die Listen auf Ihrem Chat-Server bleiben, wie sie sind, und gelten weiter, bis Sie sie dort entfernen.",
	},
	"note.advice.server": {
		"Your chat server did not do it as well. Please do it there with your chat program.",
		"Ihr Chat-Server hat das nicht auch getan. Bitte tun Sie es dort mit Ihrem Chat-Programm.",
	},
	"note.advice.native": {
		"This person is also in your own contact list, so your chat server still tells them when you are online. To prevent that, block them in your chat program too.",
		"Diese Person steht auch in Ihrer eigenen Kontaktliste; Ihr Chat-Server teilt ihr also weiterhin mit, wann Sie online sind. Um das zu verhindern, blockieren Sie sie auch in Ihrem Chat-Programm.",
	},
	"note.advice.nodevice":  {"None of your devices is online, so you still look offline.", "Keines Ihrer Geräte ist online, deshalb erscheinen Sie noch offline."},
	"note.advice.beaten":    {"At the moment something else goes first, such as a device set to do not disturb or a call.", "Im Moment geht etwas anderes vor, etwa ein auf „nicht stören“ gestelltes Gerät oder ein Anruf."},
	"note.advice.outranked": {"For this person something else decides at the moment: another rule of yours, a block, or your operator.", "Für diese Person entscheidet zurzeit etwas anderes: eine andere Ihrer Regeln, eine Blockierung oder Ihr Betreiber."},
	"note.advice.roster":    {"Your contact list has not been read yet; the rule counts as soon as it has.", "Ihre Kontaktliste wurde noch nicht gelesen; die Regel gilt, sobald das geschehen ist."},
	"note.advice.ceiling":   {"Your operator does not allow that at present, so it is not shown.", "Ihr Betreiber erlaubt das zurzeit nicht, es wird also nicht gezeigt."},

	"register.offer": {
		"Register to let this service show others whether you are available. In your organisation and among your contacts, people then see whether you are available, busy or away; colleagues also see what you are doing, your phone at work and your notes. Anybody else has to ask you. The command \"Start showing my availability\" (enable) tells in detail who sees what.",
		"Registrieren Sie sich, damit dieser Dienst anderen zeigt, ob Sie verfügbar sind. In Ihrer Organisation und unter Ihren Kontakten ist dann zu sehen, ob Sie verfügbar, beschäftigt oder abwesend sind; Kollegen sehen auch, was Sie tun, Ihr Diensttelefon und Ihre Notizen. Alle anderen müssen bei Ihnen anfragen. Der Befehl „Meine Verfügbarkeit zeigen“ (enable) sagt genau, wer was sieht.",
	},
	"register.done": {
		"You are registered. If you remove the registration, you look offline to everybody here, and nobody is told.",
		"Sie sind registriert. Wenn Sie die Registrierung entfernen, erscheinen Sie hier für alle offline, und niemand wird benachrichtigt.",
	},
	"register.none": {"You are not registered here.", "Sie sind hier nicht registriert."},
	"register.bad":  {"This registration cannot be read. Please try again.", "Diese Registrierung ist nicht lesbar. Bitte versuchen Sie es noch einmal."},
}
