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
	"presenced/roster"
)

// album is a server that keeps rosters, with the component's rights to them.
type album struct {
	w      *world
	refuse error // of every addition
	forget bool  // additions are acknowledged and not kept
	dead   bool  // nothing is answered
	log    []string
}

const carolsMirror = `carol\40example.org@presence.example.org`

func (a *album) MirrorOf(user presence.Addr) string {
	return presence.Escape(user.String()) + "@presence.example.org"
}

func (a *album) Mirrored(contact presence.Addr) (presence.Addr, bool) {
	if contact.Domain() != "presence.example.org" || contact.Local() == "" {
		return presence.Addr{}, false
	}
	return presence.MustAddr(contact.Local()), true
}

func (a *album) WriteContacts(user presence.Addr, bare string, steps []ContactStep) {
	a.w.out.mu.Lock()
	var err error
	for _, s := range steps {
		a.log = append(a.log, "roster of "+bare+": "+told(s))
		switch {
		case a.refuse != nil && !s.Remove:
			err = a.refuse
		case a.forget:
		default:
			a.put(bare, s)
		}
	}
	dead := a.dead
	a.w.out.mu.Unlock()
	if !dead {
		a.w.ContactsWritten(user, err)
	}
}

func (a *album) put(bare string, s ContactStep) {
	mirror := presence.MustAddr(s.Mirror)
	list := slices.DeleteFunc(slices.Clone(a.w.out.rosters[bare]), func(c presence.Contact) bool { return c.Addr == mirror })
	if !s.Remove {
		list = append(list, presence.Contact{Addr: mirror, Name: s.Name, Subscription: presence.SubTo, Groups: []string{s.Group}})
	}
	a.w.out.rosters[bare] = list
}

func (a *album) SuggestContacts(bare, text string, steps []ContactStep) {
	a.w.out.mu.Lock()
	defer a.w.out.mu.Unlock()
	for _, s := range steps {
		a.log = append(a.log, "suggested to "+bare+": "+told(s))
	}
}

func told(s ContactStep) string {
	if s.Remove {
		return "- " + s.Mirror
	}
	return strings.TrimRight(fmt.Sprintf("+ %s %s %s", s.Mirror, s.Group, s.Name), " ")
}

// did returns what was done since the last call.
func (a *album) did() []string {
	synctest.Wait()
	a.w.out.mu.Lock()
	defer a.w.out.mu.Unlock()
	out := a.log
	a.log = nil
	return out
}

func (a *album) want(when string, want ...string) {
	a.w.Helper()
	if got := a.did(); !slices.Equal(got, want) {
		a.w.Fatalf("%s: done\n  %s\nwant\n  %s", when, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// has reports whether a mirror is in bob's roster.
func (a *album) has(mirror string) bool {
	synctest.Wait()
	a.w.out.mu.Lock()
	defer a.w.out.mu.Unlock()
	return slices.ContainsFunc(a.w.out.rosters[bob], func(c presence.Contact) bool { return c.Addr == presence.MustAddr(mirror) })
}

// provisioned runs a story with mirrors offered; alice is enrolled and has bob among
// her contacts.
func provisioned(t *testing.T, store *memory, story func(w *world, a *album), before ...func(a *album)) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, store)
		defer w.Stop(context.Background())
		a := &album{w: w}
		w.opt.Contacts = a
		w.host.Sets = true
		w.provisioning(true)
		w.out.rosters[bob] = []presence.Contact{
			{Addr: presence.MustAddr(alice), Name: "Ali", Subscription: presence.SubBoth},
			{Addr: presence.MustAddr("nobody@example.org"), Subscription: presence.SubBoth},
			{Addr: presence.MustAddr(fred), Subscription: presence.SubBoth},
			{Addr: presence.MustAddr(boss), Subscription: presence.SubFrom},
		}
		w.out.rosters[alice] = []presence.Contact{ // they see her, she does not see them
			{Addr: presence.MustAddr(bob), Subscription: presence.SubFrom}, {Addr: presence.MustAddr(boss), Subscription: presence.SubFrom},
		}
		w.out.rosters[carol] = nil
		w.out.rosters[boss] = nil
		for _, f := range before {
			f(a)
		}
		w.attach()
		w.apply(alice, Enable{})
		w.apply(boss, Enable{})
		story(w, a)
	})
}

