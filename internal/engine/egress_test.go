package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// keeper is a server that keeps one user's lists as Prosody does: only while she is
// online, and a default list only where the server is said to take it.
type keeper struct {
	w        *world
	lists    map[string][]privacy.Item
	standard string
	strict   bool // no default list while a session uses the default (XEP-0016 §2.5)
	dead     bool // nothing is answered, whatever was done
	log      []string
}

var errRefused = errors.New("internal-server-error")

func (k *keeper) read(_ string, online bool) (Lists, error) {
	k.w.out.mu.Lock()
	defer k.w.out.mu.Unlock()
	out := Lists{Block: &privacy.BlockList{JIDs: []string{}}}
	if !online {
		return out, nil
	}
	for name, items := range k.lists {
		l := privacy.List{Name: name, Items: slices.Clone(items)}
		if name == k.standard {
			out.Default = &l
		} else {
			out.Others = append(out.Others, l)
		}
	}
	return out, nil
}

// WriteLists makes each step whole, or refuses it.
func (k *keeper) WriteLists(user presence.Addr, _ string, steps []ListStep) {
	k.w.out.mu.Lock()
	var err error
	for i := range steps {
		if err = k.step(&steps[i]); err != nil {
			break
		}
	}
	dead := k.dead
	k.w.out.mu.Unlock()
	if !dead {
		k.w.ListsWritten(user, err)
	}
}

func (k *keeper) step(s *ListStep) error {
	k.log = append(k.log, fmt.Sprintf("%d %s%s", s.Verb, s.Name, s.List.Name))
	switch {
	case s.Verb == PutList:
		k.lists[s.List.Name] = s.List.Items
	case s.Verb == DefaultList && k.strict, s.Verb == RemoveList && s.Name == k.standard:
		return errRefused
	case s.Verb == DefaultList:
		k.standard = s.Name
	case s.Verb == RemoveList:
		delete(k.lists, s.Name)
	}
	return nil
}

// tell is what the server keeps, in short.
func (k *keeper) tell() string {
	synctest.Wait()
	k.w.out.mu.Lock()
	defer k.w.out.mu.Unlock()
	names := make([]string, 0, len(k.lists))
	for name, items := range k.lists {
		var b strings.Builder
		b.WriteString(name)
		if name == k.standard {
			b.WriteByte('*')
		}
		for _, it := range items {
			b.WriteString(" " + strings.TrimSpace(it.Order+":"+it.Action+" "+it.Type+" "+it.Value))
		}
		names = append(names, b.String())
	}
	slices.Sort(names)
	return strings.Join(names, "; ")
}

const (
	egressItems = "1:allow jid presence.example.org 2:deny subscription both 3:deny subscription from"
	ownItem     = "deny jid mallory@example.org"
)

// withEgress runs a story on a host that lets lists be written.
func withEgress(t *testing.T, store *memory, story func(w *world, k *keeper)) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, store)
		defer w.Stop(context.Background())
		k := &keeper{w: w, lists: map[string][]privacy.Item{}}
		w.keeps(k)
		story(w, k)
	})
}

// keeps lets the world's host take lists.
func (w *world) keeps(k *keeper) {
	k.w = w
	w.host.Block, w.host.Privacy, w.host.Writes, w.host.Spares = true, true, true, true
	w.opt.ListWriter = k
	w.out.lists = k.read
	w.managed(true)
	w.attach()
}

func (w *world) managed(on bool) {
	rules := *w.rules()
	rules.Egress = on
	w.Reload(&rules)
	synctest.Wait()
}

func (k *keeper) owns(order string) {
	k.w.set(func() {
		k.standard = "work"
		k.lists["work"] = []privacy.Item{{Order: order, Action: "deny", Type: "jid", Value: "mallory@example.org"}}
	})
}

func (k *keeper) want(t *testing.T, when, want string) {
	t.Helper()
	if got := k.tell(); got != want {
		t.Fatalf("%s the server keeps\n  %q, want\n  %q\nsteps: %q", when, got, want, k.log)
	}
}

// TestS8_7_ComposedIntoHerDefaultList, seen by watchers as her own list alone, and
// taken out as it was when she leaves.
func TestS8_7_ComposedIntoHerDefaultList(t *testing.T) {
	withEgress(t, newMemory(), func(w *world, k *keeper) {
		k.owns("2")
		w.apply(alice, Enable{})
		w.watch(bob)
		k.want(w.T, "offline", "work* 2:"+ownItem)
		w.device(alice+"/desk", Device{})
		k.want(w.T, "online", "work* "+egressItems+" 4:"+ownItem)
		w.expect(to(bob, "3500 en")) // a native contact: her own items alone count (S8.2)
		time.Sleep(2 * time.Minute)
		if n := len(k.log); n != 1 {
			t.Errorf("%d steps, want one: %q", n, k.log)
		}
		w.apply(alice, Disable{})
		k.want(w.T, "after disable", "work* 2:"+ownItem)
		if _, kept := w.store.docs[alice][DocEgress]; kept {
			t.Error("it is still noted that the list holds items")
		}
	})
}

