package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"presenced/aggregation/calendar/sources"
)

// told is an error with words of our own: those of the libraries may repeat an
// address or what a server sent. The cause stays for decisions.
type told struct {
	text  string
	cause error
}

func (t *told) Error() string { return t.text }
func (t *told) Unwrap() error { return t.cause }

// fault makes a fault of a host.
func fault(kind sources.FaultKind, host string, cause error, what, remedy string) *sources.Fault {
	return &sources.Fault{Kind: kind, Err: &told{host + ": " + what, cause}, Remedy: remedy}
}

// Explain makes what happened on the way to a host into a *sources.Fault, in words
// that repeat nothing of an address or an answer. ctx is the caller's: its end by
// cancelling is no fault.
func Explain(ctx context.Context, host string, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return &told{host + ": cancelled", ctx.Err()}
	case errors.Is(err, errRefused):
		return fault(sources.Refused, host, err, "this address may not be asked",
			"only public addresses on the ports 80, 443 and from 1024 on may be asked, unless the operator allows more")
	case errors.Is(err, errTooLarge):
		return fault(sources.TooLarge, host, err, errTooLarge.Error(), "publish fewer years of the calendar")
	case errors.Is(err, errPacked), errors.Is(err, errUnpack), errors.Is(err, errCut):
		return fault(sources.Malformed, host, err, plainCause(err), "see what stands between here and the server: a proxy may cut or change answers")
	}
	if f := explainTLS(host, err); f != nil {
		return f
	}
	return explainNetwork(host, err)
}

// plainCause returns the text of our own error in err.
func plainCause(err error) string {
	for _, ours := range []error{errPacked, errUnpack, errCut} {
		if errors.Is(err, ours) {
			return ours.Error()
		}
	}
	return "the answer cannot be read"
}

func explainTLS(host string, err error) error {
	tell := func(what, remedy string) error { return fault(sources.BadTLS, host, err, what, remedy) }
	record, mismatch := errors.AsType[tls.RecordHeaderError](err)
	if errors.Is(err, http.ErrSchemeMismatch) || mismatch && string(record.RecordHeader[:]) == "HTTP/" {
		return tell("the server does not speak TLS there", "write http:// or the port where it speaks TLS")
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return tell("its certificate is from an authority that is not trusted here",
			"install that authority's certificate on this machine, or see that the server sends the intermediate ones")
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return tell("its certificate is for another name", "use "+names(e.Certificate)+", or have the certificate made for this name")
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if e.Reason == x509.Expired {
			return tell("its certificate is not valid today", fmt.Sprintf("it is valid from %s to %s: renew it, or see to the clock of this machine",
				e.Cert.NotBefore.UTC().Format(time.RFC3339), e.Cert.NotAfter.UTC().Format(time.RFC3339)))
		}
		return tell("its certificate is not valid for a server", "have a certificate for servers made")
	}
	_, verified := errors.AsType[*tls.CertificateVerificationError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, remote := errors.AsType[*net.OpError](err)
	if verified || mismatch || alert || remote && strings.Contains(err.Error(), "tls:") || strings.HasPrefix(err.Error(), "tls:") {
		return tell("no TLS connection came about", "see that the server speaks TLS 1.2 or later there")
	}
	return nil
}

// names lists what a certificate is for, within reason.
func names(c *x509.Certificate) string {
	const few = 5
	all := c.DNSNames
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	switch {
	case len(all) == 0:
		return "the name in it"
	case len(all) > few:
		return strings.Join(all[:few], ", ") + " or another name in it"
	default:
		return strings.Join(all, " or ")
	}
}

func explainNetwork(host string, err error) error {
	tell := func(what, remedy string) error { return fault(sources.Unreachable, host, err, what, remedy) }
	const server = "see that the server runs and that this machine reaches it"
	dns, named := errors.AsType[*net.DNSError](err)
	timed, timing := errors.AsType[net.Error](err)
	switch {
	case named && dns.IsNotFound:
		return tell("no such host", "see the spelling of the address")
	case named:
		return tell("its name cannot be resolved", "see the name servers of this machine")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), timing && timed.Timeout():
		return tell("no complete answer in time", server)
	case errors.Is(err, syscall.ECONNREFUSED):
		return tell("connection refused", server)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return tell("no way to it", server)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF):
		return tell("the connection was cut", server)
	default:
		// Such as an answer that is not HTTP, which the library would quote.
		return tell("no HTTP answer", "see that the address leads to the calendar server")
	}
}

// badAddress is the fault of a URL that is not even asked.
func badAddress(what string) error {
	err := errors.New(what)
	return &sources.Fault{Kind: sources.Refused, Err: err, Remedy: "write it as https://host/path"}
}

func openPassword(host string) error {
	return fault(sources.Refused, host, nil, "a password is not sent over http", "write https://")
}

func badRedirect(host string) error {
	return fault(sources.Malformed, host, nil, "it redirects to nowhere", "use the address where the calendar is now")
}

func tooManyRedirects(host string) error {
	return fault(sources.Malformed, host, nil, "too many redirects", "use the address where the calendar is now; a login page may be in between")
}

func postLogin(from, to string) error {
	what := "it redirects to a login page"
	if to != from {
		what += " at " + to
	}
	return fault(sources.Unauthorized, from, ErrLoginPage, what, "what stands before the server wants a person to log in: let this machine past it")
}

func postMoved(from, to string) error {
	return fault(sources.Moved, from, nil, "it redirects to "+to, "give the address there, if it is right")
}
