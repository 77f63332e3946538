package caldav

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/outbound"
)

// Options say how a server is asked.
type Options struct {
	// Client sends the requests. It is not closed here.
	Client *outbound.Client
	// Username and Password are for mailboxes without; empty: none.
	Username, Password string
	// FreeBusy asks for free/busy times instead of events: for servers that give
	// an account no more. Few servers answer it rightly.
	FreeBusy bool
	// Personal: users gave the addresses, each for herself. Then a server's
	// failure is that mailbox's.
	Personal bool
}

// Source reads calendars of CalDAV servers.
type Source struct {
	o      Options
	reader sources.Reader
}

var _ sources.Source = (*Source)(nil)

// New returns a source.
func New(o Options) *Source { return &Source{o: o} }

// Batch is 1: CalDAV asks for one user's calendars at a time.
func (s *Source) Batch() int { return 1 }

// state is what is kept of a Fetch, as JSON of at most maxState bytes.
type state struct {
	Mailbox string    `json:"m"` // the mailbox's fingerprint
	Reach   time.Time `json:"r"` // the end of the window the schedule covers
	Mark    string    `json:"k"` // of all that was read
	Place   place     `json:"p,omitzero"`
}

const maxState = 1 << 10

// Fetch reads one user's calendars.
func (s *Source) Fetch(ctx context.Context, w sources.Window, boxes []sources.Mailbox) ([]sources.Result, error) {
	results := make([]sources.Result, len(boxes))
	for i := range boxes {
		result, err := s.fetch(ctx, w, &boxes[i])
		if errors.Is(err, context.Canceled) || !s.o.Personal && sources.ServerFault(err) {
			return nil, err
		}
		if result.Err = err; err != nil {
			result = sources.Result{Err: err}
		}
		results[i] = result
	}
	return results, nil
}

func (s *Source) fetch(ctx context.Context, w sources.Window, box *sources.Mailbox) (sources.Result, error) {
	address, err := sources.Expand(box.Address, box.User)
	if err != nil {
		return sources.Result{}, err
	}
	v := &visit{s: s, w: w, box: box, username: box.Username, password: box.Password}
	if v.username == "" && !s.o.Personal {
		v.username, v.password = s.o.Username, s.o.Password
	}
	if address, err = v.login(secured(address)); err != nil {
		return sources.Result{}, err
	}
	v.own = box.Username != "" || v.username == "" || s.o.Personal
	next := state{Mailbox: fmt.Sprint(box.Fingerprint(), s.o.FreeBusy), Reach: w.To}
	kept := keptOf(box.State, next.Mailbox)
	l, err := v.look(ctx, address, kept.Place, &next.Place)
	if err != nil {
		return sources.Result{}, err
	}
	mark, enough := l.mark()
	holds := kept.Mark != "" && w.Holds(kept.Reach)
	if holds && mark == kept.Mark {
		next.Mark, next.Reach = kept.Mark, kept.Reach
		return sources.Result{Unchanged: true, State: next.bytes()}, nil
	}
	texts := sha256.New()
	read := v.events
	if s.o.FreeBusy {
		read = v.freeBusy
	}
	schedule, err := read(ctx, l, func(href, text string) { _, _ = fmt.Fprintf(texts, "%q %q\n", href, text) })
	if err != nil {
		return sources.Result{}, err
	}
	if next.Mark = mark; !enough {
		next.Mark += " " + base64.RawURLEncoding.EncodeToString(texts.Sum(nil))
		if holds && next.Mark == kept.Mark {
			next.Reach = kept.Reach
			return sources.Result{Unchanged: true, State: next.bytes()}, nil
		}
	}
	return sources.Result{Schedule: schedule, State: next.bytes()}, nil
}

// login takes the name and the password out of an address, and keeps whose
// server may know them.
func (v *visit) login(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", &sources.Fault{Kind: sources.Refused, Err: errors.New("the URL cannot be read"), Remedy: "write it as https://host/path"}
	}
	if u.User != nil && v.username == "" {
		v.username = u.User.Username()
		v.password, _ = u.User.Password()
	}
	u.User = nil
	v.home = u
	return u.String(), nil
}

// look lists a user's calendars, where they were the last time or where the
// address leads to. It says where in found.
func (v *visit) look(ctx context.Context, address string, known place, found *place) (*listing, error) {
	if len(known.Homes) > 0 {
		*found = known
		l, err := v.list(ctx, known)
		switch sources.KindOf(err) {
		case sources.Gone, sources.Forbidden, sources.Malformed, sources.Moved:
			// They may be elsewhere now.
		default:
			return v.some(l, err)
		}
	}
	p, err := v.discover(ctx, address)
	if v.s.o.FreeBusy && sources.KindOf(err) == sources.Forbidden {
		// The right to see free/busy times may be all there is: then the address
		// is that of a calendar.
		return &listing{calendars: []collection{{url: address}}, host: v.home.Host}, nil
	}
	if err != nil {
		return nil, err
	}
	*found = p
	return v.some(v.list(ctx, p))
}

// some makes the fault of a place without any calendar.
func (v *visit) some(l *listing, err error) (*listing, error) {
	switch {
	case err != nil:
		return nil, err
	case len(l.calendars) > 0 || l.skipped > 0:
		return l, nil
	case l.denied > 0:
		return nil, inside(l.host, 403)
	}
	return nil, &sources.Fault{
		Kind: sources.Gone, Err: fmt.Errorf("%s: there is no calendar", l.host),
		Remedy: "see the address, and that the account sees the user's calendars",
	}
}

// keptOf returns what the Result before left, the zero state if it does not
// count any more.
func keptOf(raw []byte, mailbox string) state {
	var kept state
	if len(raw) == 0 || json.Unmarshal(raw, &kept) != nil || kept.Mailbox != mailbox {
		return state{}
	}
	return kept
}

func (s *state) bytes() []byte {
	if raw, err := json.Marshal(s.Place); err != nil || len(raw) > maxPlace {
		s.Place = place{}
	}
	raw, err := json.Marshal(s)
	if err != nil || len(raw) > maxState { // nothing is lost but the comparison
		return nil
	}
	return raw
}

// secured makes https of the schemes that only name the protocol.
func secured(address string) string {
	for _, scheme := range []string{"caldavs:", "caldav:", "webcal:"} {
		if len(address) > len(scheme) && strings.EqualFold(address[:len(scheme)], scheme) {
			return "https:" + address[len(scheme):]
		}
	}
	return address
}
