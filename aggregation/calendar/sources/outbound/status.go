package outbound

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"presenced/aggregation/calendar/sources"
)

// maxRetry is the longest pause a server may ask for; some say a year.
const maxRetry = 24 * time.Hour

// judge returns the fault that an answer is, nil if it is a good one.
func judge(r *Response, h *hop) error {
	switch {
	case r.Status >= 200 && r.Status < 300:
		return judgePage(r)
	case r.Status == http.StatusNotModified && (h.header.Get("If-None-Match") != "" || h.header.Get("If-Modified-Since") != ""):
		return nil
	}
	f := fault(statusKind(r.Status), r.Host(), nil, strings.TrimSpace(fmt.Sprintf("status %d %s", r.Status, http.StatusText(r.Status))), statusRemedy(r.Status))
	if h.stripped && (r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden) {
		f.Remedy = "a redirect led to this host, which got no credentials: if it is the right one, give its address"
	}
	f.RetryAfter = retryAfter(r.Header, time.Now())
	return f
}

func judgePage(r *Response) error {
	err := webPage(r.Body)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrLoginPage):
		return fault(sources.Unauthorized, r.Host(), err, fmt.Sprintf("%v, with status %d", err, r.Status),
			"the server wants a person to log in: give an address that needs none, or a user name and an app password")
	default:
		return fault(sources.Malformed, r.Host(), err, err.Error(), "give the address of the calendar itself, not of the page that shows it")
	}
}

// statusKind says what a status means for what happens next.
func statusKind(status int) sources.FaultKind {
	switch status {
	case http.StatusUnauthorized:
		return sources.Unauthorized
	case http.StatusForbidden, http.StatusPaymentRequired, http.StatusUnavailableForLegalReasons:
		return sources.Forbidden
	case http.StatusNotFound, http.StatusGone:
		return sources.Gone
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return sources.Busy
	}
	if status < 400 { // a 304 to no condition, a 3xx that leads nowhere
		return sources.Malformed
	}
	return sources.Broken
}

func statusRemedy(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "see the user name and the password; many servers want an app password"
	case http.StatusForbidden:
		return "give the account the right to read this calendar"
	case http.StatusNotFound, http.StatusGone:
		return "see the address; there is no calendar"
	case http.StatusTooManyRequests:
		return "it is asked too often: poll less"
	case http.StatusServiceUnavailable:
		return "it is overloaded or in maintenance; it is asked again later"
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return "the server does not do this at this address: see its kind and its address"
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return "the server behind this proxy does not answer"
	case http.StatusProxyAuthRequired:
		return "a proxy in between wants to know who asks: let this machine pass"
	}
	if status < 400 {
		return "use the address where the calendar is now"
	}
	return "see the server's log"
}

// retryAfter reads Retry-After (RFC 9110, 10.2.3), in seconds or as a date. The
// date counts from the server's own clock where it tells that: clocks differ.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetry)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), maxRetry)
}
