package daemon

import (
	"context"
	"strings"
	"sync"
	"time"

	"presenced/component"
	"presenced/internal/admin"
	"presenced/internal/polling"
	"presenced/internal/serverlists"
)

// The words of /readyz.
const (
	statusReady    = "ready"
	statusDegraded = "degraded"
	statusUnready  = "unready"
)

// watchEvery is how often readiness is looked at without being asked, so that a
// change is logged and its instant known.
const watchEvery = time.Second

// facts are all that readiness depends on.
type facts struct {
	stopping bool
	loaded   bool
	link     component.State
	store    error // nil: healthy
	trail    error // likewise, of the audit trail
	// calendars are the sources that have failed for longer than a round.
	calendars []polling.Status
	lists     map[string]serverlists.State
}

// judge says how ready facts are, and why not; pure but for the instants, which
// the caller fills in. Unready outweighs degraded.
func judge(f facts) (status string, reasons []admin.Reason) {
	status = statusReady
	add := func(s, name, remedy string, since time.Time) {
		if status != statusUnready {
			status = s
		}
		reasons = append(reasons, admin.Reason{Name: name, Since: since, Remedy: remedy})
	}
	if f.stopping {
		add(statusUnready, "stopping", "wait for the next start", time.Time{})
	}
	if !f.loaded {
		add(statusUnready, "settings", "wait until the settings are loaded", time.Time{})
	}
	if f.link.Phase != component.PhaseAttached {
		add(statusUnready, "link", linkRemedy(f.link), f.link.Since)
	} else if waiting := unsynced(f.link); len(waiting) > 0 {
		add(statusUnready, "resynchronisation", "wait until the state of "+strings.Join(waiting, ", ")+" has been heard", f.link.Since)
	}
	if f.store != nil {
		add(statusDegraded, "store", f.store.Error(), time.Time{})
	}
	if f.trail != nil {
		add(statusDegraded, "audit", f.trail.Error(), time.Time{})
	}
	for _, s := range f.calendars {
		remedy := s.Remedy
		if remedy == "" {
			remedy = "\"presenced check\" tells more"
		}
		add(statusDegraded, "calendar "+s.Name, s.Fault+"; "+remedy, s.Since)
	}
	for _, r := range awayReasons(f.lists) {
		add(statusDegraded, r.Name, r.Remedy, r.Since)
	}
	return status, reasons
}

func linkRemedy(s component.State) string {
	if s.LastError == "" {
		return "wait for the XMPP server to answer"
	}
	return "presenced keeps trying; \"presenced check\" tells more: " + s.LastError
}

func unsynced(s component.State) (names []string) {
	for _, h := range s.Hosts {
		if !h.Synced {
			names = append(names, h.Name)
		}
	}
	return names
}

// readiness remembers since when each reason holds, and which hosts have been
// heard since the attach.
type readiness struct {
	mu     sync.Mutex // guards the fields below
	status string
	since  map[string]time.Time
	heard  map[string]time.Time // host -> the attach in which it was heard
}

func newReadiness() *readiness {
	return &readiness{status: statusUnready, since: make(map[string]time.Time), heard: make(map[string]time.Time)}
}

// once marks every host as synced that has been so in this attach: only the
// first resynchronisation counts, not those that a later advert brings.
func (r *readiness) once(s component.State) component.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range s.Hosts {
		h := &s.Hosts[i]
		if h.Synced {
			r.heard[h.Name] = s.Since
		}
		h.Synced = h.Synced || r.heard[h.Name].Equal(s.Since)
	}
	return s
}

// note dates the reasons and returns the status before; reasons that are gone
// are forgotten.
func (r *readiness) note(status string, reasons []admin.Reason, now time.Time) (before string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.since
	r.since = make(map[string]time.Time, len(reasons))
	for i := range reasons {
		name := reasons[i].Name
		if reasons[i].Since.IsZero() {
			reasons[i].Since = now
			if t, ok := old[name]; ok {
				reasons[i].Since = t
			}
		}
		reasons[i].Since = reasons[i].Since.UTC().Truncate(time.Second)
		r.since[name] = reasons[i].Since
	}
	before, r.status = r.status, status
	return before
}

// readiness judges the daemon now and logs a change.
func (d *Daemon) readiness() (status string, reasons []admin.Reason) {
	status, reasons = judge(facts{
		stopping: d.stopping.Load(), loaded: d.loaded.Load(), link: d.ready.once(d.edge.State()), store: d.store.Healthy(),
		calendars: d.lateCalendars(time.Now()),
		lists:     d.lists.states(),
		trail:     d.trail.Healthy(),
	})
	if before := d.ready.note(status, reasons, time.Now()); before != status {
		names := make([]string, len(reasons))
		for i, r := range reasons {
			names[i] = r.Name
		}
		d.log.Info("readiness changed", "from", before, "to", status, "reasons", strings.Join(names, ","))
	}
	return status, reasons
}

// startWatch looks at readiness on its own.
func (d *Daemon) startWatch() {
	ctx, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			d.readiness()
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	d.undo.add("watch", func(context.Context) error {
		cancel()
		watch.Wait()
		return nil
	})
}
