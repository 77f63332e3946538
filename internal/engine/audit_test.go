package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// clerk is an Auditor that writes down what it is told.
type clerk struct {
	mu    sync.Mutex
	lines []string
}

func (c *clerk) say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, fmt.Sprintf(format, args...))
}

func (c *clerk) Looked(who Principal, users []presence.Addr, views []presence.View) {
	for i, u := range users {
		c.say("%s %s by %s: %d", who.Addr, u, who.Way, views[i].Container)
	}
}

func (c *clerk) Noted(d Deed) {
	line := fmt.Sprintf("%s %s %s by %s", d.Who.Addr, d.What, d.User, d.Who.Way)
	for _, more := range []string{d.About, d.Group, d.Outcome} {
		if more != "" {
			line += " [" + more + "]"
		}
	}
	if !d.Eyes.IsZero() {
		line += " as " + d.Eyes.String()
	}
	for _, r := range d.Rules {
		line += fmt.Sprintf(" %s %s %s>%s", r.Type, r.Value, levelText(r.Old), levelText(r.New))
		if !r.Until.IsZero() {
			line += " until " + r.Until.UTC().Format(time.TimeOnly)
		}
	}
	if d.Change {
		line += " !"
	}
	c.say("%s", line)
}

func levelText(c *presence.ContainerID) string {
	if c == nil {
		return "-"
	}
	return fmt.Sprint(*c)
}

// take returns what was told since the last call.
func (c *clerk) take() []string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.lines
	c.lines = nil
	return out
}

// audited is live with somebody who writes it all down.
func audited(t *testing.T, story func(w *world, c *clerk)) {
	live(t, func(w *world) {
		c := &clerk{}
		w.SetAuditor(c)
		story(w, c)
	})
}

