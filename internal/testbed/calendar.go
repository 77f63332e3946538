package testbed

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// CalendarKind is a product that serves CalDAV.
type CalendarKind string

// The products, as Debian has them.
const (
	Radicale CalendarKind = "radicale" // asks for passwords; users are its principals
	Xandikos CalendarKind = "xandikos" // lets everybody in; one principal
)

// XandikosUser is whose calendars a Xandikos keeps.
const XandikosUser = "user"

// CalendarOptions configure a calendar server.
type CalendarOptions struct {
	// Dir keeps data and log. Empty means a temporary directory that Close
	// removes.
	Dir string
	// Users are Radicale's accounts and their passwords.
	Users map[string]string
	// TLS has Radicale speak HTTPS, with a certificate of an authority of its own.
	TLS bool
	// Service names the accounts among Users that may read everybody's calendars.
	Service []string
}

// Calendar is one calendar server on a free port; it keeps data and port over
// restarts.
type Calendar struct {
	Kind CalendarKind
	// URL is the server's, without a slash at its end.
	URL, Dir string

	opts   CalendarOptions
	addr   string
	ca     *authority // nil: no TLS
	client *http.Client

	service
}

// StartCalendar starts a calendar server of its own and returns when it answers.
func StartCalendar(ctx context.Context, kind CalendarKind, opts CalendarOptions) (*Calendar, error) {
	if _, err := exec.LookPath(string(kind)); err != nil {
		return nil, fmt.Errorf("testbed: %s is not installed: run apt-get install %s python3-passlib", kind, kind)
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	c := &Calendar{Kind: kind, opts: opts, addr: loopback(ports[0]), client: http.DefaultClient}
	c.URL = "http://" + c.addr
	c.name, c.command, c.answers = string(kind), c.child, c.hasOptions
	if c.Dir, err = c.home(opts.Dir); err != nil {
		return nil, err
	}
	c.logs = []string{c.path(c.name + ".log")}
	if opts.TLS {
		err = c.secure()
	}
	if err == nil {
		err = c.configure()
	}
	if err == nil {
		err = c.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Calendar) path(name string) string { return filepath.Join(c.Dir, name) }

// secure makes an authority for the server.
func (c *Calendar) secure() (err error) {
	if c.ca, err = newAuthority(c.Dir); err != nil {
		return err
	}
	c.URL = "https://" + c.addr
	c.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.ca.pool, MinVersion: tls.VersionTLS12}}}
	return nil
}

// CAFile is the certificate of the authority a server with TLS is to be believed by.
func (c *Calendar) CAFile() string { return c.ca.caFile }

// configure writes Radicale's files; Xandikos has none.
func (c *Calendar) configure() error {
	var users, rights strings.Builder
	for name, password := range c.opts.Users {
		fmt.Fprintf(&users, "%s:%s\n", name, password)
		if slices.Contains(c.opts.Service, name) {
			fmt.Fprintf(&rights, "[service %s]\nuser: %s\ncollection: .*\npermissions: Rr\n", name, name)
		}
	}
	rights.WriteString("[root]\nuser: .+\ncollection:\npermissions: R\n")
	rights.WriteString("[owner]\nuser: .+\ncollection: {user}(/[^/]+)?\npermissions: RrWw\n")
	secure := ""
	if c.ca != nil {
		secure = "\nssl = True\ncertificate = " + c.ca.certFile + "\nkey = " + c.ca.keyFile
	}
	config := "[server]\nhosts = " + c.addr + secure + "\n[auth]\ntype = htpasswd\nhtpasswd_filename = " + c.path("users") +
		"\nhtpasswd_encryption = plain\ndelay = 0\n[rights]\ntype = from_file\nfile = " + c.path("rights") +
		"\n[storage]\nfilesystem_folder = " + c.path("data") + "\n[web]\ntype = none\n"
	return errors.Join(
		os.WriteFile(c.path("users"), []byte(users.String()), 0o600),
		os.WriteFile(c.path("rights"), []byte(rights.String()), 0o600),
		os.WriteFile(c.path("config"), []byte(config), 0o600),
	)
}

func (c *Calendar) child() *exec.Cmd {
	host, port, _ := net.SplitHostPort(c.addr)
	args := []string{"--config", c.path("config")}
	if c.Kind == Xandikos {
		args = []string{"-d", c.path("data"), "--defaults", "-l", host, "-p", port}
	}
	cmd := exec.Command(string(c.Kind), args...)
	cmd.Dir = c.Dir
	return cmd
}

func (c *Calendar) hasOptions(ctx context.Context) error {
	_, err := c.do(ctx, "", http.MethodOptions, "/", "")
	return err
}

// Home is the path of a user's calendars.
func (c *Calendar) Home(user string) string {
	if c.Kind == Xandikos {
		return "/" + XandikosUser + "/calendars/"
	}
	return "/" + user + "/"
}

// MakeCalendar makes a calendar in a user's home. Properties are XML to be set
// on it, with the prefixes D (DAV:) and C (CalDAV); empty: none.
func (c *Calendar) MakeCalendar(ctx context.Context, user, name, properties string) error {
	body := `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:displayname>` + name +
		`</D:displayname>` + properties + `</D:prop></D:set></C:mkcalendar>`
	return c.must(ctx, user, "MKCALENDAR", c.Home(user)+name+"/", body)
}

// Put stores an object, a whole VCALENDAR, in a user's calendar.
func (c *Calendar) Put(ctx context.Context, user, calendar, object, text string) error {
	return c.must(ctx, user, http.MethodPut, c.Home(user)+calendar+"/"+object, text)
}

// Delete removes an object, or with object empty a calendar.
func (c *Calendar) Delete(ctx context.Context, user, calendar, object string) error {
	return c.must(ctx, user, http.MethodDelete, c.Home(user)+calendar+"/"+object, "")
}

func (c *Calendar) must(ctx context.Context, user, method, path, body string) error {
	status, err := c.do(ctx, user, method, path, body)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("testbed: %s %s at %s: status %d", method, path, c.Kind, status)
	}
	return err
}

func (c *Calendar) do(ctx context.Context, user, method, path, body string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "text/calendar; charset=utf-8")
	if strings.HasPrefix(body, "<") {
		req.Header.Set("Content-Type", "application/xml; charset=utf-8")
	}
	if password, ok := c.opts.Users[user]; ok {
		req.SetBasicAuth(user, password)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, errors.Join(err, resp.Body.Close())
}

// RunCalendar runs a calendar server for the duration of a test. It fails when
// the server is missing and skips only where PRESENCED_SKIP_SERVERS=1.
func RunCalendar(t TB, kind CalendarKind, opts CalendarOptions) *Calendar {
	t.Helper()
	skip(t)
	return runFor(t, func() (*Calendar, error) { return StartCalendar(t.Context(), kind, opts) })
}
