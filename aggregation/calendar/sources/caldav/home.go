package caldav

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"presenced/aggregation/calendar/sources"
)

// maxCalendars is how many calendars of one user are read.
const maxCalendars = 64

// collection is one calendar.
type collection struct {
	url  string
	mark string // changes when anything in it does; empty: nobody knows
}

// listing is what a user's places hold.
type listing struct {
	calendars []collection // those that count, by URL
	skipped   int          // calendars that do not
	denied    int          // collections we may not look into
	host      string
	hours     []string // calendar-availability: of an inbox first, then of calendars
	inbox     bool     // an inbox was among them
}

// list looks at the places of a user.
func (v *visit) list(ctx context.Context, p place) (*listing, error) {
	var l listing
	var inboxes, others []string
	for _, home := range p.Homes {
		depth := "1"
		if p.Single {
			depth = "0"
		}
		all, at, err := v.props(ctx, home, depth, askCal)
		if err != nil {
			return nil, err
		}
		l.host = at.Host
		for i := range all {
			hours, err := l.add(v, at, home, &all[i])
			if err != nil {
				return nil, err
			}
			switch {
			case hours == "":
			case all[i].found[dav("resourcetype")].child(cal("schedule-inbox")) != nil:
				inboxes = append(inboxes, hours)
			default:
				others = append(others, hours)
			}
		}
	}
	if p.Inbox != "" && !l.inbox {
		hours, err := v.inboxHours(ctx, p.Inbox)
		if err != nil {
			return nil, err
		}
		inboxes = append(inboxes, hours...)
	}
	slices.SortFunc(l.calendars, func(a, b collection) int { return strings.Compare(a.url, b.url) })
	if len(l.calendars) > maxCalendars {
		v.warn(fmt.Sprintf("only %d of %d calendars are read", maxCalendars, len(l.calendars)))
		l.calendars = l.calendars[:maxCalendars]
	}
	l.hours = slices.Concat(inboxes, others)
	return &l, nil
}

// add looks at one resource of a home. It returns the hours it tells of.
func (l *listing) add(v *visit, at *url.URL, home string, r *response) (hours string, err error) {
	to, err := resolve(at, r.href)
	itself := err == nil && samePlace(to, home)
	status := r.status
	if status == 0 {
		status = r.failed[dav("resourcetype")]
	}
	switch {
	case status != 0 && (itself || status == http.StatusUnauthorized):
		return "", inside(at.Host, status)
	case status == http.StatusForbidden:
		l.denied++
		v.warn("a calendar may not be read (403)")
		return "", nil
	case status != 0 && status != http.StatusNotFound:
		return "", inside(at.Host, status) // it may be a calendar, and half a schedule is none
	case status != 0:
		return "", nil
	case err != nil:
		return "", err
	}
	is := r.found[dav("resourcetype")]
	if is.child(cal("schedule-inbox")) != nil {
		l.inbox = true
	}
	if hours = r.gives(cal("calendar-availability")); hours == "" {
		hours = r.gives(cs("calendar-availability"))
	}
	if is.child(cal("calendar")) == nil {
		return hours, nil
	}
	if !counts(r, is) || slices.ContainsFunc(l.calendars, func(c collection) bool { return samePlace(c.url, to) }) {
		l.skipped++
		return hours, nil
	}
	l.calendars = append(l.calendars, collection{url: to, mark: markOf(r)})
	return hours, nil
}

// markOf returns what tells one state of a calendar from the next.
func markOf(r *response) string {
	tag, token := r.gives(cs("getctag")), r.gives(dav("sync-token"))
	if tag == "" && token == "" {
		return ""
	}
	return tag + " " + token
}

// counts reports whether a calendar says when its owner is busy.
func counts(r *response, is *node) bool {
	for _, k := range is.kids {
		// Calendars of others that a server shows on, and what was thrown away.
		if k.name == cs("subscribed") || k.name.Space == nextNS && k.name.Local == "deleted-calendar" {
			return false
		}
	}
	if r.found[cal("schedule-calendar-transp")].child(cal("transparent")) != nil {
		return false
	}
	set := r.found[cal("supported-calendar-component-set")]
	if set == nil || len(set.kids) == 0 {
		return true // RFC 4791, 5.2.3: it takes everything
	}
	return slices.ContainsFunc(set.kids, func(k *node) bool {
		return k.name == cal("comp") && strings.EqualFold(k.kind, "VEVENT")
	})
}

// inboxHours asks an inbox outside of the homes for the user's hours. It not
// being there, or closed to us, is no fault.
func (v *visit) inboxHours(ctx context.Context, inbox string) ([]string, error) {
	all, _, err := v.props(ctx, inbox, "0", "<C:calendar-availability/><S:calendar-availability/>")
	if err != nil || len(all) == 0 {
		switch sources.KindOf(err) {
		case sources.Gone, sources.Forbidden:
			return nil, nil
		default:
			return nil, err
		}
	}
	for _, hours := range []string{all[0].gives(cal("calendar-availability")), all[0].gives(cs("calendar-availability"))} {
		if hours != "" {
			return []string{hours}, nil
		}
	}
	return nil, nil
}

// mark returns what stands for everything listed, and whether it is enough to
// tell that nothing changed.
func (l *listing) mark() (mark string, enough bool) {
	h, enough := sha256.New(), true
	for _, c := range l.calendars {
		_, _ = fmt.Fprintf(h, "%q %q\n", c.url, c.mark)
		enough = enough && c.mark != ""
	}
	for _, hours := range l.hours {
		_, _ = fmt.Fprintf(h, "%q\n", hours)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)), enough
}
