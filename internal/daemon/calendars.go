package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/config"
	"presenced/internal/engine"
	"presenced/internal/polling"
	"presenced/internal/presence"
	"presenced/internal/seal"
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
func sitesOf(c *config.Config) ([]polling.Site, error) {
	sites := make([]polling.Site, 0, len(c.Calendar.Sources))
	for i := range c.Calendar.Sources {
		s := &c.Calendar.Sources[i]
		source, ok := polling.NewSource(s.Kind, polling.Account{Username: s.Username, Password: s.Password.Reveal(), FreeBusy: s.FreeBusy})
		if !ok {
			continue // config names it as a kind this version does not read
		}
		url := s.URL.Reveal()
		if err := sources.CheckTemplate(url); err != nil {
			return nil, setup("put {user} or {jid} into the path", "calendar.sources[%d].url: %w", i, err)
		}
		covers, err := coverOf(i, s.Users)
		if err != nil {
			return nil, err
		}
		sites = append(sites, polling.Site{
			Name: s.Name, Source: source, Version: versionOf(s),
			Mailbox: func(user presence.Addr, _ string) (sources.Mailbox, bool) {
				if !covers(user) {
					return sources.Mailbox{}, false
				}
				return sources.Mailbox{Address: url}, true
			},
		})
	}
	return sites, nil
}

// coverOf says for whom a source is: users, domains, or with none of both
// everybody.
func coverOf(i int, names []string) (func(presence.Addr) bool, error) {
	if len(names) == 0 || slices.Contains(names, "*") {
		return func(presence.Addr) bool { return true }, nil
	}
	list, err := addrsOf(fmt.Sprintf("calendar.sources[%d].users", i), names)
	if err != nil {
		return nil, err
	}
	users, domains := map[presence.Addr]bool{}, map[string]bool{}
	for _, a := range list {
		if a.Local() == "" {
			domains[a.Domain()] = true
		} else {
			users[a] = true
		}
	}
	return func(a presence.Addr) bool { return users[a] || domains[a.Domain()] }, nil
}

// versionOf tells configurations of a source apart, its secrets included.
func versionOf(s *config.CalendarSource) string {
	text, err := json.Marshal([]any{s.Kind, s.URL.Reveal(), s.Username, s.Password.Reveal(), s.FreeBusy, s.Users})
	if err != nil {
		return "" // texts can always be written
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
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
