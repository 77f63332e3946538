package engine

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"presenced/aggregation"
	"presenced/internal/presence"
)

// Bounds of claims. "Any number at once" (S5.2) is far below them; a program that
// makes a new id each time runs into them instead of into memory.
const (
	maxClaimsEach = 64  // of one app for one user
	maxClaims     = 256 // of all apps for one user
)

// SetClaim makes or refreshes what an app says for a user (S5.2): under an id of
// the app's own, for the time of a lease. Ids of two apps never meet.
//
// It is made by the user herself, by an app she allowed (AllowApp), or by one the
// operator listed (Enrolment.Apps). Everybody else is refused with NotAllowed,
// whoever the user is. An app of the operator's is told that the claim was made
// even where there is no such user: it learns nothing of who is enrolled (I2).
//
// Claims are presence: they are in force at once and stored as devices are.
type SetClaim struct {
	ID           string
	Availability presence.Availability
	Activity     presence.Activity // empty: none
	Lease        time.Duration     // 300 s to 4 h; 0: 300 s
	// Resource binds the claim to one of the user's devices: it ends with that.
	// Only the user herself may; empty: not bound.
	Resource string
}

// ReleaseClaim ends a claim before its lease does. One that is not there is as
// good as released.
type ReleaseClaim struct{ ID string }

func (SetClaim) change()     {}
func (ReleaseClaim) change() {}

// ClaimLine is one claim, for the user herself.
type ClaimLine struct {
	ID           string                `json:"id"`
	App          string                `json:"app,omitempty"` // who made it; empty: she
	Availability presence.Availability `json:"availability"`
	Activity     presence.Activity     `json:"activity,omitempty"`
	Expires      time.Time             `json:"expires"`
	Resource     string                `json:"resource,omitempty"`
}

// claimed handles the two changes above.
func (s *shard) claimed(who Principal, user presence.JID, c Change, now time.Time, answer answerFunc) {
	claim, err := s.e.claimOf(who, user, c, now)
	if err != nil {
		answer(Result{}, err)
		return
	}
	u := s.users[user.Addr]
	if u != nil && !u.set.enrol.Enabled {
		u = nil
	}
	own, listed := who.Operator || who.Addr == user.Addr, s.e.rules().Enrolment.Apps[who.Addr]
	switch {
	case own && u == nil:
		answer(Result{}, refuse(NotEnrolled, "", "%s is not enabled; run the command \"enable\" first", user.Bare))
		return
	case own, u != nil && u.set.allowsApp(who.Addr):
		if err := u.claim(claim, now); err != nil {
			answer(Result{}, err)
			return
		}
	case !listed:
		answer(Result{}, refuse(NotAllowed, "", "only the user herself, an app she allowed or one the operator listed may claim for her"))
		return
	}
	// Told before anything is evaluated: what that costs depends on the user.
	answer(Result{Until: claim.ExpiresAt}, nil)
	switch {
	case u == nil:
		return
	case listed && !own:
		u.claimListed(claim, now)
	}
	u.keep(now)
	u.restate(now, causeEvent)
}

// claimOf makes the claim a change is about, or says why it cannot be made by
// anybody. A released one expires at once.
func (e *Engine) claimOf(who Principal, user presence.JID, c Change, now time.Time) (presence.Claim, error) {
	claim := presence.Claim{SetAt: now}
	if who.Addr != user.Addr {
		claim.App = who.Addr
	}
	set, ok := c.(SetClaim)
	if !ok {
		claim.ID, claim.ExpiresAt = c.(ReleaseClaim).ID, now
		return claim, nil
	}
	if set.Lease == 0 {
		set.Lease = aggregation.DefaultLease
	}
	claim.ID, claim.Availability, claim.Activity = set.ID, set.Availability, set.Activity
	claim.ExpiresAt, claim.Resource = now.Add(set.Lease), set.Resource
	if err := aggregation.ValidClaim(&claim); err != nil {
		return claim, &RefusedError{Kind: Invalid, Field: claimField(&claim, set.Lease), Reason: err.Error(), Err: err}
	}
	switch {
	case !utf8.ValidString(claim.ID) || strings.ContainsFunc(claim.ID, unicode.IsControl):
		return claim, refuse(Invalid, "id", "the id of a claim is text without control characters")
	case !e.mayShow(claim.Activity):
		return claim, refuse(Invalid, "activity", "%.64q is no activity; use one such as %s", claim.Activity, presence.OnThePhone)
	case claim.Resource != "" && claim.App != (presence.Addr{}):
		return claim, refuse(Invalid, "resource", "only the user herself may bind a claim to one of her devices")
	}
	return claim, nil
}

// claimField names what ValidClaim found wrong.
func claimField(c *presence.Claim, lease time.Duration) string {
	switch {
	case lease < aggregation.MinLease || lease > aggregation.MaxLease:
		return "lease"
	case c.Availability < presence.MinAvailability || c.Availability > presence.MaxClaim:
		return "availability"
	}
	return "id"
}

