package daemon

import (
	"context"
	"path/filepath"
	"strings"

	"presenced/config"
	"presenced/internal/audit"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// openTrail opens the audit trail, which is there while it is off as well: what was
// written before expires, can be read, and forgets who is erased.
func (d *Daemon) openTrail(c *config.Config) {
	d.trail = audit.Open(audit.Options{
		Dir: filepath.Join(c.Store.Path, "audit"), Retention: c.Audit.Retention.Std(), Log: d.log, Registerer: d.registry,
		Exempt: func(a presence.Addr) bool { return d.engine.Unaudited(a) },
	})
	d.undo.add("audit trail", func(ctx context.Context) error {
		if d.audited() {
			d.own("stop", "")
		}
		return d.trail.Close(ctx)
	})
}

// audited reports whether the trail is kept.
func (d *Daemon) audited() bool { return d.config.Load().Audit.Enabled }

// audit has the trail told from the start on, where it is on.
func (d *Daemon) audit(c *config.Config) {
	if !c.Audit.Enabled {
		return
	}
	d.engine.SetAuditor(d.trail)
	d.own("start", "")
}

// own notes what the daemon or its configuration does.
func (d *Daemon) own(what, about string) {
	d.trail.Noted(engine.Deed{
		Who: engine.Principal{Operator: true, Way: engine.WayConfig, UID: engine.NoUID}, What: what, About: about, Change: true,
	})
}

// reaudit puts what a reload says of the trail in force. That it is turned off is
// its last entry; which other keys were changed is one, too, since they may change
// who sees whom.
func (d *Daemon) reaudit(old, next *config.Config) {
	d.trail.SetRetention(next.Audit.Retention.Std())
	if next.Audit.Enabled {
		d.engine.SetAuditor(d.trail)
	} else {
		d.engine.SetAuditor(nil)
	}
	if keys := config.Diff(old, next); old.Audit.Enabled || next.Audit.Enabled {
		d.own("reload", strings.Join(keys, " "))
	}
}

// erased takes a user who was erased out of the trail.
func (d *Daemon) erased(user string) {
	if err := d.trail.Erase(user); err != nil {
		d.log.Error("somebody who was erased may still stand in the audit trail after a crash; erase her again then", "error", err)
	}
}
