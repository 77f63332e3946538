package daemon

import (
	"strings"
	"time"

	"presenced/config"
)

// Reload puts another configuration in force, or returns an error and changes
// nothing. Keys that need a restart keep their old values and are logged.
func (d *Daemon) Reload(c *config.Config) error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	old := d.config.Load()
	next := merge(old, c)
	rules, err := rulesOf(next)
	if err != nil {
		d.ReloadFailed()
		return err
	}
	people, err := d.peopleOf(next, rules)
	if err != nil {
		d.ReloadFailed()
		return err
	}
	sites, err := d.sitesOf(next)
	if err != nil {
		d.ReloadFailed()
		return err
	}
	lists, err := d.lists.plan(next, d.listsRead)
	if err != nil {
		d.ReloadFailed()
		return err
	}
	rules.ListSources = lists.readers()
	d.config.Store(next)
	d.people.Store(people) // the sources look addresses up in it
	// The engine then tells anew whose calendars are to be read.
	d.calendars.poller.SetSites(sites, next.Calendar.PollInterval.Std())
	// Photos are known before anybody is told of them.
	d.edge.SetDirectory(people)
	if err := d.lists.put(lists); err != nil {
		d.log.Warn("a database of lists that is not used any more did not close", "err", err)
	}
	d.engine.Reload(rules)
	d.reaudit(old, next)
	if d.opt.Level != nil {
		d.opt.Level.Set(levelOf(next.Log.Level))
	}
	d.metrics.reloaded(time.Now())
	d.log.Info("configuration reloaded", "changed", strings.Join(config.Diff(old, next), ","))
	if late := config.NeedsRestart(config.Diff(old, c)); len(late) > 0 {
		d.log.Warn("some changes count after a restart only", "keys", strings.Join(late, ","))
	}
	return nil
}

// ReloadFailed notes that a configuration could not be taken.
func (d *Daemon) ReloadFailed() { d.metrics.reloadOK.Set(0) }

// merge returns next with what cannot change at run time taken from old.
func merge(old, next *config.Config) *config.Config {
	m := *next
	m.Component = old.Component
	m.Component.Secret, m.Component.SecretFile = next.Component.Secret, next.Component.SecretFile
	m.Store, m.HTTP, m.Admin = old.Store, old.HTTP, old.Admin
	m.Presence.Language, m.Presence.Liveness = old.Presence.Language, old.Presence.Liveness
	m.Limits.Contacts, m.Limits.MaxStanza = old.Limits.Contacts, old.Limits.MaxStanza
	m.Log.Format = old.Log.Format
	m.Calendar.KeyFile, m.Calendar.UserNetworks = old.Calendar.KeyFile, old.Calendar.UserNetworks
	return &m
}