// mayShow reports whether people can be shown an activity: one of SEMANTICS or of
// the operator's states.
func (e *Engine) mayShow(a presence.Activity) bool {
	return a == presence.NoActivity || a.Known() ||
		slices.ContainsFunc(e.rules().States, func(s State) bool { return s.Activity == a })
}

// claim puts a claim in force, or ends it where it has expired already.
func (u *user) claim(c presence.Claim, now time.Time) error {
	u.expireClaims(now)
	in := &u.person.Inputs
	at := slices.IndexFunc(in.Claims, func(o presence.Claim) bool { return o.ID == c.ID && o.App == c.App })
	switch {
	case !now.Before(c.ExpiresAt):
		if at >= 0 {
			in.Claims = slices.Delete(in.Claims, at, at+1)
		}
		return nil
	case c.Resource != "" && u.find(c.Resource) < 0:
		return refuse(Invalid, "resource", "no device of hers is called %.64q now", c.Resource)
	case at >= 0:
		if old := &in.Claims[at]; old.Availability == c.Availability && old.Activity == c.Activity {
			c.SetAt = old.SetAt // refreshed: it goes on
		}
		in.Claims[at] = c
		return nil
	case len(in.Claims) >= maxClaims || u.claimsBy(c.App) >= maxClaimsEach:
		return refuse(TooMany, "id", "there are %d claims already, the most there may be; release some, or refresh one under its id", len(in.Claims))
	}
	in.Claims = append(in.Claims, c)
	return nil
}

// claimListed is claim for an app of the operator's, which is not told where there
// is no room: its latest claims count.
func (u *user) claimListed(c presence.Claim, now time.Time) {
	if u.claim(c, now) == nil {
		return
	}
	u.sh.e.metrics.lost.Inc()
	in := &u.person.Inputs
	if at := slices.IndexFunc(in.Claims, func(o presence.Claim) bool { return o.App == c.App }); at >= 0 {
		in.Claims = append(slices.Delete(in.Claims, at, at+1), c)
	}
}

func (u *user) claimsBy(app presence.Addr) (n int) {
	for i := range u.person.Inputs.Claims {
		if u.person.Inputs.Claims[i].App == app {
			n++
		}
	}
	return n
}

// dropClaims ends the claims that f picks.
func (u *user) dropClaims(now time.Time, f func(presence.Claim) bool) {
	in := &u.person.Inputs
	before := len(in.Claims)
	if in.Claims = slices.DeleteFunc(in.Claims, f); len(in.Claims) == before {
		return
	}
	if len(in.Claims) == 0 {
		in.Claims = nil
	}
	u.keep(now)
}

// expireClaims forgets what no longer counts; that it does not, aggregation knows
// by itself.
func (u *user) expireClaims(now time.Time) {
	if len(u.person.Inputs.Claims) > 0 {
		u.dropClaims(now, func(c presence.Claim) bool { return !now.Before(c.ExpiresAt) })
	}
}

// unbindClaims ends the claims bound to a device that is gone (S5.2); an empty name
// is every device.
func (u *user) unbindClaims(resource string, now time.Time) {
	if len(u.person.Inputs.Claims) > 0 {
		u.dropClaims(now, func(c presence.Claim) bool {
			return c.Resource != "" && (resource == "" || c.Resource == resource)
		})
	}
}

// claimLines lists the claims that count.
func (u *user) claimLines(now time.Time) []ClaimLine {
	var lines []ClaimLine
	for _, c := range u.person.Inputs.Claims {
		if now.Before(c.ExpiresAt) {
			line := ClaimLine{ID: c.ID, Availability: c.Availability, Activity: c.Activity, Expires: c.ExpiresAt, Resource: c.Resource}
			if c.App != (presence.Addr{}) {
				line.App = c.App.String()
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// savedWithClaims is the first byte of a stored presence that ends in claims.
const savedWithClaims = 2

// appendClaims ends a stored presence.
func (u *user) appendClaims(b []byte) []byte {
	cs := u.person.Inputs.Claims
	for i := range cs {
		c := &cs[i]
		b = appendString(b, c.ID)
		b = appendString(b, c.App.Key())
		b = append(b, byte(c.Availability), byte(c.Availability>>8))
		b = appendString(b, string(c.Activity))
		b = appendTime(b, c.SetAt)
		b = appendTime(b, c.ExpiresAt)
		b = appendString(b, c.Resource)
	}
	return b
}

// claims reads what appendClaims wrote, to the end.
func (d *decoder) claims() (cs []presence.Claim) {
	for len(d.b) > 0 && !d.bad && len(cs) < maxClaims {
		c := presence.Claim{ID: d.string()}
		if key := d.string(); key != "" {
			app, err := presence.AddrFromKey(key)
			d.bad = d.bad || err != nil
			c.App = app
		}
		low, high := d.byte(), d.byte()
		c.Availability = presence.Availability(low) | presence.Availability(high)<<8
		c.Activity, c.SetAt, c.ExpiresAt, c.Resource = presence.Activity(d.string()), d.time(), d.time(), d.string()
		cs = append(cs, c)
	}
	if d.bad {
		return nil
	}
	return cs
}
