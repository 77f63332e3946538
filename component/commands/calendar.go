package commands

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// Calendars reads users' own calendars for the command.
type Calendars interface {
	// Keeps reports whether users may add calendars: a key to keep them encrypted is
	// there.
	Keeps() bool
	// Try reads a calendar once before it is added, TryOwn one that is there. Both
	// wait for its server, at most some 10 s.
	Try(ctx context.Context, user presence.JID, zone *time.Location, c engine.AddCalendar) Trial
	TryOwn(ctx context.Context, user presence.Addr, id string) Trial
}

// Trial is what came of reading a calendar once.
type Trial struct {
	Fault text.Key // what is wrong; empty: nothing
	// Meetings are the events of the next two days that make her busy or away.
	Meetings []presence.Event
}

// The choices of the first page of calendar.
const (
	listCalendars   = "list"
	addCalendar     = "add"
	testCalendar    = "test"
	removeCalendar  = "remove"
	refuseCalendars = "refuse"
	acceptCalendars = "accept"
	publishActivity = "publish"
	hideActivity    = "unpublish"
)

// Limits of what is typed; the engine checks again.
const (
	maxCalendarName = 64
	maxCalendarURL  = 2048
	maxCredential   = 256
)

func calendarForm(r *run) *form {
	choice := field{name: "action", kind: listSingle, required: true, label: r.t("field.calendar.action"), desc: r.t("field.calendar.action.desc"),
		values: []string{listCalendars}}
	var idle []option // understood, but there is nothing it could do
	offer := func(useful bool, value string, label text.Key) {
		if useful {
			choice.options = append(choice.options, option{value, r.t(label)})
		} else {
			idle = append(idle, option{value, r.t(label)})
		}
	}
	own := len(r.have.Calendars) > 0
	offer(true, listCalendars, "option.calendar.list")
	offer(true, addCalendar, "option.calendar.add")
	offer(own, testCalendar, "option.calendar.test")
	offer(own, removeCalendar, "option.calendar.remove")
	offer(len(r.have.SiteCalendars) > 0 && !r.have.CalendarsRefused, refuseCalendars, "option.calendar.refuse")
	offer(r.have.CalendarsRefused, acceptCalendars, "option.calendar.accept")
	offer(r.have.Publishing.Offered && !r.have.Publishing.On, publishActivity, "option.calendar.publish")
	offer(r.have.Publishing.On, hideActivity, "option.calendar.unpublish")
	choice.shown = len(choice.options)
	choice.options = append(choice.options, idle...)
	return &form{title: r.t("command.calendar"), instructions: r.t("form.calendar"), fields: []field{choice}}
}

// calendarDetails is the second page: what to add, or which calendars are meant.
func calendarDetails(r *run) *form {
	switch r.in.text("action") {
	case addCalendar:
		if r.keeps() {
			return r.addCalendarForm()
		}
	case testCalendar:
		return r.pickCalendar(listSingle, "option.calendar.test")
	case removeCalendar:
		return r.pickCalendar(listMulti, "option.calendar.remove")
	}
	return nil
}

func (r *run) keeps() bool { return r.s.options.Calendars != nil && r.s.options.Calendars.Keeps() }

func (r *run) addCalendarForm() *form {
	return &form{title: r.t("option.calendar.add"), instructions: r.t("form.calendar.add"), fields: []field{
		{name: "kind", kind: listSingle, required: true, label: r.t("field.calendar.kind"), desc: r.t("field.calendar.kind.desc"),
			values:  []string{engine.CalendarICS},
			options: []option{{engine.CalendarICS, r.t("option.calendar.ics")}, {engine.CalendarCalDAV, r.t("option.calendar.caldav")}}},
		{name: "url", kind: textSingle, required: true, label: r.t("field.calendar.url"), desc: r.t("field.calendar.url.desc"), limit: maxCalendarURL},
		{name: "username", kind: textSingle, label: r.t("field.calendar.username"), desc: r.t("field.calendar.username.desc"), limit: maxCredential},
		{name: "password", kind: textPrivate, label: r.t("field.calendar.password"), desc: r.t("field.calendar.password.desc"), limit: maxCredential},
		{name: "name", kind: textSingle, label: r.t("field.calendar.name"), desc: r.t("field.calendar.name.desc"), limit: maxCalendarName},
	}}
}

// pickCalendar asks which of her calendars is meant; nil where there is none.
func (r *run) pickCalendar(k kind, title text.Key) *form {
	if len(r.have.Calendars) == 0 {
		return nil
	}
	which := field{name: "calendar", kind: k, required: true, label: r.t("field.calendar.which"), desc: r.t("field.calendar.which.desc")}
	for _, c := range r.have.Calendars {
		which.options = append(which.options, option{c.ID, r.calendarInWords(&c)})
	}
	if k == listSingle {
		which.values = []string{which.options[0].value}
	} else {
		which.desc = r.t("field.rules.desc")
	}
	return &form{title: r.t(title), instructions: r.t("form.calendar.pick"), fields: []field{which}}
}

func (r *run) calendarInWords(c *engine.CalendarSummary) string {
	kind := c.Kind
	switch kind {
	case engine.CalendarICS:
		kind = "iCalendar"
	case engine.CalendarCalDAV:
		kind = "CalDAV"
	}
	if c.ReadAt.IsZero() {
		return r.t("option.calendar.one", c.Name, kind)
	}
	return r.t("option.calendar.one.read", c.Name, kind, r.moment(c.ReadAt))
}

func (r *run) moment(t time.Time) string { return text.Moment(r.lang, t, r.now, r.zone()) }

