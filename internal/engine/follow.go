package engine

import (
	"sync/atomic"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// Following is one asker's standing wish to be told of one user: a watcher who
// comes by another way than a subscription. What he is told, when, and what is
// held back is what a watcher in his container would be sent (S10): nothing that
// his projection does not show is to be had from how often or when he is told.
type Following struct {
	e     *Engine
	asker Principal
	user  presence.Addr
	badge string // the handle, where it is a badge that is followed
	told  func(*presence.View)
	ended atomic.Bool

	// The rest belongs to the user's owner.
	sent  *presence.View // told last; nil: nothing yet
	fresh bool           // has just come into its part: told without pacing
}

// flock is everybody who follows one user, enrolled or not.
type flock struct {
	parts []part
	// For what the followers were sorted into parts.
	policy  *privacy.Policy
	roster  *roster.Roster
	enabled bool
}

// part is the followers of one projection, with its pace.
type part struct {
	group                // key without a language; no pairs
	last  *presence.View // what the part was told last; nil: nothing yet
	seen  *presence.View // what was there at the last look; nil: no look yet
	crowd []*Following
}

// Follow has told called with what asker may see of a user: once as soon as that
// is known, as Look would answer, and then after each change of it, until Close.
// told is called by the user's owner: it must not block, and must not change the
// view, which it may keep. Nobody is followed by the operator or by no address.
// The error is a *RefusedError of kind Unavailable when there is no room.
func (e *Engine) Follow(asker Principal, user presence.Addr, told func(*presence.View)) (*Following, error) {
	if asker.Addr.IsZero() {
		return nil, refuse(NotAllowed, "", "only somebody with an address can follow")
	}
	e.note(Deed{Who: asker, What: "follow", User: user})
	return e.startFollowing(&Following{e: e, asker: asker, user: user, told: told})
}

func (e *Engine) startFollowing(f *Following) (*Following, error) {
	s := e.shardOf(f.user)
	if !s.box.post(func(now time.Time) { s.follow(f, now) }) {
		return nil, errBusy
	}
	return f, nil
}

// Close ends the telling; told may be running once more. It is idempotent.
func (f *Following) Close() {
	if f.ended.Swap(true) {
		return
	}
	s := f.e.shardOf(f.user)
	s.box.must(func(time.Time) { s.unfollow(f) })
}

// show tells what has not been told.
func (f *Following) show(v *presence.View) {
	f.fresh = false
	if f.ended.Load() || f.sent == v {
		return
	}
	news := f.sent == nil || !sameView(f.sent, v)
	f.sent = v
	if news {
		f.told(v)
	}
}

// sameView reports whether two views show the same; in which container is shown
// to nobody.
func sameView(a, b *presence.View) bool {
	return a.Availability == b.Availability && a.Activity == b.Activity && a.Interrupt == b.Interrupt && a.Zone == b.Zone && a.ByEmail == b.ByEmail &&
		a.Until.Equal(b.Until) && a.LastActive.Equal(b.LastActive) && a.Text == b.Text
}

// follow takes a follower in. Who may not know that the user exists is told at
// once, as when she does not (I1); others when she is loaded.
func (s *shard) follow(f *Following, now time.Time) {
	if f.ended.Load() {
		return
	}
	if s.followed == nil {
		s.followed = make(map[presence.Addr]*flock)
	}
	fl := s.followed[f.user]
	if fl == nil {
		fl = &flock{}
		s.followed[f.user] = fl
	}
	u := s.users[f.user]
	if u == nil || !u.set.enrol.Enabled {
		fl.join(s.followKey(u, f), f)
		v := emptyView()
		f.show(&v)
		return
	}
	fl.sort(u)
	fl.join(s.followKey(u, f), f)
	first := func(now time.Time) { u.introduce(f, now) }
	if f.asker.Addr == f.user || u.stranger(f.asker.Addr) && !u.person.Admits(f.asker.Addr) {
		first(now)
		return
	}
	u.whenTold(f.asker.Addr, now, first)
}

// join takes a follower into a part.
func (fl *flock) join(key groupKey, f *Following) {
	p := fl.part(key, nil)
	p.crowd = append(p.crowd, f)
	f.fresh, p.pending = true, true
}

// introduce tells a newcomer what there is to see now, or, where the wait for it
// was too long, that there is nothing (S8.5).
func (u *user) introduce(f *Following, now time.Time) {
	if f.sent != nil || f.ended.Load() || u.sh.users[u.addr] != u {
		return // a change was faster, or he has left
	}
	key := u.sh.followKey(u, f)
	if v := emptyView(); !u.mayTell(key.container, now) {
		f.show(&v)
		f.fresh = true // the next chance to tell more counts
		return
	}
	v := new(presence.View)
	u.projectAs(key, now, v)
	fl := u.sh.followed[u.addr]
	fl.sort(u)
	if p := fl.part(key, nil); p.last == nil {
		p.last = v // from here on there are changes, which obey the pace
	}
	f.show(v)
}

// tells reports whether what a container sees of the user may leave. To herself
// it always may.
func (u *user) tells(c presence.ContainerID) bool { return c == presence.Self || u.maySend() }

// unfollow lets a follower go.
func (s *shard) unfollow(f *Following) {
	fl := s.followed[f.user]
	if fl == nil {
		return
	}
	left := 0
	for i := range fl.parts {
		p := &fl.parts[i]
		for j, g := range p.crowd {
			if g == f {
				last := len(p.crowd) - 1
				p.crowd[j], p.crowd[last] = p.crowd[last], nil
				p.crowd = p.crowd[:last]
				break
			}
		}
		left += len(p.crowd)
	}
	if left == 0 {
		delete(s.followed, f.user)
	}
}

// followKey names the projection a follower gets of a user, who may be nil.
func (s *shard) followKey(u *user, f *Following) groupKey {
	if f.badge != "" {
		return s.badgeKey(u, f.badge)
	}
	k := groupKey{remote: !s.e.serves(f.asker.Addr.Domain())}
	if u != nil && u.set.enrol.Enabled {
		k.container = u.place(f.asker.Addr).Container
		k.preferred = u.person.Policy != nil && u.person.Policy.Preferred(f.asker.Addr)
	}
	return k
}

// part returns the part with that key, carrying over what an earlier one of it
// was told.
func (fl *flock) part(key groupKey, earlier []part) *part {
	for i := range fl.parts {
		if fl.parts[i].key == key {
			return &fl.parts[i]
		}
	}
	fresh := part{group: group{key: key}}
	for i := range earlier {
		if p := &earlier[i]; p.key == key {
			fresh.group, fresh.last, fresh.seen = p.group, p.last, p.seen
		}
	}
	fl.parts = append(fl.parts, fresh)
	return &fl.parts[len(fl.parts)-1]
}

// sort puts everybody into the right part after anything that decides about
// askers has changed: each such change makes another policy.
func (fl *flock) sort(u *user) {
	if fl.policy == u.person.Policy && fl.roster == u.person.Roster && fl.enabled == u.set.enrol.Enabled {
		return
	}
	fl.policy, fl.roster, fl.enabled = u.person.Policy, u.person.Roster, u.set.enrol.Enabled
	earlier := fl.parts
	fl.parts = nil
	for i := range earlier {
		for _, f := range earlier[i].crowd {
			key := u.sh.followKey(u, f)
			p := fl.part(key, earlier)
			p.crowd = append(p.crowd, f)
			p.pending = p.pending || f.fresh
			if key != earlier[i].key {
				f.fresh, p.pending = true, true
			}
		}
	}
}

// inform tells the user's followers what has changed for them. It is emit for
// those who did not subscribe, and is called by it.
func (u *user) inform(now time.Time, why cause) {
	fl := u.sh.followed[u.addr]
	if fl == nil {
		return
	}
	fl.sort(u)
	for i := range fl.parts {
		if p := &fl.parts[i]; len(p.crowd) > 0 && u.mayTell(p.key.container, now) {
			u.informPart(p, now, why)
		}
	}
}

func (u *user) informPart(p *part, now time.Time, why cause) {
	v := new(presence.View)
	u.projectAs(p.key, now, v)
	news := look{same: p.seen != nil && sameView(p.seen, v)}
	before := p.looked
	p.seen, p.looked = v, u.sh.glanceAt(v, u.gist.idle, 0)
	news.idleOnly = p.looked.idleOnly(before, u.gist.idle)
	if p.last == nil {
		p.last, p.pending = v, true // nothing was told yet: the beginning is no change
	}
	if sameView(p.last, v) {
		p.due = 0 // it changed back while it was held
		if p.pending {
			p.tell(p.last, false)
			p.pending = false
		}
		return
	}
	if at, held := p.hold(u, u.sh.e.instant(now), why, news); held {
		p.due = at
		u.sh.e.metrics.held.Inc()
		if p.pending {
			p.tell(v, true)
		}
		return
	}
	p.due, p.pending = 0, false
	p.last = v
	p.tell(v, false)
}

// tell shows a view to everybody in the part, or to those who have just come.
func (p *part) tell(v *presence.View, freshOnly bool) {
	for _, f := range p.crowd {
		if f.fresh || !freshOnly {
			f.show(v)
		}
	}
}

// followDue returns when the next change held back from followers may be told.
func (u *user) followDue() (at instant) {
	if fl := u.sh.followed[u.addr]; fl != nil {
		for i := range fl.parts {
			if due := fl.parts[i].due; due != 0 && (at == 0 || due < at) {
				at = due
			}
		}
	}
	return at
}

// unlinked shows followers nothing any more where the link does not come back
// soon: what they saw may long be untrue. Look waits as long.
func (s *shard) unlinked(now time.Time) {
	for a := range s.followed {
		if u := s.users[a]; u != nil && u.set.enrol.Enabled {
			u.whenLoaded(now, u.dim)
		}
	}
}

func (u *user) dim(now time.Time) {
	fl := u.sh.followed[u.addr]
	if fl == nil || u.sh.users[u.addr] != u {
		return
	}
	u.inform(now, causeEvent)
	for i := range fl.parts {
		if p := &fl.parts[i]; !u.tells(p.key.container) {
			v := emptyView()
			p.last, p.due = &v, 0
			p.tell(p.last, false)
		}
	}
}

// bereaved tells the followers of a user who was erased that there is nothing to
// see; they stay, as followers of nobody.
func (s *shard) bereaved(a presence.Addr) {
	fl := s.followed[a]
	if fl == nil {
		return
	}
	earlier := fl.parts
	*fl = flock{}
	v := emptyView()
	for i := range earlier {
		for _, f := range earlier[i].crowd {
			fl.join(s.followKey(nil, f), f)
			f.show(&v)
		}
	}
}
