package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// PutRules adds container rules, all of them or none.
type PutRules struct{ Rules []privacy.Rule }

func (PutRules) change() {}

// Suggest tells a user's lists on her server as container rules (S8.2): with them
// beside hers, and without the lists, nobody sees more. Nothing is changed. The error
// is a *RefusedError; of kind Unavailable where her lists or roster are not read.
func (e *Engine) Suggest(ctx context.Context, who Principal, of presence.Addr) ([]privacy.Rule, error) {
	type suggested struct {
		rules []privacy.Rule
		err   error
	}
	got, err := reading(ctx, e, who, of, func(u *user, now time.Time) (out suggested) {
		out.rules, out.err = u.suggest(now)
		return out
	})
	if err != nil {
		return nil, err
	}
	return got.rules, got.err
}

func (u *user) suggest(now time.Time) ([]privacy.Rule, error) {
	switch {
	case u.set.lists == nil:
		return nil, refuse(Unavailable, "lists", "the lists on her server have not been read; log in, or see \"presenced check\"")
	case u.person.Roster == nil:
		return nil, refuse(Unavailable, "lists", "her roster has not been read, which lists are about; see \"presenced check\"")
	}
	var contacts []presence.Contact
	u.person.Roster.Each(func(c presence.Contact) { contacts = append(contacts, c) })
	site := u.sh.e.rules().System.Site
	rules, err := privacy.Suggest(site, u.policySettings(privacy.StateOK, now), contacts)
	if err == nil && len(u.set.rules.Timed) > 0 { // and for when what is for a while has ended
		var later []privacy.Rule
		later, err = privacy.Suggest(site, u.lasting(now), contacts)
		rules = append(rules, without(later, rules)...)
	}
	switch {
	case errors.Is(err, privacy.ErrListHides):
		return nil, &RefusedError{Kind: Invalid, Field: "hides", Reason: "her lists hide her from everybody, which no rules can; run the command \"disable\", or set the state \"appear offline\"", Err: err}
	case err != nil:
		return nil, &RefusedError{Kind: Unavailable, Field: "lists", Reason: "a list on her server cannot be understood, so it hides her from everybody; correct it with a client that edits privacy lists", Err: err}
	case len(rules)+len(u.set.rules.Rules) > maxRules:
		return nil, refuse(TooMany, "", "the lists come to %d rules, and there may be %d; keep the lists, which are obeyed as they are", len(rules), maxRules)
	}
	return rules, nil
}

// putRules stores rules that do not stand there yet.
func (u *user) putRules(rules []privacy.Rule, answer answerFunc) {
	doc := *u.set.rules
	doc.Rules = slices.Clone(doc.Rules)
	for _, r := range rules {
		rule, err := u.sh.e.rules().System.Site.NewRule(r, u.host.Roster)
		if err != nil {
			answer(Result{}, &RefusedError{Kind: Invalid, Field: "rules", Reason: err.Error(), Err: err})
			return
		}
		if !slices.Contains(doc.Rules, rule) {
			doc.Rules = append(doc.Rules, rule)
		}
		doc.Timed = untimed(doc.Timed, rule)
	}
	switch {
	case len(doc.Rules) == len(u.set.rules.Rules) && len(doc.Timed) == len(u.set.rules.Timed):
		answer(Result{Advice: []Advice{AdviceNothing}}, nil)
	case len(doc.Rules) > maxRules:
		answer(Result{}, refuse(TooMany, "", "that would be more than %d rules; take fewer", maxRules))
	default:
		u.saveRules(doc, func(_ time.Time, err error) { answer(Result{}, refusedStore(err)) })
	}
}
