package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// server is what a scripted server keeps of alice's blocking.
type server struct {
	lists Lists
	fail  error
	asked int
	last  bool // whether she counted as online
}

// withLists runs a story on a host whose lists can be read.
func withLists(t *testing.T, story func(w *world, s *server)) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{lists: Lists{Block: &privacy.BlockList{JIDs: []string{}}}}
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.reads(s)
		w.attach()
		w.apply(alice, Enable{})
		w.out.take()
		story(w, s)
	})
}

// reads lets the world's host answer for its lists.
func (w *world) reads(s *server) {
	w.host.Block, w.host.Privacy = true, true
	w.out.lists = func(_ string, online bool) (Lists, error) {
		w.out.mu.Lock()
		defer w.out.mu.Unlock()
		s.asked, s.last = s.asked+1, online
		lists := s.lists
		if !online {
			lists.Default, lists.Others = nil, nil
		}
		return lists, s.fail
	}
}

func (w *world) set(change func()) {
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	change()
}

func denies(value string) privacy.List {
	it := privacy.Item{Order: "1", Action: "deny", Stanzas: []string{"presence-out"}}
	if value != "" {
		it.Type, it.Value = "jid", value
	}
	return privacy.List{Items: []privacy.Item{it}}
}

// TestS8_1_BlockListIsAVeto: whom the server blocks is hidden within the time of a
// refresh, and shown again when she is unblocked.
func TestS8_1_BlockListIsAVeto(t *testing.T) {
	withLists(t, func(w *world, s *server) {
		w.watch(bob, boss)
		w.device(alice+"/desk", Device{})
		w.expect(to(bob, "3500 en"), to(boss, "3500 en"))
		w.set(func() { s.lists.Block = &privacy.BlockList{JIDs: []string{bob}} })
		time.Sleep(time.Minute + time.Second)
		w.expect(to(bob, "18500 en"))
		w.set(func() { s.lists.Block = &privacy.BlockList{JIDs: []string{}} })
		time.Sleep(time.Minute + time.Second)
		w.expect(to(bob, "3500 en"))
		w.set(func() { s.lists.Block = &privacy.BlockList{JIDs: []string{"presence.example.org"}} })
		time.Sleep(time.Minute + time.Second)
		w.expect(to(bob, "18500 en"), to(boss, "18500 en")) // an entry for the component hides from everybody
	})
}

// TestS8_2_DefaultListIsRead while she is online.
func TestS8_2_DefaultListIsRead(t *testing.T) {
	withLists(t, func(w *world, s *server) {
		w.set(func() { l := denies(bob); s.lists.Default = &l })
		w.watch(bob, boss)
		w.device(alice+"/desk", Device{})
		w.expect(to(boss, "3500 en"))
		if !s.last {
			t.Error("she was read as if she were offline")
		}
	})
}

// TestS8_3_SuspectedActiveListHidesFromAll: a list that denies everybody, and is
// not the default one, may be active.
func TestS8_3_SuspectedActiveListHidesFromAll(t *testing.T) {
	withLists(t, func(w *world, s *server) {
		w.set(func() { s.lists.Others = []privacy.List{denies(fred)} })
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.expect(to(bob, "3500 en"))
		w.set(func() { s.lists.Others = []privacy.List{denies(fred), denies("")} })
		time.Sleep(time.Minute + time.Second)
		w.expect(to(bob, "18500 en"))
		own := w.Look(context.Background(), Principal{Addr: presence.MustAddr(alice)}, []presence.Addr{presence.MustAddr(alice)})[0]
		if own.Availability != presence.Available {
			t.Errorf("alice sees herself at %d", own.Availability)
		}
	})
}

// TestS8_5_NothingBeforeTheListsAreRead: neither at the first login nor at one
// whose privacy lists were not read because she was offline.
func TestS8_5_NothingBeforeTheListsAreRead(t *testing.T) {
	withLists(t, func(w *world, s *server) {
		w.watch(bob)
		read := w.out.lists
		w.set(func() { w.out.lists = nil })
		w.device(alice+"/desk", Device{})
		w.mirrorEvent(MirrorProbe, bob+"/x")
		w.expect()
		w.set(func() { w.out.lists = read })
		w.ListsRead(presence.MustAddr(alice), Lists{Block: &privacy.BlockList{JIDs: []string{boss}}}, nil)
		w.expect(to(bob, "3500 en"), bob+"/x <- "+mirror+": 3500 en")
	})
}

