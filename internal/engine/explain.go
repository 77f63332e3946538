package engine

import (
	"context"
	"time"

	"presenced/internal/engine/eval"
	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// Hold tells why nothing is sent about a user although her rules would allow it.
type Hold string

// What holds everything back (S8.5).
const (
	HoldNone    Hold = ""
	HoldLink    Hold = "link"    // the server is not attached, or has not told its state yet
	HoldLoading Hold = "loading" // her roster or her lists are being read
)

// Explained is what one watcher is shown of a user at one instant, and why (S12).
// It is made of the user's own settings and presence and of the operator's
// configuration, and of what the watcher sent to her mirror: his standing and the
// language of his stanzas. Nothing in it depends on his own settings, presence or
// lists, nor on whether he exists. That his server bounced something is left out:
// it would tell her of a block or an erased account (I1, I3).
type Explained struct {
	eval.Explanation
	Hold Hold `json:"held,omitempty"`

	At       time.Time       `json:"-"`
	User     presence.Addr   `json:"-"`
	Watcher  presence.Addr   `json:"-"`
	View     presence.View   `json:"-"` // what the watcher is answered now
	Lang     string          `json:"-"` // of the texts he is sent
	Standing roster.Standing `json:"-"` // of his subscription
	Mirror   string          `json:"-"` // as he spells it; empty: he has no standing
	Native   bool            `json:"-"` // her own contact: her server tells him by itself (S8.7)
	NoRoster bool            `json:"-"` // her contact list cannot be read here (S2.6)
	NoLists  bool            `json:"-"` // her server keeps lists that cannot be read here (S11)
	Zone     string          `json:"-"` // the user's, for the times she is told; empty: UTC
	// Wordings are of the activities the operator declared; it is read only.
	Wordings map[presence.Activity]*presence.Wording `json:"-"`
}

// Explain tells what a watcher sees of a user now and why; for the user herself
// and the operator only. It does not wait for her to be loaded: what holds
// everything back is part of the answer.
func (e *Engine) Explain(ctx context.Context, who Principal, of, watcher presence.Addr) (Explained, error) {
	return reported(ctx, e, who, "explain", of, watcher, func(u *user, now time.Time) Explained { return u.explain(watcher, now) })
}

func (u *user) explain(w presence.Addr, now time.Time) Explained {
	entry, _ := u.set.subs.Get(w)
	own := u.openInputs(now)
	out := Explained{
		Explanation: u.person.Explain(&u.sh.e.rules().System, now, w, entry.Standing == roster.Accepted),
		Hold:        u.held(), At: now, User: u.addr, Watcher: w, View: emptyView(),
		Lang: u.keyFor(w, &entry).lang, Standing: entry.Standing, Mirror: entry.Spelling,
		Wordings: u.sh.e.rules().System.Operator.Wordings,
	}
	u.closeInputs(own)
	out.Policy = u.heldPolicy()
	_, out.Zone = u.zone()
	c, _ := u.person.Roster.Get(w)
	out.Native = c.Subscription.SeesOwner()
	out.NoRoster, out.NoLists = !u.host.Roster, u.listSource() == nil && u.listsHidden()
	if out.Hold == HoldNone || w == u.addr {
		u.replyTo(w, out.Container.ID, now, &out.View)
	}
	return out
}

// held tells what keeps maySend from being true.
func (u *user) held() Hold {
	switch {
	case u.maySend():
		return HoldNone
	case !u.sh.up || !u.host.synced:
		return HoldLink
	}
	return HoldLoading
}

// Audience is who may look at a user (S2): everybody with a standing towards her
// mirror, and those whom her rules and her contact list name.
type Audience struct {
	Members []Member
	Rules   []privacy.Rule // about groups, domains and networks: whoever they match may look
}

// Member is one address of an audience.
type Member struct {
	Addr      presence.Addr
	JID       string // as he spells it, where that is known
	Standing  roster.Standing
	Container presence.ContainerID
	Sees      bool // his container shows something (S3)
	Reason    privacy.Reason
}

// Audience lists who may look at a user; for herself and the operator only.
func (e *Engine) Audience(ctx context.Context, who Principal, of presence.Addr) (Audience, error) {
	return reported(ctx, e, who, "watchers", of, presence.Addr{}, func(u *user, _ time.Time) Audience { return u.audience() })
}

func (u *user) audience() Audience {
	var out Audience
	sys := &u.sh.e.rules().System
	listed := map[presence.Addr]bool{u.addr: true}
	add := func(a presence.Addr, entry roster.Entry) {
		if listed[a] && entry.Standing == roster.None {
			return
		}
		listed[a] = true
		place := u.place(a)
		m := Member{Addr: a, JID: entry.Bare, Standing: entry.Standing, Container: place.Container, Sees: u.person.Sees(sys, place.Container), Reason: place.Reason}
		if m.JID == "" {
			m.JID = a.String()
		}
		out.Members = append(out.Members, m)
	}
	u.set.subs.Each(add)
	for _, r := range u.set.rules.Rules {
		a, err := presence.ParseAddr(r.Value)
		switch {
		case r.Type != privacy.RuleUser:
			out.Rules = append(out.Rules, r)
		case err == nil:
			add(a, roster.Entry{})
		}
	}
	u.person.Roster.Each(func(c presence.Contact) {
		if c.Subscription.SeesOwner() {
			add(c.Addr, roster.Entry{})
		}
	})
	return out
}
