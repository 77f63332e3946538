package daemon

import (
	"presenced/internal/admin"
)

// status is what the admin socket tells about the daemon as a whole.
func (d *Daemon) status() admin.Status {
	c := d.config.Load()
	link := d.edge.State()
	s := admin.Status{
		Version: d.opt.Version, Started: d.started.UTC(),
		Domain: c.Component.Domain, Address: c.Component.Address,
		Link:  admin.Link{Phase: string(link.Phase), Since: link.Since.UTC(), LastError: link.LastError},
		Hosts: []admin.Host{}, Store: d.storeStatus(), Farewell: c.Component.Farewell,
	}
	s.Status, s.Reasons = d.readiness()
	for _, k := range d.calendars.poller.Status() {
		s.Calendars = append(s.Calendars, admin.Calendar{
			Name: k.Name, Users: k.Users, Failing: k.Late, ReadAt: k.Well.UTC(), Since: k.Since.UTC(), Problem: k.Fault,
		})
	}
	for _, h := range link.Hosts {
		s.Hosts = append(s.Hosts, admin.Host{
			Name: h.Name, Mode: h.Mode, Adverts: append([]string{}, h.Adverts...), Answers: h.Answers, Synced: h.Synced,
			Managed: h.Host.Managed, Reports: h.Host.Reports, Roster: h.Host.Roster, Consent: h.Host.Consent,
			Block: h.Host.Block, Privacy: h.Host.Privacy, Hidden: h.Host.Hidden,
		})
	}
	return s
}
