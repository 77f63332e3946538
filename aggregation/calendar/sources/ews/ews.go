// Package ews reads calendars of Exchange servers through Exchange Web Services:
// the availability of up to 100 mailboxes with one request, and their automatic
// replies with another.
//
// It needs no more than the right to see when people are busy, which in Exchange
// everybody has by default. Where a server gives less than the details it was
// asked for, what it gives is used. A mailbox's error is that mailbox's alone; one
// with which requests fail altogether is found by halving and left alone (package
// batch).
//
// Exchange Online does not answer Exchange Web Services any more: package graph.
package ews

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
	"presenced/aggregation/calendar/sources/batch"
)

// Auth is how a server is told who asks.
type Auth uint8

// The values of Auth.
const (
	NTLM  Auth = iota // what Exchange offers by itself
	Basic             // only over https
	OAuth             // hybrid modern authentication, AD FS
)

// ParseAuth reads "ntlm", "basic" or "oauth"; empty is NTLM.
func ParseAuth(name string) (Auth, bool) {
	switch strings.ToLower(name) {
	case "", "ntlm":
		return NTLM, true
	case "basic":
		return Basic, true
	case "oauth":
		return OAuth, true
	default:
		return NTLM, false
	}
}

const (
	// MaxBatch is how many mailboxes a request of availability may have.
	MaxBatch = 100
	// maxWindow is the longest window Exchange takes: 42 days.
	maxWindow = 42 * 24 * time.Hour
	// maxBody bounds an answer: 100 mailboxes of 80 KiB. A longer one is asked for
	// in halves.
	maxBody = 8 << 20
)

// FirstMailbox as Options.Impersonate stands for the first mailbox of a request.
const FirstMailbox = "*"

