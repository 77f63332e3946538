package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/ews"
	"presenced/aggregation/calendar/sources/outbound"
	"presenced/config"
	"presenced/internal/admin"
	"presenced/internal/seal"
	"presenced/internal/sites"
)

// Times of looking at one source.
const (
	readTime = 30 * time.Second
	// soon is how near the end of a certificate is worth a word.
	soon = 14 * 24 * time.Hour
)

// calendars walks every calendar server in steps: the name, a connection, its
// certificate, the sign-in, some mailboxes, their zone and the rights.
func (c *checker) calendars(ctx context.Context) {
	c.calendarKey()
	users := c.calendarUsers(ctx)
	for i := range c.config.Calendar.Sources {
		s := &c.config.Calendar.Sources[i]
		name := "calendar " + s.Name
		c.running(name, s.Name)
		c.walk(ctx, name, s, users)
	}
}

// troubleshot is a source that tells more of itself than calendars.
type troubleshot interface {
	// Servers are the addresses it asks.
	Servers() []string
	// SignIn gets what it proves itself with, for a mailbox, and asks for nothing.
	SignIn(ctx context.Context, mailbox string) error
}

// walk looks at one source, and ends where it does not go on.
func (c *checker) walk(ctx context.Context, name string, s *config.CalendarSource, users []string) {
	plain := *s
	plain.Notify = "" // a check does not have itself told of changes
	source, err := sites.Open(&plain)
	if err != nil {
		c.fail(name, err.Error(), "correct it in calendar.sources; the daemon does not start so, and a reload changes nothing")
		return
	}
	if open, ok := source.(interface{ Close() }); ok {
		defer open.Close()
	}
	roots, err := sites.Authorities(s)
	if err != nil {
		return // Open has told
	}
	many, isMany := source.(troubleshot)
	servers := []string{s.URL.Reveal()}
	if isMany {
		servers = many.Servers()
	}
	if exchange, ok := source.(*ews.Source); ok && s.URL.IsZero() {
		url, found := c.discover(ctx, name, exchange)
		if !found {
			return
		}
		servers = append(servers, url)
	}
	for _, at := range slices.Compact(servers) {
		if !c.reach(ctx, name, at, roots) {
			return
		}
	}
	c.mailboxes(ctx, name, s, source, users)
	if s.Notify != "" && c.status != nil {
		c.notices(ctx, name, s.Notify, roots)
	}
}

// calendarKey looks at the key of users' own calendars.
func (c *checker) calendarKey() {
	const name = "calendar key"
	path := c.config.Calendar.KeyFile
	if path == "" {
		if len(c.config.Calendar.Sources) > 0 {
			c.warn(name, "calendar.key_file is not set: users cannot add calendars of their own",
				"if they shall: (umask 077; head -c 32 /dev/urandom | base64 >/etc/presenced/calendar.key), give it to the daemon's user and name it")
		}
		return
	}
	if err := readKey(path); err != nil {
		c.fail(name, path+": "+err.Error(), "head -c 32 /dev/urandom | base64 makes one; if there was one before, put it back: what users added was encrypted with it")
		return
	}
	c.ok(name, "%s holds a key", path)
}

func readKey(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, err = seal.ParseKey(string(raw))
	return err
}

// calendarUsers are those a source can be tried with: who is enabled, if a daemon
// tells.
func (c *checker) calendarUsers(ctx context.Context) (users []string) {
	if c.status == nil || len(c.config.Calendar.Sources) == 0 {
		return nil
	}
	list, err := c.client.Users(ctx)
	if err != nil {
		return nil // the daemon's own step has told
	}
	for _, u := range list {
		if u.Enabled {
			users = append(users, u.User)
		}
	}
	return users
}

// running tells what the daemon that reads the source says of it.
func (c *checker) running(name, source string) {
	if c.status == nil {
		return
	}
	for _, k := range c.status.Calendars {
		switch {
		case k.Name != source:
		case !k.Since.IsZero():
			c.fail(name, fmt.Sprintf("the daemon reads %s there, and the server has failed since %s: %s", counted(k.Users, "calendar"), k.Since.Format(time.RFC3339), k.Problem),
				"the steps below show where it ends; what was read before is shown until calendar.max_stale")
		case k.Failing > 0:
			c.warn(name, fmt.Sprintf("the daemon reads %s there; %d of them failed last time", counted(k.Users, "calendar"), k.Failing),
				"with log.level = \"debug\" the daemon names them")
		default:
			c.ok(name, "the daemon reads %s there%s", counted(k.Users, "calendar"), lastAnswer(&k))
		}
	}
}

func lastAnswer(k *admin.Calendar) string {
	if k.ReadAt.IsZero() {
		return ", none since its start"
	}
	return ", the last answer at " + k.ReadAt.Format(time.RFC3339)
}

// reach looks at the server's name, whether it can be connected to and whether it
// proves who it is. A file has none of that.
func (c *checker) reach(ctx context.Context, name, address string, roots *x509.CertPool) bool {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupHost(ctx, at.Hostname())
	if err != nil {
		c.fail(name, fmt.Sprintf("the name %s: %v", at.Hostname(), err), "correct the host in calendar.sources, or the name service of this machine")
		return false
	}
	c.ok(name, "the name %s is %s", at.Hostname(), strings.Join(addrs[:min(len(addrs), 4)], ", "))
	port := at.Port()
	if port == "" {
		port = map[string]string{"http": "80"}[at.Scheme]
		if port == "" {
			port = "443"
		}
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(at.Hostname(), port))
	if err != nil {
		c.fail(name, fmt.Sprintf("no connection: %v", err), "start the server, or open the way to it from this machine")
		return false
	}
	defer func() { _ = conn.Close() }() // nothing was said
	if at.Scheme != "https" && stays(conn) {
		c.ok(name, "a connection to port %s, not encrypted, on this machine", port)
		return true
	}
	if at.Scheme != "https" {
		c.warn(name, "a connection to port "+port+", not encrypted", "let the server offer https")
		return true
	}
	return c.certificate(ctx, name, conn, at.Hostname(), roots)
}

// stays tells whether a connection does not leave this machine.
func stays(conn net.Conn) bool {
	at, ok := conn.RemoteAddr().(*net.TCPAddr)
	return ok && at.IP.IsLoopback()
}

func (c *checker) certificate(ctx context.Context, name string, conn net.Conn, host string, roots *x509.CertPool) bool {
	secured := tls.Client(conn, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, RootCAs: roots})
	if err := secured.HandshakeContext(ctx); err != nil {
		do := "give the server a certificate for " + host + " of an authority this machine trusts"
		err = outbound.Explain(ctx, host, err)
		if f, ok := errors.AsType[*sources.Fault](err); ok && f.Remedy != "" {
			do = f.Remedy
		}
		if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok && unknown.Cert != nil {
			do += "; update-ca-certificates installs one, or name it in ca_file of this source"
		}
		c.fail(name, "TLS: "+err.Error(), do)
		return false
	}
	state := secured.ConnectionState()
	if ends := state.PeerCertificates[0].NotAfter; time.Until(ends) < soon {
		c.warn(name, "TLS: the certificate ends on "+ends.UTC().Format(time.RFC3339), "renew it")
		return true
	}
	c.ok(name, "TLS: %s, a certificate for %s", tls.VersionName(state.Version), host)
	return true
}
