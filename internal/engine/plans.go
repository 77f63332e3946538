package engine

import (
	"slices"
	"time"

	"presenced/aggregation"
	"presenced/internal/presence"
)

// DocPlans is the document of the states a user set for later.
const DocPlans = "plans"

// maxPlans bounds the states one user has set for later.
const maxPlans = 32

// PlanState sets a manual state for later (S5.2): from Starts on it counts as if
// she had set it then. Of several that run, the latest set counts; when it ends,
// the one before it counts again, if that still runs.
type PlanState struct {
	SetState
	Starts time.Time
}

// CancelPlan takes back a state set for that instant.
type CancelPlan struct{ Starts time.Time }

func (CancelPlan) change() {}

// plansDoc holds states whose SetAt is when they begin, in that order.
type plansDoc struct {
	V     version           `json:"v"`
	Plans []presence.Manual `json:"plans"`
}

func (s *settings) plans() []presence.Manual {
	if s.rare == nil {
		return nil
	}
	return s.rare.plans.Plans
}

// manualAt returns the manual state that counts at now, of the one she set and
// those she set for later.
func (s *settings) manualAt(now time.Time) *presence.Manual {
	best := s.manual
	plans := s.plans()
	for i := range plans {
		p := &plans[i]
		if p.SetAt.After(now) || !aggregation.ActiveManual(p, now) {
			continue
		}
		if !aggregation.ActiveManual(best, now) || !best.SetAt.After(p.SetAt) {
			best = p
		}
	}
	return best
}

// nextPlan returns when the next one begins; zero: none does.
func (s *settings) nextPlan(now time.Time) time.Time {
	for _, p := range s.plans() {
		if p.SetAt.After(now) {
			return p.SetAt
		}
	}
	return time.Time{}
}

// followPlans puts the manual state of now among the inputs.
func (u *user) followPlans(now time.Time) {
	if len(u.set.plans()) > 0 {
		u.person.Inputs.Manual = u.set.manualAt(now)
	}
}

// upcoming are the plans that have not ended.
func (s *settings) upcoming(now time.Time) []presence.Manual {
	var left []presence.Manual
	for _, p := range s.plans() {
		if aggregation.ActiveManual(&p, now) {
			left = append(left, p)
		}
	}
	return left
}

func (u *user) planState(c PlanState, now time.Time, answer answerFunc) {
	m := presence.Manual{Availability: c.Availability, Activity: c.Activity, SetAt: c.Starts, ExpiresAt: c.Expires}
	if !c.Starts.After(now) {
		m.SetAt = now
		u.setManual(&m, answer)
		return
	}
	if err := u.sh.e.checkManual(&m); err != nil {
		answer(Result{}, err)
		return
	}
	left := slices.DeleteFunc(u.set.upcoming(now), func(p presence.Manual) bool { return p.SetAt.Equal(m.SetAt) })
	if len(left) >= maxPlans {
		answer(Result{}, refuse(TooMany, "from", "you have set %d states for later, the most there may be; clear one first", maxPlans))
		return
	}
	at, _ := slices.BinarySearchFunc(left, m, func(a, b presence.Manual) int { return a.SetAt.Compare(b.SetAt) })
	u.savePlans(slices.Insert(left, at, m), answer)
}

func (u *user) cancelPlan(starts, now time.Time, answer answerFunc) {
	left := u.set.upcoming(now)
	kept := slices.DeleteFunc(slices.Clone(left), func(p presence.Manual) bool { return p.SetAt.Equal(starts) })
	if len(kept) == len(left) {
		answer(Result{}, refuse(NotFound, "from", "no state is set for then"))
		return
	}
	u.savePlans(kept, answer)
}

func (u *user) savePlans(plans []presence.Manual, answer answerFunc) {
	doc := plansDoc{V: docVersion, Plans: plans}
	u.saveDoc(DocPlans, doc.encode(), func() { u.takePlans(doc) }, func(err error) { answer(Result{}, err) })
}

// encode renders the document; nil when it says nothing.
func (d plansDoc) encode() []byte {
	if len(d.Plans) == 0 {
		return nil
	}
	return encode(d)
}

func (u *user) takePlans(doc plansDoc) {
	u.set.chooseRare(func(r *rare) { r.plans = doc })
	u.person.Inputs.Manual = u.set.manual
	u.followPlans(time.Now())
}

// clearState takes back the manual state and the plans that have begun.
func (u *user) clearState(now time.Time, answer answerFunc) {
	later := slices.DeleteFunc(u.set.upcoming(now), func(p presence.Manual) bool { return !p.SetAt.After(now) })
	doc := plansDoc{V: docVersion, Plans: later}
	docs := map[string][]byte{DocManual: nil}
	if len(u.set.plans()) > 0 {
		docs[DocPlans] = doc.encode()
	}
	u.save(Write{Docs: docs}, func(now time.Time, err error) {
		if err == nil {
			u.chooseState(nil)
			u.takePlans(doc)
			u.evaluate(now)
		}
		answer(Result{}, refusedStore(err))
	})
}

// checkManual refuses what cannot be a manual state.
func (e *Engine) checkManual(m *presence.Manual) error {
	if err := aggregation.ValidManual(m); err != nil {
		return &RefusedError{Kind: Invalid, Field: "availability", Reason: err.Error(), Err: err}
	}
	if !e.mayShow(m.Activity) {
		return refuse(Invalid, "activity", "%.64q is no activity; use one such as %s", m.Activity, presence.InAMeeting)
	}
	return nil
}
