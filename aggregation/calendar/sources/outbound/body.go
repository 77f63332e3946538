package outbound

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// The reasons an answer is not used. Each becomes a fault.
var (
	errTooLarge = errors.New("the answer is larger than is read")
	errPacked   = errors.New("the answer is packed in a way that was not asked for")
	errUnpack   = errors.New("the packed answer cannot be unpacked")
	errCut      = errors.New("the answer ended early")
	errWebPage  = errors.New("a web page came instead of data")
)

// ErrLoginPage is the cause of a fault where a page for people to log in came under
// status 200, or a redirect leads to one.
var ErrLoginPage = errors.New("a login page came instead of data")

// readBody reads a body, unpacked, of at most limit bytes.
func readBody(answer *http.Response, limit int64) ([]byte, error) {
	if answer.ContentLength > limit {
		return nil, errTooLarge
	}
	from := io.Reader(answer.Body)
	switch strings.ToLower(strings.TrimSpace(answer.Header.Get("Content-Encoding"))) {
	case "", "identity":
	case "gzip", "x-gzip":
		packed, err := gzip.NewReader(answer.Body)
		if errors.Is(err, io.EOF) { // no body at all, as with 304
			return nil, nil
		}
		if err != nil {
			return nil, unpacking(err)
		}
		from = packed
	default:
		return nil, errPacked
	}
	body, err := io.ReadAll(io.LimitReader(from, limit+1))
	switch {
	case err != nil:
		return nil, unpacking(err)
	case int64(len(body)) > limit:
		return nil, errTooLarge
	}
	return body, nil
}

// unpacking names what broke a body; anything else is the connection's.
func unpacking(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errCut
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return errUnpack
	}
	if _, corrupt := errors.AsType[flate.CorruptInputError](err); corrupt {
		return errUnpack
	}
	return err
}

// webPage tells whether a body is a web page, which no source asks for. The type
// an answer claims says little: calendars come as text/html, and login pages as
// text/calendar.
func webPage(body []byte) error {
	const look = 64 << 10 // a login form is near the beginning
	text := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\ufeff")), " \t\r\n")
	text = bytes.ToLower(text[:min(len(text), look)])
	for bytes.HasPrefix(text, []byte("<!--")) || bytes.HasPrefix(text, []byte("<?xml")) {
		_, rest, found := bytes.Cut(text, []byte(">"))
		if !found {
			return nil
		}
		text = bytes.TrimLeft(rest, " \t\r\n")
	}
	if !bytes.HasPrefix(text, []byte("<!doctype html")) && !bytes.HasPrefix(text, []byte("<html")) {
		return nil
	}
	for _, sign := range []string{"password", "login", "log in", "sign in", "signin", "samlrequest"} {
		if bytes.Contains(text, []byte(sign)) {
			return ErrLoginPage
		}
	}
	return errWebPage
}
