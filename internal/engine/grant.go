package engine

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"presenced/internal/presence"
)

// PolicyGrant gives a named policy to a user or to a group.
type PolicyGrant struct {
	Policy string
	User   presence.JID // the zero JID: Group
	Group  string
}

// GrantPolicy puts a grant in force, or takes it back where on is false; for the
// operator only. It returns when that is stored and holds for everybody it is
// about, or with a *RefusedError and nothing changed.
func (e *Engine) GrantPolicy(ctx context.Context, who Principal, g PolicyGrant, on bool) (Result, error) {
	r, err := e.grantPolicy(ctx, who, g, on)
	e.note(Deed{
		Who: who, What: switched("grant", "revoke-grant", on), User: g.User.Addr, Group: g.Group, About: g.Policy,
		Outcome: outcomeOf(err), Change: true,
	})
	return r, err
}

func (e *Engine) grantPolicy(ctx context.Context, who Principal, g PolicyGrant, on bool) (Result, error) {
	if !who.Operator {
		return Result{}, refuse(NotAllowed, "", "only the operator may grant policies")
	}
	s, err := e.subjectOf(&g)
	if err != nil {
		return Result{}, err
	}
	turn := e.grants.turn(s)
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return Result{}, errSlow(ctx)
	case <-e.stopped:
		return Result{}, errStopping
	}
	next, err := e.planGrant(s, &g, on)
	if err != nil || next == nil {
		<-turn
		if err != nil {
			return Result{}, err
		}
		return Result{Advice: append([]Advice{AdviceNothing}, e.grantAdvice(s, &g)...)}, nil
	}
	if err := e.saveGrants(ctx, s, next); err != nil {
		return Result{}, err
	}
	if !on {
		return Result{}, nil
	}
	return Result{Advice: e.grantAdvice(s, &g)}, nil
}

// errSlow is told when the caller's time is up.
func errSlow(ctx context.Context) error {
	return &RefusedError{Kind: Unavailable, Reason: "the change took too long; look whether it was made before trying again", Err: ctx.Err()}
}

// subjectOf checks whom a grant is about.
func (e *Engine) subjectOf(g *PolicyGrant) (subject, error) {
	switch {
	case g.Group == "":
		if r := e.foreign(g.User); r != nil {
			return subject{}, r
		}
		return subject{user: g.User.Addr}, nil
	case len(g.Group) > maxGroupLength || !utf8.ValidString(g.Group) || strings.ContainsFunc(g.Group, unicode.IsControl):
		return subject{}, refuse(Invalid, "group", "a group's name is a line of at most %d bytes; write the name the operator's directory uses", maxGroupLength)
	}
	return subject{group: g.Group}, nil
}

// planGrant returns what the subject is granted after the change, not nil; nil
// where nothing changes.
func (e *Engine) planGrant(s subject, g *PolicyGrant, on bool) ([]string, error) {
	have, subjects := e.grants.of(s)
	at, there := slices.BinarySearch(have, g.Policy)
	switch {
	case on && e.rules().policy(g.Policy) == nil:
		return nil, refuse(NotFound, "policy", "there is no policy %q; %s", g.Policy, e.declared())
	case on && there:
		return nil, nil
	case on && (len(have) >= maxGrantsOfOne || len(have) == 0 && subjects >= maxGranted):
		return nil, refuse(TooMany, "", "there are too many grants already (%d policies to one user or group, %d users and groups); revoke some first, or name the users in [[policies]]", maxGrantsOfOne, maxGranted)
	case on:
		return slices.Insert(slices.Clone(have), at, g.Policy), nil
	case !there:
		return nil, refuse(NotFound, "policy", "policy %q is not granted there; \"presenced policy list\" shows the grants", g.Policy)
	}
	return append([]string{}, slices.Delete(slices.Clone(have), at, at+1)...), nil
}

// declared tells which policies could have been named.
func (e *Engine) declared() string {
	r := e.rules()
	if len(r.Policies) == 0 {
		return "none is declared: write it as [[policies]] into the configuration and reload"
	}
	names := make([]string, len(r.Policies))
	for i := range r.Policies {
		names[i] = r.Policies[i].Operator.Name
	}
	return "there are " + strings.Join(names, ", ")
}

// grantAdvice tells what keeps a grant that is in force from counting.
func (e *Engine) grantAdvice(s subject, g *PolicyGrant) []Advice {
	if s.group != "" {
		if e.rules().Groups == nil {
			return []Advice{AdviceNoGroups}
		}
		return nil
	}
	if _, held := e.policyOf(s.user); held.Name != g.Policy {
		return []Advice{AdviceOutranked}
	}
	return nil
}

// saveGrants stores what a subject is granted and puts it in force. Whoever calls
// it holds the subject's turn, which is let go when the store has answered: what
// becomes durable after ctx has ended is in force then.
func (e *Engine) saveGrants(ctx context.Context, s subject, next []string) error {
	done := make(chan error, 1)
	w := Write{User: s.key(), Docs: map[string][]byte{DocGrants: encodeGrants(next)}}
	e.opt.Store.Save(w, func(err error) {
		if err == nil {
			e.grants.put(s, next)
		} else {
			e.metrics.refusedWrites.Inc()
		}
		<-e.grants.turn(s)
		if err != nil {
			done <- refusedStore(err)
			return
		}
		e.obeyAnew(s, func() { done <- nil })
	})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errSlow(ctx)
	case <-e.stopped:
		return errStopping
	}
}

// obeyAnew lets the owners put in force what is granted to a subject, then calls
// done.
func (e *Engine) obeyAnew(s subject, done func()) {
	if s.group == "" {
		owner := e.shardOf(s.user)
		owner.box.must(func(now time.Time) {
			if u := owner.users[s.user]; u != nil {
				u.obey()
				u.evaluate(now)
			}
			done()
		})
		return
	}
	var left atomic.Int64
	left.Store(int64(len(e.shards)))
	e.everywhere(func(owner *shard, now time.Time) {
		for a, u := range owner.users {
			if slices.Contains(e.rules().groupsOf(a), s.group) {
				u.obey()
				u.evaluate(now)
			}
		}
		if left.Add(-1) == 0 {
			done()
		}
	})
}

// warnGrants tells the operator of granted policies that she no longer declares.
func (e *Engine) warnGrants() {
	if names := e.grants.undeclared(e.rules()); len(names) > 0 {
		e.opt.Log.Warn("policies are granted that the configuration does not declare: what they govern is not shown; declare them in [[policies]], or revoke them",
			"policies", strings.Join(names, ","))
	}
}
