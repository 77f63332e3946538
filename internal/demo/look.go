package main

import (
	"presenced/internal/testbed"
)

// look is how a user looks to a watcher: the cell and what stands behind it.
type look struct {
	text         string // as printed
	availability int    // of the extension; 0: the presence carries none
	activity     string // of the extension
}

// The tokens the demo meets.
const (
	outOfOffice = "out-of-office"
	urgentOnly  = "urgent-interruptions-only"
)

// classes are the words for a number, with the only <show/> that goes with it
// (SEMANTICS S4.2), by descending lower bound.
var classes = [...]struct {
	from       int
	word, show string
}{
	{18000, "", ""}, // nobody available looks so
	{15000, "away", "away"},
	{12000, "be right back", "away"},
	{9000, "do not disturb", "dnd"},
	{7500, "busy (idle)", "dnd"},
	{6000, "busy", "dnd"},
	{4500, "away (idle)", "away"},
	{3000, "available", ""},
}

// shortStatus fits long standard texts into a column.
var shortStatus = map[string]string{"Urgent interruptions only": "urgent only"}

// offline is how nobody looks, and how a mirror looks that never sent anything.
var offline = look{text: "offline"}

// queried is the number a query is answered with while one looks so: an
// answer always has one (PRODUCT, Query).
func (l look) queried() int {
	if l.availability == 0 {
		return 18500
	}
	return l.availability
}

// readLook puts a presence into words. What does not belong together or what
// nobody should get shows up in the text, so that it never equals an expected
// cell.
func readLook(s testbed.Stanza) look {
	var l look
	if s.Enhanced != nil {
		l.availability, l.activity = s.Enhanced.Availability, s.Enhanced.Activity
	}
	switch s.Type {
	case "":
		l.text = words(s, l)
	case "unavailable":
		l.text = "offline"
	default:
		l.text = "a presence of type " + s.Type
	}
	status := s.Status
	if s.Enhanced != nil && endsThen(status, s.Enhanced.Until) {
		status = untilItsEnd
	}
	if short, ok := shortStatus[status]; ok {
		status = short
	}
	if status != "" {
		l.text += ": " + status
	}
	if s.IdleSince != "" {
		l.text += " since " + s.IdleSince // last activity is off by default (S9)
	}
	return l
}

func words(s testbed.Stanza, l look) string {
	if s.Enhanced == nil {
		return "show=" + s.Show + " without a number"
	}
	for _, c := range classes {
		if l.availability < c.from {
			continue
		}
		word, show := c.word, c.show
		if c.from == 15000 && l.activity == outOfOffice {
			word, show = "out", "xa"
		}
		if word == "" {
			break
		}
		if s.Show != show {
			return word + " as show=" + s.Show
		}
		return word
	}
	return "a number that means nothing"
}
