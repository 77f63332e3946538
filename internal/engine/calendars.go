package engine

import (
	"cmp"
	"slices"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// DocSchedule is the document of what was last read of a user's calendars, so
// that a start while their servers are away still shows her meetings (S6.4).
const DocSchedule = "sched"

// CalendarID names one of a user's calendars: SiteCalendar or OwnCalendarID.
type CalendarID string

// SiteCalendar is the calendar a user has at a source of the operator's.
func SiteCalendar(source string) CalendarID { return CalendarID("site:" + source) }

// OwnCalendarID is a calendar the user added herself.
func OwnCalendarID(id string) CalendarID { return CalendarID("own:" + id) }

// CalendarReading is what one calendar says.
type CalendarReading struct {
	// Packed are the events, by calendar.Pack.
	Packed string
	// FetchedAt is when they were asked for; Reach is the end of the window they
	// were asked for. The calendar has an opinion until calendar.max_stale after the
	// one, and no longer than the other (S6.4).
	FetchedAt, Reach time.Time
	// Away is the period the calendar's server itself tells of (automatic replies):
	// it counts as the user's own where she set none here (S6.1). nil: none.
	Away *presence.OutOfOffice
}

// CalendarWish says which calendars of an enrolled user are to be read, and how.
type CalendarWish struct {
	User presence.Addr
	Bare string
	// Site: those of the operator's sources that are for her.
	Site bool
	// Own are those she added.
	Own []OwnCalendar
	// Zone is of floating times and all-day events.
	Zone *time.Location
	// Attendee is the address invitations name her by.
	Attendee string
	// Have are the calendars something is known of, and when it was read: whatever
	// is not to be read any more the reader has to declare gone.
	Have []CalendarKnown
}

// CalendarKnown tells of what age the schedule of a calendar is.
type CalendarKnown struct {
	ID        CalendarID
	FetchedAt time.Time
}

// CalendarReader reads calendars at its own pace and answers through CalendarRead,
// CalendarUnchanged and CalendarGone. Its methods never block.
type CalendarReader interface {
	// WantCalendars replaces what was wanted of the user.
	WantCalendars(w CalendarWish)
	// ForgetCalendars ends the reading; answers on their way are dropped here.
	ForgetCalendars(user presence.Addr)
}

// calendars is what is kept of a user's calendars.
type calendars struct {
	own    []OwnCalendar // never changed, only replaced
	refuse bool          // the operator's calendars are not read for her
	saving bool          // the schedules are on their way to the store
	parts  []schedule    // by id
	// publish: what she does is published to her native contacts.
	publish bool
}

// schedule is what one calendar said last. Times are unix seconds.
type schedule struct {
	id      CalendarID
	packed  string
	fetched int64
	reach   int64
	stored  int64                 // fetched, as the store has it; 0: the store has something else
	away    *presence.OutOfOffice // never changed, only replaced
}

// restoreAfter is how old the stored time of a reading may become while nothing
// else of it changes: so much earlier a schedule may count as stale after a
// restart.
const restoreAfter = time.Hour

// CalendarRead tells what a calendar says. The reading is kept, and shown from then
// on by the owner's timer at every edge (S6.4).
func (e *Engine) CalendarRead(of presence.Addr, id CalendarID, r CalendarReading) {
	e.calendarEvent(of, func(u *user, now time.Time) {
		if !u.calendars().wants(id) {
			return // she has decided otherwise meanwhile
		}
		next := schedule{id: id, packed: r.Packed, fetched: r.FetchedAt.Unix(), reach: r.Reach.Unix(), away: u.shownAway(r.Away)}
		c := u.calendars()
		at, known := c.find(id)
		if !known {
			c.parts = slices.Insert(c.parts, at, next)
		} else {
			if old := &c.parts[at]; old.says(&next) {
				next.packed, next.away, next.stored = old.packed, old.away, old.stored
			}
			c.parts[at] = next
		}
		u.calendarNews(now)
	})
}

// CalendarUnchanged tells that what a calendar said before still holds, with the
// period its server tells of now: automatic replies change without the calendar.
func (e *Engine) CalendarUnchanged(of presence.Addr, id CalendarID, at time.Time, away *presence.OutOfOffice) {
	e.calendarEvent(of, func(u *user, now time.Time) {
		c := u.calendars()
		i, known := c.find(id)
		if !known {
			return
		}
		next := c.parts[i]
		next.fetched, next.away = at.Unix(), u.shownAway(away)
		if c.parts[i].says(&next) {
			next.away = c.parts[i].away
		} else {
			next.stored = 0
		}
		c.parts[i] = next
		u.calendarNews(now)
	})
}

// CalendarGone tells that there is no such calendar, or that it is not read any
// more: what it said is forgotten.
func (e *Engine) CalendarGone(of presence.Addr, id CalendarID) {
	e.calendarEvent(of, func(u *user, now time.Time) {
		c := u.calendars()
		i, known := c.find(id)
		if !known {
			return
		}
		c.parts = slices.Delete(c.parts, i, i+1)
		for k := range c.parts {
			c.parts[k].stored = 0 // they are stored together
		}
		if len(c.parts) == 0 {
			u.dropSchedule(now)
		}
		u.calendarNews(now)
	})
}

// calendarEvent runs f in the owner of an enrolled user. The reader bounds how many
// there are at a time.
func (e *Engine) calendarEvent(of presence.Addr, f func(u *user, now time.Time)) {
	s := e.shardOf(of)
	s.box.must(func(now time.Time) {
		if u := s.users[of]; u != nil && u.set.enrol.Enabled {
			f(u, now)
		}
	})
}

// calendars returns what is kept of the user's calendars, to be filled.
func (u *user) calendars() *calendars {
	if u.set.cals == nil {
		u.set.cals = new(calendars)
	}
	return u.set.cals
}

// find returns where the schedule of a calendar is, or would be.
func (c *calendars) find(id CalendarID) (int, bool) {
	return slices.BinarySearchFunc(c.parts, id, func(s schedule, id CalendarID) int { return cmp.Compare(s.id, id) })
}

// calendarNews puts what was read in force and stores it.
func (u *user) calendarNews(now time.Time) {
	u.restate(now, causeEvent)
	u.storeSchedule(now)
}

// openCalendars unpacks what the calendars say that are not stale at now, all of
// them as one; nil where nothing is known. It holds until the owner asks again.
func (u *user) openCalendars(now time.Time) *presence.Calendar {
	c := u.set.cals
	if c == nil || len(c.parts) == 0 {
		return nil
	}
	s := u.sh
	s.unpacked.Reset()
	maxStale := int64(s.e.rules().System.Aggregation.CalendarMaxStale / time.Second)
	oldest := int64(1<<63 - 1)
	for i := range c.parts {
		p := &c.parts[i]
		as, fresh := p.age(maxStale, now)
		if fresh && s.unpacked.Unpack(p.packed) {
			oldest = min(oldest, as)
		}
	}
	if len(s.unpacked.Events) == 0 {
		return nil
	}
	s.calendar = presence.Calendar{FetchedAt: time.Unix(oldest, 0).UTC(), Events: s.unpacked.Events}
	return &s.calendar
}

// age returns when a schedule counts as read, in unix seconds: such that it is stale
// when its window ends at the latest. fresh tells that it is not stale at now.
func (p *schedule) age(maxStale int64, now time.Time) (as int64, fresh bool) {
	as = min(p.fetched, p.reach-maxStale)
	return as, now.Unix() < as+maxStale
}

// says reports whether two readings of a calendar say the same.
func (p *schedule) says(q *schedule) bool {
	if p.packed != q.packed || (p.away == nil) != (q.away == nil) {
		return false
	}
	return p.away == nil || p.away.Start.Equal(q.away.Start) && p.away.End.Equal(q.away.End) && p.away.Note == q.away.Note
}

// evaluated is the person's state at now, with what her calendars say.
func (u *user) evaluated(now time.Time) presence.State {
	own := u.openInputs(now)
	st := u.person.State(&u.sh.e.rules().System, now)
	u.closeInputs(own)
	return st
}

// openInputs puts what the calendars say at now beside the other inputs, and
// closeInputs takes it away again: the next user's events stand there soon.
func (u *user) openInputs(now time.Time) (own *presence.OutOfOffice) {
	in := &u.person.Inputs
	in.Calendar = u.openCalendars(now)
	return u.openAway(now)
}

func (u *user) closeInputs(own *presence.OutOfOffice) {
	u.person.Inputs.Calendar, u.person.Inputs.OOF = nil, own
}

// openAway puts the out-of-office period of a calendar's server in the place of her
// own where she has none, and returns her own.
func (u *user) openAway(now time.Time) (own *presence.OutOfOffice) {
	in := &u.person.Inputs
	own = in.OOF
	if own != nil || u.set.cals == nil {
		return own
	}
	maxStale := int64(u.sh.e.rules().System.Aggregation.CalendarMaxStale / time.Second)
	for i := range u.set.cals.parts {
		p := &u.set.cals.parts[i]
		if _, fresh := p.age(maxStale, now); !fresh || p.away == nil {
			continue
		}
		if in.OOF == nil || p.away.On(now) && !in.OOF.On(now) {
			in.OOF = p.away
		}
	}
	return own
}

// shownAway makes a period a server told fit to be shown (S9).
func (u *user) shownAway(p *presence.OutOfOffice) *presence.OutOfOffice {
	if p == nil || !p.End.IsZero() && !p.End.After(p.Start) {
		return nil
	}
	shown := *p
	shown.Note = u.cleanStatus(p.Note)
	return &shown
}

// narrow holds the notes that servers told to a policy.
func (c *calendars) narrow(op *privacy.Operator) {
	for i := range c.parts {
		away := c.parts[i].away
		if away == nil {
			continue
		}
		if shown := op.Links.Shown(away.Note); shown != away.Note {
			narrowed := *away
			narrowed.Note = shown
			c.parts[i].away = &narrowed
		}
	}
}

// wantCalendars tells the reader what is to be read of the user.
func (u *user) wantCalendars() {
	r := u.sh.e.opt.Calendars
	if r == nil || !u.set.enrol.Enabled {
		return
	}
	w := CalendarWish{User: u.addr, Bare: u.bare(), Site: true, Attendee: u.bare()}
	w.Zone, _ = u.zone()
	if p := u.person.Profile; p != nil && p.Text[presence.FieldEmail] != "" {
		w.Attendee = p.Text[presence.FieldEmail]
	}
	if c := u.set.cals; c != nil {
		w.Site, w.Own = !c.refuse, c.own
		for i := range c.parts {
			w.Have = append(w.Have, CalendarKnown{ID: c.parts[i].id, FetchedAt: time.Unix(c.parts[i].fetched, 0)})
		}
	}
	r.WantCalendars(w)
}

// forgetCalendars ends the reading of somebody who is not enrolled any more, and
// drops what was read. What she added herself stays with her settings.
func (u *user) forgetCalendars(now time.Time) {
	u.sh.forgetCalendars(u)
	if c := u.set.cals; c != nil && len(c.parts) > 0 {
		c.parts = nil
		u.dropSchedule(now)
	}
}

func (s *shard) forgetCalendars(u *user) {
	if r := s.e.opt.Calendars; r != nil {
		r.ForgetCalendars(u.addr)
	}
}
