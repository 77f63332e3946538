package calendar

import "testing"

func TestRead_Rules(t *testing.T) {
	at := func(lines string) []byte { return event("UID:x\nDTSTART:20260601T100000\nDURATION:PT1H\n" + lines) }
	utc := func(lines string) []byte { return event("UID:x\nDTSTART:20260601T080000Z\nDURATION:PT1H\n" + lines) }
	day := func(lines string) []byte { return event("UID:x\nDTSTART;VALUE=DATE:20260601\n" + lines) }
	const (
		monday    = "Mon 10:00-11:00 busy"
		wednesday = "Wed 10:00-11:00 busy"
		three     = "Mon 10:00-11:00 busy, Tue 10:00-11:00 busy, Wed 10:00-11:00 busy"
	)
	run(t, june(t), []trap{
		{"weekly", at("RRULE:FREQ=WEEKLY"), monday, ""},
		{"lower case, and a semicolon at the end", at("rrule:freq=weekly;byday=we;"), wednesday, ""},
		{"an hour written twice", at("RRULE:FREQ=WEEKLY;BYHOUR=10,10"), monday, ""},
		{"blanks in a rule", event("DTSTART:20260610T100000\nDURATION:PT1H\nRRULE: freq = daily ; count = 2 "), "Wed 10:00-11:00 busy, Thu 10:00-11:00 busy", ""},
		{"the third last day of a week", at("RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-3"), wednesday, ""},
		{"positions count from the beginning of the week", event("DTSTART:20260610T100000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2"), wednesday, ""},
		{"a day with and one without its number", at("RRULE:FREQ=MONTHLY;BYDAY=2WE,MO;COUNT=4"), monday + ", " + wednesday, ""},
		{"a number no month has", at("RRULE:FREQ=MONTHLY;BYDAY=-10MO"), "", "no month has such a day"},
		{"a number where it means nothing", at("RRULE:FREQ=WEEKLY;BYDAY=2WE"), wednesday, ""},
		{"week 24", at("RRULE:FREQ=YEARLY;BYWEEKNO=24"), monday, ""},
		{"hours", at("RRULE:FREQ=HOURLY;INTERVAL=7;BYHOUR=10;COUNT=2"), monday, ""},
		{"hours that are stepped over", at("RRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=11"), "", ""},
		{"counted from the first", at("RRULE:FREQ=DAILY;COUNT=10"), three, ""},
		{"counted in weeks", at("RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH;COUNT=7"), three, ""},
		{"a first one the rule does not name counts", at("RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=3"), wednesday, ""},
		{"counted from 1900", event("DTSTART:19000101T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=46182"), three, ""},
		{"until a day", at("RRULE:FREQ=DAILY;UNTIL=20260610"), three, ""},
		{"until an hour on the clock", utc("RRULE:FREQ=DAILY;UNTIL=20260610T080000"), three, ""},
		{"until an instant", at("RRULE:FREQ=DAILY;UNTIL=20260610T075959Z"), "Mon 10:00-11:00 busy, Tue 10:00-11:00 busy", ""},
		{"until before it begins", at("RRULE:FREQ=DAILY;UNTIL=20200101"), "", ""},
		{"days until an instant", day("RRULE:FREQ=DAILY;UNTIL=20260609T220000Z"), "Mon 00:00-Thu 00:00 busy", ""},
		{"days until midnight in UTC", day("RRULE:FREQ=DAILY;UNTIL=20260610T000000Z"), "Mon 00:00-Thu 00:00 busy", ""},
		{"no frequency", at("RRULE:COUNT=3"), "", "it has no FREQ"},
		{"a part that is none", at("RRULE:FREQ=DAILY;INTERVAL=x"), "", "INTERVAL=X is not understood"},
		{"every second", at("RRULE:FREQ=SECONDLY"), "", "every second"},
		{"every minute without end", at("RRULE:FREQ=MINUTELY"), "", "every minute without end"},
		{"another calendar", at("RRULE:RSCALE=CHINESE;FREQ=YEARLY"), "", "RSCALE=CHINESE"},
		{"two rules", at("RRULE:FREQ=WEEKLY\nRRULE:FREQ=WEEKLY;BYDAY=WE"), monday + ", " + wednesday, ""},
		{"without those of another", at("RRULE:FREQ=DAILY;COUNT=11\nEXRULE:FREQ=WEEKLY;BYDAY=TU"), monday + ", Wed 10:00-11:00 busy, Thu 10:00-11:00 busy", ""},
	})
}

