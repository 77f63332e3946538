package outbound

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// hop is one request on the way to an answer.
type hop struct {
	method             string
	url                *url.URL // without user and fragment
	header             http.Header
	body               []byte
	username, password string
	// stripped: credentials were left behind at a redirect, which explains a
	// refusal.
	stripped bool
}

// portable are the headers that hold no credential; any other stays with the
// host it was meant for.
var portable = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "Depth", "If-Modified-Since",
	"If-None-Match", "Prefer", "User-Agent",
}

// first checks a request and makes it the first hop.
func (c *Client) first(r Request) (*hop, error) {
	u, err := parse(r.URL)
	if err != nil {
		return nil, err
	}
	h := &hop{method: r.Method, header: r.Header.Clone(), body: r.Body, username: r.Username, password: r.Password}
	if h.method == "" {
		h.method = http.MethodGet
	}
	if h.header == nil {
		h.header = http.Header{}
	}
	if h.username == "" && u.User != nil {
		h.username = u.User.Username()
		h.password, _ = u.User.Password()
	}
	h.url = plain(u)
	h.header.Set("Accept-Encoding", "gzip")
	if h.header.Get("User-Agent") == "" {
		h.header.Set("User-Agent", userAgent)
	}
	if u.Scheme == "http" && !c.o.Anywhere && (h.username != "" || h.header.Get("Authorization") != "") {
		return nil, openPassword(u.Host)
	}
	return h, nil
}

// parse reads an address that may be asked.
func parse(text string) (*url.URL, error) {
	if len(text) > maxURL {
		return nil, badAddress("the URL is too long")
	}
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil: // the error would repeat the address
		return nil, badAddress("the URL cannot be read")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, badAddress("the URL is neither http nor https")
	case u.Hostname() == "":
		return nil, badAddress("the URL names no host")
	}
	return u, nil
}

func plain(u *url.URL) *url.URL {
	p := *u
	p.User, p.Fragment, p.RawFragment = nil, "", ""
	return &p
}

// follow returns the request that a redirect asks for, nil if the answer is none.
func (h *hop) follow(resp *Response) (*hop, error) {
	switch resp.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	target, err := h.url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" || len(target.String()) > maxURL {
		return nil, badRedirect(h.url.Host)
	}
	if target, err = parse(target.String()); err != nil {
		return nil, badRedirect(h.url.Host)
	}
	next := *h
	next.url = plain(target)
	if !SameParty(h.url, next.url) {
		next.strip()
	}
	if h.method == http.MethodPost && (next.stripped || resp.Status < http.StatusTemporaryRedirect) {
		// A body that is posted may hold a secret, and a GET in its place, as
		// browsers make it, answers another question.
		if toLogin(next.url) {
			return nil, postLogin(h.url.Host, next.url.Host)
		}
		return nil, postMoved(h.url.Host, next.url.Host)
	}
	return &next, nil
}

// loginSigns are in the addresses of pages to log in on, such as those of Outlook
// on the web, AD FS, SAML and OpenID.
var loginSigns = []string{"login", "logon", "signin", "sign-in", "saml", "/adfs/", "/authorize"}

// toLogin guesses whether a URL leads to a page to log in on. Its host says little:
// tokens, too, come from hosts that are called login.
func toLogin(u *url.URL) bool {
	where := strings.ToLower(u.Path + "?" + u.RawQuery)
	return slices.ContainsFunc(loginSigns, func(sign string) bool { return strings.Contains(where, sign) })
}

// strip leaves everything behind that may be a credential. It stays behind, also
// if a later redirect leads back.
func (h *hop) strip() {
	h.stripped = true
	h.username, h.password = "", ""
	kept := http.Header{}
	for name, values := range h.header {
		if slices.Contains(portable, http.CanonicalHeaderKey(name)) {
			kept[name] = values
		}
	}
	h.header = kept
}

// SameParty reports whether what may be told to a may be told to b: the same
// host and port, or its https instead of http.
func SameParty(a, b *url.URL) bool {
	if !strings.EqualFold(a.Hostname(), b.Hostname()) {
		return false
	}
	upgrade := a.Scheme == "http" && port(a) == "80" && b.Scheme == "https" && port(b) == "443"
	return upgrade || a.Scheme == b.Scheme && port(a) == port(b)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}