// TestS8_5_UnreadableListsFailClosed, with an alarm, until they can be read.
func TestS8_5_UnreadableListsFailClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{fail: errors.New("internal-server-error")}
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.reads(s)
		w.attach()
		w.apply(alice, Enable{})
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.expect()
		w.set(func() { s.fail = nil })
		time.Sleep(2*rosterRetry + time.Second)
		w.expect(to(bob, "3500 en"))
		w.set(func() { s.fail = errors.New("gone") })
		time.Sleep(time.Hour)
		w.expect() // what was read stays in force
		time.Sleep(24 * time.Hour)
		w.expect(to(bob, "18500 en")) // until it is too old (S11)
	})
}

// TestS8_5_MalformedListsFailClosed: one item nobody understands hides from all.
func TestS8_5_MalformedListsFailClosed(t *testing.T) {
	withLists(t, func(w *world, s *server) {
		w.set(func() {
			l := denies(fred)
			l.Items = append(l.Items, privacy.Item{Order: "1", Action: "allow"})
			s.lists.Default = &l
		})
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.expect()
	})
}

// TestS11_ListsOnceReadStayInForce: over a restart whose server does not offer them
// any more, and for a session that has not been read yet.
func TestS11_ListsOnceReadStayInForce(t *testing.T) {
	withLists(t, func(w *world, s *server) {
		w.set(func() { l := denies(bob); s.lists.Default = &l })
		w.watch(bob, boss)
		w.device(alice+"/desk", Device{})
		w.expect(to(boss, "3500 en"))
		w.Stop(context.Background())

		w2 := build(t, w.store)
		defer w2.Stop(context.Background())
		w2.attach()
		w2.device(alice+"/desk", Device{Show: presence.ShowDND})
		w2.expect(to(boss, "9500 en"))
	})
}

// TestS11_RequireServesNobodyWithoutLists but herself; auto does.
func TestS11_RequireServesNobodyWithoutLists(t *testing.T) {
	live(t, func(w *world) {
		rules := *w.rules()
		rules.RequireLists = true
		w.Reload(&rules)
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.expect(to(bob, "3500 en")) // a server without any lists hides none
		w.host.Hidden = true
		w.HostReady(w.host)
		w.expect("settle example.org", to(bob, "18500 en"))
	})
}

// source is a ListReader beside the stream.
type source struct{ read func(user presence.Addr) }

func (s *source) ReadLists(user presence.Addr, _ string, _ bool) { s.read(user) }

// TestS11_SourceBesideTheStream stands in for what the stream does not offer.
func TestS11_SourceBesideTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		rules := *w.rules()
		rules.RequireLists = true
		l := denies(bob)
		rules.ListSources = map[string]ListReader{"example.org": &source{func(user presence.Addr) {
			w.ListsRead(user, Lists{Default: &l}, nil)
		}}}
		w.Reload(&rules)
		w.host.Hidden = true
		w.attach()
		w.apply(alice, Enable{})
		w.watch(bob, boss)
		w.device(alice+"/desk", Device{})
		w.expect(to(boss, "3500 en"))
	})
}

// TestS8_8_ReadAgainBeforeAnybodyIsShown: what changed while the daemon, or she, was
// away counts from the first presence on.
func TestS8_8_ReadAgainBeforeAnybodyIsShown(t *testing.T) {
	withLists(t, func(w *world, s *server) {
		w.watch(bob, boss)
		w.device(alice+"/desk", Device{})
		w.expect(to(bob, "3500 en"), to(boss, "3500 en"))
		w.device(alice+"/desk", Device{Gone: true})
		w.expect(to(bob, "18500 en"), to(boss, "18500 en"))
		w.set(func() { s.lists.Block = &privacy.BlockList{JIDs: []string{bob}} })
		w.device(alice+"/desk", Device{}) // another session
		w.expect(to(boss, "3500 en"))

		w.Detached(time.Now())
		w.set(func() { s.lists.Block = &privacy.BlockList{JIDs: []string{boss}} })
		w.Attached(time.Now())
		w.HostReady(w.host)
		w.device(alice+"/desk", Device{})
		w.HostSynced(w.host.Name)
		// she is offline to bob by what was read last, and told so without a wait (I1).
		w.expect("settle example.org", to(bob, "18500 en"), to(bob, "3500 en"), to(boss, "18500 en"))
	})
}
