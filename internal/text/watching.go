package text

// watching is what the command "watchers" says.
var watching = map[Key]*phrase{
	"command.view-as":  {"See myself as somebody else does", "Mich sehen, wie jemand anderes mich sieht"},
	"command.explain":  {"Explain why somebody sees me as they do", "Erklären, warum mich jemand so sieht"},
	"command.watchers": {"See who watches me, and end it", "Sehen, wer mich beobachtet, und das beenden"},

	"form.view-as": {"This shows what that person's program is told now, and no more.", "Hier steht, was das Programm dieser Person jetzt erfährt, und nicht mehr."},
	"form.explain": {"This tells why that person sees you as they do. They are not told that you ask.", "Hier steht, warum diese Person Sie so sieht. Sie erfährt nicht, dass Sie fragen."},
	"form.watchers": {
		"See who has added you here, who has asked, and who else may look. Or end it for some of those who have added you.",
		"Sehen Sie, wer Sie hier hinzugefügt hat, wer angefragt hat und wer sonst noch nachsehen darf. Oder beenden Sie es für einige, die Sie hinzugefügt haben.",
	},
	"form.revoke": {
		"Choose whose subscription ends. They are told that it has ended. Whoever your rules admit may add you again; to prevent that, block them.",
		"Wählen Sie, wessen Abonnement endet. Die Person erfährt, dass es beendet ist. Wen Ihre Regeln zulassen, der kann Sie wieder hinzufügen; um das zu verhindern, blockieren Sie die Person.",
	},
	"form.revoke.choices": {"Who has added you", "Wer Sie hinzugefügt hat"},

	"field.look":          {"Whose view", "Wessen Sicht"},
	"field.look.desc":     {"The address of a person such as bob@example.org.", "Die Adresse einer Person wie bob@example.org."},
	"field.watching":      {"What to do", "Was möchten Sie tun"},
	"field.watching.desc": {"See the list, or end it for some.", "Die Liste ansehen oder es für einige beenden."},
	"field.watchers":      {"Who has added you", "Wer Sie hinzugefügt hat"},
	"field.watchers.desc": {"You can choose several.", "Sie können mehrere wählen."},
	"field.standing":      {"How", "Wie"},

	"option.watching.list":   {"Show the list", "Liste anzeigen"},
	"option.watching.revoke": {"End it for some", "Für einige beenden"},

	"watch.accepted": {"has added you", "hat Sie hinzugefügt"},
	"watch.pending":  {"has asked you", "hat bei Ihnen angefragt"},
	"watch.refused":  {"has asked, you did not agree", "hat angefragt, Sie haben nicht zugestimmt"},
	"watch.withdrew": {"has asked and taken it back", "hat angefragt und es zurückgenommen"},
	"watch.may":      {"may look", "darf nachsehen"},
	"watch.maynot":   {"sees nothing", "sieht nichts"},
	"watch.line":     {"%s – %s, level %s", "%s – %s, Stufe %s"},
	"watch.rule":     {"rule", "Regel"},

	"note.watchers":      {"People: %d, rules about more people: %d.", "Personen: %d, Regeln über weitere Personen: %d."},
	"note.watchers.none": {"Nobody watches you here, and your rules let nobody look.", "Niemand beobachtet Sie hier, und Ihre Regeln lassen niemanden nachsehen."},
	"note.revoke.none":   {"Nobody has added you here.", "Niemand hat Sie hier hinzugefügt."},
	"note.revoked":       {"Ended for: %d.", "Beendet für: %d."},
}
