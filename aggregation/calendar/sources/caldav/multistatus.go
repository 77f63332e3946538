package caldav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/outbound"
)

// response is what a multistatus says of one resource.
type response struct {
	href   string
	status int // of the resource as a whole; 0: see the properties
	found  map[xml.Name]*node
	failed map[xml.Name]int // the status of each property that was not given
}

// gives returns the text of a property, "" if there is none.
func (r *response) gives(name xml.Name) string {
	if n := r.found[name]; n != nil {
		return n.text
	}
	return ""
}

// multistatus reads a 207 (RFC 4918, 13).
func multistatus(resp *outbound.Response) ([]response, error) {
	if resp.Status != http.StatusMultiStatus {
		return nil, malformed(resp.Host(), fmt.Errorf("status %d where 207 was expected", resp.Status))
	}
	top, err := parse(resp.Body)
	if errors.Is(err, errDeep) {
		return nil, &sources.Fault{Kind: sources.TooLarge, Err: fmt.Errorf("%s: %w", resp.Host(), err), Remedy: "move old events to a calendar of their own"}
	}
	if err == nil && top.name != dav("multistatus") {
		err = errXML
	}
	if err != nil {
		return nil, malformed(resp.Host(), err)
	}
	var all []response
	for _, k := range top.kids {
		if k.name == dav("response") {
			all = append(all, responsesOf(k)...)
		}
	}
	return all, nil
}

// responsesOf reads one response element; with a status for several hrefs it
// stands for several.
func responsesOf(n *node) []response {
	r := response{found: map[xml.Name]*node{}, failed: map[xml.Name]int{}, status: statusOf(n.value(dav("status")))}
	if r.status >= 200 && r.status < 300 {
		r.status = 0
	}
	var hrefs []string
	for _, k := range n.kids {
		switch k.name {
		case dav("href"):
			hrefs = append(hrefs, k.text)
		case dav("propstat"):
			r.propstat(k)
		}
	}
	var all []response
	for _, href := range hrefs {
		one := r
		one.href = href
		all = append(all, one)
	}
	return all
}

func (r *response) propstat(n *node) {
	status := statusOf(n.value(dav("status")))
	prop := n.child(dav("prop"))
	if prop == nil {
		return
	}
	for _, p := range prop.kids {
		if status >= 200 && status < 300 {
			r.found[p.name] = p
		} else {
			r.failed[p.name] = status
		}
	}
}

// statusOf reads a line such as "HTTP/1.1 404 Not Found"; 0 if it is none.
func statusOf(line string) int {
	fields := strings.Fields(line)
	if len(fields) < 2 || !strings.HasPrefix(fields[0], "HTTP/") {
		return 0
	}
	status, err := strconv.Atoi(fields[1])
	if err != nil || status < 100 || status > 999 {
		return 0
	}
	return status
}

func malformed(host string, err error) error {
	return &sources.Fault{
		Kind: sources.Malformed, Err: fmt.Errorf("%s: %w", host, err),
		Remedy: "see that the address is that of a CalDAV server",
	}
}

// inside is the fault of a status that stands inside a 207.
func inside(host string, status int) *sources.Fault {
	f := &sources.Fault{Kind: sources.Broken, Err: fmt.Errorf("%s: status %d inside the answer", host, status), Remedy: "see the server's log"}
	switch status {
	case http.StatusUnauthorized:
		f.Kind, f.Remedy = sources.Unauthorized, "see the user name and the password; many servers want an app password"
	case http.StatusForbidden:
		f.Kind, f.Remedy = sources.Forbidden, "give the account the right to read this calendar"
	case http.StatusNotFound, http.StatusGone:
		f.Kind, f.Remedy = sources.Gone, "see the address; there is no calendar"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		f.Kind, f.Remedy = sources.Busy, "it is overloaded or in maintenance; it is asked again later"
	}
	return f
}
