package engine

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"presenced/aggregation/calendar"
	"presenced/internal/presence"
)

// scheduleDoc is what was last read of a user's calendars.
type scheduleDoc struct {
	V         version         `json:"v"`
	Calendars []savedSchedule `json:"calendars"`
}

// savedSchedule is one calendar of a scheduleDoc. Times are unix seconds.
type savedSchedule struct {
	ID      CalendarID            `json:"id"`
	Fetched int64                 `json:"fetched"`
	Reach   int64                 `json:"reach"`
	Events  []byte                `json:"events,omitempty"` // as calendar.Pack has them
	Away    *presence.OutOfOffice `json:"away,omitempty"`
}

// maxSchedules bounds the calendars of one user that are kept; there are fewer
// sources and fewer calendars of her own.
const maxSchedules = 64

// maxUnix is the last second of the year 9999.
const maxUnix = 253402300799

// scheduleDoc renders the schedules; nil when there are none.
func (c *calendars) scheduleDoc() []byte {
	if c == nil || len(c.parts) == 0 {
		return nil
	}
	doc := scheduleDoc{V: docVersion}
	for i := range c.parts {
		p := &c.parts[i]
		doc.Calendars = append(doc.Calendars, savedSchedule{ID: p.id, Fetched: p.fetched, Reach: p.reach, Events: []byte(p.packed), Away: p.away})
	}
	return encode(doc)
}

// restore takes over a stored document. What cannot be read is an error only to
// whoever imports it: calendars are read anew.
func (c *calendars) restore(doc *scheduleDoc) error {
	var fault error
	var u calendar.Unpacked
	for _, s := range doc.Calendars[:min(len(doc.Calendars), maxSchedules)] {
		u.Reset()
		packed := string(s.Events)
		at, known := c.find(s.ID)
		switch {
		case known || s.ID == "" || len(s.ID) > maxCalendarID:
			fault = fmt.Errorf("calendar %.64q cannot be there", s.ID)
		case !u.Unpack(packed):
			fault = fmt.Errorf("the events of calendar %.64q cannot be read", s.ID)
		case s.Fetched < 0 || s.Fetched > maxUnix || s.Reach < 0 || s.Reach > maxUnix:
			fault = fmt.Errorf("calendar %.64q was not read at any time", s.ID)
		default:
			c.parts = slices.Insert(c.parts, at, schedule{id: s.ID, packed: packed, fetched: s.Fetched, reach: s.Reach, stored: s.Fetched, away: s.Away})
		}
	}
	return fault
}

// storeSchedule has the schedules stored if that is worth a write, one write at a
// time. What the store refuses is tried again with the next reading.
func (u *user) storeSchedule(now time.Time) {
	c := u.set.cals
	if c == nil || c.saving || !slices.ContainsFunc(c.parts, outdated) {
		return
	}
	c.saving = true
	queued := u.do(now, func(time.Time) {
		c := u.calendars() // an import may have replaced it
		wrote := slices.Clone(c.parts)
		u.save(Write{Docs: map[string][]byte{DocSchedule: c.scheduleDoc()}}, func(now time.Time, err error) {
			c := u.calendars()
			c.saving = false
			if err != nil {
				u.sh.e.warnStore(err)
				return
			}
			for i := range wrote {
				if at, known := c.find(wrote[i].id); known && c.parts[at].says(&wrote[i]) {
					c.parts[at].stored = wrote[i].fetched
				}
			}
			u.storeSchedule(now)
		})
	})
	if !queued {
		c.saving = false
	}
}

func outdated(s schedule) bool {
	return s.stored == 0 || s.fetched-s.stored >= int64(restoreAfter/time.Second)
}

// dropSchedule takes the stored schedules away.
func (u *user) dropSchedule(now time.Time) {
	u.do(now, func(time.Time) {
		if u.set.cals.scheduleDoc() != nil {
			return // there is something new
		}
		u.save(Write{Docs: map[string][]byte{DocSchedule: nil}}, func(_ time.Time, err error) {
			if err != nil {
				u.sh.e.warnStore(err)
			}
		})
	})
}

// chosen are the documents of settings that somebody chose; what calendars say is
// nobody's choice.
func chosen(docs map[string][]byte) map[string][]byte {
	out := maps.Clone(docs)
	delete(out, DocSchedule)
	return out
}

// calendarsOf puts together what is stored about calendars; nil for nothing.
func calendarsOf(chosen *calsDoc, read *scheduleDoc) *calendars {
	if chosen.V == 0 && read.V == 0 {
		return nil
	}
	c := &calendars{own: chosen.Own, refuse: chosen.Refuse, publish: chosen.Publish}
	_ = c.restore(read) // readCalendars tells an importer; a start reads anew
	return c
}

// keepSchedule goes on with what was read before other settings came, as far as
// those want it, until it is read anew.
func (u *user) keepSchedule(old *calendars) {
	if old == nil || len(old.parts) == 0 || u.set.cals != nil && len(u.set.cals.parts) > 0 {
		return
	}
	c := u.calendars()
	for _, p := range old.parts {
		if c.wants(p.id) {
			p.stored = 0 // the import has taken it away
			c.parts = append(c.parts, p)
		}
	}
}

// readCalendars holds an imported document to what the commands store.
func readCalendars(_ presence.JID, im *imported) error {
	c := im.set.cals
	if c == nil {
		return nil
	}
	if len(c.own) > maxOwnCalendars {
		return refuse(TooMany, DocCals, "document %s has %d calendars, and there may be %d; take some out", DocCals, len(c.own), maxOwnCalendars)
	}
	seen := map[string]bool{}
	for _, o := range c.own {
		if o.ID == "" || len(o.ID) > maxCalendarID-len("own:") || seen[o.ID] || o.Kind != CalendarICS && o.Kind != CalendarCalDAV ||
			len(o.Name) > 4*maxCalendarName || len(o.Sealed) > 4*maxCalendarURL {
			return refuse(Invalid, DocCals, "document %s: calendar %.64q is not one the command \"calendar\" stores; take it out", DocCals, o.ID)
		}
		seen[o.ID] = true
	}
	return nil
}
