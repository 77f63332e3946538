package commands

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The ways to say a date; what follows it is a time of day.
var (
	dotted     = regexp.MustCompile(`^(\d{1,2})\. ?(\d{1,2})\.(?:(\d{2})| ?(\d{4}))?(?:$| )`)
	dayFirst   = regexp.MustCompile(`^(\d{1,2})(?:\.|st|nd|rd|th)? (?:of )?(\p{L}{3,})\.?(?: (\d{4}))?(?:$| )`)
	monthFirst = regexp.MustCompile(`^(\p{L}{3,})\.? (\d{1,2})(?:\.|st|nd|rd|th)?(?: (\d{4}))?(?:$| )`)
)

var saidMonths = [12][]string{
	{"january", "januar"}, {"february", "februar"}, {"march", "märz", "maerz", "mrz"}, {"april"}, {"may", "mai"}, {"june", "juni"},
	{"july", "juli"}, {"august"}, {"september", "sept"}, {"october", "oktober"}, {"november"}, {"december", "dezember"},
}

// monthSaid finds the month of that name, in small letters, or of its first three; 0
// is none.
func monthSaid(word string) time.Month {
	for i, names := range saidMonths {
		for _, name := range names {
			if word == name || len([]rune(word)) == 3 && strings.HasPrefix(name, word) {
				return time.Month(i + 1)
			}
		}
	}
	return 0
}

// saidDate reads a date such as "1.12.", "1. Dezember 2026" or "December 1" at the
// beginning of small words with a blank between them. is tells that it looks like
// one; without ok there is no such day. Without a year it is the next such day, which
// may be today.
func saidDate(s string, today time.Time) (date time.Time, rest string, is, ok bool) {
	var month time.Month
	day, year := "", ""
	m := dotted.FindStringSubmatch(s)
	if m != nil {
		n, _ := strconv.Atoi(m[2]) // two digits at most
		day, month, year = m[1], time.Month(n), m[4]
		if m[3] != "" {
			year = "20" + m[3]
		}
	} else if m = dayFirst.FindStringSubmatch(s); m != nil {
		day, month, year = m[1], monthSaid(m[2]), m[3]
	} else if m = monthFirst.FindStringSubmatch(s); m != nil {
		day, month, year = m[2], monthSaid(m[1]), m[3]
	}
	if m == nil || month == 0 && !strings.HasPrefix(s, day+".") {
		return date, "", false, false
	}
	date, ok = nextDate(day, month, year, today)
	return date, s[len(m[0]):], true, ok
}

// nextDate is that day of the year, else of the first year that has it at or after
// today.
func nextDate(day string, month time.Month, year string, today time.Time) (time.Time, bool) {
	d, _ := strconv.Atoi(day) // two digits at most
	first, last := today.Year(), today.Year()+8
	if year != "" {
		first, _ = strconv.Atoi(year) // four digits
		last, today = first, time.Time{}
	}
	for y := first; y <= last; y++ {
		t := time.Date(y, month, d, 0, 0, 0, 0, today.Location())
		if t.Day() == d && t.Month() == month && !t.Before(today) {
			return t, true
		}
	}
	return time.Time{}, false
}
