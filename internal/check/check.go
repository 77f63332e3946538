package check

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"time"

	"presenced/config"
	"presenced/internal/admin"
	"presenced/internal/directory"
)

// dialTime bounds one connection attempt.
const dialTime = 5 * time.Second

// Options say what to look at.
type Options struct {
	Config    string // the configuration file; empty: none, only the daemon at Socket is asked
	Overrides config.Overrides
	Socket    string // of the daemon to ask; empty: the one of the configuration
}

// checker carries what one step leaves to the next.
type checker struct {
	Report
	config *config.Config
	client *admin.Client   // of the running daemon
	status *admin.Status   // what it answered; nil: nothing
	book   *directory.Book // of directory.file; nil: none, or it cannot be read
	taken  bool            // the store is held by a process that does not answer
}

// Run looks at everything once. It ends early only when the configuration
// cannot be used.
func Run(ctx context.Context, o Options) *Report {
	c := &checker{}
	if o.Config == "" {
		c.warn("configuration", "none was read, so only the daemon was asked", "name the file with --config to have everything looked at")
		c.clock(time.Now())
		c.daemon(ctx, o.Socket)
		return &c.Report
	}
	if !c.configuration(o) {
		c.Unusable = true
		return &c.Report
	}
	c.clock(time.Now())
	c.daemon(ctx, o.Socket)
	c.store(ctx)
	if c.address(ctx) {
		c.link(ctx)
	}
	c.directory()
	c.policies(ctx)
	c.sqlLists(ctx)
	c.calendars(ctx)
	c.privacy(ctx)
	return &c.Report
}

func (c *checker) configuration(o Options) bool {
	loaded, warnings, err := config.Load(o.Config, o.Overrides)
	if err != nil {
		c.fail("configuration", err.Error(), "mend what each line names; \"presenced config defaults\" explains every key")
		return false
	}
	c.config = loaded
	for _, w := range warnings {
		c.warn("configuration", w.String(), "")
	}
	if keys := loaded.Inert(); len(keys) > 0 {
		c.warn("configuration", "no effect in this version: "+strings.Join(keys, ", "), "leave them out for now")
	}
	c.ok("configuration", "%s can be used", o.Config)
	return true
}

// sane are the years a clock that was ever set may show.
const saneFrom, saneTo = 2025, 2100

// timeError is what adjtimex returns for a clock nobody synchronises.
const timeError = 5

func (c *checker) clock(now time.Time) {
	if y := now.Year(); y < saneFrom || y > saneTo {
		c.fail("clock", "it is "+now.UTC().Format(time.RFC3339), "set the clock: every expiry and calendar depends on it")
		return
	}
	var tx syscall.Timex
	if state, err := syscall.Adjtimex(&tx); err == nil && state == timeError {
		c.warn("clock", now.UTC().Format(time.RFC3339)+", but nothing keeps it right", "run a time service such as systemd-timesyncd or chrony")
		return
	}
	c.ok("clock", "%s, kept right by a time service", now.UTC().Format(time.RFC3339))
}

// daemon asks a running daemon how it is.
func (c *checker) daemon(ctx context.Context, socket string) {
	if socket == "" {
		socket = c.config.Admin.Socket
	}
	c.client = admin.NewClient(socket)
	st, err := c.client.Status(ctx)
	switch {
	case err == nil:
		c.status = &st
		c.readiness()
	case errors.Is(err, admin.ErrNoDaemon) && c.config == nil:
		c.fail("daemon", "no daemon answers on "+socket, "start it with \"presenced run\", or name its configuration with --config")
	case errors.Is(err, admin.ErrNoDaemon):
		c.warn("daemon", "no daemon answers on "+socket, "start it with \"presenced run\"; what follows was looked at without it")
	default:
		c.fail("daemon", err.Error(), "run the check as the daemon's user or as root")
	}
}

// readiness tells what the daemon says of itself.
func (c *checker) readiness() {
	st := c.status
	if len(st.Reasons) == 0 {
		c.ok("daemon", "version %s, %s, %d of %d users enabled, %d online", st.Version, st.Status, st.Users.Enabled, st.Users.Known, st.Users.Online)
		return
	}
	for _, r := range st.Reasons {
		found := "version " + st.Version + ", " + st.Status + ": " + r.Name + " since " + r.Since.Format(time.RFC3339)
		if st.Status == "degraded" {
			c.warn("daemon", found, r.Remedy)
		} else {
			c.fail("daemon", found, r.Remedy)
		}
	}
}

// address reports whether anybody listens on the server's component port.
func (c *checker) address(ctx context.Context) bool {
	addr := c.config.Component.Address
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		c.add(Step{Name: "server", Result: Fail, Found: "component.address = \"" + addr + "\": " + err.Error(),
			Do: "start the XMPP server and have it listen there for components", Snippets: c.snippets()})
		return false
	}
	_ = conn.Close() // nothing was said
	c.ok("server", "something listens on %s", addr)
	return true
}
