package daemon

import (
	"context"
	"net"

	"presenced/internal/web"
)

// openWeb opens the listener of the HTTP side, before anything needs it, so that
// an address that is taken is told at the start. Until the settings are loaded
// it answers 503.
func (d *Daemon) openWeb(ctx context.Context) error {
	c := d.config.Load()
	addr := c.HTTP.Listen
	if addr == "" {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return setup("stop what listens there, or choose another http.listen", "http.listen = %q: %w", addr, err)
	}
	s := web.New(web.Options{
		Door: d.engine, Follow: d.engine, Claims: d.engine, Tokens: d.tokens, Find: d.edge.Find, Noticed: d.calendars.poller.Noticed, Ready: d.serving,
		Language: c.Presence.Language, Log: d.log, Registerer: d.registry,
	})
	s.Serve(l)
	d.undo.add("http listener", s.Close)
	return nil
}

// serving reports whether the engine answers.
func (d *Daemon) serving() bool { return d.turning.Load() && !d.stopping.Load() }
