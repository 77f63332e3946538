package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// RawReport is what is known of one host's users' raw presence: what their own
// server sends to their native contacts, around the containers (S8.7). It goes by
// rosters and lists as they were last read; lists a session made active cannot be.
type RawReport struct {
	Host     string `json:"host"`
	Users    int    `json:"users"`    // enabled ones whose roster was read
	Unknown  int    `json:"unknown"`  // enabled ones whose roster was not
	Reached  int    `json:"reached"`  // users some contact gets raw presence of
	Contacts int    `json:"contacts"` // such contacts, of all users together
	Closed   int    `json:"closed"`   // users whose lists hold the component's items, in force
	Refused  int    `json:"refused"`  // users whose server refused the items, or to let them go
	Left     int    `json:"left"`     // users whose lists still hold items they should not
	Wanted   bool   `json:"wanted"`   // privacy.egress = "managed"
	Writes   bool   `json:"writes"`   // the component may write privacy lists
	Spares   bool   `json:"spares"`   // and they are said to spare what is about subscriptions
}

// RawReports tells for each served host how far raw presence goes; for the operator
// only.
func (e *Engine) RawReports(ctx context.Context, who Principal) ([]RawReport, error) {
	if !who.Operator {
		return nil, refuse(NotAllowed, "", "only the operator may see that")
	}
	all := make(map[string]*RawReport)
	for _, s := range e.shards {
		part, ok := call(ctx, s, func(now time.Time) map[string]*RawReport { return s.rawReports(now) })
		if !ok {
			return nil, errBusy
		}
		for host, r := range part {
			if sum := all[host]; sum != nil {
				sum.add(r)
			} else {
				all[host] = r
			}
		}
	}
	out := make([]RawReport, 0, len(all))
	for _, r := range all {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b RawReport) int { return strings.Compare(a.Host, b.Host) })
	return out, nil
}

func (r *RawReport) add(o *RawReport) {
	r.Users += o.Users
	r.Unknown += o.Unknown
	r.Reached += o.Reached
	r.Contacts += o.Contacts
	r.Closed += o.Closed
	r.Refused += o.Refused
	r.Left += o.Left
}

func (s *shard) rawReports(now time.Time) map[string]*RawReport {
	all := make(map[string]*RawReport, len(s.hosts))
	for name, h := range s.hosts {
		all[name] = &RawReport{Host: name, Writes: h.Writes, Spares: h.Spares, Wanted: s.e.rules().Egress}
	}
	for _, u := range s.users {
		if r := all[u.addr.Domain()]; r != nil {
			u.reportRaw(r, now)
		}
	}
	return all
}

func (u *user) reportRaw(r *RawReport, now time.Time) {
	if u.set.egress != nil && u.host.ready && !u.wantsEgress() {
		r.Left++
	}
	if u.refusals(now) > 0 {
		r.Refused++
	}
	if !u.set.enrol.Enabled {
		return
	}
	if u.egressInForce() {
		r.Closed++
	}
	if u.person.Roster == nil {
		r.Unknown++
		return
	}
	r.Users++
	raw, n := u.raw(), 0
	u.person.Roster.Each(func(c presence.Contact) {
		if raw.Reaches(&c) {
			n++
		}
	})
	if n > 0 {
		r.Reached++
		r.Contacts += n
	}
}

// egressInForce reports whether her default list, as it was last read, holds the
// items.
func (u *user) egressInForce() bool {
	if u.set.egress == nil || u.set.lists == nil || u.set.lists.Lists.Default == nil {
		return false
	}
	return u.sh.e.rules().System.Site.HasEgress(u.set.lists.Lists.Default)
}

// raw is what her server was last heard to keep from whom.
func (u *user) raw() privacy.Raw {
	site := u.sh.e.rules().System.Site
	if u.set.lists == nil {
		return site.NewRaw(nil, nil)
	}
	return site.NewRaw(u.set.lists.Lists.Default, u.set.lists.Lists.Block)
}

// reachedRaw reports whether her server sends her raw presence to somebody, or to
// somebody of a domain: a native contact nothing there keeps it from (S8.7).
func (u *user) reachedRaw(a presence.Addr) bool {
	if u.person.Roster == nil {
		return false
	}
	raw, reached := u.raw(), false
	if a.Local() != "" {
		c, ok := u.person.Roster.Get(a)
		return ok && raw.Reaches(&c)
	}
	u.person.Roster.Each(func(c presence.Contact) {
		reached = reached || c.Addr.Domain() == a.Domain() && raw.Reaches(&c)
	})
	return reached
}
