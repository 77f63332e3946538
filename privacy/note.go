package privacy

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"presenced/internal/presence"
)

// CheckNote tells why text cannot be a note: notes are plain text of at most 256
// characters (S9).
func CheckNote(text string) error {
	switch {
	case !utf8.ValidString(text):
		return fmt.Errorf("the note is not valid UTF-8; send plain text")
	case strings.ContainsFunc(text, unprintable):
		return fmt.Errorf("the note holds control characters; send plain text")
	}
	if n := utf8.RuneCountInString(text); n > presence.MaxNote {
		return fmt.Errorf("the note has %d characters; shorten it to %d", n, presence.MaxNote)
	}
	return nil
}

// ClipStatus makes a device's status text fit to stand in for a note (S4.3): it
// cannot be refused, so what no note may hold is dropped.
func ClipStatus(text string) string {
	if CheckNote(text) == nil {
		return text
	}
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unprintable(r) {
			return -1
		}
		return r
	}, text)
	n := 0
	for i := range text {
		if n == presence.MaxNote {
			return text[:i]
		}
		n++
	}
	return text
}

// unprintable reports control characters other than white space.
func unprintable(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r'
}
