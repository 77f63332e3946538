package engine

import (
	"context"
	"math"
	"time"

	"presenced/internal/presence"
	"presenced/roster"
)

// Way is the way by which somebody asked or changed something. It is told to the
// Auditor; no rule asks for it.
type Way uint8

// The ways there are. Whoever forgets to name one is told as "other".
const (
	WayOther        Way = iota
	WayQuery            // our query, to a mirror
	WayBatch            // our query, to the component
	WayCard             // a vCard (XEP-0054)
	WayLastActivity     // XEP-0012
	WayMirror           // a presence stanza to a mirror
	WayContact          // a presence stanza to the component
	WayHTTP
	WayGraph
	WayStream
	WayBadge
	WayBadgeStream
	WayCommand
	WayChat
	WayAdmin
	WayConfig // the configuration file
	WayDaemon // nobody: the daemon itself
	WayClock  // nobody: a time came
	WayProvisioning
	WayEgress
	WayServer // the user's own server, or whatever she changed there
	numWays
)

var wayNames = [numWays]string{
	"other", "query", "batch", "vcard", "last-activity", "mirror", "contact", "http", "graph", "stream",
	"badge", "badge-stream", "command", "chat", "admin", "config", "daemon", "clock", "provisioning", "egress", "server-lists",
}

// String returns the word for the way.
func (w Way) String() string {
	if w >= numWays {
		return wayNames[WayOther]
	}
	return wayNames[w]
}

// NoUID stands in Principal.UID for an operator of whom the system tells none.
const NoUID = math.MaxUint32

// Deed is one question about somebody's presence, or one change of who may see
// whom. It holds nothing of what was shown, and no note.
type Deed struct {
	Who     Principal
	What    string        // a word of the table in docs/audit.md
	User    presence.Addr // whose presence or access; zero: everybody's
	Eyes    presence.Addr // as whom it was asked; zero: as himself
	About   string        // what else: an address, a policy, a token, on or off
	Group   string        // of the operator, in place of User
	Rules   []RuleChange
	Outcome string // how it ended; empty: it was answered or done
	Change  bool   // else a question
}

// RuleChange is what became of a user's rules about one person, group, domain or
// network. A level is nil where there is no rule.
type RuleChange struct {
	Type     string
	Value    string
	Old, New *presence.ContainerID
	Until    time.Time // of New; zero: for good
}

// Auditor is told who asked for whose presence and who changed which access. It is
// called by owners and by many other goroutines once the answer is found, and must
// not block. What is shown, it must not keep.
type Auditor interface {
	// Looked tells that users were asked about; views are the answers in their
	// order. Both belong to the caller.
	Looked(who Principal, users []presence.Addr, views []presence.View)
	// Noted tells anything else.
	Noted(d Deed)
}

// SetAuditor has everything from now on told to a; nil: to nobody, which costs
// nothing.
func (e *Engine) SetAuditor(a Auditor) {
	if a == nil {
		e.auditing.Store(nil)
		return
	}
	e.auditing.Store(&a)
}

// Unaudited reports whether the operator's policy for a user keeps her out of the
// trail. It is safe for many goroutines.
func (e *Engine) Unaudited(a presence.Addr) bool {
	op, _ := e.policyOf(a)
	return op.Unaudited
}

// auditor is who is told now; nil: nobody.
func (e *Engine) auditor() Auditor {
	if a := e.auditing.Load(); a != nil {
		return *a
	}
	return nil
}

// note tells a deed.
func (e *Engine) note(d Deed) {
	if a := e.auditor(); a != nil {
		a.Noted(d)
	}
}

// looked tells of a question for one user or many. It depends on nothing but the
// question, so that who is hidden takes as long as who does not exist (I2).
func (e *Engine) looked(who Principal, users []presence.Addr, views []presence.View) {
	if a := e.auditor(); a != nil {
		a.Looked(who, users, views)
	}
}

// noteReading tells that somebody read more of a user than her presence.
func (e *Engine) noteReading(who Principal, what string, user, eyes presence.Addr, err error) {
	e.note(Deed{Who: who, What: what, User: user, Eyes: eyes, Outcome: outcomeOf(err)})
}

// noteBadge tells that anybody asked for a badge. Handles that are nobody's are
// told as one, so that trying them writes no more than asking for one does.
func (e *Engine) noteBadge(way Way, owner presence.Addr) {
	if owner.Domain() == badgeDomain {
		owner = anonymous
	}
	e.note(Deed{Who: Principal{Addr: anonymous, Way: way}, What: "badge", User: owner})
}

// noteMirror tells what became of a presence stanza to a mirror, where it asks for
// something.
func (e *Engine) noteMirror(m Mirror, standing roster.Standing) {
	what := ""
	switch m.Kind {
	case MirrorProbe:
		what = "probe"
	case MirrorSubscribe:
		what = "subscribe"
	case MirrorUnsubscribe:
		what = "unsubscribe"
	default:
		return
	}
	way := WayMirror
	if m.given {
		way = WayProvisioning
		if m.Kind == MirrorUnsubscribe {
			return // it is told of the contact; who was erased is not named again
		}
	}
	e.note(Deed{
		Who: Principal{Addr: m.Watcher.Addr, JID: m.Watcher.Bare, Way: way}, What: what, User: m.Presentity,
		Outcome: standing.String(),
	})
}

// noteContact tells that a user let the component see her presence, or took that
// back, in her contact list.
func (u *user) noteContact(what string) func(time.Time, error) {
	return func(_ time.Time, err error) {
		u.sh.e.note(Deed{
			Who: Principal{Addr: u.addr, JID: u.bare(), Way: WayContact}, What: what, User: u.addr,
			Outcome: outcomeOf(refusedStore(err)), Change: true,
		})
	}
}

// outcomeOf is the word for how something ended.
func outcomeOf(err error) string {
	if err == nil {
		return ""
	}
	k, ok := KindOf(err)
	if !ok {
		return "failed"
	}
	return "refused: " + k.String()
}

// reported is reading, told to the Auditor.
func reported[T any](ctx context.Context, e *Engine, who Principal, what string, of, eyes presence.Addr, f func(u *user, now time.Time) T) (T, error) {
	v, err := reading(ctx, e, who, of, f)
	e.noteReading(who, what, of, eyes, err)
	return v, err
}
