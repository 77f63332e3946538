package caldav

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/outbound"
)

const prolog = `<?xml version="1.0" encoding="utf-8"?>` + "\n"

// spaces declares the prefixes of every body.
const spaces = ` xmlns="` + davNS + `" xmlns:C="` + calNS + `" xmlns:S="` + csNS + `"`

// The properties that are asked for.
const (
	askWho = "<resourcetype/><current-user-principal/><C:calendar-home-set/><C:schedule-inbox-URL/>"
	askCal = "<resourcetype/><C:supported-calendar-component-set/><C:schedule-calendar-transp/>" +
		"<S:getctag/><sync-token/><C:calendar-availability/><S:calendar-availability/>"
	askTag = "<resourcetype/><getetag/>"
)

func propfind(props string) string {
	return prolog + "<propfind" + spaces + "><prop>" + props + "</prop></propfind>"
}

// The filters of events. Xandikos 0.2.8 does not look for recurrences in a
// time-range: who recurs is asked for by itself.
const (
	everyEvent = ""
	recurring  = `<C:prop-filter name="RRULE"/>`
	withDates  = `<C:prop-filter name="RDATE"/>`
)

func timeRange(w sources.Window) string {
	return fmt.Sprintf(`<C:time-range start="%s" end="%s"/>`, stampOf(w.From), stampOf(w.To))
}

func stampOf(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

func query(filter string) string {
	return prolog + "<C:calendar-query" + spaces + "><prop><getetag/><C:calendar-data/></prop>" +
		`<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">` + filter +
		"</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
}

func multiget(hrefs []string) string {
	var b strings.Builder
	b.WriteString(prolog + "<C:calendar-multiget" + spaces + "><prop><getetag/><C:calendar-data/></prop>")
	for _, h := range hrefs {
		b.WriteString("<href>" + escaped(h) + "</href>")
	}
	b.WriteString("</C:calendar-multiget>")
	return b.String()
}

func freeBusyQuery(w sources.Window) string {
	return prolog + "<C:free-busy-query" + spaces + ">" + timeRange(w) + "</C:free-busy-query>"
}

// visit is one Fetch of one mailbox.
type visit struct {
	s                  *Source
	w                  sources.Window
	box                *sources.Mailbox
	username, password string
	home               *url.URL // the address: whose server gets the credentials
	// own: who is asked as is the user herself, so that what the server calls
	// the principal is hers.
	own      bool
	bytes    int // of the texts taken so far
	warnings []string
}

// maxWarnings bounds the warnings of one mailbox.
const maxWarnings = 50

func (v *visit) warn(text string) {
	if len(v.warnings) < maxWarnings {
		v.warnings = append(v.warnings, text)
	}
}

// ask sends one request.
func (v *visit) ask(ctx context.Context, method, to, depth, body string) (*outbound.Response, error) {
	r := outbound.Request{
		Method: method, URL: to, Body: []byte(body),
		Header: http.Header{"Content-Type": {"application/xml; charset=utf-8"}, "Depth": {depth}},
	}
	// A redirect may have led elsewhere, and the answer there on.
	if u, err := url.Parse(to); err == nil && outbound.SameParty(v.home, u) {
		r.Username, r.Password = v.username, v.password
	}
	return v.s.o.Client.Do(ctx, r)
}

// props asks for properties. at is who answered, to resolve hrefs against.
func (v *visit) props(ctx context.Context, to, depth, props string) (all []response, at *url.URL, err error) {
	resp, err := v.ask(ctx, "PROPFIND", to, depth, propfind(props))
	if err != nil {
		return nil, nil, err
	}
	all, err = multistatus(resp)
	return all, resp.URL, err
}

// resolve makes an href of an answer into a URL of the same server. Behind
// proxies servers get their own scheme and port wrong: those of the request hold.
// Another host is a fault: it must not get the credentials.
func resolve(at *url.URL, href string) (string, error) {
	u, err := url.Parse(href)
	if err != nil || len(href) > maxHref {
		return "", malformed(at.Host, errors.New("a reference in the answer cannot be read"))
	}
	to := at.ResolveReference(u)
	if !strings.EqualFold(to.Hostname(), at.Hostname()) {
		return "", &sources.Fault{
			Kind: sources.Moved, Err: fmt.Errorf("%s: its calendars are on %s", at.Host, to.Host),
			Remedy: "give the address there, if it is right: credentials do not follow to another host",
		}
	}
	to.Scheme, to.Host, to.User, to.Fragment, to.RawFragment = at.Scheme, at.Host, nil, "", ""
	return to.String(), nil
}

// samePlace reports whether two URLs of one server are the same collection.
func samePlace(a, b string) bool { return placeOf(a) == placeOf(b) }

func placeOf(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	return strings.TrimSuffix(u.Path, "/")
}
