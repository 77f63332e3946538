package commands

import (
	"strconv"
	"strings"

	"presenced/internal/engine"
)

// calendarWords are what people call what to do with a calendar.
var calendarWords = map[string]string{
	"list": listCalendars, "show": listCalendars, "liste": listCalendars, "zeigen": listCalendars,
	"add": addCalendar, "new": addCalendar, "connect": addCalendar, "hinzufügen": addCalendar, "hinzufuegen": addCalendar, "neu": addCalendar, "verbinden": addCalendar,
	"test": testCalendar, "try": testCalendar, "testen": testCalendar, "probieren": testCalendar, "ausprobieren": testCalendar,
	"remove": removeCalendar, "delete": removeCalendar, "entfernen": removeCalendar, "löschen": removeCalendar, "loeschen": removeCalendar, "weg": removeCalendar,
	"off": refuseCalendars, "no": refuseCalendars, "aus": refuseCalendars, "nein": refuseCalendars,
	"on": acceptCalendars, "yes": acceptCalendars, "an": acceptCalendars, "ein": acceptCalendars, "ja": acceptCalendars,
}

// sayCalendar takes "calendar add https://… Work", "calendar remove 1" and the
// like; off and on are about the calendar of the organisation.
func sayCalendar(r *run, rest string) string {
	first, more := firstWord(rest)
	action, ok := calendarWords[first]
	switch {
	case first == "":
		action = listCalendars
	case !ok && strings.Contains(first, "://"):
		action, more = addCalendar, rest
	case !ok:
		return r.t(r.usage)
	}
	switch action {
	case addCalendar:
		return r.calendarToAdd(more)
	case testCalendar, removeCalendar:
		return r.calendarMeant(action, bare(more))
	case refuseCalendars:
		return r.calendarsOff()
	}
	return r.execute("calendar", "action", action)
}

// calendarToAdd takes an address and what she calls it. One with a password is
// left to the form: what is said in a chat is kept by more than one program.
func (r *run) calendarToAdd(words string) string {
	at, name, _ := strings.Cut(words, " ")
	if at = bare(at); at == "" {
		return r.t(r.usage)
	}
	if !r.keeps() {
		return r.t("error.calendar.key")
	}
	if !strings.Contains(at, "://") {
		at = "https://" + at
	}
	return r.execute("calendar", "action", addCalendar, "kind", engine.CalendarICS, "url", at, "name", bare(name))
}

// calendarMeant finds one of her calendars by its number in the list or its name.
// Where she has one only, it need not be named to be tried.
func (r *run) calendarMeant(action, which string) string {
	if len(r.have.Calendars) == 0 {
		return r.execute("calendar", "action", action)
	}
	n, err := strconv.Atoi(strings.TrimPrefix(which, "#"))
	if which == "" && action == testCalendar && len(r.have.Calendars) == 1 {
		n, err = 1, nil
	}
	for i, c := range r.have.Calendars {
		if err == nil && n == i+1 || err != nil && strings.EqualFold(c.Name, which) {
			return r.execute("calendar", "action", action, "calendar", c.ID)
		}
	}
	return r.t("chat.calendar.which", strings.Join(r.ownCalendars(), "\n"))
}

// calendarsOff refuses the calendar of the organisation, and says that hers stay.
func (r *run) calendarsOff() string {
	told := r.execute("calendar", "action", refuseCalendars)
	if own := r.ownCalendars(); len(own) > 0 && r.last.note.severity != bad {
		told += "\n" + r.t("chat.calendar.stay", strings.Join(own, "\n"))
	}
	return told
}

// ownCalendars tells her calendars, each with the number to say for it.
func (r *run) ownCalendars() []string {
	lines := make([]string, len(r.have.Calendars))
	for i := range r.have.Calendars {
		lines[i] = r.t("chat.calendar.line", i+1, r.calendarInWords(&r.have.Calendars[i]))
	}
	return lines
}
