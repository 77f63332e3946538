package commands

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"presenced/internal/presence"
	"presenced/internal/text"
)

// Limits of what is said in a chat, in bytes.
const (
	maxSaying = 2 << 10
	maxAnswer = 6 << 10
)

// Chat answers what a user of a served host wrote to the component: the same
// commands as the forms, in words. The answer is plain text, in her language where
// it is known, and empty where there is nothing to say. For anybody else ok is
// false. It waits for the engine, at most as long as ctx allows.
func (s *Server) Chat(ctx context.Context, from presence.JID, lang, body string) (answer string, ok bool) {
	r := s.run(ctx, from, lang)
	if !s.serves(from.Addr) {
		return "", false
	}
	r.chat = true
	known := r.look()
	first, rest := firstWord(clean(body))
	switch {
	case len(body) > maxSaying:
		return r.t("chat.long"), true
	case first == "":
		return r.t("chat.help.short"), true
	}
	switch {
	case isHelp(first):
		return r.help(rest), true
	case rest == "" && strings.HasSuffix(strings.TrimSpace(body), "?") && r.changes(first): // nobody disables by asking
		return r.help(first), true
	case isThanks(first):
		return r.t("chat.thanks"), true
	}
	return cut(r.say(first, rest, known)), true
}

// Encrypted is what a user is told who wrote so that only a person could read it.
func (s *Server) Encrypted(ctx context.Context, from presence.JID, lang string) (answer string, ok bool) {
	if !s.serves(from.Addr) {
		return "", false
	}
	r := s.run(ctx, from, lang)
	r.look()
	return r.t("chat.encrypted"), true
}

// look reads the settings and the language; false where she is not enabled.
func (r *run) look() bool {
	r.cmd = &command{open: true}
	r.inspect()
	return r.have.Enabled
}

// say finds what is meant and does it.
func (r *run) say(first, rest string, known bool) string {
	if i := slices.IndexFunc(verbs, func(v verb) bool { return slices.Contains(v.words, first) }); i >= 0 {
		if !known && !verbs[i].open {
			return r.t("chat.help.stranger")
		}
		r.usage = verbs[i].usage
		if verbs[i].node == first && r.isSpelled(first, rest) {
			return r.spelled(first, rest)
		}
		return verbs[i].do(r, rest)
	}
	if cmd := find(first); cmd != nil {
		return r.spelled(cmd.node, rest)
	}
	whole := strings.TrimSpace(first + " " + rest)
	if value, times, ok := r.stateSaid(whole); ok {
		if !known {
			return r.t("chat.help.stranger")
		}
		return r.setStateSaid(value, times)
	}
	if first, rest, ok := rephrased(first, rest); ok {
		return r.say(first, rest, known)
	}
	if meant := nearest(first); meant != "" {
		return r.t("chat.typo", ellipsis(first), meant)
	}
	return r.t("chat.unknown", ellipsis(first))
}

// execute runs a command with answers, as a bot would in one shot.
func (r *run) execute(node string, fields ...string) string {
	if r.cmd = find(node); r.cmd == nil {
		return r.t("error.command")
	}
	if n := r.inspect(); n.text != "" {
		return n.text
	}
	for i := 0; i+1 < len(fields); i += 2 {
		r.in[fields[i]] = &answer{values: []string{fields[i+1]}}
	}
	r.advance(0, len(fields) > 0)
	return r.told()
}

// finish makes the changes of a plan that has no form.
func (r *run) finish(p plan) string {
	r.apply(p, -1)
	return r.told()
}

// told is what the last reply says to people.
func (r *run) told() string {
	switch {
	case r.last.note.text != "":
	case r.usage != "":
		return r.t(r.usage)
	case r.last.form != nil:
		return r.t("chat.form", r.cmd.node, strings.Join(r.last.form.names(), ", "))
	}
	words := r.last.note.text
	if f := r.last.form; f != nil && f.told {
		lines := []string{words}
		for _, fd := range f.fields {
			lines = append(lines, fd.values...)
		}
		words = strings.Join(lines, "\n")
		if len(words) > maxAnswer {
			return r.t("chat.toomuch", r.t(r.cmd.name), r.cmd.node)
		}
	}
	return words
}

