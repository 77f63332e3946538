package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"presenced/aggregation/calendar"
)

// fetchTime bounds the whole reading of a calendar over the network.
const fetchTime = 30 * time.Second

// calendarSource is where a calendar is: a file, or an address.
type calendarSource struct {
	path    string
	address *url.URL
	// shown names it in errors. Of an address only the host: private calendars
	// have their secret in the path.
	shown string
}

// findCalendar understands a path, a file: URL and a http, https or webcal one.
func findCalendar(arg string) (calendarSource, error) {
	scheme, rest, found := strings.Cut(arg, ":")
	if _, err := os.Lstat(arg); err == nil || !found || (!strings.HasPrefix(rest, "//") && !strings.EqualFold(scheme, "file")) {
		return calendarSource{path: arg, shown: arg}, nil
	}
	u, err := url.Parse(arg)
	if err != nil {
		return calendarSource{}, usage("the address of the calendar cannot be read: %v", cause(err))
	}
	switch u.Scheme {
	case "file":
		path := u.Path + u.Opaque
		if (u.Host != "" && u.Host != "localhost") || path == "" {
			return calendarSource{}, usage("%q names no file of this machine; write file:///path/to/calendar.ics", arg)
		}
		return calendarSource{path: path, shown: path}, nil
	case "webcal":
		u.Scheme = "https"
	case "http", "https":
	default:
		return calendarSource{}, usage("calendars are not read by %s; give a file, or an http or https address", u.Scheme)
	}
	if u.Hostname() == "" {
		return calendarSource{}, usage("the address of the calendar names no host; write https://host/calendar.ics")
	}
	return calendarSource{address: u, shown: u.Scheme + "://" + u.Host}, nil
}

// read returns the text, which is at most calendar.MaxSize long.
func (s calendarSource) read(ctx context.Context) ([]byte, error) {
	if s.address != nil {
		ctx, cancel := context.WithTimeout(ctx, fetchTime)
		defer cancel()
		return fetch(ctx, s.address)
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, fmt.Errorf("%w; name an iCalendar file", cause(err))
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.New("is a directory; name an iCalendar file in it")
	}
	return readCalendar(f)
}

func readCalendar(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, calendar.MaxSize+1))
	switch {
	case err != nil:
		return nil, cause(err)
	case len(text) > calendar.MaxSize:
		return nil, fmt.Errorf("larger than %d MiB; is it a calendar?", calendar.MaxSize>>20)
	}
	return text, nil
}

func fetch(ctx context.Context, address *url.URL) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, cause(err)
	}
	request.Header.Set("Accept", "text/calendar, */*;q=0.1")
	request.Header.Set("User-Agent", "presenced/"+version)
	client := &http.Client{CheckRedirect: mayRedirect}
	answer, err := client.Do(request)
	if err != nil {
		return nil, unreachable(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, refused(answer)
	}
	text, err := readCalendar(answer.Body)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("the answer was cut off; try again")
	case err != nil:
		return nil, unreachable(err)
	}
	return text, nil
}

// mayRedirect follows a few redirects, none of them out of encryption.
func mayRedirect(next *http.Request, before []*http.Request) error {
	last := before[len(before)-1].URL
	switch {
	case len(before) > 5:
		return errors.New("redirects without end; give the address it should lead to")
	case next.URL.Scheme != "https" && (last.Scheme == "https" || next.URL.Scheme != "http"):
		return fmt.Errorf("redirects from %s to %s, which is not followed", last.Scheme, next.URL.Scheme)
	}
	return nil
}

// refused tells what a status means and what to do.
func refused(answer *http.Response) error {
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized:
		return fmt.Errorf("%s; give the account as https://name:password@%s/", answer.Status, answer.Request.URL.Host)
	case code == http.StatusForbidden:
		return fmt.Errorf("%s; the account may not read this calendar", answer.Status)
	case code == http.StatusNotFound, code == http.StatusGone:
		return fmt.Errorf("%s; is the path right?", answer.Status)
	case code == http.StatusTooManyRequests, code >= 500:
		return fmt.Errorf("%s; the server is in trouble, try again later", answer.Status)
	case code >= 200 && code < 300:
		return fmt.Errorf("%s; a calendar comes with 200", answer.Status)
	}
	return fmt.Errorf("%s; is it the address of a calendar?", answer.Status)
}

// unreachable tells why there was no answer.
func unreachable(err error) error {
	err = cause(err)
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("no whole answer within %s; is the server slow, or a firewall between?", fetchTime)
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("%s is not known to the DNS; is it spelled right?", name.Name)
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("%v; renew the certificate, or use the name it is for", certificate)
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return errors.New("the server does not speak TLS on this port; should it be http:// ?")
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%w; is the server running, and the port right?", err)
	}
	return err
}

// cause strips what repeats the address, or the name of the file, from an error.
func cause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}
