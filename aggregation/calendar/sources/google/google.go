// Package google reads calendars of Google Workspace: when up to 50 of them are
// busy with one request (freeBusy), or the events of one at a time, which tell
// more than busy: out of office, tentative, and what the user answered.
//
// It asks as a service account: either for calendars that were shared with it, or
// for the users of a domain whose administrator delegated that.
package google

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
	"presenced/aggregation/calendar/sources/batch"
	"presenced/aggregation/calendar/sources/bearer"
	"presenced/aggregation/calendar/sources/outbound"
)

const (
	// MaxBatch is how many calendars one freeBusy may have.
	MaxBatch = 50
	maxBody  = 8 << 20
	// EachUser as Options.Subject stands for the user who is asked about.
	EachUser = "*"
	// maxUsers bounds the tokens of users that are kept.
	maxUsers = 4096

	scopeFreeBusy = "https://www.googleapis.com/auth/calendar.freebusy"
	scopeEvents   = "https://www.googleapis.com/auth/calendar.events.readonly"
	scopeMail     = "https://www.googleapis.com/auth/gmail.settings.basic"
)

// Options say how Google is asked.
type Options struct {
	// Key is of the service account.
	Key bearer.Key
	// Subject is the user the account stands for: one address, EachUser, or empty
	// for none: then the calendars have to be shared with the account.
	Subject string
	// Events asks for events, which tell more and take one request per mailbox.
	Events bool
	// Replies says what is asked of the vacation responder; it needs Subject to be
	// EachUser and takes another request per mailbox.
	Replies away.Replies
	// URL and MailURL are of the interfaces, without a path; empty:
	// https://www.googleapis.com and https://gmail.googleapis.com.
	URL, MailURL string
	// Size is how many calendars are asked about at once, 1 to MaxBatch; 0: MaxBatch.
	Size int
	// InFlight is how many requests may run at once; 0: 8.
	InFlight int
	// Timeout is for one request; 0: 30 s.
	Timeout time.Duration
	// RootCAs are trusted instead of the machine's; nil: the machine's.
	RootCAs *x509.CertPool
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Source is one service account. It implements sources.Source.
type Source struct {
	o      Options
	asker  *batch.Asker
	client *outbound.Client
	scopes []string
	now    func() time.Time
	// granted: a token for some user was got, ever.
	granted atomic.Bool

	mu    sync.Mutex // guards users
	users map[string]*bearer.Tokens
}

var _ sources.Source = (*Source)(nil)

// New returns a source that has asked nothing yet. Its errors end in a hint.
func New(o Options) (*Source, error) {
	if o.URL == "" {
		o.URL = "https://www.googleapis.com"
	}
	if o.MailURL == "" {
		o.MailURL = "https://gmail.googleapis.com"
	}
	if o.Size == 0 {
		o.Size = MaxBatch
	}
	if o.InFlight <= 0 {
		o.InFlight = 8
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	scopes := []string{scopeFreeBusy}
	if o.Events {
		scopes = []string{scopeEvents}
	}
	if o.Replies != away.Off {
		scopes = append(scopes, scopeMail)
	}
	switch {
	case o.Key.Email == "" || o.Key.PrivateKey == "" || o.Key.TokenURL == "":
		return nil, errors.New("google: the key of a service account is missing: download it as JSON")
	case o.Size < 1 || o.Size > MaxBatch:
		return nil, fmt.Errorf("google: %d calendars a request are not possible: between 1 and %d are", o.Size, MaxBatch)
	case o.Replies != away.Off && o.Subject != EachUser:
		return nil, errors.New("google: the vacation responder is each user's own: it needs domain-wide delegation and the subject " + EachUser)
	}
	client := outbound.New(outbound.Options{Anywhere: true, Timeout: o.Timeout, MaxBody: maxBody, Conns: o.InFlight, RootCAs: o.RootCAs})
	return &Source{
		o: o, client: client, scopes: scopes, now: o.Now, users: map[string]*bearer.Tokens{},
		asker: batch.New(batch.Options{InFlight: o.InFlight, Timeout: o.Timeout, Now: o.Now}),
	}, nil
}

// Close ends the connections that are idle. Requests under way go on.
func (s *Source) Close() { s.client.Close() }

// Servers are the addresses that are asked: for a troubleshooter.
func (s *Source) Servers() []string {
	all := []string{s.o.Key.TokenURL, s.o.URL}
	if s.o.Replies != away.Off && s.o.MailURL != s.o.URL {
		all = append(all, s.o.MailURL)
	}
	return all
}

// SignIn gets a token, for a mailbox where the account stands for each user, and
// asks for nothing: for a troubleshooter.
func (s *Source) SignIn(ctx context.Context, mailbox string) error {
	return s.tokens(mailbox).Check(ctx)
}

// Batch is how many mailboxes one call takes.
func (s *Source) Batch() int { return s.o.Size }

// Fetch asks about boxes. Credentials of their own are not used.
func (s *Source) Fetch(ctx context.Context, w sources.Window, boxes []sources.Mailbox) ([]sources.Result, error) {
	if len(boxes) > s.o.Size {
		return nil, fmt.Errorf("google: %d calendars at once, more than %d", len(boxes), s.o.Size)
	}
	if !s.o.Events && s.o.Subject != EachUser {
		return s.asker.Fetch(ctx, boxes, func(ctx context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
			return s.freeBusy(ctx, w, boxes)
		})
	}
	return s.ofUsers(s.asker.Each(ctx, boxes, func(ctx context.Context, box sources.Mailbox) (sources.Result, error) {
		r, err := s.one(ctx, w, box)
		if err != nil || s.o.Replies == away.Off {
			return r, err
		}
		s.reply(ctx, &box, &r)
		return r, nil
	}))
}

// one asks about one mailbox.
func (s *Source) one(ctx context.Context, w sources.Window, box sources.Mailbox) (sources.Result, error) {
	if s.o.Events {
		return s.events(ctx, w, box)
	}
	r, err := s.freeBusy(ctx, w, []sources.Mailbox{box})
	if err != nil {
		return sources.Result{}, err
	}
	return r[0], nil
}

// tokens returns those that requests about a mailbox go with.
func (s *Source) tokens(address string) *bearer.Tokens {
	subject := s.o.Subject
	if subject == EachUser {
		subject = strings.ToLower(address)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.users[subject]
	if t == nil {
		if len(s.users) >= maxUsers {
			clear(s.users) // they last an hour; asking again is cheap
		}
		t = bearer.ServiceAccount(s.client, s.o.Key, subject, s.scopes...)
		s.users[subject] = t
	}
	return t
}
