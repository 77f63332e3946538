package polling

import (
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

var _ engine.CalendarReader = (*Poller)(nil)

// WantCalendars replaces what is to be read of a user.
func (p *Poller) WantCalendars(w engine.CalendarWish) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	who := p.people[w.User]
	if who == nil {
		who = &person{}
	}
	anew := who.attendee != w.Attendee || !sameZone(who.zone, w.Zone)
	who.bare, who.zone, who.attendee, who.own = w.Bare, w.Zone, w.Attendee, w.Own
	wanted := p.wanted(&w)
	for _, e := range slices.Clone(who.entries) {
		if !slices.ContainsFunc(wanted, func(k wantedOne) bool { return k.feed == e.feed && k.id == e.id }) {
			p.door.CalendarGone(e.user, e.calendar())
			p.drop(e)
			continue
		}
		if anew { // the same text says something else now
			e.state, e.reach = nil, 0
			e.feed.plan(e, now)
		}
	}
	for _, k := range wanted {
		if !slices.ContainsFunc(who.entries, func(e *entry) bool { return k.feed == e.feed && k.id == e.id }) {
			e := &entry{feed: k.feed, user: w.User, id: k.id, host: k.host, slot: -1}
			who.entries = append(who.entries, e)
			k.feed.add(e, known(w.Have, e.calendar()), now)
		}
	}
	for _, have := range w.Have {
		if !slices.ContainsFunc(who.entries, func(e *entry) bool { return e.calendar() == have.ID }) {
			p.door.CalendarGone(w.User, have.ID)
		}
	}
	if len(who.entries) == 0 {
		delete(p.people, w.User)
		return
	}
	p.people[w.User] = who
}

// ForgetCalendars ends the reading of a user's calendars.
func (p *Poller) ForgetCalendars(user presence.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if who := p.people[user]; who != nil {
		for _, e := range slices.Clone(who.entries) {
			p.drop(e)
		}
		delete(p.people, user)
	}
}

// wantedOne is one calendar that is to be read.
type wantedOne struct {
	feed *feed
	id   string // of her own calendar
	host string
}

// wanted lists the calendars of a wish that somebody can read.
func (p *Poller) wanted(w *engine.CalendarWish) []wantedOne {
	var list []wantedOne
	if w.Site {
		for _, f := range p.feeds {
			if f.own() {
				continue
			}
			if _, ok := f.mailbox(w.User, w.Bare); ok {
				list = append(list, wantedOne{feed: f})
			}
		}
	}
	for i := range w.Own {
		o := &w.Own[i]
		f := p.feeds[ownPrefix+o.Kind]
		if f == nil {
			continue
		}
		// One that does not open is there all the same: the fault is told in its turn.
		access, _ := p.open(w.User, o)
		at, err := url.Parse(access.URL)
		if err != nil {
			at = &url.URL{}
		}
		list = append(list, wantedOne{feed: f, id: o.ID, host: at.Hostname()})
	}
	return list
}

// open unseals where a calendar is.
func (p *Poller) open(user presence.Addr, o *engine.OwnCalendar) (access engine.CalendarAccess, ok bool) {
	plain, ok := p.opt.Opener.Open(engine.CalendarContext(user, o.ID), o.Sealed)
	if !ok {
		return access, false
	}
	return access, json.Unmarshal(plain, &access) == nil
}

// box is what the source is asked for an entry; false: it cannot be asked.
func (p *Poller) box(e *entry, now time.Time) (sources.Mailbox, bool) {
	who := p.people[e.user]
	var box sources.Mailbox
	ok := false
	if !e.feed.own() {
		box, ok = e.feed.mailbox(e.user, who.bare)
	} else if i := slices.IndexFunc(who.own, func(o engine.OwnCalendar) bool { return o.ID == e.id }); i >= 0 {
		var access engine.CalendarAccess
		access, ok = p.open(e.user, &who.own[i])
		box = sources.Mailbox{Address: access.URL, Username: access.Username, Password: access.Password}
	}
	box.User, box.Zone = who.bare, who.zone
	if box.Attendee == "" {
		box.Attendee = who.attendee
	}
	if e.reach >= now.Add(enough).Unix() {
		box.State = e.state
	}
	return box, ok
}

// drop takes an entry away from its feed and its person.
func (p *Poller) drop(e *entry) {
	e.feed.remove(e)
	if who := p.people[e.user]; who != nil {
		who.entries = slices.DeleteFunc(who.entries, func(o *entry) bool { return o == e })
		if len(who.entries) == 0 {
			delete(p.people, e.user)
		}
	}
}

func sameZone(a, b *time.Location) bool {
	return a == b || a != nil && b != nil && a.String() == b.String()
}

// known returns when a calendar was read; zero: nothing is known of it.
func known(have []engine.CalendarKnown, id engine.CalendarID) time.Time {
	for _, h := range have {
		if h.ID == id {
			return h.FetchedAt
		}
	}
	return time.Time{}
}