// TestS8_7_ListOfItsOwn where she has none; it goes with the operator's will.
func TestS8_7_ListOfItsOwn(t *testing.T) {
	withEgress(t, newMemory(), func(w *world, k *keeper) {
		w.apply(alice, Enable{})
		w.device(alice+"/desk", Device{})
		k.want(w.T, "online", "presenced* "+egressItems)
		w.managed(false)
		k.want(w.T, "after the reload", "")
		w.managed(true)
		k.want(w.T, "after another", "presenced* "+egressItems)
		w.set(func() { // she makes one of hers the default
			k.standard = "work"
			k.lists["work"] = []privacy.Item{{Order: "9", Action: "deny", Type: "jid", Value: "mallory@example.org"}}
		})
		time.Sleep(2 * time.Minute)
		k.want(w.T, "after her choice", "work* 1:allow jid presence.example.org 2:deny subscription both 3:deny subscription from 9:"+ownItem)
	})
}

// TestS8_7_ServerThatSetsNoDefault leaves the list ready, tries no more than every
// ten minutes, and when it is to go leaves what denies nothing.
func TestS8_7_ServerThatSetsNoDefault(t *testing.T) {
	withEgress(t, newMemory(), func(w *world, k *keeper) {
		k.strict = true
		w.apply(alice, Enable{})
		w.device(alice+"/desk", Device{})
		k.want(w.T, "refused", "presenced "+egressItems)
		time.Sleep(5 * time.Minute)
		if len(k.log) != 2 {
			t.Errorf("tried again and again: %q", k.log)
		}
		reports, err := w.RawReports(context.Background(), Principal{Operator: true})
		if err != nil || reports[0].Refused != 1 || reports[0].Closed != 0 || reports[0].Reached != 1 || reports[0].Contacts != 3 {
			t.Errorf("reported: %+v, %v", reports, err)
		}
		w.set(func() { k.strict = false })
		w.device(alice+"/desk", Device{Gone: true})
		w.device(alice+"/desk", Device{})
		k.want(w.T, "at her next login", "presenced* "+egressItems)
		reports, _ = w.RawReports(context.Background(), Principal{Operator: true})
		if r := reports[0]; r.Refused != 0 || r.Closed != 1 || r.Reached != 0 || r.Users != 1 {
			t.Errorf("reported: %+v", r)
		}
		w.set(func() { k.strict = true })
		w.managed(false)
		k.want(w.T, "when it is to go", "presenced* 1:allow")
	})
}

// TestS8_7_LeftWhileOffline: who leaves offline is cleaned up at her next login, even
// when everything else of her was erased and the daemon restarted meanwhile.
func TestS8_7_LeftWhileOffline(t *testing.T) {
	for name, leave := range map[string]Change{"disable": Disable{}, "erase": Erase{}} {
		t.Run(name, func(t *testing.T) {
			store, k := newMemory(), &keeper{}
			withEgress(t, store, func(w *world, first *keeper) {
				*k = *first
				w.keeps(k)
				k.owns("5")
				w.apply(alice, Enable{})
				w.device(alice+"/desk", Device{})
				k.want(w.T, "online", "work* 1:allow jid presence.example.org 2:deny subscription both 3:deny subscription from 5:"+ownItem)
				w.device(alice+"/desk", Device{Gone: true})
				w.apply(alice, leave)
				k.want(w.T, "after she left", "work* 1:allow jid presence.example.org 2:deny subscription both 3:deny subscription from 5:"+ownItem)
			})
			synctest.Test(t, func(t *testing.T) {
				w := build(t, store)
				defer w.Stop(context.Background())
				w.keeps(k)
				if !w.Known(presence.MustAddr(alice)) {
					t.Fatal("her presence would not be heard")
				}
				w.device(alice+"/desk", Device{})
				k.want(w.T, "at her next login", "work* 5:"+ownItem)
				if w.Known(presence.MustAddr(alice)) {
					t.Error("her presence goes on being heard")
				}
				if docs := store.docs[alice]; name == "erase" && len(docs) > 0 {
					t.Errorf("still stored of her: %v", docs)
				}
			})
		})
	}
}

