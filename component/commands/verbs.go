package commands

import (
	"slices"
	"strings"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/privacy"
)

// verbs are what can be said, in English and German. Each command has at least one.
var verbs = []verb{
	{node: "enable", words: []string{"enable", "anmelden", "aktivieren"}, usage: "chat.use.enable", open: true, do: sayEnable},
	{node: "disable", words: []string{"disable", "abmelden", "deaktivieren"}, usage: "chat.use.disable", do: says("disable")},
	{node: "set-state", words: []string{"status", "state", "set-state", "zustand"}, usage: "chat.use.state", do: sayState},
	{node: "clear-state", words: []string{"clear", "auto", "automatic", "normal", "clear-state", "aufheben", "automatisch"}, usage: "chat.use.clear", do: sayClear},
	{node: "note", words: []string{"note", "notiz", "message", "msg"}, usage: "chat.use.note", do: sayNote},
	{node: "out-of-office", words: []string{"out-of-office", "ooo", "oof", "vacation", "holiday", "urlaub", "abwesenheit"}, usage: "chat.use.office", do: sayOffice},
	{node: "calendar", words: []string{"calendar", "calendars", "kalender"}, usage: "chat.use.calendar", do: sayCalendar},
	{node: "levels", words: []string{"level", "levels", "stufe", "stufen", "rules", "regeln"}, usage: "chat.use.level", do: sayLevel},
	{node: "block", words: []string{"block", "blockieren", "blockiere"}, usage: "chat.use.block", do: saysWho("block")},
	{node: "unblock", words: []string{"unblock", "freigeben", "entblocken"}, usage: "chat.use.unblock", do: saysWho("unblock")},
	{node: "requests", words: []string{"requests", "request", "anfragen", "anfrage"}, usage: "chat.use.requests", do: sayRequests},
	{node: "requests", words: []string{"approve", "accept", "allow", "yes", "ja", "zustimmen", "annehmen"}, usage: "chat.use.approve", do: sayApprove},
	{node: "requests", words: []string{"refuse", "deny", "reject", "no", "nein", "ablehnen"}, usage: "chat.use.refuse", do: sayRefuse},
	{node: "watchers", words: []string{"who", "watchers", "wer"}, usage: "chat.use.who", do: sayWho},
	{node: "explain", words: []string{"why", "explain", "warum", "wieso", "weshalb"}, usage: "chat.use.why", do: saysWho("explain")},
	{node: "view-as", words: []string{"view", "view-as", "viewas", "as", "als", "ansicht"}, usage: "chat.use.view", do: saysWho("view-as")},
	{node: "privacy-mode", words: []string{"privacy", "privacy-mode", "privat"}, usage: "chat.use.privacy", do: saysSwitch("privacy-mode")},
	{node: "interruptions", words: []string{"interrupt", "interruptions", "priority", "stören", "stoeren"}, usage: "chat.use.interrupt", do: saysRoll("interruptions")},
	{node: "apps", words: []string{"app", "apps"}, usage: "chat.use.app", do: saysRoll("apps")},
	{node: "badge", words: []string{"badge", "abzeichen"}, usage: "chat.use.badge", do: saysSwitch("badge")},
	{node: "profile", words: []string{"timezone", "zone", "zeitzone"}, usage: "chat.use.profile", do: saysField("timezone")},
	{node: "profile", words: []string{"language", "lang", "sprache"}, usage: "chat.use.profile", do: saysField("language")},
	{node: "profile", words: []string{"hours", "arbeitszeit", "arbeitszeiten"}, usage: "chat.use.profile", do: saysField("hours")},
	{node: "profile", words: []string{"location", "place", "ort"}, usage: "chat.use.profile", do: saysField("location")},
	{node: "erase", words: []string{"erase", "löschen", "loeschen"}, open: true, usage: "chat.use.erase", do: sayErase},
	{node: "export", words: []string{"export"}, open: true, usage: "chat.use.export", do: says("export")},
}

// says is a command that needs no more words.
func says(node string) func(*run, string) string {
	return func(r *run, _ string) string { return r.execute(node) }
}

// confirmed reports whether somebody says yes.
func confirmed(s string) bool {
	switch strings.ToLower(bare(s)) {
	case "yes", "ja", "ok", "confirm":
		return true
	}
	return false
}

// off reports whether somebody wants to be rid of something.
func off(s string) bool {
	switch strings.ToLower(bare(s)) {
	case "off", "aus", "none", "no", "nein", "keine", "nothing", "nichts", "remove", "delete", "erase", "löschen", "loeschen", "entfernen", "leer", "empty", "clear", "end", "over", "weg", "ende", "back", "zurück", "0", "-", "":
		return true
	}
	return false
}

// on reports whether somebody wants to have something.
func on(s string) bool {
	switch strings.ToLower(bare(s)) {
	case "on", "an", "ein", "yes", "ja", "1":
		return true
	}
	return false
}

