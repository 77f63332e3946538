package engine

import (
	"context"
	"time"

	"presenced/internal/presence"
)

// Apply makes one change to one user: the one door through which every surface
// (commands, admin socket, reload) changes anything. It returns when the change
// is stored and in force, or with a *RefusedError and nothing changed.
func (e *Engine) Apply(ctx context.Context, who Principal, user presence.JID, c Change) (Result, error) {
	type answer struct {
		result Result
		err    error
	}
	if im, ok := c.(Import); ok {
		// Reading what somebody else wrote is done here: an owner has others to serve.
		var err error
		if im.read, err = e.readImport(who, user, im.Docs); err != nil {
			return Result{}, err
		}
		c = im
	}
	done := make(chan answer, 1)
	s := e.shardOf(user.Addr)
	ok := s.box.post(func(now time.Time) {
		s.apply(who, user, c, now, func(r Result, err error) { done <- answer{r, err} })
	})
	if !ok {
		return Result{}, errBusy
	}
	select {
	case a := <-done:
		return a.result, a.err
	case <-ctx.Done():
		return Result{}, &RefusedError{Kind: Unavailable, Reason: "the change took too long; look whether it was made before trying again", Err: ctx.Err()}
	case <-e.stopped:
		return Result{}, errStopping
	}
}

// answerFunc ends one Apply.
type answerFunc func(Result, error)

func (s *shard) apply(who Principal, user presence.JID, c Change, now time.Time, answer answerFunc) {
	switch c.(type) {
	case SetClaim, ReleaseClaim: // apps may, too
		s.claimed(who, user, c, now, answer)
		return
	}
	seen := s.e.witness(who, user.Addr, c)
	answer = seen.hear(answer)
	if !who.Operator && who.Addr != user.Addr {
		answer(Result{}, refuse(NotAllowed, "", "only the user herself and the operator may do that"))
		return
	}
	switch c := c.(type) {
	case Enable:
		s.applyEnable(who, user, now, answer)
		return
	case Import:
		s.applyImport(user, c, now, seen, answer)
		return
	}
	u := s.users[user.Addr]
	if _, erasing := c.(Erase); u == nil || (!u.set.enrol.Enabled && !erasing) {
		answer(Result{}, notEnabled(user.Addr))
		return
	}
	queued := u.do(now, func(now time.Time) {
		seen.begin(u)
		u.plan(c, now, answer)
		if !who.Operator {
			u.commanded(now)
		}
	})
	if !queued {
		answer(Result{}, errBusy)
	}
}

// What is told when too much waits already, and when the owners have ended.
var (
	errBusy     = refuse(Unavailable, "", "the daemon is too busy; try again in a moment")
	errErased   = refuse(NotEnrolled, "", "her settings have just been erased; enable again to begin anew")
	errStopping = refuse(Unavailable, "", "the daemon is stopping; try again in a moment")
)

// foreign refuses an address that cannot be a user here.
func (e *Engine) foreign(user presence.JID) *RefusedError {
	if e.serves(user.Addr.Domain()) && user.Addr.Local() != "" {
		return nil
	}
	return refuse(NotAllowed, "jid", "%s is not a user of a served host; component.hosts lists them", user.Bare)
}

func (s *shard) applyEnable(who Principal, user presence.JID, now time.Time, answer answerFunc) {
	if r := s.e.foreign(user); r != nil {
		answer(Result{}, r)
		return
	}
	if !who.Operator && !s.e.mayEnrol(user.Addr) {
		answer(Result{}, refuse(NotAllowed, "", "enrolment is not open to you here; ask the operator"))
		return
	}
	u := s.users[user.Addr]
	if u == nil {
		u = s.newUser(user.Addr, user.Bare)
	}
	queued := u.do(now, func(now time.Time) {
		if u.forgotten() {
			answer(Result{}, errErased)
			return
		}
		if u.set.enrol.Enabled {
			u.ask(now, true)
			answer(Result{Advice: append([]Advice{AdviceNothing}, u.consentAdvice()...)}, nil)
			return
		}
		u.enable(user.Bare, func(now time.Time, err error) {
			answer(Result{Advice: u.consentAdvice()}, refusedStore(err))
		})
	})
	if !queued {
		answer(Result{}, errBusy)
	}
}

func (u *user) consentAdvice() []Advice {
	if u.host.Consent && u.set.enrol.Consent != consentGranted {
		return []Advice{AdviceConsent}
	}
	return nil
}

// plan dispatches a change of an enrolled user. It runs within do.
func (u *user) plan(c Change, now time.Time, answer answerFunc) {
	if u.forgotten() {
		answer(Result{}, errErased)
		return
	}
	switch c := c.(type) {
	case Disable:
		u.disable(now, func(_ time.Time, err error) { answer(Result{}, refusedStore(err)) })
	case Erase:
		u.erase(answer)
	case SetState:
		u.setManual(&presence.Manual{Availability: c.Availability, Activity: c.Activity, SetAt: now, ExpiresAt: c.Expires}, answer)
	case ClearState:
		u.clearState(now, answer)
	case PlanState:
		u.planState(c, now, answer)
	case CancelPlan:
		u.cancelPlan(c.Starts, now, answer)
	case SetNote:
		u.setNote(c.Text, answer)
	case SetOutOfOffice:
		u.setOOF(c.Period, now, answer)
	case SetProfile:
		u.setProfile(c.Profile, answer)
	case AddCalendar:
		u.addCalendar(c, answer)
	case RemoveCalendar:
		u.removeCalendar(c.ID, answer)
	case SetSiteCalendars:
		u.setSiteCalendars(c.On, answer)
	case SetPublishing:
		u.setPublishing(c.On, now, answer)
	default:
		u.planAccess(c, now, answer)
	}
}

// planAccess dispatches the changes of who sees what.
func (u *user) planAccess(c Change, now time.Time, answer answerFunc) {
	switch c := c.(type) {
	case SetLevel:
		u.setLevel(c, now, answer)
	case SetPriority:
		u.setPriority(c, answer)
	case SetCell:
		u.setCell(c, answer)
	case PutRule:
		u.putRule(c.Rule, answer)
	case RemoveRule:
		u.removeRule(c.Rule, answer)
	case Block:
		u.block(c.JID, answer)
	case Unblock:
		u.unblock(c.JID, answer)
	case ServerBlock:
		u.serverBlock(c, now, answer)
	case PutRules:
		u.putRules(c.Rules, answer)
	case SetPrivacyMode:
		u.setPrivacyMode(c.On, answer)
	case SetBadge:
		u.setBadge(c.On, answer)
	case AllowApp:
		u.allowApp(c.JID, answer)
	case DenyApp:
		u.denyApp(c.JID, answer)
	case Approve:
		u.decide(c.Watcher, c.Container, true, answer)
	case Refuse:
		u.decide(c.Watcher, 0, false, answer)
	case Revoke:
		u.revoke(c.Watcher, answer)
	default:
		answer(Result{}, refuse(Invalid, "", "this change is not known"))
	}
}

// refusedStore turns a store's error into what a person is told.
func refusedStore(err error) error {
	if err == nil {
		return nil
	}
	return &RefusedError{Kind: Unavailable, Reason: "the change could not be stored and was not made; try again later", Err: err}
}