func TestRead_Dates(t *testing.T) {
	at := func(lines string) []byte {
		return event("UID:x\nDTSTART;TZID=Europe/Berlin:20260608T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\n" + lines)
	}
	day := func(lines string) []byte {
		return event("UID:x\nDTSTART;VALUE=DATE:20260608\nRRULE:FREQ=DAILY;COUNT=3\n" + lines)
	}
	const (
		but     = "Mon 10:00-11:00 busy, Wed 10:00-11:00 busy"
		three   = "Mon 10:00-11:00 busy, Tue 10:00-11:00 busy, Wed 10:00-11:00 busy"
		butDays = "Mon 00:00-Tue 00:00 busy, Wed 00:00-Thu 00:00 busy"
	)
	run(t, june(t), []trap{
		{"in UTC", at("EXDATE:20260609T080000Z"), but, ""},
		{"without a zone", at("EXDATE:20260609T100000"), but, ""},
		{"in another zone", at("EXDATE;TZID=America/New_York:20260609T040000"), but, ""},
		{"as a day", at("EXDATE;VALUE=DATE:20260609"), but, ""},
		{"as a day, without saying so", at("EXDATE:20260609"), but, ""},
		{"a time that is no instance", at("EXDATE:20260609T100000Z"), three, ""},
		{"one that cannot be read", at("EXDATE:20260608T100000,soon"), "Tue 10:00-11:00 busy, Wed 10:00-11:00 busy", `"soon" in EXDATE is no date`},
		{"the first", at("EXDATE:20260608T080000Z"), "Tue 10:00-11:00 busy, Wed 10:00-11:00 busy", ""},
		{"days, as a time", day("EXDATE:20260609T000000"), butDays, ""},
		{"days, as midnight here", day("EXDATE:20260608T220000Z"), butDays, ""},
		{"days, as midnight in UTC", day("EXDATE:20260609T000000Z"), butDays, ""},
		{"days, as midnight in a zone", day("EXDATE;TZID=Europe/Berlin:20260609T000000"), butDays, ""},
		{"added", at("RDATE:20260612T100000,20260612T120000Z"), three + ", Fri 10:00-11:00 busy, Fri 14:00-15:00 busy", ""},
		{"added without a rule", event("DTSTART:20260608T100000\nDURATION:PT1H\nRDATE:20260609T100000,20260610T100000"), three, ""},
		{"added as periods", at("RDATE;VALUE=PERIOD:20260612T080000Z/PT30M,20260613T080000Z/20260613T083000Z"), three + ", Fri 10:00-10:30 busy, Sat 10:00-10:30 busy", ""},
		{"added days", day("RDATE;VALUE=DATE:20260613"), "Mon 00:00-Thu 00:00 busy, Sat 00:00-Sun 00:00 busy", ""},
		{"added and taken away", at("RDATE:20260612T100000\nEXDATE:20260612T080000Z"), three, ""},
	})
}