// isHelp reports whether a first word asks what there is.
func isHelp(first string) bool {
	switch first {
	case "help", "hilfe", "?", "commands", "befehle", "hi", "hello", "hallo", "hey", "good", "guten", "moin", "what", "was":
		return true
	}
	return false
}

// help lists what can be said, or tells about one.
func (r *run) help(rest string) string {
	about, _ := firstWord(clean(rest))
	if _, _, ok := r.stateSaid(rest); ok {
		return r.t("chat.use.state")
	}
	for _, v := range verbs {
		if v.node == about || slices.Contains(v.words, about) {
			return r.t(v.usage)
		}
	}
	if !r.have.Enabled {
		return r.t("chat.help.stranger") + "\n" + r.t("chat.help.more")
	}
	return r.t("chat.help") + "\n" + r.t("chat.help.more")
}

func sayEnable(r *run, rest string) string {
	if r.have.Enabled {
		return r.t("note.nothing")
	}
	if !confirmed(rest) {
		return r.t("chat.enable")
	}
	return r.execute("enable", "confirm", "1")
}

func sayErase(r *run, rest string) string {
	if !confirmed(rest) {
		return r.t("chat.use.erase")
	}
	return r.execute("erase", "confirm", "1")
}

// sayClear is about what counts now; what was set for later stays.
func sayClear(r *run, _ string) string { return r.execute("clear-state", "clear", clearNow) }

func sayNote(r *run, rest string) string {
	switch {
	case rest == "" && r.have.Note != "":
		return r.t("chat.note.is", r.have.Note)
	case rest == "":
		return r.t("chat.use.note")
	case off(rest) && strings.ToLower(bare(rest)) != "back":
		return r.execute("note", "text", "")
	}
	return r.execute("note", "text", unquoted(rest))
}

// unquoted takes off the quotes that a text stands in as a whole.
func unquoted(s string) string {
	for _, q := range [...][2]string{{`"`, `"`}, {"'", "'"}, {"„", "“"}, {"“", "”"}} {
		inner, open := strings.CutPrefix(s, q[0])
		inner, closed := strings.CutSuffix(inner, q[1])
		if open && closed && inner != "" && !strings.Contains(inner, q[0]) {
			return inner
		}
	}
	return s
}

// sayOffice takes "until Friday: Back on Monday"; the note stands behind a colon
// with a blank, so that times keep theirs.
func sayOffice(r *run, rest string) string {
	if rest == "" {
		return r.t("chat.use.office")
	}
	if off(rest) {
		return r.execute("out-of-office", "on", "0")
	}
	times, told, _ := strings.Cut(rest, ": ")
	told = strings.TrimSpace(told)
	if on(times) {
		times = ""
	}
	from, until := saidTimes(times)
	fields := []string{"on", "1", "note", told}
	if from != "" {
		fields = append(fields, "start", from)
	}
	if until != "" {
		fields = append(fields, "end", until)
	}
	return r.execute("out-of-office", fields...)
}

// sayLevel takes "bob@example.org team until Friday", or the names of fields.
func sayLevel(r *run, rest string) string {
	who, rest, _ := strings.Cut(rest, " ")
	who, rest = bare(who), strings.TrimSpace(rest)
	if who == "" || who == "list" || who == "liste" {
		return r.execute("levels", "action", "list")
	}
	if rest == "" && off(who) {
		return r.t(r.usage)
	}
	plain, below := strings.CutPrefix(who, "*.") // all below a domain
	jid, wrong := r.person(plain)
	switch {
	case below && r.valueFault(privacy.Rule{Type: privacy.RuleDomain, Value: who}) != "":
		return r.t("error.value.domain")
	case below && rest == "":
		return r.t(r.usage)
	case below:
		jid = who
	case wrong != "":
		return wrong
	}
	if rest == "" {
		return r.execute("explain", "jid", jid)
	}
	a, _ := presence.ParseAddr(jid) // person has read it
	rule := privacy.Rule{Type: privacy.RuleUser, Value: jid}
	if below || a.Local() == "" {
		rule.Type = privacy.RuleDomain
	}
	if off(rest) {
		return r.unlevel(rule)
	}
	id, times, ok := r.levelSaid(rest)
	if !ok {
		return r.t("chat.levels", strings.Join(r.levelNames(), ", "))
	}
	rule.Container = id
	if key := r.valueFault(rule); key != "" {
		return r.t(key)
	}
	c := engine.SetLevel{Rule: rule}
	done := r.t("note.rule.put", r.matches(rule), r.level(id))
	if times = strings.Trim(times, ",;!?\"'“”„ "); times != "" {
		until, ok := parseWhen(times, r.now, r.zone(), true)
		switch {
		case !ok:
			return r.t("error.when")
		case !until.After(r.now):
			return r.t("error.past")
		}
		c.Until = until
		done = r.t("note.rule.timed", r.matches(rule), r.level(id), text.Moment(r.lang, until, r.now, r.zone()))
	}
	return r.finish(one(c, done))
}