func (w *world) provisioning(on bool) {
	rules := *w.rules()
	rules.Provisioning = on
	w.Reload(&rules)
	synctest.Wait()
}

// arrives enrols bob and brings him online.
func (w *world) arrives() {
	w.apply(bob, Enable{})
	w.device(bob+"/desk", Device{})
	w.device(alice+"/desk", Device{Show: presence.ShowDND})
	synctest.Wait()
}

const (
	added     = "roster of bob@example.org: + " + mirror + " Presence Ali"
	removed   = "roster of bob@example.org: - " + mirror
	suggested = "suggested to bob@example.org: + " + mirror + " Presence"
)

// TestProvision_WhoAdmitsHer and is a contact of a served host whose presence she gets
// is put into her roster, and shows at once; nobody else.
func TestProvision_WhoAdmitsHer(t *testing.T) {
	provisioned(t, newMemory(), func(w *world, a *album) {
		w.out.take()
		w.arrives()
		a.want("at his login", added)
		got := w.out.take()
		if !slices.Contains(got, to(bob, "subscribed")) || got[len(got)-1] != to(bob, "6900 urgent-interruptions-only en") && got[len(got)-1] != to(bob, "9500 en") {
			t.Errorf("he was told %q", got)
		}
		time.Sleep(10 * time.Minute)
		a.want("later")
	})
}

// TestProvision_WhenTheOperatorWants and not otherwise.
func TestProvision_WhenTheOperatorWants(t *testing.T) {
	provisioned(t, newMemory(), func(w *world, a *album) {
		w.provisioning(false)
		w.arrives()
		time.Sleep(5 * time.Minute)
		a.want("turned off")
		w.provisioning(true)
		time.Sleep(2 * time.Minute)
		a.want("turned on", added)
		w.provisioning(false)
		w.apply(bob, Disable{})
		a.want("his leaving after it was turned off")
	})
}

// TestProvision_LaterEnrolment: a contact who enrols later comes at the next reading.
func TestProvision_LaterEnrolment(t *testing.T) {
	provisioned(t, newMemory(), func(w *world, a *album) {
		w.set(func() {
			w.out.rosters[bob] = append(w.out.rosters[bob], presence.Contact{Addr: presence.MustAddr(carol), Subscription: presence.SubTo})
		})
		w.arrives()
		a.want("at his login", added)
		w.apply(carol, Enable{})
		time.Sleep(3 * time.Minute)
		a.want("after she enrolled", "roster of bob@example.org: + "+carolsMirror+" Presence")
	})
}

// TestProvision_NeverAgain: what he took out of his roster stays out, whoever put it
// there, also after a restart, and after he left and came back.
func TestProvision_NeverAgain(t *testing.T) {
	store := newMemory()
	provisioned(t, store, func(w *world, a *album) {
		own := presence.Contact{Addr: presence.MustAddr(carolsMirror), Subscription: presence.SubTo}
		w.set(func() {
			w.out.rosters[bob] = append(w.out.rosters[bob], presence.Contact{Addr: presence.MustAddr(carol), Subscription: presence.SubTo}, own)
		})
		w.apply(carol, Enable{})
		w.arrives()
		a.want("at his login", added)
		w.set(func() {
			w.out.rosters[bob] = slices.DeleteFunc(w.out.rosters[bob], func(c presence.Contact) bool { return c.Addr.Domain() == "presence.example.org" })
		})
		w.mirrorEvent(MirrorUnsubscribe, bob)
		time.Sleep(3 * time.Minute)
		a.want("after he removed both")
		w.apply(bob, Disable{})
		w.apply(bob, Enable{})
		time.Sleep(3 * time.Minute)
		a.want("after he came back")
	})
	provisioned(t, store, func(w *world, a *album) {
		w.arrives()
		time.Sleep(3 * time.Minute)
		a.want("after a restart")
	})
}

