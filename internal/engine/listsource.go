package engine

import "time"

// changedSources returns the hosts whose lists are read by somebody else under the
// next rules.
func changedSources(old, next *Rules) map[string]bool {
	changed := make(map[string]bool)
	note := func(host string) {
		if old.ListSources[host] != next.ListSources[host] {
			changed[host] = true
		}
	}
	for host := range old.ListSources {
		note(host)
	}
	for host := range next.ListSources {
		note(host)
	}
	return changed
}

// listSourcesChanged asks the new source of each host named. What the old one was
// asked it does not answer any more; what it read before stays in force until the
// new one has answered (S11).
func (s *shard) listSourcesChanged(hosts map[string]bool, now time.Time) {
	if len(hosts) == 0 {
		return
	}
	for _, h := range s.hosts {
		if hosts[h.Name] && h.ready {
			s.noteHidden(h)
		}
	}
	for _, u := range s.users {
		if !hosts[u.addr.Domain()] {
			continue
		}
		u.unanswered(askedLists, now)
		u.listsOutdated()
		u.readLists(now, nil)
	}
}

// noteHidden tells the operator once of a host whose lists nobody reads for us (S11).
func (s *shard) noteHidden(h *hostState) {
	if s.e.hidden.note(h.Name, h.Hidden && s.e.rules().ListSources[h.Name] == nil) {
		s.e.opt.Log.Warn("block or privacy lists of this host's users cannot be read: containers alone decide", "host", h.Name)
	}
}
