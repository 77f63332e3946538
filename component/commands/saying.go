package commands

import (
	"slices"
	"strconv"
	"strings"

	"presenced/internal/presence"
	"presenced/internal/text"
)

// stateWords are what people call the states, longest first where one begins
// another.
var stateWords = []struct{ words, value string }{
	{"do not disturb", "do-not-disturb"}, {"don't disturb", "do-not-disturb"}, {"do-not-disturb", "do-not-disturb"}, {"dnd", "do-not-disturb"},
	{"bitte nicht stören", "do-not-disturb"}, {"nicht stören", "do-not-disturb"}, {"nicht stoeren", "do-not-disturb"},
	{"be right back", "be-right-back"}, {"be-right-back", "be-right-back"}, {"brb", "be-right-back"}, {"bin gleich zurück", "be-right-back"}, {"gleich zurück", "be-right-back"},
	{"appear offline", appearOffline}, {"appear-offline", appearOffline}, {"offline", appearOffline}, {"invisible", appearOffline}, {"unsichtbar", appearOffline},
	{"in a meeting", "in-a-meeting"}, {"in-a-meeting", "in-a-meeting"}, {"meeting", "in-a-meeting"}, {"in einer besprechung", "in-a-meeting"}, {"besprechung", "in-a-meeting"},
	{"in a conference", "in-a-conference"}, {"in-a-conference", "in-a-conference"}, {"conference", "in-a-conference"}, {"in einer konferenz", "in-a-conference"}, {"konferenz", "in-a-conference"},
	{"on the phone", "on-the-phone"}, {"on-the-phone", "on-the-phone"}, {"phone", "on-the-phone"}, {"call", "on-the-phone"}, {"on a call", "on-the-phone"}, {"am telefon", "on-the-phone"}, {"telefon", "on-the-phone"},
	{"in a presentation", "in-presentation"}, {"in-presentation", "in-presentation"}, {"presenting", "in-presentation"}, {"presentation", "in-presentation"}, {"präsentation", "in-presentation"},
	{"off work", "off-work"}, {"off-work", "off-work"}, {"feierabend", "off-work"}, {"nicht bei der arbeit", "off-work"},
	{"available", "available"}, {"free", "available"}, {"online", "available"}, {"here", "available"}, {"back", "available"}, {"verfügbar", "available"}, {"frei", "available"}, {"da", "available"}, {"zurück", "available"},
	{"busy", "busy"}, {"beschäftigt", "busy"}, {"away", "away"}, {"abwesend", "away"}, {"weg", "away"},
}

// stateSaid finds a state at the beginning of what was said; the rest is when. The
// operator's states are known by their names and their words.
func (r *run) stateSaid(s string) (value, rest string, ok bool) {
	s = strings.TrimSpace(s)
	for _, prefix := range [...]string{"i am ", "i'm ", "ich bin ", "bin ", "set ", "show me as "} {
		if cutAt := len(prefix); len(s) > cutAt && strings.EqualFold(s[:cutAt], prefix) {
			s = s[cutAt:]
		}
	}
	best := 0
	try := func(words, v string) {
		n := len(words)
		if n > best && len(s) >= n && strings.EqualFold(s[:n], words) && (len(s) == n || strings.ContainsRune(" ,.!:;", rune(s[n]))) {
			best, value = n, v
		}
	}
	for _, w := range stateWords {
		try(w.words, w.value)
	}
	for _, c := range r.states()[len(states):] {
		try(c.value, c.value)
		try(c.label, c.value)
	}
	rest = strings.TrimRight(strings.TrimLeft(s[best:], " ,.!:;"), " ,!:;") // "until 1.12." keeps its dot
	return value, rest, best > 0
}

// setStateSaid sets a state for the time that was said.
func (r *run) setStateSaid(value, times string) string {
	from, until := saidTimes(times)
	fields := []string{"state", value}
	if from != "" {
		fields = append(fields, "from", from)
	}
	if until != "" {
		fields = append(fields, "until", until)
	}
	return r.execute("set-state", fields...)
}

