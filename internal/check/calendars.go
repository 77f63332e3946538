package check

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/config"
	"presenced/internal/admin"
	"presenced/internal/polling"
	"presenced/internal/seal"
	"presenced/internal/text"
)

// Times of looking at one source.
const (
	readTime = 30 * time.Second
	// soon is how near the end of a certificate is worth a word.
	soon = 14 * 24 * time.Hour
)

// calendars walks every calendar server in steps: the name, a connection, its
// certificate, the sign-in, one mailbox, its zone and the rights.
func (c *checker) calendars(ctx context.Context) {
	c.calendarKey()
	users := c.calendarUsers(ctx)
	for i := range c.config.Calendar.Sources {
		s := &c.config.Calendar.Sources[i]
		name := "calendar " + s.Name
		c.running(name, s.Name)
		if c.reach(ctx, name, s.URL.Reveal()) {
			c.mailbox(ctx, name, s, users)
		}
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
			c.fail(name, fmt.Sprintf("the daemon reads %d calendars there, and the server has failed since %s: %s", k.Users, k.Since.Format(time.RFC3339), k.Problem),
				"the steps below show where it ends; what was read before is shown until calendar.max_stale")
		case k.Failing > 0:
			c.warn(name, fmt.Sprintf("the daemon reads %d calendars there; %d of them failed last time", k.Users, k.Failing),
				"with log.level = \"debug\" the daemon names them")
		default:
			c.ok(name, "the daemon reads %d calendars there%s", k.Users, lastAnswer(&k))
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
func (c *checker) reach(ctx context.Context, name, address string) bool {
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
	if at.Scheme != "https" {
		c.warn(name, "a connection to port "+port+", not encrypted", "let the server offer https, unless it is on this machine")
		return true
	}
	return c.certificate(ctx, name, conn, at.Hostname())
}

func (c *checker) certificate(ctx context.Context, name string, conn net.Conn, host string) bool {
	secured := tls.Client(conn, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
	if err := secured.HandshakeContext(ctx); err != nil {
		c.fail(name, fmt.Sprintf("TLS: %v", err), "give the server a certificate for "+host+" of an authority this machine trusts (update-ca-certificates adds one)")
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

// mailbox reads one user's calendar, as the daemon would.
func (c *checker) mailbox(ctx context.Context, name string, s *config.CalendarSource, users []string) {
	source, ok := polling.NewSource(s.Kind, polling.Account{Username: s.Username, Password: s.Password.Reveal(), FreeBusy: s.FreeBusy})
	if !ok {
		return // the configuration's step has told
	}
	user := someUser(s, users)
	if user == "" {
		c.warn(name, "the sign-in and the calendars were not tried: no user is known to try with", "enable a user and check again, or name one in calendar.sources.users")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	now := time.Now()
	box := sources.Mailbox{User: user, Address: s.URL.Reveal(), Attendee: user, Zone: text.Zone(c.config.Presence.Timezone)}
	found, err := source.Fetch(ctx, sources.Window{From: now.Add(-time.Hour), To: now.Add(polling.Ahead)}, []sources.Mailbox{box})
	if err == nil && len(found) == 1 {
		err = found[0].Err
	}
	if err != nil {
		c.calendarFault(name, user, s, err)
		return
	}
	c.ok(name, "signed in, and the calendar of %s can be read: %d events up to %s", user, len(found[0].Schedule.Events), now.Add(polling.Ahead).UTC().Format(time.RFC3339))
	for _, w := range found[0].Schedule.Warnings {
		if strings.Contains(w, "zone") {
			c.warn(name, "the calendar of "+user+": "+w, "times in it are taken in presence.timezone, unless the user sets a zone with the command \"profile\"")
			return
		}
	}
	c.ok(name, "zone: times without one are taken in %s", c.config.Presence.Timezone)
}

// someUser is whom a source is tried with.
func someUser(s *config.CalendarSource, enabled []string) string {
	for _, u := range s.Users {
		if strings.Contains(u, "@") {
			return u
		}
	}
	for _, u := range enabled {
		if len(s.Users) == 0 {
			return u
		}
		for _, d := range s.Users {
			if _, host, _ := strings.Cut(u, "@"); d == "*" || strings.EqualFold(host, d) {
				return u
			}
		}
	}
	return ""
}

// calendarFault explains a fault by its kind, with the source's own remedy first.
func (c *checker) calendarFault(name, user string, s *config.CalendarSource, err error) {
	remedy := ""
	if fault, ok := errors.AsType[*sources.Fault](err); ok {
		remedy = fault.Remedy
	}
	found := func(step string) string { return step + ": " + err.Error() }
	say := func(step, do string) {
		if remedy != "" {
			do = remedy
		}
		c.fail(name, found(step), do)
	}
	switch sources.KindOf(err) {
	case sources.Unauthorized:
		say("the sign-in failed", "correct calendar.sources.username and password; try them in a browser")
	case sources.Forbidden:
		do := "the account " + s.Username + " is accepted, but may not read the calendar of " + user + ": give it the right to read every user's calendars"
		if s.Username == "" {
			do = "the calendar is not public: set calendar.sources.username and password of an account that may read every user's calendars"
		}
		c.fail(name, found("no right (403)"), strings.TrimSuffix(do+"; "+remedy, "; "))
	case sources.Gone:
		c.warn(name, found("no calendar of "+user), "if she should have one, correct calendar.sources.url; whoever has none is shown without")
	case sources.Busy:
		say("the server asks to be left alone", "look at its load; presenced waits as long as it asks for")
	case sources.Malformed, sources.TooLarge:
		say("the calendar of "+user+" cannot be used", "look at it with: presenced calendar busy URL")
	case sources.BadTLS, sources.Unreachable:
		say("no answer", "look at the server's log")
	default:
		say("the calendar of "+user+" cannot be read", "look at the server's log")
	}
}
