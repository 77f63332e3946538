package commands

import (
	"slices"
	"strings"
)

// phrasings are what people say in more than one word for a verb.
var phrasings = []struct{ words, verb string }{
	{"out of office", "ooo"}, {"out of the office", "ooo"}, {"on vacation", "ooo"}, {"on holiday", "ooo"},
	{"nicht im büro", "urlaub"}, {"im urlaub", "urlaub"}, {"in urlaub", "urlaub"},
}

// polite are words that change nothing before others.
var polite = []string{"please", "bitte", "set", "setze", "setz"}

// rephrased says in other words what was not understood: shorter ones, or a verb's own.
func rephrased(first, rest string) (verb, more string, ok bool) {
	for verb, more = first, rest; more != "" && slices.Contains(polite, verb); {
		verb, more = firstWord(more)
	}
	if verb != first {
		return verb, more, true
	}
	s := first + " " + rest
	for _, prefix := range [...]string{"i am ", "i'm ", "ich bin "} {
		if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
			s = s[len(prefix):]
			break
		}
	}
	for _, p := range phrasings {
		if n := len(p.words); len(s) >= n && strings.EqualFold(s[:n], p.words) && (len(s) == n || s[n] == ' ' || s[n] == ':') {
			return p.verb, strings.TrimSpace(s[n:]), true
		}
	}
	// "bob blockieren", as Germans say it.
	if last, more := firstWord(rest); more == "" {
		for _, v := range verbs {
			if (v.node == "block" || v.node == "unblock" || v.node == "requests") && slices.Contains(v.words, last) {
				return last, first, true
			}
		}
	}
	return "", "", false
}

// isSpelled reports whether fields of a command are written by their names. A note may
// be any text.
func (r *run) isSpelled(node, rest string) bool {
	name, _, ok := strings.Cut(rest, "=")
	cmd := find(node)
	if !ok || cmd == nil || len(cmd.pages) == 0 || node == "note" {
		return false
	}
	f := cmd.pages[0](r)
	return f != nil && f.find(name) != nil
}

// changes reports whether a word alone would change something at once.
func (r *run) changes(first string) bool {
	_, _, state := r.stateSaid(first)
	return state || slices.ContainsFunc(verbs, func(v verb) bool {
		return (v.node == "disable" || v.node == "clear-state") && slices.Contains(v.words, first)
	})
}

func isThanks(first string) bool {
	return slices.Contains([]string{"thanks", "thank", "thx", "danke", "merci"}, first)
}

// nearest is the word that differs in one slip of the finger from one that was not
// understood; empty: none.
func nearest(word string) string {
	try := []string{"help", "hilfe"}
	for _, v := range verbs {
		try = append(try, v.words...)
	}
	for _, w := range stateWords {
		try = append(try, w.words)
	}
	for _, known := range try {
		if a, b := []rune(word), []rune(known); len(a) >= 4 && len(b) >= 4 && oneSlip(a, b) {
			return known
		}
	}
	return ""
}

// oneSlip reports whether a letter is missing, too many, wrong or changed places with
// its neighbour.
func oneSlip(a, b []rune) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch len(b) - len(a) {
	case 0:
		return i == len(a) || slices.Equal(a[i+1:], b[i+1:]) ||
			i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:])
	case 1:
		return slices.Equal(a[i:], b[i+1:])
	}
	return false
}
