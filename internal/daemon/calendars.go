package daemon

import (
	"net/netip"
	"os"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/config"
	"presenced/internal/engine"
	"presenced/internal/polling"
	"presenced/internal/seal"
	"presenced/internal/sites"
)

// calendars is what the daemon keeps for reading calendars.
type calendars struct {
	poller *polling.Poller
	key    *seal.Key // nil: users may add none
}

// openCalendars makes the poller. Nothing is asked yet.
func (d *Daemon) openCalendars(c *config.Config) error {
	k := &calendars{}
	if path := c.Calendar.KeyFile; path != "" {
		text, err := os.ReadFile(path)
		if err == nil {
			k.key, err = seal.ParseKey(string(text))
		}
		if err != nil {
			return setup("make one with \"head -c 32 /dev/urandom | base64\", readable to the daemon's user only", "calendar.key_file = %q: %w", path, err)
		}
	}
	o := polling.Options{Interval: c.Calendar.PollInterval.Std(), Log: d.log, Registerer: d.registry}
	if k.key != nil {
		o.Opener, o.Own = k.key, ownSources(&c.Calendar)
	}
	var err error
	k.poller, err = polling.New(o)
	d.calendars = k
	return err
}

// ownSources read the calendars users add: from public addresses only, and from
// the networks the operator allows.
func ownSources(c *config.Calendar) map[string]sources.Source {
	var allow []netip.Prefix
	for _, text := range c.UserNetworks {
		if p, err := netip.ParsePrefix(text); err == nil { // config has checked it
			allow = append(allow, p.Masked())
		}
	}
	return polling.NewOwn(allow)
}

// sitesOf are the operator's sources.
func (d *Daemon) sitesOf(c *config.Config) ([]polling.Site, error) {
	all, err := sites.Of(c, d.people.Load)
	if err != nil {
		return nil, setup("\"presenced check\" walks each source in steps", "%w", err)
	}
	return all, nil
}

// sealer is the key as the engine takes it.
func (k *calendars) sealer() engine.Sealer {
	if k.key == nil {
		return nil
	}
	return k.key
}

// lateCalendars are the sources that have failed for longer than a round: until
// then what was read before is as good as it ever is.
func (d *Daemon) lateCalendars(now time.Time) (late []polling.Status) {
	round := d.config.Load().Calendar.PollInterval.Std()
	for _, s := range d.calendars.poller.Failing() {
		if now.Sub(s.Since) > round {
			late = append(late, s)
		}
	}
	return late
}
