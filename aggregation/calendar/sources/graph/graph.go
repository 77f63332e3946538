// Package graph reads calendars of Exchange Online through Microsoft Graph: the
// schedules of up to 20 mailboxes with one request (getSchedule), and their
// automatic replies with another.
//
// Of a schedule only its items are read: the digits beside them show working
// elsewhere as free. Each item's time is read in the zone the item names, since
// not every cloud gives the one that was asked for. The mailbox that is named in
// the URL, and charged for the request, goes round among those asked about, and
// has at most MaxPerMailbox requests at once.
package graph

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
	"presenced/aggregation/calendar/sources/batch"
	"presenced/aggregation/calendar/sources/bearer"
	"presenced/aggregation/calendar/sources/outbound"
)

const (
	// DefaultBatch is how many schedules a request may have as documented.
	DefaultBatch = 20
	// MaxBatch is how many it may have in practice.
	MaxBatch = 100
	// MaxPerMailbox is how many requests may run at once for one mailbox
	// (MailboxConcurrency).
	MaxPerMailbox = 4
	// maxWindow is the longest window: less than 62 days.
	maxWindow = 61 * 24 * time.Hour
	maxBody   = 8 << 20
	// DefaultURL is the worldwide cloud's.
	DefaultURL = "https://graph.microsoft.com"
)

// logins are where the clouds give tokens, by the host of their Graph.
var logins = map[string]string{
	"graph.microsoft.com":             "https://login.microsoftonline.com",
	"graph.microsoft.us":              "https://login.microsoftonline.us",
	"dod-graph.microsoft.us":          "https://login.microsoftonline.us",
	"microsoftgraph.chinacloudapi.cn": "https://login.partner.microsoftonline.cn",
}

// Options say how one tenant is asked.
type Options struct {
	// URL is of Microsoft Graph, without a path; empty: DefaultURL. National clouds
	// have others: graph.microsoft.us, dod-graph.microsoft.us,
	// microsoftgraph.chinacloudapi.cn.
	URL string
	// LoginURL is where the cloud gives tokens; empty: the one that belongs to URL.
	LoginURL string
	// Tenant is the directory's id or one of its domains. ClientID and Secret are
	// of an application in it.
	Tenant, ClientID, Secret string
	// As is the user all requests are made as; empty: they go round among those
	// asked about, which needs their addresses to be their user names.
	As string
	// Replies says what is asked of automatic replies.
	Replies away.Replies
	// NotifyURL is where Microsoft may tell of calendars that change, with a query
	// that the user is added to; empty: it is not asked to.
	NotifyURL string
	// Size is how many mailboxes are asked about at once, 1 to MaxBatch; 0:
	// DefaultBatch.
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

// Source is one tenant. It implements sources.Source.
type Source struct {
	o      Options
	asker  *batch.Asker
	client *outbound.Client
	tokens *bearer.Tokens
	seats  seats
	turn   atomic.Uint32
	now    func() time.Time
}

var _ sources.Source = (*Source)(nil)

// New returns a source that has asked nothing yet. Its errors end in a hint.
func New(o Options) (*Source, error) {
	if o.URL == "" {
		o.URL = DefaultURL
	}
	o.URL = strings.TrimSuffix(strings.TrimSuffix(o.URL, "/"), "/v1.0")
	if o.Size == 0 {
		o.Size = DefaultBatch
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
	u, err := url.Parse(o.URL)
	if err == nil && o.LoginURL == "" {
		o.LoginURL = logins[u.Host]
	}
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("graph: the URL is none: write " + DefaultURL + " or that of a national cloud")
	case o.LoginURL == "":
		return nil, errors.New("graph: where this cloud gives tokens is not known: write its login URL (login_url)")
	case o.Tenant == "" || o.ClientID == "" || o.Secret == "":
		return nil, errors.New("graph: tenant, client id or secret are missing: they are those of the application's registration")
	case o.Size < 1 || o.Size > MaxBatch:
		return nil, fmt.Errorf("graph: %d mailboxes a request are not possible: between 1 and %d are", o.Size, MaxBatch)
	}
	client := outbound.New(outbound.Options{Anywhere: true, Timeout: o.Timeout, MaxBody: maxBody, Conns: o.InFlight, RootCAs: o.RootCAs})
	token := strings.TrimSuffix(o.LoginURL, "/") + "/" + url.PathEscape(o.Tenant) + "/oauth2/v2.0/token"
	return &Source{
		o: o, client: client, now: o.Now,
		asker:  batch.New(batch.Options{InFlight: o.InFlight, Timeout: o.Timeout, Now: o.Now}),
		tokens: bearer.ClientCredentials(client, token, o.ClientID, o.Secret, o.URL+"/.default"),
	}, nil
}

// Close ends the connections that are idle. Requests under way go on.
func (s *Source) Close() { s.client.Close() }

// Servers are the addresses that are asked: for a troubleshooter.
func (s *Source) Servers() []string { return []string{s.o.LoginURL, s.o.URL} }

// SignIn gets a token and asks for nothing: for a troubleshooter.
func (s *Source) SignIn(ctx context.Context, _ string) error { return s.tokens.Check(ctx) }

// Batch is how many mailboxes one request has.
func (s *Source) Batch() int { return s.o.Size }

// Fetch asks for the schedules of boxes. Credentials of their own are not used:
// Graph has none that a server could keep.
func (s *Source) Fetch(ctx context.Context, w sources.Window, boxes []sources.Mailbox) ([]sources.Result, error) {
	if len(boxes) > s.o.Size {
		return nil, fmt.Errorf("graph: %d mailboxes at once, more than %d", len(boxes), s.o.Size)
	}
	if w.To.Sub(w.From) > maxWindow {
		w.To = w.From.Add(maxWindow)
	}
	return s.asker.Fetch(ctx, boxes, func(ctx context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
		results, err := s.schedules(ctx, w, boxes)
		if err == nil && s.o.Replies != away.Off {
			s.replies(ctx, boxes, results)
		}
		if err == nil && s.o.NotifyURL != "" {
			s.subscribe(ctx, boxes, results)
		}
		return results, err
	})
}
