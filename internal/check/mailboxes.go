package check

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/ews"
	"presenced/aggregation/calendar/sources/outbound"
	"presenced/config"
	"presenced/internal/polling"
	"presenced/internal/presence"
	"presenced/internal/sites"
	"presenced/internal/text"
)

const (
	// maxTried is how many mailboxes a server that is asked for many is tried with.
	maxTried = 20
	// maxTold is how many of those that cannot be read are told one by one.
	maxTold = 5
)

// discover has Autodiscover find an Exchange server and tells what it did.
func (c *checker) discover(ctx context.Context, name string, source *ews.Source) (where string, found bool) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	where, steps, err := source.Discover(ctx)
	var way strings.Builder
	for _, s := range steps {
		said := "it led on"
		if s.Err != nil {
			said = s.Err.Error()
		}
		fmt.Fprintf(&way, "\nasked %s: %s", s.Where, said)
	}
	if err != nil {
		do := "give the url of Exchange Web Services"
		if f, ok := errors.AsType[*sources.Fault](err); ok && f.Remedy != "" {
			do = f.Remedy
		}
		c.fail(name, err.Error()+way.String(), do)
		return "", false
	}
	c.ok(name, "autodiscover leads to %s%s", where, way.String())
	return where, true
}

// mailboxes reads some users' calendars, as the daemon would.
func (c *checker) mailboxes(ctx context.Context, name string, s *config.CalendarSource, source sources.Source, users []string) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	boxes := c.boxes(s, source, users)
	if len(boxes) == 0 {
		if c.signIn(ctx, name, s, source, &sources.Mailbox{Address: s.As}) {
			c.warn(name, "no calendar was tried: no user is known to try with", "enable a user and check again, or name one in calendar.sources.users")
		}
		return
	}
	if !c.signIn(ctx, name, s, source, &boxes[0]) {
		return
	}
	now := time.Now()
	w := sources.Window{From: now.Add(-time.Hour), To: now.Add(polling.Ahead)}
	found, err := fetch(ctx, source, w, boxes)
	if err != nil {
		c.calendarFault(name, boxes[0].User, s, err, true)
		return
	}
	c.readings(name, s, boxes, found, w)
}

// fetch reads the boxes, as many at once as the source takes. It fails with the first
// of them, and ends where the server as a whole fails later or the time is over.
func fetch(ctx context.Context, source sources.Source, w sources.Window, boxes []sources.Mailbox) (all []sources.Result, err error) {
	for some := range slices.Chunk(boxes, source.Batch()) {
		found, err := source.Fetch(ctx, w, some)
		if err == nil && len(found) != len(some) {
			err = errors.New("another number of answers came than was asked for")
		}
		switch {
		case err != nil && len(all) == 0:
			return nil, err
		case err != nil && ctx.Err() != nil:
			return all, nil
		case err != nil:
			return append(all, slices.Repeat([]sources.Result{{Err: err}}, len(some))...), nil
		}
		all = append(all, found...)
	}
	return all, nil
}

// notices tries whether the daemon answers at the address Microsoft is given. From
// here that is no proof that Microsoft reaches it.
func (c *checker) notices(ctx context.Context, name, where string, roots *x509.CertPool) {
	const token = "presenced check"
	client := outbound.New(outbound.Options{Anywhere: true, Timeout: readTime, RootCAs: roots})
	defer client.Close()
	answer, err := client.Do(ctx, outbound.Request{Method: http.MethodPost, URL: where + "?validationToken=" + url.QueryEscape(token)})
	do := "have the proxy pass " + where + " on to /v1/notices/graph of http.listen, with its query; until then changes are seen with the next poll"
	switch {
	case err != nil:
		c.warn(name, "change notifications: "+err.Error(), do)
	case string(answer.Body) != token:
		c.warn(name, "change notifications: something else than this daemon answers at notify_url", do)
	default:
		c.ok(name, "change notifications: this daemon answers at notify_url, as seen from here")
	}
}

// boxes are the mailboxes that are tried.
func (c *checker) boxes(s *config.CalendarSource, source sources.Source, users []string) []sources.Mailbox {
	var boxes []sources.Mailbox
	most := min(source.Batch(), maxTried)
	if !asksForMany(s) && strings.Contains(s.URL.Reveal(), "{") {
		most = maxTried // each has a file, or an address, of her own
	}
	for _, user := range candidates(s, users) {
		a, err := presence.ParseAddr(user)
		if err != nil {
			continue
		}
		address, ok := sites.Address(s, c.book, a, user)
		if ok && len(boxes) < most {
			boxes = append(boxes, sources.Mailbox{User: user, Address: address, Attendee: user, Zone: text.Zone(c.config.Presence.Timezone)})
		}
	}
	return boxes
}

// candidates are the users a source is for: those it names, then those who are
// enabled.
func candidates(s *config.CalendarSource, enabled []string) []string {
	var all []string
	add := func(user string) {
		if !slices.Contains(all, user) {
			all = append(all, user)
		}
	}
	for _, u := range s.Users {
		if strings.Contains(u, "@") {
			add(u)
		}
	}
	for _, u := range enabled {
		_, host, _ := strings.Cut(u, "@")
		if len(s.Users) == 0 || slices.ContainsFunc(s.Users, func(d string) bool { return d == "*" || strings.EqualFold(host, d) }) {
			add(u)
		}
	}
	return all
}

// signIn tries what a source proves itself with, where that is a step of its own.
func (c *checker) signIn(ctx context.Context, name string, s *config.CalendarSource, source sources.Source, box *sources.Mailbox) bool {
	many, ok := source.(troubleshot)
	if !ok || s.Kind == "ews" && s.Auth != "oauth" {
		return true
	}
	if err := many.SignIn(ctx, box.Address); err != nil {
		c.calendarFault(name, box.User, s, err, true)
		return false
	}
	c.ok(name, "signed in: a token was given")
	return true
}

