package engine

import (
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// Publisher publishes what a user does in her own personal eventing (XEP-0163) on her
// behalf (XEP-0356), implemented by the XMPP edge.
type Publisher interface {
	// PublishActivity puts an activity (XEP-0108) in the place of the one before, or
	// takes that back where it is none. The answer comes through
	// Engine.ActivityPublished, unless the link is lost before.
	PublishActivity(user presence.Addr, bare string, a presence.Activity)
}

// SetPublishing says whether what the user does is published to her native contacts,
// whose clients show it whether or not they watch a mirror. Everybody whom her server
// tells has to be granted her activity (S3): else it is refused, and where that changes
// later, what is published is taken back.
type SetPublishing struct{ On bool }

func (SetPublishing) change() {}

// PublishingTold is what a user is told of her publishing.
type PublishingTold struct {
	On      bool   `json:"on"`
	Offered bool   `json:"offered"`          // her server lets the component do that
	Unread  bool   `json:"unread,omitempty"` // who her contacts are cannot be read
	HeldBy  string `json:"held_by,omitempty"`
}

// publishing tells what stands in the way, if anything does.
func (u *user) publishing() PublishingTold {
	t := PublishingTold{On: u.publishes(), Offered: u.host.Publishes && u.sh.e.opt.Publisher != nil}
	t.Unread = !u.host.Roster || u.roster.status == rosterFailed
	t.HeldBy = u.deniesActivity(nil)
	return t
}

func (u *user) publishes() bool { return u.set.cals != nil && u.set.cals.publish }

// deniesActivity names somebody whom her server tells what she publishes and whose
// container does not grant it; empty: nobody. With a state, the activity it shows him
// has to be hers, too: of a do-not-disturb some see another (S5.6).
func (u *user) deniesActivity(st *presence.State) (who string) {
	sys := &u.sh.e.rules().System
	shown := map[presence.ContainerID]bool{}
	u.person.Roster.Each(func(c presence.Contact) {
		if who != "" || !c.Subscription.SeesOwner() {
			return
		}
		in := u.place(c.Addr).Container
		granted, known := shown[in]
		if !known {
			granted = u.person.Grants(sys, in).Has(privacy.CatActivity)
			if granted && st != nil {
				var v presence.View
				u.person.Project(sys, st, in, &v)
				granted = v.Activity == st.A.Activity
			}
			shown[in] = granted
		}
		if !granted {
			who = c.Addr.String()
		}
	})
	return who
}

// setPublishing begins or ends it, when it is known who her contacts are.
func (u *user) setPublishing(on bool, now time.Time, answer answerFunc) {
	u.whenLoaded(now, func(now time.Time) {
		queued := u.do(now, func(now time.Time) { u.switchPublishing(on, now, answer) })
		if !queued {
			answer(Result{}, errBusy)
		}
	})
}

func (u *user) switchPublishing(on bool, now time.Time, answer answerFunc) {
	t := u.publishing()
	switch {
	case u.forgotten() || !u.set.enrol.Enabled:
		answer(Result{}, errErased)
		return
	case on == t.On:
		answer(Result{Advice: []Advice{AdviceNothing}}, nil)
		return
	case !u.maySend():
		answer(Result{}, refuse(Unavailable, "", "your server cannot be reached at the moment; try again in a moment"))
		return
	case on && !t.Offered:
		answer(Result{}, refuse(NotAllowed, "", "your server does not let the component publish for you; ask the operator to grant it http://jabber.org/protocol/pubsub"))
		return
	case on && t.Unread:
		answer(Result{}, refuse(NotAllowed, "", "your contacts cannot be read here, and so not whom your server would tell; ask the operator to grant the roster"))
		return
	case on && t.HeldBy != "":
		answer(Result{}, refuse(NotAllowed, "", "%s is a contact of yours who may not see what you do, and your server would tell him; change his level, or take him off your contacts", t.HeldBy))
		return
	}
	c := u.calendars()
	u.chooseCalendars(calendars{own: c.own, refuse: c.refuse, publish: on}, func(r Result, err error) {
		if err == nil && on {
			u.publish(now)
		} else if err == nil {
			u.unpublish()
		}
		answer(r, err)
	})
}

// publish has her server told what she does, where that has changed. It follows every
// emission, in which everything that decides about it has a part. One answer is waited
// for at a time; the latest is published then.
func (u *user) publish(now time.Time) {
	if !u.publishes() || !u.set.enrol.Enabled {
		return
	}
	if u.sh.e.opt.Publisher == nil || !u.host.Publishes || !u.maySend() {
		return
	}
	a := u.publishable(now)
	if p := u.sh.published[u.addr]; p != nil && (p.flying > 0 || p.known && p.wanted == a) {
		return
	}
	u.sh.sendPublished(u.publication(), a)
}

// publishable is what may be published now; none where in doubt (I3).
func (u *user) publishable(now time.Time) presence.Activity {
	st := u.stateAt(now)
	if st.A.Availability >= presence.OfflineFrom || st.A.Activity == presence.NoActivity ||
		!u.host.Roster || u.roster.status != rosterRead || u.deniesActivity(st) != "" {
		return presence.NoActivity
	}
	return st.A.Activity
}

// unpublish takes back what was published, with the next link where there is none.
func (u *user) unpublish() {
	if u.sh.e.opt.Publisher == nil {
		return
	}
	p := u.publication()
	if p.known && p.wanted == presence.NoActivity {
		return
	}
	p.known = false
	u.sh.retract(p)
}

// exchanged takes back what was published where other settings, which are about to
// come, do not go on with it.
func (u *user) exchanged(next *settings) {
	if !next.enrol.Enabled || next.cals == nil || !next.cals.publish {
		u.leavePublished()
	}
}

// leavePublished is unpublish for somebody who goes without having said how.
func (u *user) leavePublished() {
	if u.publishes() {
		u.unpublish()
	}
}
