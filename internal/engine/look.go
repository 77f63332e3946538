package engine

import (
	"context"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// Look returns what asker may see of each user now, in the order asked. Users
// who are unknown, not enrolled or hidden give the same offline view (I2); one
// who is being loaded is waited for up to 10 s (S8.5). It is the only reading
// of other people's presence.
func (e *Engine) Look(ctx context.Context, asker Principal, users []presence.Addr) []presence.View {
	var views []presence.View
	if len(users) == 1 {
		views = []presence.View{e.lookOne(ctx, asker, users[0])}
	} else {
		views = e.lookMany(ctx, asker, users)
	}
	e.looked(asker, users, views)
	return views
}

// lookMany is Look for any number: each owner is asked once.
func (e *Engine) lookMany(ctx context.Context, asker Principal, users []presence.Addr) []presence.View {
	views := make([]presence.View, len(users))
	perShard := make(map[*shard][]int)
	for i, a := range users {
		views[i] = emptyView()
		s := e.shardOf(a)
		perShard[s] = append(perShard[s], i)
	}
	type found struct {
		index int
		view  presence.View
	}
	answers := make(chan found, len(users)) // room for all: an owner never waits
	missing := 0
	for s, indexes := range perShard {
		if s.box.post(func(now time.Time) {
			for _, i := range indexes {
				s.look(asker, users[i], now, func(v presence.View) { answers <- found{i, v} })
			}
		}) {
			missing += len(indexes)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lookWait+time.Second)
	defer cancel()
	for ; missing > 0; missing-- {
		select {
		case f := <-answers:
			views[f.index] = f.view
		case <-ctx.Done():
			return views
		case <-e.stopped:
			return views
		}
	}
	return views
}

// look answers one reading, now or when the user is loaded.
func (s *shard) look(asker Principal, target presence.Addr, now time.Time, answer func(presence.View)) {
	u := s.users[target]
	if u == nil || !u.set.enrol.Enabled || asker.Addr.IsZero() && !asker.Operator {
		s.pretend(asker.Addr, now)
		answer(emptyView())
		return
	}
	own := asker.Addr == target || asker.Operator && asker.Addr.IsZero()
	tell := func(now time.Time) {
		var v presence.View
		c := presence.Self
		if asker.Addr != target && !asker.Addr.IsZero() {
			c = u.place(asker.Addr).Container
		}
		if !own && !u.mayTell(c, now) {
			answer(emptyView())
			return
		}
		u.replyTo(asker.Addr, c, now, &v)
		answer(v)
	}
	if own || u.stranger(asker.Addr) && !u.person.Admits(asker.Addr) {
		tell(now) // who may not know that she exists does not wait for her (I1)
		return
	}
	u.whenTold(asker.Addr, now, tell)
}

// replyTo writes what w, whom container c holds, is told when he asks: what he is
// sent, and what is told in answers only.
func (u *user) replyTo(w presence.Addr, c presence.ContainerID, now time.Time, v *presence.View) {
	u.project(c, now, v)
	u.person.Prefer(w, v)
	if v.Availability < presence.OfflineFrom { // else opening her calendar would take time that tells (I1)
		own := u.openInputs(now)
		u.person.FreeBusy(&u.sh.e.rules().System, now, v)
		u.closeInputs(own)
	}
}

// notEnabled refuses what only enabled users have. Its words are the operator's:
// users read a sentence of their own language for the kind.
func notEnabled(user presence.Addr) *RefusedError {
	return refuse(NotEnrolled, "", "%s is not enabled; \"presenced user list\" shows who is, \"presenced user enable\" changes it", user)
}

// owned finds an enrolled user for a reading or a change by her or the operator.
func (s *shard) owned(who Principal, user presence.Addr) (*user, *RefusedError) {
	if !who.Operator && who.Addr != user {
		return nil, refuse(NotAllowed, "", "only the user herself and the operator may do that")
	}
	u := s.users[user]
	if u == nil || !u.set.enrol.Enabled {
		return nil, notEnabled(user)
	}
	return u, nil
}

// Inspect returns a user's own settings; for herself and the operator only.
func (e *Engine) Inspect(ctx context.Context, who Principal, of presence.Addr) (Inspection, error) {
	look := func(u *user, now time.Time) Inspection { return u.inspect(now) }
	if who.Operator { // a user's own come with each of her commands
		return reported(ctx, e, who, "settings", of, presence.Addr{}, look)
	}
	return reading(ctx, e, who, of, look)
}

// reading runs f in the owner of an enrolled user, for her and the operator.
func reading[T any](ctx context.Context, e *Engine, who Principal, of presence.Addr, f func(u *user, now time.Time) T) (T, error) {
	type found struct {
		value   T
		refused *RefusedError
	}
	s := e.shardOf(of)
	got, ok := call(ctx, s, func(now time.Time) (out found) {
		var u *user
		if u, out.refused = s.owned(who, of); out.refused == nil {
			out.value = f(u, now)
		}
		return out
	})
	switch {
	case !ok:
		return got.value, errBusy
	case got.refused != nil:
		return got.value, got.refused
	}
	return got.value, nil
}

func (u *user) summary() UserSummary {
	out := UserSummary{
		User: u.bare(), Enabled: u.set.enrol.Enabled, Online: u.gist.online,
		Devices: len(u.person.Inputs.Resources), Loaded: u.loaded(), Learned: "none",
	}
	switch {
	case u.set.enrol.Consent == consentGranted:
		out.Learned = "consent"
	case u.host.Managed:
		out.Learned = "privilege"
	case u.set.enrol.Consent == consentAsked:
		out.Learned = "asked"
	}
	return out
}

func (u *user) inspect(now time.Time) Inspection {
	shown := u.stateAt(now).A
	out := Inspection{
		UserSummary:  u.summary(),
		Availability: shown.Availability, Activity: shown.Activity,
		Manual: u.set.manual, Note: u.set.note, OutOfOffice: u.set.oof,
		Profile: u.set.profile(), PrivacyMode: u.set.rules.PrivacyMode,
		Rules:    append([]privacy.Rule{}, u.set.rules.Rules...),
		Requests: []Watcher{}, Watchers: []Watcher{}, Policy: u.heldPolicy(), ServerBlocks: u.host.Blocks,
	}
	_, out.Timezone = u.zone()
	out.Timed, out.Plans, out.Priority = u.set.rules.running(now), u.set.upcoming(now), u.set.priority()
	out.Cells = u.set.cells()
	out.States = u.sh.e.rules().States
	u.set.cals.tell(&out)
	out.Publishing = u.publishing()
	out.Claims, out.Apps = u.claimLines(now), u.set.apps().Apps
	if u.roster.status == rosterRead {
		out.RosterAge = u.roster.readAt.age(u.sh.e.instant(now))
	}
	u.set.subs.Each(func(w presence.Addr, entry roster.Entry) {
		line := Watcher{JID: entry.Bare, Standing: entry.Standing, Since: entry.AskedAt}
		switch entry.Standing {
		case roster.Pending:
			out.Requests = append(out.Requests, line)
		case roster.Accepted:
			if u.set.enrol.Enabled {
				p := u.place(w)
				line.Container, line.Reason = p.Container, string(p.Reason)
			}
			out.Watchers = append(out.Watchers, line)
		}
	})
	return out
}

// Users lists everybody the daemon has settings of; for the operator only.
func (e *Engine) Users(ctx context.Context, who Principal) ([]UserSummary, error) {
	if !who.Operator {
		return nil, refuse(NotAllowed, "", "only the operator may list users")
	}
	var all []UserSummary
	for _, s := range e.shards {
		part, ok := call(ctx, s, func(time.Time) []UserSummary {
			lines := make([]UserSummary, 0, len(s.users))
			for _, u := range s.users {
				if u.set.enrol.V == 0 && u.set.egress != nil {
					continue // erased: only her server is still to be reached
				}
				lines = append(lines, u.summary())
			}
			return lines
		})
		if !ok {
			return nil, errBusy
		}
		all = append(all, part...)
	}
	return all, nil
}
