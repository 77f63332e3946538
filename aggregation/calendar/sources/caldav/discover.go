package caldav

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"presenced/aggregation/calendar/sources"
)

// place is where a user's calendars are. It is kept in the state.
type place struct {
	Homes  []string `json:"o,omitempty"` // collections of calendars
	Single bool     `json:"1,omitempty"` // Homes is one calendar instead
	Inbox  string   `json:"i,omitempty"` // outside of the homes
}

const (
	maxHref  = 1024
	maxHomes = 4
	// maxPlace is how much of a place is kept, in bytes; a longer one is looked
	// for each time.
	maxPlace = 640
)

// discover finds a user's calendars from an address: that of one calendar, of a
// home or a principal, or of a server (RFC 6764).
func (v *visit) discover(ctx context.Context, address string) (place, error) {
	tries, root := []string{address}, strings.Trim(v.home.Path, "/") == ""
	if root {
		known := *v.home
		known.Path, known.RawQuery = "/.well-known/caldav", ""
		tries = []string{known.String(), address}
	}
	var first error
	for _, try := range tries {
		found, err := v.from(ctx, try)
		if err == nil {
			return found, nil
		}
		if errors.Is(err, context.Canceled) || sources.ServerFault(err) || sources.KindOf(err) == sources.Unauthorized {
			return place{}, err
		}
		if first == nil || sources.KindOf(first) == sources.Gone { // there is no such path, which says least
			first = err
		}
	}
	if root && sources.KindOf(first) == sources.Gone {
		// That says nothing about the user: her calendars are not gone.
		first = malformed(v.home.Host, errors.New("no CalDAV server answers there"))
	}
	return place{}, first
}

// from looks at one address.
func (v *visit) from(ctx context.Context, address string) (place, error) {
	self, at, err := v.probe(ctx, address)
	if err != nil {
		return place{}, err
	}
	is := self.found[dav("resourcetype")]
	if is.child(cal("calendar")) != nil {
		return place{Homes: []string{at.String()}, Single: true}, nil
	}
	// A server that tells everybody's home at every address would give all users
	// the calendars of the account that asks.
	trusted := v.own || is.child(dav("principal")) != nil
	if homes := self.found[cal("calendar-home-set")]; trusted && homes.child(dav("href")) != nil {
		return v.homes(ctx, self, at)
	}
	here := place{Homes: []string{at.String()}}
	below := strings.Trim(at.Path, "/") != "" && is.child(dav("collection")) != nil
	if below {
		list, err := v.list(ctx, here)
		if err != nil {
			return place{}, err
		}
		if len(list.calendars) > 0 {
			return here, nil
		}
	}
	who := self.found[dav("current-user-principal")]
	switch {
	case who.child(dav("unauthenticated")) != nil:
		return place{}, inside(at.Host, 401)
	case who.child(dav("href")) != nil && !v.own:
		return place{}, &sources.Fault{
			Kind: sources.Refused, Err: fmt.Errorf("%s: the address leads to the calendars of the account that asks", at.Host),
			Remedy: "write {user} or {jid} where the user's name stands in the address of her calendars",
		}
	case who.child(dav("href")) != nil:
		return v.principal(ctx, at, who.value(dav("href")))
	case below:
		return here, nil
	}
	return place{}, malformed(at.Host, errors.New("no calendars can be found from this address"))
}

// probe asks what one address is.
func (v *visit) probe(ctx context.Context, address string) (*response, *url.URL, error) {
	all, at, err := v.props(ctx, address, "0", askWho)
	if err != nil {
		return nil, nil, err
	}
	if len(all) == 0 {
		return nil, nil, malformed(at.Host, errors.New("an answer about nothing"))
	}
	self := &all[0]
	if self.status != 0 {
		return nil, nil, inside(at.Host, self.status)
	}
	if status := self.failed[dav("resourcetype")]; status == 401 || status == 403 {
		return nil, nil, inside(at.Host, status)
	}
	return self, at, nil
}

// principal goes on from who the server says we are.
func (v *visit) principal(ctx context.Context, at *url.URL, href string) (place, error) {
	to, err := resolve(at, href)
	if err != nil {
		return place{}, err
	}
	self, at, err := v.probe(ctx, to)
	if err != nil {
		return place{}, err
	}
	return v.homes(ctx, self, at)
}

// homes reads where a principal has its calendars.
func (v *visit) homes(ctx context.Context, self *response, at *url.URL) (place, error) {
	var p place
	if set := self.found[cal("calendar-home-set")]; set != nil {
		for _, k := range set.kids {
			if k.name != dav("href") || len(p.Homes) == maxHomes {
				continue
			}
			home, err := resolve(at, k.text)
			if err != nil {
				return place{}, err
			}
			p.Homes = append(p.Homes, home)
		}
	}
	if len(p.Homes) == 0 {
		return place{}, &sources.Fault{
			Kind: sources.Gone, Err: fmt.Errorf("%s: the user has no calendars there", at.Host),
			Remedy: "see that her account has calendars, or give the address of one",
		}
	}
	inbox := self.found[cal("schedule-inbox-URL")].value(dav("href"))
	if inbox == "" {
		return p, nil
	}
	var err error
	if inbox, err = resolve(at, inbox); err != nil {
		return p, nil //nolint:nilerr // her hours are worth having, and no more
	}
	if _, _, err := v.probe(ctx, inbox); err == nil { // Xandikos names one that is not there
		p.Inbox = inbox
	} else if errors.Is(err, context.Canceled) || sources.ServerFault(err) {
		return place{}, err
	}
	return p, nil
}
