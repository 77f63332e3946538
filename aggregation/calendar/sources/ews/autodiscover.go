package ews

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/outbound"
)

// Step is one thing Autodiscover did, for a troubleshooter.
type Step struct {
	Where string // a URL, or a name in DNS
	Err   error  // nil: it led on
}

// discoverer finds the URL of Exchange Web Services for an address with POX
// Autodiscover: at the domain, at autodiscover.DOMAIN, where plain http at the
// latter redirects to, and where DNS points to (SRV).
//
// Credentials go only to hosts that a certificate ties to the domain: its own
// names, and what these redirect to over https. Plain http and DNS vouch for
// nobody, so a host they name outside the domain has to be in trust.
type discoverer struct {
	trust []string

	post  func(ctx context.Context, url string, body []byte) (*reply, error)
	hosts func(domain string) []string
	plain func(domain string) string
	srv   func(ctx context.Context, domain string) ([]*net.SRV, error)
}

const (
	autodiscoverPath = "/autodiscover/autodiscover.xml"
	// maxTurns is how many redirects are followed, as the documentation says.
	maxTurns  = 10
	nsPrefix  = "http://schemas.microsoft.com/exchange/autodiscover/outlook/"
	plainTime = 10 * time.Second
)

// search is one find.
type search struct {
	*discoverer
	steps []Step
	turns int
	asked map[string]bool
}

// find returns the URL and what was done to find it.
func (d discoverer) find(ctx context.Context, address string) (string, []Step, error) {
	if d.hosts == nil {
		d.hosts = func(domain string) []string { return []string{domain, "autodiscover." + domain} }
	}
	if d.plain == nil {
		d.plain = func(domain string) string { return "http://autodiscover." + domain + autodiscoverPath }
	}
	if d.srv == nil {
		d.srv = func(ctx context.Context, domain string) ([]*net.SRV, error) {
			_, records, err := net.DefaultResolver.LookupSRV(ctx, "autodiscover", "tcp", domain)
			return records, err
		}
	}
	s := &search{discoverer: &d, asked: map[string]bool{}}
	found, err := s.address(ctx, address)
	return found, s.steps, err
}

// address asks everywhere about an address. A refusal of the credentials or an
// answer ends the search. Anything else does not: the domain itself often is a web
// site, with pages to log in on, or a guard against robots.
func (s *search) address(ctx context.Context, address string) (string, error) {
	_, domain, ok := strings.Cut(address, "@")
	if !ok || domain == "" {
		return "", &sources.Fault{Kind: sources.Gone, Err: errors.New("autodiscover needs an e-mail address"), Remedy: "give the mailbox as user@example.org"}
	}
	var first error
	for _, where := range s.places(ctx, domain) {
		found, err := where(address)
		if err == nil {
			return found, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		// The most telling failure is one that somebody who was there gave.
		refused := sources.KindOf(err) == sources.Unauthorized && !errors.Is(err, outbound.ErrLoginPage)
		if first == nil || refused || sources.KindOf(first) == sources.Unreachable && sources.KindOf(err) != sources.Unreachable {
			first = err
		}
		if refused {
			break
		}
	}
	f := &sources.Fault{Kind: sources.KindOf(first), Err: fmt.Errorf("autodiscover found no server for %s: %w", domain, first), Remedy: "give the url of Exchange Web Services"}
	if inner, ok := errors.AsType[*sources.Fault](first); ok {
		f.RetryAfter = inner.RetryAfter
		if inner.Remedy != "" {
			f.Remedy = inner.Remedy + "; or give the url of Exchange Web Services"
		}
	}
	return "", f
}

// places are where to ask about a domain, in the documented order.
func (s *search) places(ctx context.Context, domain string) []func(address string) (string, error) {
	var all []func(address string) (string, error)
	for _, host := range s.hosts(domain) {
		all = append(all, func(address string) (string, error) { return s.at(ctx, "https://"+host+autodiscoverPath, address) })
	}
	all = append(all, func(address string) (string, error) {
		target, err := s.redirected(ctx, s.plain(domain))
		if err != nil {
			return "", err
		}
		return s.vouched(ctx, target, domain, address)
	}, func(address string) (string, error) {
		records, err := s.srv(ctx, domain)
		if err == nil && len(records) == 0 {
			err = errors.New("no records")
		}
		s.steps = append(s.steps, Step{Where: "_autodiscover._tcp." + domain, Err: err})
		if err != nil {
			return "", &sources.Fault{Kind: sources.Unreachable, Err: errors.New("DNS has no SRV record for autodiscover")}
		}
		host := strings.TrimSuffix(records[0].Target, ".")
		if records[0].Port != 443 {
			host = fmt.Sprintf("%s:%d", host, records[0].Port)
		}
		return s.vouched(ctx, "https://"+host+autodiscoverPath, domain, address)
	})
	return all
}

// vouched asks at a place that nobody but DNS or plain http vouches for.
func (s *search) vouched(ctx context.Context, where, domain, address string) (string, error) {
	u, err := url.Parse(where)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return "", &sources.Fault{Kind: sources.Refused, Err: errors.New("autodiscover leads to no https URL")}
	}
	host := strings.ToLower(u.Hostname())
	domain, _, _ = strings.Cut(strings.ToLower(domain), ":")
	if host != domain && !strings.HasSuffix(host, "."+domain) &&
		!slices.ContainsFunc(s.trust, func(t string) bool { return strings.EqualFold(t, host) }) {
		f := &sources.Fault{
			Kind: sources.Refused, Err: fmt.Errorf("autodiscover leads to %s, outside the domain, and nothing vouches for it", u.Host),
			Remedy: "if that host is yours, trust it, or give the url of Exchange Web Services",
		}
		s.steps = append(s.steps, Step{Where: where, Err: f})
		return "", f
	}
	return s.at(ctx, where, address)
}

