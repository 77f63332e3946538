package commands

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What people say instead of writing an instant, in English and German.
var (
	saidDays = map[string]int{ // days from today; weekdays below
		"today": 0, "heute": 0, "tonight": 0, "tomorrow": 1, "morgen": 1, "übermorgen": 2, "uebermorgen": 2,
	}
	saidWeekdays = map[string]time.Weekday{
		"monday": time.Monday, "montag": time.Monday, "tuesday": time.Tuesday, "dienstag": time.Tuesday,
		"wednesday": time.Wednesday, "mittwoch": time.Wednesday, "thursday": time.Thursday, "donnerstag": time.Thursday,
		"friday": time.Friday, "freitag": time.Friday, "saturday": time.Saturday, "samstag": time.Saturday,
		"sonnabend": time.Saturday, "sunday": time.Sunday, "sonntag": time.Sunday,
	}
	saidUnits = map[string]time.Duration{
		"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute, "minuten": time.Minute,
		"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour, "std": time.Hour, "stunde": time.Hour, "stunden": time.Hour,
		"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour, "tag": 24 * time.Hour, "tage": 24 * time.Hour, "tagen": 24 * time.Hour,
		"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour, "woche": 7 * 24 * time.Hour, "wochen": 7 * 24 * time.Hour,
	}
	// fillers are words that change nothing.
	fillers = map[string]bool{
		"at": true, "um": true, "until": true, "untill": true, "till": true, "til": true, "bis": true, "from": true, "ab": true, "von": true, "vom": true,
		"for": true, "für": true, "fuer": true, "in": true, "on": true, "am": true, "next": true, "uhr": true, "o'clock": true, "zum": true,
		"the": true, "den": true, "dem": true, "nächsten": true, "naechsten": true,
	}
	spanWords  = regexp.MustCompile(`^(\d{1,4})\s*([\p{L}]+)`)
	clockWords = regexp.MustCompile(`^(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm|a\.m\.|p\.m\.|uhr|h)?$`)
)

// numerals are the hours in words, from one.
var numerals = [12][]string{
	{"one", "eins", "ein"}, {"two", "zwei"}, {"three", "drei"}, {"four", "vier"}, {"five", "fünf"}, {"six", "sechs"}, {"seven", "sieben"},
	{"eight", "acht"}, {"nine", "neun"}, {"ten", "zehn"}, {"eleven", "elf"}, {"twelve", "zwölf"},
}

// maxSaid is the longest text taken for a time; nobody says it in more.
const maxSaid = 64

// said reads a time as people say it.
func said(s string, now time.Time, zone *time.Location, end bool) (time.Time, bool) {
	if len(s) > maxSaid {
		return time.Time{}, false
	}
	words := withoutFillers(strings.Fields(strings.ToLower(strings.ReplaceAll(strings.TrimRight(s, "!"), ",", " "))))
	if len(words) == 0 {
		return time.Time{}, false
	}
	year, month, day := now.In(zone).Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, zone)
	if t, is, ok := saidDay(words, today, end); is {
		return t.UTC(), ok
	}
	text := strings.TrimRight(strings.Join(words, " "), ".")
	if d, ok := span(strings.TrimSuffix(strings.TrimSuffix(text, " lang"), " long")); ok {
		return now.Add(d).UTC(), true
	}
	hour, minute, either, ok := saidClock(text)
	if !ok {
		return time.Time{}, false
	}
	t := nextClock(hour, minute, now, zone)
	if other := nextClock(hour+12, minute, now, zone); either && other.Before(t) {
		t = other // "at 3" is the next one of the two
	}
	return t, true
}

// withoutFillers leaves out what stands before a time; "am" alone may be a part of it.
func withoutFillers(words []string) []string {
	for len(words) > 0 && fillers[words[0]] && (words[0] != "am" || len(words) > 1) {
		words = words[1:]
	}
	return words
}