// TestProvision_I2 names I2: what he is offered does not tell a hidden contact from
// one who is not, nor one he would have to ask from one who does not exist.
func TestProvision_I2(t *testing.T) {
	play := func(t *testing.T, before func(w *world)) (out []string) {
		provisioned(t, newMemory(), func(w *world, a *album) {
			before(w)
			w.arrives()
			time.Sleep(5 * time.Minute)
			out = a.did()
		})
		return out
	}
	admitted := play(t, func(*world) {})
	if len(admitted) != 1 {
		t.Fatalf("he is offered %q", admitted)
	}
	for name, hide := range map[string]func(w *world){
		"blocked": func(w *world) { w.apply(alice, Block{JID: bob}) },
		"walled": func(w *world) {
			rules := *w.rules()
			rules.Walls = []Wall{{Users: []presence.Addr{presence.MustAddr(alice)}, HiddenFrom: []string{bob}}}
			w.Reload(&rules)
		},
		"appears offline": func(w *world) { w.apply(alice, SetState{Availability: presence.Offline}) },
	} {
		if got := play(t, hide); !slices.Equal(got, admitted) {
			t.Errorf("%s: offered %q, want %q", name, got, admitted)
		}
	}
	unknown := play(t, func(w *world) { w.apply(alice, Erase{}) })
	asked := play(t, func(w *world) {
		w.set(func() { w.out.rosters[alice] = w.out.rosters[alice][1:] })
		w.apply(alice, SetPrivacyMode{On: true})
	})
	if len(unknown)+len(asked) != 0 {
		t.Errorf("offered %q of nobody, %q of somebody he would have to ask", unknown, asked)
	}
}

// TestProvision_WhereRostersAreNotWritten the contacts are suggested, once: where the
// server does not grant it, refuses it, or acknowledges and forgets.
func TestProvision_WhereRostersAreNotWritten(t *testing.T) {
	for name, server := range map[string]func(w *world, a *album){
		"not granted": func(w *world, _ *album) { w.host.Sets = false; w.HostReady(w.host) },
		"refused":     func(_ *world, a *album) { a.refuse = errors.New("internal-server-error") },
		"forgotten":   func(_ *world, a *album) { a.forget = true },
	} {
		t.Run(name, func(t *testing.T) {
			provisioned(t, newMemory(), func(w *world, a *album) {
				server(w, a)
				w.arrives()
				time.Sleep(5 * time.Minute)
				got := a.did()
				if n := len(got); n == 0 || !strings.HasPrefix(got[n-1], suggested) || strings.Count(strings.Join(got, "\n"), "suggested") != 1 {
					t.Errorf("done: %q", got)
				}
				if standing := w.standing(bob); standing == roster.Accepted {
					t.Error("he watches without having agreed")
				}
				w.apply(bob, Disable{})
				a.want("when he leaves")
			})
		})
	}
}

// TestProvision_SelfTest: one contact of one user is written first, then the others.
func TestProvision_SelfTest(t *testing.T) {
	provisioned(t, newMemory(), func(w *world, a *album) {
		for i := range 3 {
			user := fmt.Sprintf("c%d@example.org", i)
			w.set(func() {
				w.out.rosters[bob] = append(w.out.rosters[bob], presence.Contact{Addr: presence.MustAddr(user), Subscription: presence.SubTo})
				w.out.rosters[user] = nil
			})
			w.apply(user, Enable{})
		}
		w.set(func() { a.dead = true })
		w.arrives()
		if got := a.did(); len(got) != 1 {
			t.Fatalf("before it is known to work: %q", got)
		}
		time.Sleep(90 * time.Second)
		a.want("while nothing is answered")
		w.set(func() { a.dead = false })
		w.ContactsWritten(presence.MustAddr(bob), nil)
		time.Sleep(2 * time.Minute)
		if got := a.did(); len(got) != 3 {
			t.Errorf("when it is known to work: %q", got)
		}
	})
}

