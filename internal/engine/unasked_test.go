package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// TestAudit_ALevelForAWhileEnds: the clock ends it, and what counts again is told.
func TestAudit_ALevelForAWhileEnds(t *testing.T) {
	audited(t, func(w *world, c *clerk) {
		w.apply(alice, userRuleIn(bob, 300))
		w.apply(alice, SetLevel{Rule: userRule(bob, 400), Until: hours(1)})
		w.apply(alice, SetLevel{Rule: userRule(fred, 200), Until: hours(2)})
		c.take()
		time.Sleep(59 * time.Minute)
		c.expect(t)
		time.Sleep(2 * time.Minute)
		c.expect(t, " level-ended "+alice+" by clock user bob@example.org 400>300 !")
		time.Sleep(time.Hour)
		c.expect(t, " level-ended "+alice+" by clock user fred@partner.example 200>- !")
		time.Sleep(24 * time.Hour)
		w.apply(alice, SetPrivacyMode{On: true})
		c.expect(t, alice+" privacy-mode "+alice+" by other [on] !")
	})
}

// TestAudit_ALevelThatEndedIsToldOnce, whatever else happens at the very moment, and
// though the store takes nothing.
func TestAudit_ALevelThatEndedIsToldOnce(t *testing.T) {
	audited(t, func(w *world, c *clerk) {
		w.apply(alice, SetLevel{Rule: userRule(bob, 400), Until: hours(1)})
		w.apply(alice, SetLevel{Rule: userRule(fred, 200), Until: hours(2)})
		c.take()
		s := w.shardOf(presence.MustAddr(alice))
		w.set(func() { w.store.fail = context.Canceled })
		time.Sleep(time.Hour - time.Millisecond)
		s.box.must(func(time.Time) {
			time.Sleep(2 * time.Millisecond)
			s.users[presence.MustAddr(alice)].recompile() // as any change would
		})
		synctest.Wait()
		time.Sleep(2 * time.Hour)
		c.expect(t, " level-ended "+alice+" by clock user bob@example.org 400>- !", " level-ended "+alice+" by clock user fred@partner.example 200>- !")
	})
}

// TestAudit_ALevelEndsWhileNobodyLooks is told at the next start, once.
func TestAudit_ALevelEndsWhileNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		w.attach()
		w.apply(alice, Enable{})
		w.apply(alice, SetLevel{Rule: userRule(bob, 400), Until: hours(1)})
		w.Stop(context.Background())
		time.Sleep(2 * time.Hour)
		for _, want := range [][]string{{" level-ended " + alice + " by clock user bob@example.org 400>- !"}, nil} {
			again, c := build(t, w.store), &clerk{}
			again.SetAuditor(c)
			again.attach()
			time.Sleep(time.Hour)
			c.expect(t, want...)
			again.Stop(context.Background())
		}
	})
}

// TestAudit_ProvisioningWritesRosters and says so: neither he nor she did it.
func TestAudit_ProvisioningWritesRosters(t *testing.T) {
	provisioned(t, newMemory(), func(w *world, a *album) {
		c := &clerk{}
		w.SetAuditor(c)
		w.arrives()
		c.expect(t, bob+" enable "+bob+" by other !", " contact-put "+bob+" by provisioning ["+alice+"] !",
			bob+" subscribe "+alice+" by provisioning [accepted]")
		w.apply(bob, Disable{})
		c.expect(t, " contact-taken "+bob+" by provisioning ["+alice+"] !", bob+" disable "+bob+" by other !")
	})
	provisioned(t, newMemory(), func(w *world, a *album) {
		a.forget = true
		c := &clerk{}
		w.SetAuditor(c)
		w.arrives()
		c.expect(t, bob+" enable "+bob+" by other !", " contact-put "+bob+" by provisioning ["+alice+"] [failed] !")
	})
}

// TestAudit_WhoIsErasedIsNotNamedByProvisioning, though it takes back what it gave.
func TestAudit_WhoIsErasedIsNotNamedByProvisioning(t *testing.T) {
	provisioned(t, newMemory(), func(w *world, a *album) {
		w.arrives()
		c := &clerk{}
		w.SetAuditor(c)
		w.apply(bob, Erase{})
		c.expect(t, bob+" erase "+bob+" by other !")
	})
}

// TestAudit_ListsOfTheServer: whoever changed them, it was not here.
func TestAudit_ListsOfTheServer(t *testing.T) {
	withLists(t, func(w *world, s *server) {
		c := &clerk{}
		w.SetAuditor(c)
		w.device(alice+"/desk", Device{})
		read := func(change func()) {
			w.set(change)
			time.Sleep(time.Minute + time.Second)
			synctest.Wait()
		}
		read(func() { s.lists.Block = &privacy.BlockList{JIDs: []string{"Bob@Example.org", fred}} })
		c.expect(t, " server-lists "+alice+" by server-lists server-block bob@example.org ->32000 server-block fred@partner.example ->32000 !")
		read(func() { s.lists.Block = &privacy.BlockList{JIDs: []string{fred, bob}} }) // the same in another order
		c.expect(t)
		read(func() { s.lists.Block = &privacy.BlockList{JIDs: []string{fred}} })
		c.expect(t, " server-lists "+alice+" by server-lists server-block bob@example.org 32000>- !")
		read(func() { l := denies(bob); s.lists.Default = &l })
		c.expect(t, " server-lists "+alice+" by server-lists [default privacy list] !")
		read(func() { s.lists.Others = []privacy.List{denies(fred)} }) // counts for nobody
		c.expect(t)
		read(func() { s.lists.Others = []privacy.List{denies("")} })
		c.expect(t, " server-lists "+alice+" by server-lists [another privacy list that hides from everybody] !")
		read(func() { s.lists.Block = &privacy.BlockList{Broken: "no jid"} })
		c.expect(t, " server-lists "+alice+" by server-lists [block list that cannot be read] !")
	})
}

// TestAudit_EgressItems are the component's, and no change of hers.
func TestAudit_EgressItems(t *testing.T) {
	withEgress(t, newMemory(), func(w *world, k *keeper) {
		k.owns("2")
		w.apply(alice, Enable{})
		c := &clerk{}
		w.SetAuditor(c)
		w.device(alice+"/phone", Device{})
		time.Sleep(3 * time.Minute)
		c.expect(t, " server-lists "+alice+" by server-lists [default privacy list] !", " lists-written "+alice+" by egress !")
		w.managed(false)
		c.expect(t, " lists-written "+alice+" by egress !")
		time.Sleep(3 * time.Minute)
		c.expect(t)
		w.apply(alice, Erase{})
		time.Sleep(3 * time.Minute)
		c.expect(t, alice+" erase "+alice+" by other !")
	})
}
