// Package eval composes the pure rooms for one user: what she does (package
// aggregation), who a watcher is to her (package roster) and what he may see of
// it (package privacy). The engine and `presenced policy test` both compute every
// result here, so neither can differ from the other.
//
// It is as pure as the rooms: no goroutine, lock, clock or I/O. It keeps nothing
// between calls and decides nothing itself.
package eval

import (
	"time"

	"presenced/aggregation"
	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// System is what the operator says about everybody. It is read only.
type System struct {
	Aggregation aggregation.Options
	Operator    privacy.Operator
	Site        *privacy.Site
}

// Person is everything known of one user.
type Person struct {
	Inputs aggregation.Inputs
	Policy *privacy.Policy // nil: not loaded, nothing is shown but to herself
	Roster *roster.Roster  // nil: empty or unreadable
	// Operator is the named policy that holds for her; nil: the System's.
	Operator *privacy.Operator
	Profile  *presence.Profile // nil: none
	Note     string            // her own note, already through Links
	// LastActiveAt is when she was last active before she went offline or chose
	// to appear so; its keeper leaves it alone while she appears offline. Zero:
	// unknown.
	LastActiveAt time.Time
}

// State aggregates her inputs at now (S5).
func (p *Person) State(sys *System, now time.Time) presence.State {
	return aggregation.Aggregate(&p.Inputs, &sys.Aggregation, now)
}

// Place returns w's container (S2, S8). It does not allocate.
func (p *Person) Place(w presence.Addr) privacy.Placement {
	if p.Policy == nil {
		return privacy.Placement{Container: presence.Blocked, Base: presence.Blocked, Reason: privacy.ReasonFailClosed}
	}
	c, known := p.Roster.Get(w)
	return p.Policy.Place(watcher(w, &c, known))
}

// Admits is the first part of S13.2.
func (p *Person) Admits(w presence.Addr) bool {
	if p.Policy == nil {
		return false
	}
	c, known := p.Roster.Get(w)
	return p.Policy.Admits(watcher(w, &c, known))
}

func watcher(w presence.Addr, c *presence.Contact, known bool) privacy.Watcher {
	if !known {
		c = nil
	}
	return privacy.Watcher{Addr: w, Contact: c}
}

// Project writes what container c sees of st (S3). It does not allocate.
func (p *Person) Project(sys *System, st *presence.State, c presence.ContainerID, out *presence.View) {
	person := p.person(st)
	p.operator(sys).Project(st, &person, sys.Site.Column(c, p.Policy), out)
}

// Sees reports whether container c sees anything of her, whatever she does: else
// it is shown somebody offline (S3).
func (p *Person) Sees(sys *System, c presence.ContainerID) bool { return p.Grants(sys, c) != 0 }

// Grants returns what container c may see of her: the table with her own cells, and
// what the operator leaves of that (S3).
func (p *Person) Grants(sys *System, c presence.ContainerID) privacy.Grants {
	return p.operator(sys).Limit(sys.Site.Column(c, p.Policy))
}

// FreeBusy adds to a view until when she is busy or free, where its container may
// see that (S3). It is told in answers only: nobody is sent anything because of it.
func (p *Person) FreeBusy(sys *System, now time.Time, v *presence.View) {
	if v.Availability >= presence.OfflineFrom || p.Inputs.Calendar == nil ||
		!p.Grants(sys, v.Container).HasField(presence.FieldFreeBusy) {
		return
	}
	if told := aggregation.FreeBusy(&p.Inputs, &sys.Aggregation, now); told != "" {
		v.Text[presence.FieldFreeBusy] = told
	}
}

// Look places w and projects st for him.
func (p *Person) Look(sys *System, st *presence.State, w presence.Addr) (privacy.Placement, presence.View) {
	place := p.Place(w)
	var v presence.View
	p.Project(sys, st, place.Container, &v)
	p.Prefer(w, &v)
	return place, v
}

// Prefer adds to a watcher's view what her priority list grants him (S7).
func (p *Person) Prefer(w presence.Addr, v *presence.View) {
	if p.Policy != nil && p.Policy.Preferred(w) {
		privacy.Prefer(v)
	}
}

func (p *Person) operator(sys *System) *privacy.Operator {
	if p.Operator != nil {
		return p.Operator
	}
	return &sys.Operator
}

// person gathers what privacy projects beside the state.
func (p *Person) person(st *presence.State) privacy.Person {
	out := privacy.Person{Profile: p.Profile, Note: p.Note, LastActiveAt: p.lastActiveAt(st)}
	if p.Inputs.OOF != nil {
		out.OOFNote = p.Inputs.OOF.Note
	}
	return out
}

// lastActiveAt is told of somebody offline (S9). Appearing offline gives a state
// with a last input; what was remembered before it counts first, since it does
// not move with what her devices do afterwards (S5.0, I1).
func (p *Person) lastActiveAt(st *presence.State) time.Time {
	moved := p.Inputs.Manual != nil && p.LastActiveAt.After(p.Inputs.Manual.SetAt)
	if !st.LastInput.IsZero() && (p.LastActiveAt.IsZero() || moved) {
		return st.LastInput
	}
	return p.LastActiveAt
}
