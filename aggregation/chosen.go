package aggregation

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"presenced/internal/presence"
)

// The lifetimes and leases of S5.2.
const (
	manualBusy  = 24 * time.Hour
	manualOther = 7 * 24 * time.Hour

	DefaultLease = 300 * time.Second   // of a claim that names none
	MinLease     = 300 * time.Second   // the shortest lease of a claim
	MaxLease     = 14400 * time.Second // the longest lease of a claim
)

// maxClaimID bounds what an app may make us keep for one claim, in bytes.
const maxClaimID = 256

// ErrManual is wrapped by every error about a manual state that is refused.
var ErrManual = errors.New("manual state refused")

// ErrClaim is wrapped by every error about a claim that is refused.
var ErrClaim = errors.New("claim refused")

// ExpiryOf returns when m ends (S5.2): at its own expires_at, else 24 h after it
// was set for the classes busy and do-not-disturb, 7 d for the others.
func ExpiryOf(m *presence.Manual) time.Time {
	if !m.ExpiresAt.IsZero() {
		return m.ExpiresAt
	}
	switch m.Availability.Class() {
	case presence.ClassBusy, presence.ClassDoNotDisturb:
		return m.SetAt.Add(manualBusy)
	default:
		return m.SetAt.Add(manualOther)
	}
}

// ActiveManual reports whether m counts at now. One set in the future counts
// too: after a step of the clock somebody who appears offline must stay so.
func ActiveManual(m *presence.Manual, now time.Time) bool {
	return m != nil && m.Availability.Valid() && now.Before(ExpiryOf(m))
}

// ValidManual reports why m cannot be set (S4.1, S5.2); nil if it can. Errors
// wrap ErrManual.
func ValidManual(m *presence.Manual) error {
	switch {
	case !m.Availability.Valid():
		return fmt.Errorf("%w: %d is not an availability; use %d..%d, such as %d for busy",
			ErrManual, m.Availability, presence.MinAvailability, presence.MaxAvailability, presence.Busy)
	case m.SetAt.IsZero():
		return fmt.Errorf("%w: it has no set_at; give the instant it was chosen", ErrManual)
	case !m.ExpiresAt.IsZero() && !m.SetAt.Before(m.ExpiresAt):
		return fmt.Errorf("%w: it ends at %s, before it begins; give a later expires_at",
			ErrManual, m.ExpiresAt.Format(time.RFC3339))
	}
	return nil
}

// ValidClaim reports why c cannot be made (S5.2); nil if it can. Whether its
// maker may make it is not asked here. Errors wrap ErrClaim.
func ValidClaim(c *presence.Claim) error {
	lease := c.ExpiresAt.Sub(c.SetAt)
	switch {
	case c.ID == "" || len(c.ID) > maxClaimID:
		return fmt.Errorf("%w: its id is %d bytes long; use 1..%d", ErrClaim, len(c.ID), maxClaimID)
	case !claimable(c.Availability):
		return fmt.Errorf("%w: %d is not an availability an app may claim; use %d..%d, such as %d for busy",
			ErrClaim, c.Availability, presence.MinAvailability, presence.MaxClaim, presence.Busy)
	case lease < MinLease || lease > MaxLease:
		return fmt.Errorf("%w: a lease of %s; use %d..%d seconds and refresh it while it holds",
			ErrClaim, lease, int(MinLease/time.Second), int(MaxLease/time.Second))
	}
	return nil
}

func claimable(a presence.Availability) bool {
	return a >= presence.MinAvailability && a <= presence.MaxClaim
}

// counts reports whether c runs: neither expired nor bound to a resource that
// is gone (S5.2). One that could not have been made does not.
func (v *verdict) counts(c *presence.Claim) bool {
	return claimable(c.Availability) && v.now.Before(c.ExpiresAt) && v.connected(c.Resource)
}

// connected reports whether a resource of that name is online, eligible or not;
// the empty name always is.
func (v *verdict) connected(name string) bool {
	if name == "" {
		return true
	}
	for i := range v.in.Resources {
		if r := &v.in.Resources[i]; r.Name == name {
			return r.Show != presence.ShowUnavailable
		}
	}
	return false
}

func (v *verdict) anyClaim() bool { return v.highestClaim() != presence.Unset }

func (v *verdict) highestClaim() presence.Availability {
	var n presence.Availability
	for i := range v.in.Claims {
		if c := &v.in.Claims[i]; c.Availability > n && v.counts(c) {
			n = c.Availability
		}
	}
	return n
}

// claimsOf notes whether a claim of the class comes first, and which one gives
// the token.
func (v *verdict) claimsOf(class presence.Class) {
	for i := range v.in.Claims {
		c := &v.in.Claims[i]
		if c.Availability.Class() != class || !v.counts(c) {
			continue
		}
		if v.first == fromNobody {
			v.first = fromClaim
		}
		if c.Activity != presence.NoActivity && (v.claim == nil || claimBefore(c, v.claim)) {
			v.giver, v.claim = fromClaim, c
		}
	}
}

// claimBefore is the token order among claims: higher number, later start, id.
func claimBefore(a, b *presence.Claim) bool {
	if a.Availability != b.Availability {
		return a.Availability > b.Availability
	}
	if c := a.SetAt.Compare(b.SetAt); c != 0 {
		return c > 0
	}
	if c := strings.Compare(a.ID, b.ID); c != 0 {
		return c < 0
	}
	return a.Activity < b.Activity
}