// readings tells what came for each mailbox.
func (c *checker) readings(name string, s *config.CalendarSource, boxes []sources.Mailbox, found []sources.Result, w sources.Window) {
	good, away, told := 0, 0, 0
	events := ""
	for i := range found {
		switch {
		case found[i].Err == nil:
			good++
			if found[i].Away != nil {
				away++
			}
			if events == "" {
				events = fmt.Sprintf("the calendar of %s can be read: %s up to %s", boxes[i].User, counted(len(found[i].Schedule.Events), "event"), w.To.UTC().Format(time.RFC3339))
			}
		case told < maxTold:
			told++
			c.calendarFault(name, boxes[i].User, s, found[i].Err, false)
		}
	}
	what := "calendars"
	if asksForMany(s) {
		what = "mailboxes"
	}
	failed := len(found) - good
	if failed > told {
		c.warn(name, fmt.Sprintf("%d of the %d %s that were tried cannot be read; %d are told above", failed, len(found), what, told), "mend those, and check again")
	}
	if good == 0 {
		return
	}
	if len(found) > 1 {
		events += fmt.Sprintf("; of %d %s that were tried %d can be read", len(found), what, good)
	}
	if s.Username != "" || s.Kind != "ics" && s.Kind != "caldav" {
		events = "signed in, and " + events
	}
	c.ok(name, "%s", events)
	c.zone(name, boxes, found)
	if s.AutomaticReplies != "" && s.AutomaticReplies != "off" {
		c.replies(name, found, away)
	}
}

// zone tells whether the times of a calendar are sure.
func (c *checker) zone(name string, boxes []sources.Mailbox, found []sources.Result) {
	for i := range found {
		for _, w := range found[i].Schedule.Warnings {
			if strings.Contains(w, "zone") {
				c.warn(name, "the calendar of "+boxes[i].User+": "+w, "times in it are taken in presence.timezone, unless the user sets a zone with the command \"profile\"")
				return
			}
		}
	}
	c.ok(name, "zone: times without one are taken in %s", c.config.Presence.Timezone)
}

// replies tells whether automatic replies can be asked for.
func (c *checker) replies(name string, found []sources.Result, away int) {
	for i := range found {
		for _, w := range found[i].Schedule.Warnings {
			if strings.Contains(w, "could not be asked for") {
				c.warn(name, w, "give the right that is named in docs/calendars-enterprise.md, or set automatic_replies = \"off\"")
				return
			}
		}
	}
	c.ok(name, "automatic replies can be asked for: %d of those tried are away now or later", away)
}

// calendarFault explains a fault by its kind, with the source's own remedy first.
// Of the whole source it is not one user's.
func (c *checker) calendarFault(name, user string, s *config.CalendarSource, err error, whole bool) {
	remedy := ""
	if fault, ok := errors.AsType[*sources.Fault](err); ok {
		remedy = fault.Remedy
	}
	whose := "the calendar of " + user
	found := func(step string) string { return step + ": " + err.Error() }
	say := func(step, do string) {
		if remedy != "" {
			do = remedy
		}
		c.fail(name, found(step), do)
	}
	switch sources.KindOf(err) {
	case sources.Unauthorized:
		if errors.Is(err, outbound.ErrLoginPage) {
			c.fail(name, err.Error(), cmp.Or(remedy, "let this machine past it"))
			return
		}
		say("the sign-in failed", "correct calendar.sources.username and password; try them in a browser")
	case sources.Forbidden:
		c.forbidden(name, user, s, found, remedy, whole)
	case sources.Moved:
		if whole && (s.Kind == "ews" || s.Kind == "google") { // no mailbox's
			say("the server is not at that url", "correct calendar.sources.url")
			return
		}
		say(whose+" is at another server, or on its way to one", "give it to the source that has it now")
	case sources.Gone:
		do := "if she should have one, correct calendar.sources.url; whoever has none is shown without"
		if asksForMany(s) {
			do = strings.TrimPrefix(remedy+"; whoever has none is shown without", "; ")
		}
		c.warn(name, found("no calendar of "+user), do)
	case sources.Busy:
		say("the server asks to be left alone", "look at its load; presenced waits as long as it asks for")
	case sources.Malformed, sources.TooLarge:
		say(whose+" cannot be used", "look at it with: presenced calendar busy URL")
	case sources.BadTLS, sources.Unreachable:
		say("no answer", "look at the server's log")
	default:
		say(whose+" cannot be read", "look at the server's log")
	}
}

func asksForMany(s *config.CalendarSource) bool {
	return s.Kind == "ews" || s.Kind == "graph" || s.Kind == "google"
}

// forbidden tells a right that one calendar lacks from a server, or a tenant, that
// does not let presenced in at all.
func (c *checker) forbidden(name, user string, s *config.CalendarSource, found func(string) string, remedy string, whole bool) {
	if asksForMany(s) {
		step := "no right to the calendar of " + user
		if whole {
			step = map[string]string{"ews": "the server blocks this account", "graph": "the tenant blocks this application", "google": "Google blocks this account"}[s.Kind] +
				", although it knows it"
		}
		c.fail(name, found(step), remedy)
		return
	}
	do := "the account " + s.Username + " is accepted, but may not read the calendar of " + user + ": give it the right to read every user's calendars"
	if s.Username == "" {
		do = "the calendar is not public: set calendar.sources.username and password of an account that may read every user's calendars"
	}
	c.fail(name, found("no right (403)"), strings.TrimSuffix(do+"; "+remedy, "; "))
}