func (c *clerk) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := c.take(); !slices.Equal(got, want) {
		t.Errorf("told:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func by(user string, way Way) Principal {
	return Principal{Addr: presence.MustAddr(user), JID: user, Way: way}
}

func TestAudit_EveryQuestionIsTold(t *testing.T) {
	audited(t, func(w *world, c *clerk) {
		ctx, me := context.Background(), presence.MustAddr(alice)
		w.Look(ctx, by(bob, WayQuery), []presence.Addr{me})
		w.Look(ctx, by(fred, WayHTTP), []presence.Addr{me, presence.MustAddr("nobody@example.org")})
		c.expect(t, bob+" "+alice+" by query: 200", fred+" "+alice+" by http: 100", fred+" nobody@example.org by http: 0")

		_, err := w.Explain(ctx, by(alice, WayCommand), me, presence.MustAddr(bob))
		_, err2 := w.Audience(ctx, by(alice, WayChat), me)
		_, err3 := w.Settings(ctx, by(alice, WayCommand), me)
		_, err4 := w.Inspect(ctx, by(alice, WayCommand), me) // with each command of hers
		_, err5 := w.Inspect(ctx, Principal{Operator: true, Way: WayAdmin}, me)
		if err := errors.Join(err, err2, err3, err4, err5); err != nil {
			t.Fatal(err)
		}
		_, err = w.Explain(ctx, by(bob, WayCommand), me, presence.MustAddr(bob))
		if err == nil {
			t.Error("bob was told")
		}
		c.expect(t, alice+" explain "+alice+" by command as "+bob, alice+" watchers "+alice+" by chat", alice+" export "+alice+" by command",
			" settings "+alice+" by admin", bob+" explain "+alice+" by command [refused: not allowed] as "+bob)

		f, err := w.Follow(by(bob, WayStream), me, func(*presence.View) {})
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		w.apply(alice, SetBadge{On: true})
		handle, err := w.BadgeOf(ctx, by(alice, WayCommand), me)
		if err != nil {
			t.Fatal(err)
		}
		c.take()
		w.Badge(ctx, handle)
		w.Badge(ctx, "nobodys")
		g, err := w.FollowBadge(handle, func(*presence.View) {})
		if err != nil {
			t.Fatal(err)
		}
		g.Close()
		c.expect(t, "anonymous.invalid badge "+alice+" by badge", "anonymous.invalid badge anonymous.invalid by badge", "anonymous.invalid badge "+alice+" by badge-stream")

		w.SetAuditor(nil)
		w.Look(ctx, by(bob, WayQuery), []presence.Addr{me})
		w.apply(alice, Block{JID: bob})
		c.expect(t)
	})
}

func TestAudit_AFollowerIsToldOnce(t *testing.T) {
	audited(t, func(w *world, c *clerk) {
		f, err := w.Follow(by(bob, WayStream), presence.MustAddr(alice), func(*presence.View) {})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		c.expect(t, bob+" follow "+alice+" by stream", bob+" subscribe "+alice+" by mirror [accepted]")
	})
}

// TestAudit_SubscriptionsAreQuestions: who subscribes asks, and who probes without a
// subscription; the probes of an accepted one are his server's.
func TestAudit_SubscriptionsAreQuestions(t *testing.T) {
	audited(t, func(w *world, c *clerk) {
		for _, k := range []MirrorKind{MirrorProbe, MirrorSubscribe, MirrorProbe, MirrorAvailable, MirrorError, MirrorUnsubscribe} {
			w.mirrorEvent(k, bob)
			synctest.Wait()
		}
		c.expect(t, bob+" probe "+alice+" by mirror [none]", bob+" subscribe "+alice+" by mirror [accepted]", bob+" unsubscribe "+alice+" by mirror [none]")
		w.mirrorEvent(MirrorSubscribe, zed)
		c.expect(t, zed+" subscribe "+alice+" by mirror [pending]")
	})
}

// TestI2_TheTrailTreatsTheHiddenAndTheUnknownAlike: the same number of entries of the
// same form, made at the same place, whoever is asked about. The level alone is
// another, which only the operator reads.
func TestI2_TheTrailTreatsTheHiddenAndTheUnknownAlike(t *testing.T) {
	audited(t, func(w *world, c *clerk) {
		w.apply(alice, Block{JID: fred})
		c.take()
		forms := map[string][]string{}
		for _, user := range []string{alice, "nobody@example.org", "x@elsewhere.example"} {
			a := presence.MustAddr(user)
			w.Look(context.Background(), by(fred, WayQuery), []presence.Addr{a})
			f, err := w.Follow(by(fred, WayStream), a, func(*presence.View) {})
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			for _, k := range []MirrorKind{MirrorProbe, MirrorUnsubscribe} {
				w.Mirror(Mirror{Kind: k, Presentity: a, Spelling: mirror, Watcher: jid(fred)})
				synctest.Wait()
			}
			for _, line := range c.take() {
				line = strings.ReplaceAll(line, user, "USER")
				forms[user] = append(forms[user], strings.Replace(line, ": 32000", ": 0", 1))
			}
		}
		want := []string{fred + " USER by query: 0", fred + " follow USER by stream", fred + " probe USER by mirror [none]", fred + " unsubscribe USER by mirror [none]"}
		for user, got := range forms {
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", user, got, want)
			}
		}
	})
}