// redirected asks plain http, without credentials, where it redirects to.
func (s *search) redirected(ctx context.Context, where string) (string, error) {
	client := &http.Client{Timeout: plainTime, Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	target := ""
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err == nil {
		var resp *http.Response
		if resp, err = client.Do(req); err == nil {
			_ = resp.Body.Close()
			if target = resp.Header.Get("Location"); target == "" {
				err = errors.New("no redirect")
			}
		}
	}
	s.steps = append(s.steps, Step{Where: where, Err: err})
	if err != nil {
		return "", &sources.Fault{Kind: sources.Unreachable, Err: errors.New("plain http redirects nowhere")}
	}
	return target, nil
}

// found is an answer of Autodiscover.
type found struct {
	XMLName xml.Name `xml:"Autodiscover"`
	Account struct {
		Action   string `xml:"Action"`
		Address  string `xml:"RedirectAddr"`
		URL      string `xml:"RedirectUrl"`
		Protocol []struct {
			Type  string `xml:"Type"`
			ASURL string `xml:"ASUrl"`
			EWS   string `xml:"EwsUrl"`
		} `xml:"Protocol"`
	} `xml:"Response>Account"`
	Error string `xml:"Response>Error>ErrorCode"`
}

// at asks one place, with credentials, and follows where it leads.
func (s *search) at(ctx context.Context, where, address string) (string, error) {
	key := where + " " + address
	if s.turns++; s.turns > maxTurns || s.asked[key] {
		return "", &sources.Fault{Kind: sources.Malformed, Err: errors.New("autodiscover leads in a circle"), Remedy: "see the redirects of Autodiscover"}
	}
	s.asked[key] = true
	resp, err := s.post(ctx, where, pox(address))
	s.steps = append(s.steps, Step{Where: where, Err: err})
	if err != nil {
		// A redirect to another host: it came over https from a host that is right.
		// A page to log in on is none that answers.
		if resp != nil && resp.Status >= 300 && resp.Status < 400 && !errors.Is(err, outbound.ErrLoginPage) {
			if target, bad := resp.URL.Parse(resp.Header.Get("Location")); bad == nil && target.Scheme == "https" {
				return s.at(ctx, target.String(), address)
			}
		}
		return "", err
	}
	var f found
	if xml.Unmarshal(resp.Body, &f) != nil {
		return "", &sources.Fault{Kind: sources.Malformed, Err: fmt.Errorf("%s answers something else than autodiscover", resp.Host())}
	}
	return s.read(ctx, &f, address)
}

func (s *search) read(ctx context.Context, f *found, address string) (string, error) {
	a := &f.Account
	switch strings.ToLower(a.Action) {
	case "redirectaddr":
		if strings.EqualFold(a.Address, address) {
			return "", &sources.Fault{Kind: sources.Malformed, Err: errors.New("autodiscover leads in a circle")}
		}
		return s.address(ctx, a.Address)
	case "redirecturl":
		if !strings.HasPrefix(strings.ToLower(a.URL), "https://") {
			return "", &sources.Fault{Kind: sources.Refused, Err: errors.New("autodiscover leads to no https URL")}
		}
		return s.at(ctx, a.URL, address)
	}
	// EXPR is what works from outside, EXCH what works from inside.
	best := ""
	for _, p := range a.Protocol {
		u := p.EWS
		if u == "" {
			u = p.ASURL
		}
		if strings.HasPrefix(strings.ToLower(u), "https://") && (best == "" || strings.EqualFold(p.Type, "EXPR")) {
			best = u
		}
	}
	if best == "" {
		return "", &sources.Fault{
			Kind: sources.Gone, Err: fmt.Errorf("autodiscover knows no Exchange Web Services for the address (code %.8q)", f.Error),
			Remedy: "see the address it is asked about",
		}
	}
	return best, nil
}

// pox is the request about an address.
func pox(address string) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="` + nsPrefix + `requestschema/2006"><Request><EMailAddress>`)
	escape(&b, address)
	b.WriteString(`</EMailAddress><AcceptableResponseSchema>` + nsPrefix + `responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`)
	return b.Bytes()
}