// names are those of the fields of a form that can be written.
func (f *form) names() []string {
	var names []string
	for _, fd := range f.fields {
		if fd.kind != fixed {
			names = append(names, fd.name)
		}
	}
	return names
}

// spelled runs a command by its name, with its fields written as name=value. It is
// the way to whatever has no words of its own.
func (r *run) spelled(node, rest string) string {
	var fields []string
	for _, part := range pairs(rest) {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return r.t("chat.pair", node)
		}
		fields = append(fields, name, value)
	}
	return r.execute(node, fields...)
}

// pairs cuts "a=b c d=e" at the blanks before names.
func pairs(s string) []string {
	var out []string
	for word := range strings.FieldsSeq(s) {
		name, _, ok := strings.Cut(word, "=")
		isName := ok && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-_") == ""
		if isName || len(out) == 0 {
			out = append(out, word)
		} else {
			out[len(out)-1] += " " + word
		}
	}
	return out
}

// clean takes off what people put around a command without meaning anything by it.
func clean(body string) string {
	body = strings.Map(func(c rune) rune {
		switch {
		case c == '\u00a0' || c == '\n' || c == '\t' || c == '\r':
			return ' '
		case unicode.IsControl(c) || c == '\ufeff' || c == '\u200b' || c == utf8.RuneError:
			return -1
		}
		return c
	}, body)
	return strings.TrimLeft(strings.TrimSpace(body), "/!>„“\"'` ")
}

// firstWord splits the first word off, in small letters and without punctuation
// behind it.
func firstWord(s string) (first, rest string) {
	first, rest, _ = strings.Cut(s, " ")
	if first != "?" {
		first = strings.TrimRight(first, ".,:;!?\"'“”`")
	}
	return strings.ToLower(first), strings.TrimSpace(rest)
}

// bare takes quotes and a full stop off something that was written.
func bare(s string) string {
	return strings.Trim(strings.TrimSpace(s), ".,;!?\"'“”„`<> ")
}

// ellipsis shortens what is quoted back.
func ellipsis(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) > most {
		return string([]rune(s)[:most]) + "…"
	}
	return s
}

// cut bounds an answer.
func cut(s string) string {
	if len(s) <= maxAnswer {
		return s
	}
	end := maxAnswer
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// person finds out whom a word means: an address, or the part before its @ where
// only one is known by it, or else somebody of the only served host.
func (r *run) person(word string) (jid string, wrong string) {
	word = pasted(bare(word))
	a, err := presence.ParseAddr(word)
	switch {
	case word == "" && r.usage != "":
		return "", r.t(r.usage)
	case err != nil || !plausible(a):
		return "", r.t("error.address")
	case !r.s.bareWord(a):
		return word, ""
	}
	var found []string
	for _, known := range r.acquaintances() {
		k, err := presence.ParseAddr(known)
		if err == nil && strings.EqualFold(k.Local(), a.Domain()) && !slices.Contains(found, k.String()) {
			found = append(found, k.String())
		}
	}
	switch {
	case len(found) == 1:
		return found[0], ""
	case len(found) > 1:
		return "", r.t("chat.which", ellipsis(word), strings.Join(r.few(found), ", "))
	case len(r.s.options.Hosts) == 1:
		return word + "@" + r.s.options.Hosts[0], ""
	}
	return "", r.t("error.word", ellipsis(word))
}

// acquaintances are the addresses that the user's settings hold.
func (r *run) acquaintances() []string {
	var all []string
	for _, w := range slices.Concat(r.have.Requests, r.have.Watchers) {
		all = append(all, w.JID)
	}
	for _, rule := range r.rules() {
		all = append(all, rule.Value)
	}
	return append(all, r.have.Priority...)
}

// verb is something that can be said.
type verb struct {
	node  string // the command it comes to
	words []string
	usage text.Key // one line that tells how
	open  bool     // also by a user who is not enabled
	do    func(r *run, rest string) string
}