// sayState tells the state, or sets one.
func sayState(r *run, rest string) string {
	if rest == "" {
		return r.t("chat.state.is", r.stateName(r.have.Availability, r.have.Activity))
	}
	value, times, ok := r.stateSaid(rest)
	if !ok {
		return r.t("chat.use.state")
	}
	return r.setStateSaid(value, times)
}

// enders stand between a beginning and an end, or before an end.
var enders = []string{"until", "untill", "till", "til", "bis", "to", "for", "für", "fuer", "–", "-"}

// saidTimes splits what was said about time into a beginning and an end. What is
// neither is an end: "dnd 2h", "away 16:00".
func saidTimes(s string) (from, until string) {
	words := strings.Fields(strings.TrimSpace(s))
	if n := len(words); n > 0 && slices.Contains(polite, strings.ToLower(words[n-1])) {
		words = words[:n-1]
	}
	for i, w := range words {
		for _, e := range enders {
			if strings.EqualFold(w, e) {
				return begin(words[:i]), strings.Join(words[i+1:], " ")
			}
		}
	}
	if len(words) == 1 { // 14:00-16:00
		for _, dash := range [...]string{"–", "-"} {
			if a, b, ok := strings.Cut(words[0], dash); ok && strings.Contains(a, ":") && strings.Contains(b, ":") && len(a) <= 5 {
				return a, b
			}
		}
	}
	if len(words) > 0 {
		switch strings.ToLower(words[0]) {
		case "from", "ab", "von", "vom", "starting", "at", "um":
			return begin(words), ""
		}
	}
	return "", strings.Join(words, " ")
}

// begin is a beginning without the word before it.
func begin(words []string) string {
	if len(words) > 0 {
		switch strings.ToLower(words[0]) {
		case "from", "ab", "von", "vom", "starting":
			words = words[1:]
		}
	}
	return strings.Join(words, " ")
}

// levelWords are what people call the levels beside their names.
var levelWords = map[string]presence.ContainerID{
	"team": presence.Workgroup, "workgroup": presence.Workgroup, "group": presence.Workgroup, "arbeitsgruppe": presence.Workgroup,
	"colleague": presence.Colleagues, "colleagues": presence.Colleagues, "kollege": presence.Colleagues, "kollegin": presence.Colleagues, "kollegen": presence.Colleagues, "company": presence.Colleagues,
	"external": presence.External, "extern": presence.External, "partner": presence.External,
	"friend": presence.Friends, "friends": presence.Friends, "family": presence.Friends, "freund": presence.Friends, "freunde": presence.Friends, "familie": presence.Friends, "freundin": presence.Friends,
	"blocked": presence.Blocked, "block": presence.Blocked, "blockiert": presence.Blocked,
	"default": presence.DefaultContainer, "stranger": presence.DefaultContainer, "standard": presence.DefaultContainer, "nothing": presence.DefaultContainer, "nichts": presence.DefaultContainer,
}

// levelSaid finds a level at the beginning of what was said: its name in either
// language, its number, or what people call it. The rest is until when.
func (r *run) levelSaid(s string) (id presence.ContainerID, rest string, ok bool) {
	s = strings.TrimSpace(s)
	for _, prefix := range [...]string{"level ", "stufe ", "as ", "als ", "to "} {
		if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
			s = s[len(prefix):]
		}
	}
	best := 0
	try := func(name string, c presence.ContainerID) {
		if n := len(name); n > best && len(s) >= n && strings.EqualFold(s[:n], name) && (len(s) == n || s[n] == ' ') {
			best, id = n, c
		}
	}
	for _, c := range r.levels() {
		try(r.level(c), c)
		for _, lang := range text.Languages() {
			try(text.Container(lang, c), c)
		}
		try(strconv.Itoa(int(c)), c)
	}
	for name, c := range levelWords {
		try(name, c)
	}
	return id, strings.TrimSpace(s[best:]), best > 0
}

// levelNames are the names of the levels, with their numbers.
func (r *run) levelNames() []string {
	var names []string
	for _, id := range r.levels() {
		names = append(names, r.numbered(id))
	}
	return names
}