// Options say how one Exchange organisation is asked.
type Options struct {
	// URL of Exchange Web Services, such as https://mail.example.org/EWS/Exchange.asmx.
	// Empty: it is found with Autodiscover.
	URL string
	// DiscoverAs is the address Autodiscover is asked about, the account's own for
	// example. It is the operator's to choose: its domain gets the credentials.
	DiscoverAs string
	// Trust are hosts outside the domain of the address that Autodiscover may lead
	// credentials to where no certificate vouches for it: by a redirect of plain
	// http, or by DNS.
	Trust []string
	// Auth, Username and Password are of the account that asks. The name is
	// DOMAIN\user or user@domain. With OAuth they are the client's id and secret.
	Auth               Auth
	Username, Password string
	// TokenURL and Scope are for OAuth.
	TokenURL, Scope string
	// Impersonate is the address of a mailbox the account acts as, FirstMailbox, or
	// empty for none. Only OAuth without a user needs it.
	Impersonate string
	// Replies says what is asked of automatic replies; SendAs is the address they
	// are asked for, an address of the organisation; empty: the first mailbox.
	// Exchange tells what it would answer that address: the internal reply.
	Replies away.Replies
	SendAs  string
	// Size is how many mailboxes are asked about at once, 1 to MaxBatch; 0: MaxBatch.
	Size int
	// InFlight is how many requests may run at once; 0: 8. Exchange 2010 takes 10
	// of an account, later ones 27.
	InFlight int
	// Timeout is for one request; 0: 30 s.
	Timeout time.Duration
	// RootCAs are trusted instead of the machine's; nil: the machine's.
	RootCAs *x509.CertPool
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Source is one Exchange organisation. It implements sources.Source.
type Source struct {
	o     Options
	asker *batch.Asker
	via   transport
	now   func() time.Time
	tune  func(*discoverer) // for tests, which have no DNS
	old   atomic.Bool       // it takes nothing later than Exchange 2010

	mu    sync.Mutex // guards where, found
	where string     // the URL in use; empty: to be found
	found time.Time
}

var _ sources.Source = (*Source)(nil)

// New returns a source that has asked nothing yet. Its errors end in a hint.
func New(o Options) (*Source, error) {
	if o.Size == 0 {
		o.Size = MaxBatch
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.InFlight <= 0 {
		o.InFlight = 8
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	u, err := url.Parse(o.URL)
	switch {
	case o.Size < 1 || o.Size > MaxBatch:
		return nil, fmt.Errorf("ews: %d mailboxes a request are not possible: between 1 and %d are", o.Size, MaxBatch)
	case o.URL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http"):
		return nil, errors.New("ews: the URL is none: write https://mail.example.org/EWS/Exchange.asmx, or leave it out for Autodiscover")
	case o.URL == "" && !strings.Contains(o.DiscoverAs, "@"):
		return nil, errors.New("ews: neither a URL nor an address to find it with: write one of them")
	case o.Auth == Basic && u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("ews: Basic sends the password as it is: use https")
	case o.Auth == OAuth && (o.TokenURL == "" || o.Scope == ""):
		return nil, errors.New("ews: OAuth needs a token URL and a scope, such as https://mail.example.org/.default")
	case o.Auth == OAuth && o.Impersonate == "":
		o.Impersonate = FirstMailbox
	}
	return &Source{
		o: o, via: newTransport(o), now: o.Now, where: o.URL,
		asker: batch.New(batch.Options{InFlight: o.InFlight, Timeout: o.Timeout, Now: o.Now}),
	}, nil
}

func loopback(host string) bool { return host == "127.0.0.1" || host == "::1" || host == "localhost" }

// Close ends the connections that are idle. Requests under way go on.
func (s *Source) Close() { s.via.close() }

// Servers are the addresses that are asked, as far as they are known: for a
// troubleshooter.
func (s *Source) Servers() []string {
	var all []string
	if s.o.Auth == OAuth {
		all = append(all, s.o.TokenURL)
	}
	if s.o.URL != "" {
		all = append(all, s.o.URL)
	}
	return all
}

// SignIn gets a token and asks for nothing: for a troubleshooter. Without OAuth
// there is nothing to get.
func (s *Source) SignIn(ctx context.Context, _ string) error {
	if via, ok := s.via.(*oauthTransport); ok {
		return via.tokens.Check(ctx)
	}
	return nil
}

// Batch is how many mailboxes one request has.
func (s *Source) Batch() int { return s.o.Size }

// Fetch asks for the availability of boxes. Those with credentials of their own
// are asked about one by one, with these.
func (s *Source) Fetch(ctx context.Context, w sources.Window, boxes []sources.Mailbox) ([]sources.Result, error) {
	if len(boxes) > s.o.Size {
		return nil, fmt.Errorf("ews: %d mailboxes at once, more than %d", len(boxes), s.o.Size)
	}
	if w.To.Sub(w.From) > maxWindow {
		w.To = w.From.Add(maxWindow)
	}
	results := make([]sources.Result, len(boxes))
	var shared []sources.Mailbox
	var at []int
	for i := range boxes {
		if boxes[i].Username != "" {
			results[i] = s.own(ctx, w, boxes[i])
			continue
		}
		shared, at = append(shared, boxes[i]), append(at, i)
	}
	if len(shared) == 0 {
		return results, ctx.Err()
	}
	got, err := s.asker.Fetch(ctx, shared, s.ask(w, login{s.o.Username, s.o.Password}))
	if err != nil && len(shared) == len(boxes) {
		return nil, err
	}
	for n, i := range at {
		if err != nil {
			results[i].Err = err
			continue
		}
		results[i] = got[n]
	}
	return results, nil
}

// own asks about one mailbox with its user's credentials. What goes wrong there
// says little about the server: a wrong password is the user's.
func (s *Source) own(ctx context.Context, w sources.Window, box sources.Mailbox) sources.Result {
	var result sources.Result
	result.Err = s.asker.Once(ctx, func(ctx context.Context) error {
		got, err := s.ask(w, login{box.Username, box.Password})(ctx, []sources.Mailbox{box})
		if err == nil {
			result = got[0]
		}
		return err
	})
	return result
}

// ask returns what sends one request about mailboxes, and one about their replies.
func (s *Source) ask(w sources.Window, who login) batch.Ask {
	return func(ctx context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
		where, err := s.address(ctx, who)
		if err != nil {
			return nil, err
		}
		answer, err := s.call(ctx, where, who, boxes, func(header []byte) []byte { return availabilityRequest(header, w, boxes) })
		if err != nil {
			s.lost(err)
			return nil, err
		}
		results, err := answer.results(w, boxes)
		if err != nil || s.o.Replies == away.Off {
			return results, err
		}
		s.replies(ctx, where, who, boxes, results)
		return results, nil
	}
}

// rediscover is how long a URL that was found is kept when it fails.
const rediscover = 10 * time.Minute

// address returns where to ask, found with Autodiscover if it has to be.
func (s *Source) address(ctx context.Context, who login) (string, error) {
	s.mu.Lock()
	where := s.where
	s.mu.Unlock()
	if where != "" {
		return where, nil
	}
	where, _, err := s.discover(ctx, who)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.where, s.found = where, s.now()
	return where, nil
}

// Discover looks for the server with Autodiscover, whatever is known, and tells
// step by step what was done: for a troubleshooter.
func (s *Source) Discover(ctx context.Context) (url string, steps []Step, err error) {
	return s.discover(ctx, login{s.o.Username, s.o.Password})
}

func (s *Source) discover(ctx context.Context, who login) (string, []Step, error) {
	d := discoverer{post: func(ctx context.Context, url string, body []byte) (*reply, error) {
		return s.via.post(ctx, url, who, nil, body)
	}, trust: s.o.Trust}
	if s.tune != nil {
		s.tune(&d)
	}
	return d.find(ctx, s.o.DiscoverAs)
}

// lost forgets a URL that was found when it does not lead to the server any more.
func (s *Source) lost(err error) {
	switch sources.KindOf(err) {
	case sources.Unreachable, sources.BadTLS, sources.Gone, sources.Moved:
	default:
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.o.URL == "" && s.now().Sub(s.found) > rediscover {
		s.where = ""
	}
}