func TestRead_Overrides(t *testing.T) {
	series := func(others string) []byte {
		return wrap("BEGIN:VEVENT\nUID:x\nDTSTART;TZID=Europe/Berlin:20260608T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4\nEND:VEVENT\n" + others)
	}
	with := func(lines string) string { return "BEGIN:VEVENT\nUID:x\n" + lines + "\nEND:VEVENT\n" }
	run(t, june(t), []trap{
		{"told in UTC", series(with("RECURRENCE-ID:20260609T080000Z\nDTSTART:20260609T130000Z\nDURATION:PT1H")),
			"Mon 10:00-11:00 busy, Tue 15:00-16:00 busy, Wed 10:00-11:00 busy, Thu 10:00-11:00 busy", ""},
		{"told by its day", series(with("RECURRENCE-ID;VALUE=DATE:20260609\nDTSTART:20260609T130000Z\nDURATION:PT1H")),
			"Mon 10:00-11:00 busy, Tue 15:00-16:00 busy, Wed 10:00-11:00 busy, Thu 10:00-11:00 busy", ""},
		{"before its series", wrap(with("RECURRENCE-ID:20260609T080000Z\nDTSTART:20260609T130000Z\nDURATION:PT1H") +
			with("DTSTART:20260609T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2")), "Tue 15:00-16:00 busy, Wed 10:00-11:00 busy", ""},
		{"without its series", wrap(with("RECURRENCE-ID:20260609T080000Z\nDTSTART:20260609T130000Z\nDURATION:PT1H")), "Tue 15:00-16:00 busy", ""},
		{"only cancelled", series(with("RECURRENCE-ID:20260609T080000Z\nSTATUS:CANCELLED")),
			"Mon 10:00-11:00 busy, Wed 10:00-11:00 busy, Thu 10:00-11:00 busy", ""},
		{"without a length", series(with("RECURRENCE-ID:20260609T080000Z\nDTSTART:20260609T130000Z")),
			"Mon 10:00-11:00 busy, Tue 15:00-16:00 busy, Wed 10:00-11:00 busy, Thu 10:00-11:00 busy", ""},
		{"the newer of two", series(with("RECURRENCE-ID:20260609T080000Z\nSEQUENCE:2\nDTSTART:20260609T130000Z\nDURATION:PT1H") +
			with("RECURRENCE-ID:20260609T080000Z\nSEQUENCE:1\nDTSTART:20260609T140000Z\nDURATION:PT1H")),
			"Mon 10:00-11:00 busy, Tue 15:00-16:00 busy, Wed 10:00-11:00 busy, Thu 10:00-11:00 busy", ""},
		{"moved onto another", series(with("RECURRENCE-ID:20260609T080000Z\nDTSTART:20260608T080000Z\nDURATION:PT1H")),
			"Mon 10:00-11:00 busy, Wed 10:00-11:00 busy, Thu 10:00-11:00 busy", ""},
		{"this and what follows", series(with("RECURRENCE-ID;RANGE=THISANDFUTURE:20260609T080000Z\nDTSTART;TZID=Europe/Berlin:20260609T140000\nDURATION:PT30M")),
			"Mon 10:00-11:00 busy, Tue 14:00-14:30 busy, Wed 14:00-14:30 busy, Thu 14:00-14:30 busy", ""},
		{"and again, with one moved", series(with("RECURRENCE-ID;RANGE=THISANDFUTURE:20260609T080000Z\nDTSTART;TZID=Europe/Berlin:20260609T140000\nDURATION:PT30M") +
			with("RECURRENCE-ID;RANGE=THISANDFUTURE:20260611T080000Z\nSTATUS:CANCELLED") +
			with("RECURRENCE-ID:20260610T080000Z\nDTSTART:20260610T160000Z\nDURATION:PT1H")),
			"Mon 10:00-11:00 busy, Tue 14:00-14:30 busy, Wed 18:00-19:00 busy", ""},
		{"shifted into the window", wrap("BEGIN:VEVENT\nUID:x\nDTSTART:20260501T080000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;COUNT=2\nEND:VEVENT\n" +
			with("RECURRENCE-ID;RANGE=THISANDFUTURE:20260501T080000Z\nDTSTART:20260510T080000Z\nDURATION:PT1H")), "Wed 10:00-11:00 busy", ""},
		{"a day in a series of days, as a time", wrap("BEGIN:VEVENT\nUID:x\nDTSTART;VALUE=DATE:20260608\nRRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT\n" +
			with("RECURRENCE-ID:20260609T000000\nDTSTART:20260609T100000\nDURATION:PT1H")), "Mon 00:00-Tue 00:00 busy, Tue 10:00-11:00 busy", ""},
		{"two masters: the newer", wrap(with("SEQUENCE:1\nDTSTART:20260609T080000Z\nDURATION:PT1H") + with("SEQUENCE:3\nDTSTART:20260610T080000Z\nDURATION:PT1H") +
			with("SEQUENCE:2\nDTSTART:20260611T080000Z\nDURATION:PT1H")), "Wed 10:00-11:00 busy", ""},
		{"two masters: nobody knows", wrap(with("DTSTART:20260609T080000Z\nDURATION:PT1H") + with("DTSTART:20260610T080000Z\nDURATION:PT1H")),
			"Tue 10:00-11:00 busy, Wed 10:00-11:00 busy", ""},
		{"without UID they are strangers", wrap("BEGIN:VEVENT\nSEQUENCE:1\nDTSTART:20260609T080000Z\nDURATION:PT1H\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20260610T080000Z\nDURATION:PT1H\nEND:VEVENT"),
			"Tue 10:00-11:00 busy, Wed 10:00-11:00 busy", ""},
	})
}