// TestProvision_Leaving takes back what was put there, and its subscription with it.
func TestProvision_Leaving(t *testing.T) {
	for name, leave := range map[string]Change{"disable": Disable{}, "erase": Erase{}} {
		t.Run(name, func(t *testing.T) {
			provisioned(t, newMemory(), func(w *world, a *album) {
				w.arrives()
				a.want("at his login", added)
				if w.standing(bob) != roster.Accepted {
					t.Fatal("he does not watch her")
				}
				w.apply(bob, leave)
				a.want("when he leaves", removed)
				if a.has(mirror) || w.standing(bob) == roster.Accepted {
					t.Error("something is left of it")
				}
				if doc := w.store.docs[bob][DocProvision]; doc != nil {
					t.Errorf("stored is %s", doc)
				}
				w.apply(bob, Enable{})
				time.Sleep(2 * time.Minute)
				w.device(bob+"/desk", Device{})
				a.want("when he comes back", added)
			})
		})
	}
}

// TestProvision_CrashBeforeTheAnswer: what was being written then is looked for after
// the next attach, and not written twice.
func TestProvision_CrashBeforeTheAnswer(t *testing.T) {
	store := newMemory()
	provisioned(t, store, func(w *world, a *album) {
		a.dead = true
		w.arrives()
		a.want("at his login", added)
	})
	provisioned(t, store, func(w *world, a *album) {
		w.arrives()
		a.want("after the restart")
		if w.standing(bob) != roster.Accepted {
			t.Error("he has the contact and does not watch her")
		}
	}, func(a *album) { a.put(bob, ContactStep{Mirror: mirror, Name: "Ali", Group: "Presence"}) })
}

// standing is how alice's mirror stands to somebody.
func (w *world) standing(watcher string) roster.Standing {
	synctest.Wait()
	s := w.shardOf(presence.MustAddr(alice))
	got, _ := call(context.Background(), s, func(time.Time) roster.Standing {
		if u := s.users[presence.MustAddr(alice)]; u != nil {
			return u.set.subs.Standing(presence.MustAddr(watcher))
		}
		return roster.None
	})
	return got
}

// TestProvision_ImportKeepsWhatWasOffered: it tells of the roster here, and is of no
// use elsewhere.
func TestProvision_ImportKeepsWhatWasOffered(t *testing.T) {
	provisioned(t, newMemory(), func(w *world, a *album) {
		w.arrives()
		a.want("at his login", added)
		docs := w.saved(bob)
		if docs[DocProvision] != nil {
			t.Errorf("exported is %s", docs[DocProvision])
		}
		docs[DocNote] = []byte(`{"v":1,"text":"moved"}`)
		if _, err := w.imports(bob, Import{Docs: docs, Replace: true}); err != nil {
			t.Fatal(err)
		}
		if w.store.docs[bob][DocProvision] == nil {
			t.Error("nothing is known any more of what was offered")
		}
		time.Sleep(3 * time.Minute)
		a.want("after the import")
		w.apply(bob, Disable{})
		a.want("when he leaves", removed)
	})
}

// TestProvision_AFewAtOnce: a site that turns it on does not write all rosters at once,
// and who is erased meanwhile gives the place back.
func TestProvision_AFewAtOnce(t *testing.T) {
	provisioned(t, newMemory(), func(w *world, a *album) {
		w.arrives()
		a.want("the test", added)
		w.set(func() { a.dead = true })
		user := func(i int) string { return fmt.Sprintf("u%d@example.org", i) }
		for i := range 2 * maxOffering {
			w.set(func() {
				w.out.rosters[user(i)] = []presence.Contact{{Addr: presence.MustAddr(alice), Subscription: presence.SubTo}}
			})
			w.apply(user(i), Enable{})
			w.device(user(i)+"/desk", Device{})
		}
		time.Sleep(2 * time.Minute)
		under := a.did()
		if len(under) != maxOffering {
			t.Fatalf("on their way is %q, want that of %d users", under, maxOffering)
		}
		w.set(func() { a.dead = false })
		for i := range 2 * maxOffering {
			if strings.HasPrefix(under[3], "roster of "+user(i)+":") {
				w.apply(user(i), Erase{})
			} else {
				w.ContactsWritten(presence.MustAddr(user(i)), nil)
			}
		}
		a.did()
		time.Sleep(5 * time.Minute)
		if n := len(a.did()); n != maxOffering {
			t.Errorf("then those of %d, want the other %d", n, maxOffering)
		}
	})
}