// saidDay reads a day, which may be followed by a time of day. is tells that it begins
// like one.
func saidDay(words []string, today time.Time, end bool) (t time.Time, is, ok bool) {
	ahead, named := dayAhead(strings.TrimRight(words[0], "."), today.Weekday())
	if named {
		words = withoutFillers(words[1:])
	}
	text := strings.Join(words, " ")
	date, rest, is, ok := saidDate(text, today)
	if !is {
		date, rest, is, ok = saidDate(strings.TrimRight(text, "."), today)
	}
	switch {
	case is && !ok, !is && !named:
		return date, is, false
	case !is: // the date counts, where there is one beside the name
		date, rest = today.AddDate(0, 0, ahead), text
	}
	words = withoutFillers(strings.Fields(strings.TrimRight(rest, ".")))
	year, month, day := date.Date()
	if len(words) == 0 {
		if end {
			day++
		}
		return time.Date(year, month, day, 0, 0, 0, 0, today.Location()), true, true
	}
	hour, minute, _, ok := saidClock(strings.Join(words, " "))
	return time.Date(year, month, day, hour, minute, 0, 0, today.Location()), true, ok
}

// dayAhead is how many days lie between today and the day of that name. The name of
// today's weekday is today.
func dayAhead(word string, today time.Weekday) (days int, ok bool) {
	if days, ok = saidDays[word]; ok {
		return days, true
	}
	day, ok := weekdaySaid(word)
	return (int(day) - int(today) + 7) % 7, ok
}

// weekdaySaid finds the day of that name, in small letters, or of its first two or
// three; "so" is Sunday and never "Sonnabend".
func weekdaySaid(word string) (time.Weekday, bool) {
	if day, ok := saidWeekdays[word]; ok {
		return day, true
	}
	for name, day := range saidWeekdays {
		if len(word) >= 2 && len(word) <= 3 && name != "sonnabend" && strings.HasPrefix(name, word) {
			return day, true
		}
	}
	return 0, false
}

// span reads a length of time such as "2h", "1h 30m", "90 minutes" or "3 Tage".
func span(s string) (total time.Duration, ok bool) {
	s = strings.TrimSpace(strings.ToLower(s))
	if rest, found := strings.CutPrefix(s, "half an hour"); found && rest == "" || s == "eine halbe stunde" {
		return 30 * time.Minute, true
	}
	for _, one := range [...]string{"an ", "a ", "eine ", "einen "} {
		if rest, found := strings.CutPrefix(s, one); found {
			s = "1 " + rest
		}
	}
	for s != "" {
		m := spanWords.FindStringSubmatch(s)
		if m == nil {
			return 0, false
		}
		unit, known := saidUnits[m[2]]
		n, err := strconv.Atoi(m[1])
		if !known || err != nil {
			return 0, false
		}
		total += time.Duration(n) * unit
		s = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s[len(m[0]):]), "and "))
	}
	return total, total > 0
}

// saidClock reads a time of day. either tells that it may be of the morning or of
// the afternoon.
func saidClock(s string) (hour, minute int, either, ok bool) {
	switch s {
	case "noon", "midday", "mittag":
		return 12, 0, false, true
	case "midnight", "mitternacht":
		return 0, 0, false, true
	}
	words := strings.Fields(s)
	half, before := 0, 0 // minutes past, and hours before, the one that is named
	switch {
	case len(words) == 2 && words[0] == "halb":
		words, half, before = words[1:], 30, 1
	case len(words) == 3 && words[0] == "half" && words[1] == "past":
		words, half = words[2:], 30
	}
	if len(words) > 0 {
		if n := slices.IndexFunc(numerals[:], func(names []string) bool { return slices.Contains(names, words[0]) }); n >= 0 {
			words[0] = strconv.Itoa(n + 1)
		}
	}
	m := clockWords.FindStringSubmatch(strings.Join(words, " "))
	if m == nil {
		return 0, 0, false, false
	}
	if half > 0 {
		hour, _ = strconv.Atoi(m[1]) // two digits at most
		return (hour - before) % 12, half, true, hour >= 1 && hour <= 12 && m[2]+m[3] == ""
	}
	hour, _ = strconv.Atoi(m[1]) // two digits at most
	minute, _ = strconv.Atoi("0" + m[2])
	switch m[3] {
	case "am", "a.m.", "pm", "p.m.":
		if hour < 1 || hour > 12 {
			return 0, 0, false, false
		}
		hour %= 12
		if m[3][0] == 'p' {
			hour += 12
		}
	case "":
		either = m[2] == "" && hour >= 1 && hour < 12
	}
	return hour, minute, either, hour < 24 && minute < 60
}