// TestS8_7_CrashInTheMiddle: whatever of a change was made before the daemon died, the
// list is the old or the new one, and the next daemon finishes or undoes it.
func TestS8_7_CrashInTheMiddle(t *testing.T) {
	for _, managed := range []bool{true, false} {
		for made := range 3 { // the note alone, the list, the list and the default
			t.Run(fmt.Sprint(managed, made), func(t *testing.T) {
				store, k := newMemory(), &keeper{}
				withEgress(t, store, func(w *world, first *keeper) {
					*k = *first
					w.keeps(k)
					w.set(func() { k.dead = true })
					w.apply(alice, Enable{})
					w.device(alice+"/desk", Device{})
					k.want(w.T, "before the crash", "presenced* "+egressItems)
				})
				if k.dead = false; made < 2 {
					k.standard = ""
				}
				if made < 1 {
					k.lists = map[string][]privacy.Item{}
				}
				synctest.Test(t, func(t *testing.T) {
					w := build(t, store)
					defer w.Stop(context.Background())
					w.keeps(k)
					w.managed(managed)
					w.device(alice+"/desk", Device{})
					want := ""
					if managed {
						want = "presenced* " + egressItems
					}
					k.want(w.T, "after the restart", want)
				})
			})
		}
	}
}

// TestS8_7_UnreadableListIsLeftAlone.
func TestS8_7_UnreadableListIsLeftAlone(t *testing.T) {
	withEgress(t, newMemory(), func(w *world, k *keeper) {
		w.set(func() {
			k.standard = "odd"
			k.lists["odd"] = []privacy.Item{{Order: "1", Action: "deny", Type: "planet", Value: "earth"}}
		})
		w.apply(alice, Enable{})
		w.device(alice+"/desk", Device{})
		k.want(w.T, "online", "odd* 1:deny planet earth")
	})
}

// TestServerBlock names S8.7: her server is asked as well, and then no contact is
// told to be reached around.
func TestServerBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{lists: Lists{Block: &privacy.BlockList{JIDs: []string{}}}}
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.reads(s)
		w.host.Blocks = true
		b := &blocker{w: w, s: s}
		w.opt.ListWriter = b
		w.attach()
		w.apply(alice, Enable{})
		w.device(alice+"/desk", Device{})
		if res := w.apply(alice, Block{JID: bob}); !slices.Contains(res.Advice, AdviceNativeBlock) {
			t.Errorf("a native contact was blocked here alone: %v", res.Advice)
		}
		if res := w.apply(alice, ServerBlock{JID: boss, On: true}); len(res.Advice) > 0 {
			t.Errorf("advice %v", res.Advice)
		}
		if res := w.apply(alice, Block{JID: boss}); slices.Contains(res.Advice, AdviceNativeBlock) {
			t.Errorf("whom her server blocks is told to be reached: %v", res.Advice)
		}
		w.set(func() { b.fail = errRefused })
		if res := w.apply(alice, ServerBlock{JID: boss}); !slices.Contains(res.Advice, AdviceServerFailed) {
			t.Errorf("a refusal is not told: %v", res.Advice)
		}
		w.host.Blocks = false
		w.HostReady(w.host)
		if res := w.apply(alice, ServerBlock{JID: fred, On: true}); !slices.Contains(res.Advice, AdviceServerFailed) {
			t.Errorf("a server without the permission is not told: %v", res.Advice)
		}
	})
}

type blocker struct {
	w    *world
	s    *server
	fail error
}

func (b *blocker) WriteLists(user presence.Addr, _ string, steps []ListStep) {
	b.w.set(func() {
		if b.fail == nil && steps[0].Verb == BlockJID {
			b.s.lists.Block = &privacy.BlockList{JIDs: append(slices.Clone(b.s.lists.Block.JIDs), steps[0].Name)}
		}
	})
	b.w.ListsWritten(user, b.fail)
}

// TestSuggest_AppliedOnlyWhenPut: looking at suggestions changes nothing.
func TestSuggest_AppliedOnlyWhenPut(t *testing.T) {
	withLists(t, func(w *world, s *server) {
		w.set(func() { s.lists.Block = &privacy.BlockList{JIDs: []string{bob}} })
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		synctest.Wait()
		who := Principal{Addr: presence.MustAddr(alice), JID: alice}
		got, err := w.Suggest(context.Background(), who, presence.MustAddr(alice))
		want := []privacy.Rule{{Container: presence.Blocked, Type: privacy.RuleUser, Value: bob}}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("suggested %v, %v", got, err)
		}
		if in, _ := w.Inspect(context.Background(), who, presence.MustAddr(alice)); !slices.Equal(in.Rules, privacy.Bootstrap()) {
			t.Fatalf("rules changed by looking: %v", in.Rules)
		}
		w.apply(alice, PutRules{Rules: got})
		w.set(func() { s.lists.Block = &privacy.BlockList{JIDs: []string{}} })
		time.Sleep(time.Minute + time.Second)
		w.expect()
		if _, err := w.Suggest(context.Background(), Principal{Addr: presence.MustAddr(bob)}, presence.MustAddr(alice)); err == nil {
			t.Error("somebody else was told what her lists come to")
		}
	})
}