func TestRead_FreeBusyAndAvailability(t *testing.T) {
	fb := func(lines string) []byte { return wrap("BEGIN:VFREEBUSY\nUID:f\n" + lines + "\nEND:VFREEBUSY") }
	const hours = "BEGIN:AVAILABLE\nUID:h\nDTSTART;TZID=Europe/Berlin:20260601T090000\nDURATION:PT8H\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\nEND:AVAILABLE\n"
	run(t, june(t), []trap{
		{"types", fb("FREEBUSY;fbtype=busy-tentative:20260610T080000Z/PT1H\nFREEBUSY;FBTYPE=X-NEW:20260611T080000Z/PT1H\nFREEBUSY;FBTYPE=FREE:20260612T080000Z/PT1H"),
			"Wed 10:00-11:00 tentative, Thu 10:00-11:00 busy", ""},
		{"a zone that should not be there", fb("FREEBUSY;TZID=UTC:20260610T080000/20260610T090000"), "Wed 10:00-11:00 busy", ""},
		{"one for each event", fb("FBTYPE:BUSY-UNAVAILABLE\nDTSTART:20260610T080000Z\nDTEND:20260610T090000Z"), "Wed 10:00-11:00 oof", ""},
		{"one for each event, free", fb("FBTYPE:FREE\nDTSTART:20260610T080000Z\nDTEND:20260610T090000Z"), "", ""},
		{"only its window", fb("DTSTART:20260610T000000Z\nDTEND:20260611T000000Z"), "", ""},
		{"hours", wrap("BEGIN:VAVAILABILITY\nDTSTART:20260609T220000Z\nDURATION:P1D\n" + hours + "END:VAVAILABILITY"),
			"Wed 00:00-09:00 oof, Wed 17:00-Thu 00:00 oof", ""},
		{"hours with a type", wrap("BEGIN:VAVAILABILITY\nBUSYTYPE:BUSY\nDTSTART:20260610T100000Z\nDTEND:20260610T220000Z\n" + hours + "END:VAVAILABILITY"),
			"Wed 17:00-Thu 00:00 busy", ""},
		{"the higher priority decides", wrap("BEGIN:VAVAILABILITY\nPRIORITY:5\nDTSTART:20260609T220000Z\nDTEND:20260610T220000Z\n" + hours + "END:VAVAILABILITY\n" +
			"BEGIN:VAVAILABILITY\nPRIORITY:1\nDTSTART:20260610T080000Z\nDTEND:20260610T100000Z\nEND:VAVAILABILITY\n" +
			"BEGIN:VAVAILABILITY\nDTSTART:20260610T080000Z\nDTEND:20260610T220000Z\nBUSYTYPE:BUSY\nEND:VAVAILABILITY"),
			"Wed 00:00-09:00 oof, Wed 10:00-12:00 oof, Wed 17:00-Thu 00:00 oof", ""},
	})
}

func TestRead_OffHoursAreNoEvents(t *testing.T) {
	o := june(t)
	s, err := Read(wrap("BEGIN:VAVAILABILITY\nEND:VAVAILABILITY"), o)
	if err != nil || len(s.Events) != 0 || len(s.OffHours) != 1 {
		t.Errorf("got %+v, %v; want one stretch of off hours and no event", s, err)
	}
}