func changeCalendars(r *run) (plan, []fault) {
	none := len(r.have.Calendars) == 0
	switch r.in.text("action") {
	case addCalendar:
		if !r.keeps() {
			return plan{}, []fault{{"action", r.t("error.calendar.key")}}
		}
		return r.addCalendar()
	case testCalendar:
		if none {
			return plan{done: r.noCalendar()}, nil
		}
		found := r.s.options.Calendars.TryOwn(r.ctx, r.user.Addr, r.in.text("calendar"))
		if found.Fault != "" {
			return plan{}, []fault{{"calendar", r.t(found.Fault)}}
		}
		return plan{done: r.found(found)}, nil
	case removeCalendar:
		if none {
			return plan{done: r.noCalendar()}, nil
		}
		var p plan
		for _, id := range r.in.all("calendar") {
			p.changes = append(p.changes, engine.RemoveCalendar{ID: id})
		}
		p.done = r.t("note.calendar.removed", len(p.changes))
		return p, nil
	case refuseCalendars:
		return one(engine.SetSiteCalendars{On: false}, r.t("note.calendar.refused")), nil
	case acceptCalendars:
		return one(engine.SetSiteCalendars{On: true}, r.t("note.calendar.accepted")), nil
	case publishActivity:
		if why := r.cannotPublish(); why != "" {
			return plan{}, []fault{{"action", why}}
		}
		return one(engine.SetPublishing{On: true}, r.t("note.calendar.published")), nil
	case hideActivity:
		return one(engine.SetPublishing{On: false}, r.t("note.calendar.unpublished")), nil
	}
	return r.listCalendars(), nil
}

// cannotPublish is why her activity cannot be published to her contacts; empty where
// it can.
func (r *run) cannotPublish() string {
	switch p := &r.have.Publishing; {
	case !p.Offered:
		return r.t("error.calendar.publish.server")
	case p.Unread:
		return r.t("error.calendar.publish.roster")
	case p.HeldBy != "":
		return r.t("error.calendar.publish.contact", p.HeldBy)
	}
	return ""
}

// addCalendar tries the calendar first, so that a slip is told while the form is
// open.
func (r *run) addCalendar() (plan, []fault) {
	c, err := engine.CheckCalendar(engine.AddCalendar{
		Name: r.in.text("name"), Kind: r.in.text("kind"),
		Access: engine.CalendarAccess{URL: r.in.text("url"), Username: r.in.text("username"), Password: r.in.text("password")},
	})
	if refusal, ok := errors.AsType[*engine.RefusedError](err); ok {
		return plan{}, []fault{{refusal.Field, r.t(calendarFaults[refusal.Field])}}
	}
	found := r.s.options.Calendars.Try(r.ctx, r.user, r.zone(), c)
	switch {
	case found.Fault == "error.calendar.unauthorized" && r.chat:
		return plan{}, []fault{{"url", r.t("chat.calendar.password")}}
	case found.Fault != "":
		return plan{}, []fault{{"url", r.t(found.Fault)}}
	}
	return one(c, r.t("note.calendar.added", c.Name, r.found(found))), nil
}

// calendarFaults are the sentences for what is typed wrong, by field.
var calendarFaults = map[string]text.Key{
	"kind":     "error.calendar.kind",
	"url":      "error.calendar.url",
	"name":     "error.calendar.name",
	"username": "error.calendar.username",
	"password": "error.calendar.password",
}

// found tells what a calendar that can be read shows.
func (r *run) found(t Trial) string {
	if len(t.Meetings) == 0 {
		return r.t("note.calendar.empty")
	}
	first := slices.MinFunc(t.Meetings, func(a, b presence.Event) int { return a.Start.Compare(b.Start) })
	return r.t("note.calendar.works", len(t.Meetings), r.moment(first.Start), r.moment(first.End))
}

// noCalendar tells that she has none, and how to add one.
func (r *run) noCalendar() string {
	none := r.t("note.calendar.none")
	switch {
	case !r.keeps():
		return none
	case r.chat:
		return none + " " + r.t("chat.calendar.how")
	}
	return none + " " + r.t("note.calendar.how")
}

func (r *run) listCalendars() plan {
	lines := r.ownCalendars()
	if !r.chat {
		for i := range r.have.Calendars {
			lines[i] = r.calendarInWords(&r.have.Calendars[i])
		}
	}
	for _, c := range r.have.SiteCalendars {
		lines = append(lines, r.t("option.calendar.site", c.Name, r.moment(c.ReadAt)))
	}
	if r.have.CalendarsRefused {
		lines = append(lines, r.t("note.calendar.refused"))
	}
	if len(lines) == 0 && !r.have.Publishing.On {
		return plan{done: r.noCalendar()}
	}
	if r.have.Publishing.On {
		lines = append(lines, r.t("note.calendar.publishing"))
		if why := r.cannotPublish(); why != "" {
			lines = append(lines, r.t("note.calendar.held", why))
		}
	}
	f := &form{title: r.t("command.calendar"), instructions: strings.Join(lines, "\n"), worded: true, reported: []field{
		{name: "name", kind: textSingle, label: r.t("field.calendar.name")},
		{name: "kind", kind: textSingle, label: r.t("field.calendar.kind")},
		{name: "read", kind: textSingle, label: r.t("field.calendar.read")},
	}}
	for _, c := range slices.Concat(r.have.Calendars, r.have.SiteCalendars) {
		read := ""
		if !c.ReadAt.IsZero() {
			read = c.ReadAt.UTC().Format(time.RFC3339)
		}
		f.rows = append(f.rows, []string{c.Name, c.Kind, read})
	}
	done := r.t("note.calendar.list", len(r.have.Calendars)+len(r.have.SiteCalendars)) + "\n" + strings.Join(lines, "\n")
	return plan{done: done, result: f}
}