// unlevel removes every rule about just that person or domain.
func (r *run) unlevel(about privacy.Rule) string {
	var p plan
	for _, rule := range r.rules() {
		if rule.Type == about.Type && (rule.Value == about.Value || sameAddress(rule.Value, about.Value)) {
			p.changes = append(p.changes, engine.RemoveRule{Rule: rule.Rule})
		}
	}
	if p.changes == nil {
		return r.t("note.nothing")
	}
	p.done = r.t("note.rules.removed", len(p.changes))
	return r.finish(p)
}

// saysWho is a command about one person.
func saysWho(node string) func(*run, string) string {
	return func(r *run, rest string) string {
		jid, wrong := r.person(strings.TrimSuffix(firstPerson(rest), "?"))
		if wrong != "" {
			return wrong
		}
		return r.execute(node, "jid", jid)
	}
}

// firstPerson leaves out what stands before an address in a sentence: "why does
// bob@example.org see me so?".
func firstPerson(s string) string {
	words := strings.Fields(s)
	for _, w := range words {
		if strings.Contains(w, "@") {
			return w
		}
	}
	for len(words) > 1 && (fillers[strings.ToLower(words[0])] || askers[strings.ToLower(words[0])]) {
		words = words[1:]
	}
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// askers are words of questions.
var askers = map[string]bool{
	"does": true, "do": true, "is": true, "can": true, "as": true, "me": true, "sieht": true, "darf": true, "kann": true, "als": true, "wie": true, "how": true,
}

func sayRequests(r *run, _ string) string {
	if len(r.have.Requests) == 0 {
		return r.t("note.nobody.asks")
	}
	names := make([]string, len(r.have.Requests))
	for i, w := range r.have.Requests {
		names[i] = w.JID
	}
	return r.t("chat.requests", strings.Join(r.few(names), ", "))
}

func sayApprove(r *run, rest string) string {
	who, level, _ := strings.Cut(rest, " ")
	jid, wrong := r.person(who)
	if wrong != "" {
		return wrong
	}
	decision := approveDefault
	if level = strings.TrimSpace(level); level != "" {
		id, _, ok := r.levelSaid(level)
		if !ok {
			return r.t("chat.levels", strings.Join(r.levelNames(), ", "))
		}
		decision = approve + itoa(int(id))
	}
	return r.execute("requests", "requests", jid, "decision", decision)
}

func sayRefuse(r *run, rest string) string {
	jid, wrong := r.person(rest)
	if wrong != "" {
		return wrong
	}
	return r.execute("requests", "requests", jid, "decision", refuse)
}

// sayWho answers "who sees what", "who sees me" and "who asks".
func sayWho(r *run, rest string) string {
	for word := range strings.FieldsSeq(strings.ToLower(bare(rest))) {
		switch word {
		case "asks", "asked", "fragt", "wartet":
			return sayRequests(r, "")
		}
	}
	return r.execute("watchers", "action", "list")
}

// saysSwitch is a command that is on or off.
func saysSwitch(node string) func(*run, string) string {
	return func(r *run, rest string) string {
		switch {
		case rest == "":
			return r.t(r.usage)
		case on(rest):
			return r.execute(node, "on", "1")
		case off(rest):
			return r.execute(node, "on", "0")
		}
		return r.t(r.usage)
	}
}

// saysRoll is a list of addresses: nothing shows it, an address is put on it, "not"
// or "off" before or after takes it off.
func saysRoll(node string) func(*run, string) string {
	return func(r *run, rest string) string {
		words := strings.Fields(rest)
		action := addRoll
		var who string
		for _, w := range words {
			switch strings.ToLower(bare(w)) {
			case "list", "liste":
			case "add", "allow", "hinzufügen":
			case "not", "no", "off", "remove", "deny", "nicht", "aus", "weg", "entfernen":
				action = removeRoll
			default:
				who = w
			}
		}
		if who == "" {
			return r.execute(node, "action", listRoll)
		}
		jid, wrong := r.person(who)
		if wrong != "" {
			return wrong
		}
		if action == removeRoll {
			return r.execute(node, "action", action, "jids", jid)
		}
		return r.execute(node, "action", action, "jid", jid)
	}
}

// saysField sets one field of the profile.
func saysField(name string) func(*run, string) string {
	return func(r *run, rest string) string {
		if rest == "" {
			return r.t(r.usage)
		}
		switch strings.ToLower(rest) {
		case "-", "none", "nothing", "off", "keine", "keiner", "nichts", "aus":
			rest = ""
		}
		if name == "language" {
			rest = languageSaid(rest)
		}
		return r.execute("profile", name, rest)
	}
}

func languageSaid(s string) string {
	switch strings.ToLower(bare(s)) {
	case "english", "englisch", "en":
		return "en"
	case "german", "deutsch", "de":
		return "de"
	case "default", "", "automatic", "automatisch":
		return sameLanguage
	}
	return s
}