func TestAudit_ChangesTellTheLevelBeforeAndAfter(t *testing.T) {
	audited(t, func(w *world, c *clerk) {
		rule := func(id presence.ContainerID, v string) privacy.Rule {
			return privacy.Rule{Container: id, Type: privacy.RuleUser, Value: v}
		}
		w.apply(alice, PutRule{rule(300, "Bob@Example.org")})
		w.apply(alice, SetLevel{Rule: rule(400, bob), Until: time.Now().Add(time.Hour)})
		w.apply(alice, SetLevel{Rule: rule(200, bob)})
		w.apply(alice, Block{JID: "BOB@example.org"})
		w.apply(alice, Block{JID: bob})
		w.apply(alice, Unblock{JID: bob})
		w.apply(alice, RemoveRule{rule(200, bob)})
		_, err := w.Apply(context.Background(), by(alice, WayCommand), jid(alice), RemoveRule{rule(200, bob)})
		if err == nil {
			t.Error("a rule was removed twice")
		}
		own := alice + " %s " + alice + " by other"
		say := func(what, rest string) string { return fmt.Sprintf(own, what) + rest + " !" }
		c.expect(t,
			say("rule", " user bob@example.org ->300"),
			say("level", " user bob@example.org 300>400 until 01:00:00"),
			say("level", " user bob@example.org 400>200"),
			say("block", " [bob@example.org] user bob@example.org 200>32000"),
			say("block", " [bob@example.org] [nothing changed]"),
			say("unblock", " [bob@example.org] user bob@example.org 32000>200"),
			say("remove-rule", " user bob@example.org 200>-"),
			alice+" remove-rule "+alice+" by command [refused: not found] user bob@example.org 200>- !")

		w.apply(alice, SetPrivacyMode{On: true})
		w.apply(alice, SetNote{Text: "nobody's business"})
		w.apply(alice, SetState{Availability: 6500})
		c.expect(t, say("privacy-mode", " [on]"))
	})
}

func TestAudit_EnrolmentIsAccess(t *testing.T) {
	audited(t, func(w *world, c *clerk) {
		w.Consent(Consent{Kind: ConsentSubscribe, User: jid(bob)})
		synctest.Wait()
		w.Consent(Consent{Kind: ConsentSubscribed, User: jid(bob)})
		synctest.Wait()
		w.Consent(Consent{Kind: ConsentUnsubscribed, User: jid(bob)})
		c.expect(t, bob+" enable "+bob+" by contact !", bob+" consent "+bob+" by contact !", bob+" disable "+bob+" by contact !")
		w.apply(alice, Erase{})
		c.expect(t, alice+" erase "+alice+" by other !")
	})
}

// TestAudit_RulesThatGoWithAContact names S2.5: nobody asked for it, and the trail
// says so.
func TestAudit_RulesThatGoWithAContact(t *testing.T) {
	audited(t, func(w *world, c *clerk) {
		w.apply(alice, PutRule{privacy.Rule{Container: 400, Type: privacy.RuleUser, Value: bob}})
		c.take()
		w.out.mu.Lock()
		w.out.rosters[alice] = w.out.rosters[alice][1:]
		w.out.mu.Unlock()
		time.Sleep(2 * time.Minute) // the roster is read again
		w.device(alice+"/desk", Device{})
		time.Sleep(2 * time.Minute)
		c.expect(t, " contact-gone "+alice+" by daemon user bob@example.org 400>- !")
	})
}

// TestAudit_CellsAndPublishingAreAccess: who changes a cell of S3's table, or has her
// server tell all her contacts what she does, changes who sees what.
func TestAudit_CellsAndPublishingAreAccess(t *testing.T) {
	audited(t, func(w *world, c *clerk) {
		w.open()
		w.apply(alice, userRuleIn(fred, presence.Colleagues))
		c.take()
		for _, choice := range []CellChoice{CellShown, CellHidden, CellHidden, CellByTable} {
			w.apply(alice, SetCell{Container: 200, Category: "homePhone", Choice: choice})
		}
		w.apply(alice, SetPublishing{On: true})
		w.apply(alice, SetPublishing{On: false})
		own := func(rest string) string { return alice + " " + rest + " by other" }
		c.expect(t,
			own("cell "+alice)+" [shows homePhone to 200] !",
			own("cell "+alice)+" [hides homePhone from 200] !",
			own("cell "+alice)+" [hides homePhone from 200] [nothing changed] !",
			own("cell "+alice)+" [homePhone by the table in 200] !",
			own("publish-switch "+alice)+" [on] !",
			own("publish-switch "+alice)+" [off] !")
	})
}
