package engine

import (
	"slices"
	"time"

	"presenced/internal/engine/eval"
	"presenced/internal/presence"
	"presenced/roster"
)

// Rules are everything an operator may change by a reload. A value is never
// modified after it was handed over.
type Rules struct {
	System       eval.System
	Walls        []Wall
	Enrolment    Enrolment
	Refresh      time.Duration // S8.8, at least 1 s
	MaxStale     time.Duration // S11
	RequireLists bool          // privacy.server_lists = "require" (S11)
	Egress       bool          // privacy.egress = "managed" (S8.7)
	Provisioning bool          // privacy.provisioning
	Limits       roster.Limits
	Zone         *time.Location // of users who gave none; nil: UTC
	// ListSources read the block and privacy lists of the users of a host, which is
	// in IDNA form, where the stream does not offer them (S11).
	ListSources map[string]ListReader
	// Directory returns what the operator says of a person, nil for nothing; nil
	// where there is no directory. What it returns is not changed.
	Directory func(presence.Addr) *presence.Profile
	Policies  []Policy // the named policies, in the order of their names
	States    []State  // the operator's own, for users to choose
	// Groups returns the operator's groups a user is in; nil where nothing tells.
	// It is called by many goroutines.
	Groups func(presence.Addr) []string
}

// State is a state the operator declared ([[states]]). It is read only.
type State struct {
	Name         string // for users to choose
	Availability presence.Availability
	Activity     presence.Activity // the token shown
	Wording      *presence.Wording
}

// Wall hides users from watchers by the operator's word (S8.0). A domain among
// Users stands for everybody there.
type Wall struct {
	Users      []presence.Addr
	HiddenFrom []string // JIDs and domains; "*" is everybody
}

// EnrolmentMode says who may be enrolled.
type EnrolmentMode uint8

// The modes of enrolment.mode.
const (
	OptIn EnrolmentMode = iota
	EnrolAll
	EnrolList
)

// Enrolment is the operator's choice of who may be enrolled.
type Enrolment struct {
	Mode  EnrolmentMode
	Users map[presence.Addr]string // the list, by address, as spelled
	Bots  map[presence.Addr]bool
	Apps  map[presence.Addr]bool // that may claim for everybody (S5.2)
}

// wallsOf returns from whom the operator hides the user.
func (r *Rules) wallsOf(user presence.Addr) (from []string) {
	for _, w := range r.Walls {
		if slices.ContainsFunc(w.Users, func(a presence.Addr) bool {
			return a == user || a.Local() == "" && a.Domain() == user.Domain()
		}) {
			from = append(from, w.HiddenFrom...)
		}
	}
	return from
}

func (e *Engine) kindOf(a presence.Addr) presence.Kind {
	if e.rules().Enrolment.Bots[a] {
		return presence.Bot
	}
	return presence.User
}

// mayEnrol reports whether the user may enrol herself.
func (e *Engine) mayEnrol(a presence.Addr) bool {
	if !e.serves(a.Domain()) || a.Local() == "" {
		return false
	}
	r := e.rules()
	if r.Enrolment.Mode == EnrolList {
		_, listed := r.Enrolment.Users[a]
		return listed
	}
	return true
}

// adopts reports whether the user is enrolled on sight.
func (e *Engine) adopts(a presence.Addr) bool {
	return e.rules().Enrolment.Mode == EnrolAll && e.mayEnrol(a)
}
