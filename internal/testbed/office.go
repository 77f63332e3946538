package testbed

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// OfficeCalendar makes a calendar of ten years from 2018 on as an office would have
// it, in iCalendar: single meetings, weekly, daily and monthly series, exceptions,
// attendees and long notes. 3060 events come to 2.5 MB. Each exception is a line of its
// own, as most programs write them: lists of them stop a library that row 20 of the
// benchmarks compares with.
func OfficeCalendar(events int) []byte {
	var b bytes.Buffer
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//presenced//testbed//EN\r\n")
	note := strings.Repeat("Agenda and minutes are in the usual place.\\n\r\n ", 6)
	begin := time.Date(2018, 1, 1, 8, 0, 0, 0, time.UTC)
	for i := range events {
		start := begin.AddDate(0, 0, i*3650/events).Add(time.Duration(i%9) * time.Hour)
		fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:e%d@example.com\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Meeting %d\r\nDESCRIPTION:%s\r\n", i, i, note)
		fmt.Fprintf(&b, "DTSTART;TZID=Europe/Berlin:%s\r\nDTEND;TZID=Europe/Berlin:%s\r\n",
			start.Format("20060102T150405"), start.Add(time.Hour).Format("20060102T150405"))
		switch i % 8 {
		case 0:
			b.WriteString("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;WKST=MO\r\n" +
				"EXDATE;TZID=Europe/Berlin:20261125T080000\r\nEXDATE;TZID=Europe/Berlin:20261223T080000\r\n")
		case 1:
			b.WriteString("RRULE:FREQ=DAILY;COUNT=200\r\n")
		case 2:
			b.WriteString("RRULE:FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20281231T000000Z\r\n")
		}
		for n := range 4 {
			fmt.Fprintf(&b, "ATTENDEE;CN=\"Person %d\";ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED:mailto:person%d@example.com\r\n", n, n)
		}
		b.WriteString("END:VEVENT\r\n")
	}
	b.WriteString("END:VCALENDAR\r\n")
	return b.Bytes()
}
