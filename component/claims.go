package component

import (
	"context"
	"errors"
	"strconv"
	"time"

	"presenced/component/commands"
	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// claimRequest is a claim to be made, refreshed or released (S5.2): to a mirror
// for its user, to the component for the asker or for whom jid names.
type claimRequest struct {
	JID          string `xml:"jid,attr"`
	ID           string `xml:"id,attr"`
	Availability string `xml:"availability,attr"`
	Activity     string `xml:"activity,attr"`
	Lease        string `xml:"lease,attr"` // seconds; empty: the default
	Bound        string `xml:"bound,attr"` // true: ends with the device that asks
}

// isClaim reports whether the child of an IQ is one of the two requests.
func isClaim(child stream.Name) bool {
	return child.Is(stream.NSOwn, "claim") || child.Is(stream.NSOwn, "release")
}

// answerClaim has the engine do what is asked. Who may not claim is answered the
// same for everybody who is, is not, or is hidden (S14).
func (l *link) answerClaim(ctx context.Context, q *asked, name string, payload []byte) {
	var x claimRequest
	if stream.Decode(payload, &x) != nil || x.ID == "" {
		l.refuse(q, errBadRequest)
		return
	}
	change, e := x.change(name, q)
	if e != nil {
		l.refuse(q, e)
		return
	}
	a := l.claimant(q, &x)
	res, err := l.c.door.Apply(ctx, q.principal(engine.WayQuery), presence.JID{Addr: a, Bare: a.String()}, change)
	switch {
	case err != nil:
		l.refuse(q, claimError(err))
	case name == "release":
		l.result(q, nil)
	default:
		dst := append([]byte(nil), "<claim xmlns='"+stream.NSOwn+"'"...)
		dst = appendAttribute(dst, "id", x.ID)
		dst = appendAttribute(dst, "expires", string(appendInstant(nil, res.Until)))
		l.result(q, append(dst, "/>"...))
	}
}

// claimant is whom a claim is for.
func (l *link) claimant(q *asked, x *claimRequest) presence.Addr {
	switch {
	case q.to.mirror:
		return q.to.presentity
	case x.JID != "":
		return l.c.asked(x.JID)
	}
	return q.from.Addr
}

// change makes the engine's change of a request.
func (x *claimRequest) change(name string, q *asked) (engine.Change, *commands.StanzaError) {
	if name == "release" {
		return engine.ReleaseClaim{ID: x.ID}, nil
	}
	c := engine.SetClaim{ID: x.ID, Activity: presence.Activity(x.Activity)}
	n, err := strconv.ParseUint(x.Availability, 10, 16)
	if err != nil {
		return nil, badClaim("availability: write a number from 3000 to 17999, such as 6500 for busy")
	}
	c.Availability = presence.Availability(n)
	if x.Lease != "" {
		seconds, err := strconv.ParseUint(x.Lease, 10, 16)
		if err != nil {
			return nil, badClaim("lease: write 300 to 14400 seconds, and refresh the claim while it holds")
		}
		c.Lease = time.Duration(seconds) * time.Second
	}
	switch x.Bound {
	case "", "false", "0":
	case "true", "1":
		c.Resource = q.from.Resource
	default:
		return nil, badClaim("bound: write true or false")
	}
	return c, nil
}

func badClaim(text string) *commands.StanzaError {
	return &commands.StanzaError{Type: "modify", Condition: "bad-request", Text: text, Lang: "en"}
}

// claimError is the stanza error of what the engine refused.
func claimError(err error) *commands.StanzaError {
	refusal, ok := errors.AsType[*engine.RefusedError](err)
	if !ok {
		return &commands.StanzaError{Type: "wait", Condition: "internal-server-error"}
	}
	e := badClaim(refusal.Reason)
	switch refusal.Kind {
	case engine.NotAllowed:
		e.Type, e.Condition = "auth", "forbidden"
	case engine.NotEnrolled:
		e.Type, e.Condition = "auth", "registration-required"
	case engine.TooMany, engine.Unavailable:
		e.Type, e.Condition = "wait", "resource-constraint"
	}
	return e
}
