package engine

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

const carol = "carol@example.org"

var root = Principal{Operator: true}

// policies returns the test's rules with a wide global policy and named ones, each
// made from it by a change.
func policies(t testing.TB, named map[string]func(*privacy.Operator)) *Rules {
	r := testRules(t)
	wide := &r.System.Operator
	wide.LastActive, wide.Photo, wide.Links.Intranet = privacy.LastActiveExact, privacy.PhotoAll, []string{"intranet.example"}
	for name, change := range named {
		p := Policy{Operator: *wide, Users: map[presence.Addr]bool{}}
		p.Operator.Name = name
		change(&p.Operator)
		r.Policies = append(r.Policies, p)
	}
	slices.SortFunc(r.Policies, func(a, b Policy) int { return strings.Compare(a.Operator.Name, b.Operator.Name) })
	return r
}

func narrow(o *privacy.Operator) { *o = *o.Narrowest(o.Name) }

func (w *world) grant(policy, user, group string, on bool) Result {
	w.Helper()
	g := PolicyGrant{Policy: policy, Group: group}
	if user != "" {
		g.User = jid(user)
	}
	res, err := w.GrantPolicy(context.Background(), root, g, on)
	if err != nil {
		w.Fatalf("grant %+v: %v", g, err)
	}
	return res
}

// held is the policy that holds for a user, as her settings tell.
func (w *world) held(user string) string {
	w.Helper()
	in, err := w.Inspect(context.Background(), root, presence.MustAddr(user))
	if err != nil {
		w.Fatal(err)
	}
	if in.Policy == nil {
		return ""
	}
	return in.Policy.Name + " " + string(in.Policy.Source)
}

func TestS9_UserGrantThenGroupGrantThenConfiguration(t *testing.T) {
	live(t, func(w *world) {
		named := map[string]func(*privacy.Operator){}
		for _, n := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			named[n] = narrow
		}
		r := policies(t, named)
		r.Groups = func(a presence.Addr) []string {
			if a == presence.MustAddr(alice) {
				return []string{"Sales", "Staff"}
			}
			return nil
		}
		r.Policies[6].Groups = []string{"Staff"}                     // g
		r.Policies[5].Groups = []string{"Staff", "Board"}            // f
		r.Policies[4].Users[presence.MustAddr(alice)] = true         // e
		r.Policies[3].Users[presence.MustAddr("x@y.example")] = true // d
		w.Reload(r)
		synctest.Wait()
		for _, step := range []struct {
			policy, user, group string
			want                string
		}{
			{"", "", "", "e config-user"},
			{"d", "", "Board", "e config-user"}, // she is not in it
			{"d", "", "Staff", "d grant-group"},
			{"c", "", "Sales", "c grant-group"},
			{"b", alice, "", "b grant-user"},
			{"a", "", "Sales", "b grant-user"},
			{"c", alice, "", "b grant-user"}, // the first by name
			{"a", alice, "", "a grant-user"},
		} {
			if step.policy != "" {
				w.grant(step.policy, step.user, step.group, true)
			}
			if got := w.held(alice); got != step.want {
				t.Errorf("after %+v %q holds, want %q", step, got, step.want)
			}
		}
		for _, step := range []struct{ policy, user, group, want string }{
			{"a", alice, "", "b grant-user"}, {"b", alice, "", "c grant-user"}, {"c", alice, "", "a grant-group"},
			{"a", "", "Sales", "c grant-group"}, {"c", "", "Sales", "d grant-group"}, {"d", "", "Staff", "e config-user"},
		} {
			w.grant(step.policy, step.user, step.group, false)
			if got := w.held(alice); got != step.want {
				t.Errorf("after revoking %+v %q holds, want %q", step, got, step.want)
			}
		}
		next := *r
		next.Policies = slices.Clone(r.Policies)
		next.Policies[4].Users = nil
		w.Reload(&next)
		synctest.Wait()
		if got := w.held(alice); got != "f config-group" {
			t.Errorf("by her groups %q holds, want the first by name", got)
		}
		next.Groups = nil
		w.Reload(&next)
		synctest.Wait()
		if got := w.held(alice); got != "" {
			t.Errorf("%q holds, and nothing tells who is in a group", got)
		}
	})
}

// TestS9_RosterGroupsAreNotTheOperators: what a user writes into her own roster lifts
// and lowers nothing.
func TestS9_RosterGroupsAreNotTheOperators(t *testing.T) {
	live(t, func(w *world) {
		w.out.rosters[alice] = append(w.out.rosters[alice], contactOf(alice, "Sales"))
		w.Reload(policies(t, map[string]func(*privacy.Operator){"a": narrow}))
		w.device(alice+"/desk", Device{})
		if res := w.grant("a", "", "Sales", true); !slices.Equal(res.Advice, []Advice{AdviceNoGroups}) {
			t.Errorf("advice %q, want that nothing tells who is in a group", res.Advice)
		}
		if got := w.held(alice); got != "" {
			t.Errorf("%q holds for alice", got)
		}
	})
}

// cellOf is what the explanation says of one category for bob.
func (w *world) cellOf(user, category string) (cell string, shown bool) {
	w.Helper()
	e, err := w.Explain(context.Background(), root, presence.MustAddr(user), presence.MustAddr(bob))
	if err != nil {
		w.Fatal(err)
	}
	for _, c := range e.Categories {
		if c.Name == category {
			return c.Cell, c.Shown
		}
	}
	w.Fatalf("no category %q", category)
	return "", false
}

// two runs a story with alice and carol in the same state, a named policy for alice.
func two(t *testing.T, change func(*privacy.Operator), story func(w *world)) {
	live(t, func(w *world) {
		w.out.rosters[carol] = w.out.rosters[alice]
		w.apply(carol, Enable{})
		w.Reload(policies(t, map[string]func(*privacy.Operator){"named": change}))
		for _, user := range []string{alice, carol} {
			w.device(user+"/desk", Device{IdleSince: time.Now().Add(-25*time.Minute - 7*time.Second)})
			s := w.shardOf(presence.MustAddr(user))
			if _, ok := call(context.Background(), s, func(time.Time) struct{} {
				p := &presence.Profile{PhotoSource: presence.UserPhoto}
				p.Text[presence.FieldPhoto] = "beef"
				s.users[presence.MustAddr(user)].person.Profile = p
				return struct{}{}
			}); !ok {
				t.Fatal("no answer")
			}
		}
		synctest.Wait()
		w.grant("named", alice, "", true)
		w.out.take()
		story(w)
	})
}

func (w *world) ofUser(user string) presence.View {
	return w.Look(context.Background(), Principal{Addr: presence.MustAddr(bob), JID: bob}, []presence.Addr{presence.MustAddr(user)})[0]
}

func TestS9_LastActivePerUser(t *testing.T) {
	for _, c := range []struct {
		mode  privacy.LastActiveMode
		grain time.Duration
		want  func(exact time.Time) time.Time
		cell  string
	}{
		{privacy.LastActiveOff, time.Hour, func(time.Time) time.Time { return time.Time{} }, `S9 last_active = off by policy "named": withheld`},
		{privacy.LastActiveCoarse, time.Hour, func(e time.Time) time.Time { return e.Truncate(time.Hour) }, `, S9 last_active = coarse by policy "named": granted`},
		{privacy.LastActiveCoarse, 10 * time.Minute, func(e time.Time) time.Time { return e.Truncate(10 * time.Minute) }, `, S9 last_active = coarse by policy "named": granted`},
	} {
		two(t, func(o *privacy.Operator) { o.LastActive, o.Granularity = c.mode, c.grain }, func(w *world) {
			exact := w.ofUser(carol).LastActive
			if exact.IsZero() || !exact.Equal(time.Now().Add(-25*time.Minute-7*time.Second).Truncate(time.Second)) {
				t.Fatalf("carol was last active %v", exact)
			}
			if got := w.ofUser(alice).LastActive; !got.Equal(c.want(exact)) {
				t.Errorf("%v, %v: alice was last active %v, want %v", c.mode, c.grain, got, c.want(exact))
			}
			cell, shown := w.cellOf(alice, "lastActive")
			if !strings.HasSuffix(cell, c.cell) || shown != !c.want(exact).IsZero() {
				t.Errorf("%v: the cell says %q, shown %v", c.mode, cell, shown)
			}
			e, err := w.Explain(context.Background(), root, presence.MustAddr(alice), presence.MustAddr(bob))
			if _, told := e.Projection.Fields["lastActive"]; err != nil || told != shown {
				t.Errorf("%v: the explained projection has %v", c.mode, e.Projection.Fields)
			}
			if cell, _ := w.cellOf(carol, "lastActive"); !strings.HasSuffix(cell, "S3 lastActive, Colleagues (200): granted") {
				t.Errorf("carol's cell names a policy: %q", cell)
			}
		})
	}
}

// TestS9_LastActiveOffIsNotKept: nothing is remembered of a user whose own policy is
// off, and what was is forgotten when it becomes so.
func TestS9_LastActiveOffIsNotKept(t *testing.T) {
	kept := func(w *world, user string) (at time.Time) {
		s := w.shardOf(presence.MustAddr(user))
		at, _ = call(context.Background(), s, func(time.Time) time.Time { return s.users[presence.MustAddr(user)].person.LastActiveAt })
		return at
	}
	two(t, narrow, func(w *world) {
		w.device(alice+"/desk", Device{Gone: true})
		w.device(carol+"/desk", Device{Gone: true})
		synctest.Wait()
		if at := kept(w, alice); !at.IsZero() {
			t.Errorf("of alice %v is kept", at)
		}
		if kept(w, carol).IsZero() {
			t.Error("of carol nothing is kept, so this tests nothing")
		}
		w.grant("named", carol, "", true)
		if at := kept(w, carol); !at.IsZero() {
			t.Errorf("of carol %v is still kept", at)
		}
	})
}

func TestS9_PhotoPerUser(t *testing.T) {
	for mode, want := range map[privacy.PhotoMode]string{privacy.PhotoNone: "", privacy.PhotoDirectory: "", privacy.PhotoAll: "beef"} {
		two(t, func(o *privacy.Operator) { o.Photo = mode }, func(w *world) {
			if a, c := w.ofUser(alice).Text[presence.FieldPhoto], w.ofUser(carol).Text[presence.FieldPhoto]; a != want || c != "beef" {
				t.Errorf("%v: alice's photo %q, want %q; carol's %q", mode, a, want, c)
			}
			if cell, shown := w.cellOf(alice, "photo"); !strings.Contains(cell, `by policy "named"`) || shown != (want != "") {
				t.Errorf("%v: %q", mode, cell)
			}
		})
	}
}

// textPaths are the ways a text of a user's own reaches watchers; each sets it and
// returns whether that was refused.
var textPaths = map[string]func(w *world, user, text string) error{
	"note": func(w *world, user, text string) error {
		_, err := w.Apply(context.Background(), Principal{Addr: presence.MustAddr(user)}, jid(user), SetNote{text})
		return err
	},
	"out of office": func(w *world, user, text string) error {
		_, err := w.Apply(context.Background(), Principal{Addr: presence.MustAddr(user)}, jid(user), SetOutOfOffice{&presence.OutOfOffice{Note: text}})
		return err
	},
	"import": func(w *world, user, text string) error {
		docs := map[string][]byte{
			DocEnrol: encode(enrolDoc{V: docVersion, JID: user, Enabled: true}), DocNote: encode(noteDoc{V: docVersion, Text: text}),
		}
		_, err := w.Apply(context.Background(), root, jid(user), Import{Docs: docs, Replace: true})
		return err
	},
	"location": func(w *world, user, text string) error {
		_, err := w.Apply(context.Background(), Principal{Addr: presence.MustAddr(user)}, jid(user), SetProfile{Profile{Location: text}})
		return err
	},
	"profile import": func(w *world, user, text string) error {
		docs := map[string][]byte{
			DocEnrol: encode(enrolDoc{V: docVersion, JID: user, Enabled: true}), DocProfile: encode(profileDoc{V: docVersion, Profile: Profile{Location: text}}),
		}
		_, err := w.Apply(context.Background(), root, jid(user), Import{Docs: docs, Replace: true})
		return err
	},
	"automatic reply": func(w *world, user, text string) error {
		w.CalendarRead(presence.MustAddr(user), groupware, CalendarReading{
			FetchedAt: time.Now(), Reach: time.Now().Add(48 * time.Hour), Away: &presence.OutOfOffice{Start: time.Now().Add(-time.Hour), Note: text},
		})
		return nil
	},
	"status of a device": func(w *world, user, text string) error {
		w.device(user+"/desk", Device{Status: text})
		return nil
	},
}

func shownText(v *presence.View) string {
	return v.Text[presence.FieldNotePersonal] + v.Text[presence.FieldNoteOOF] + v.Text[presence.FieldLocation]
}

func TestS9_LinksPerUserOnEveryPath(t *testing.T) {
	const link, inside, file = "see http://x.example/a", "see http://intranet.example/a", "see http://x.example/a.exe"
	for _, c := range []struct {
		name    string
		change  func(*privacy.Operator)
		text    string
		shown   string // of alice; carol's is always the text
		refused bool
	}{
		{"warn", func(*privacy.Operator) {}, link, link, false},
		{"neutralise", func(o *privacy.Operator) { o.Links.Mode = privacy.LinksNeutralise }, link, "see _http://x.example/a", false},
		{"block", func(o *privacy.Operator) { o.Links.Mode = privacy.LinksBlock }, link, "", true},
		{"block, intranet", func(o *privacy.Operator) { o.Links.Mode = privacy.LinksBlock }, inside, inside, false},
		{"block, no intranet", narrow, inside, "", true},
		{"file_extensions", func(o *privacy.Operator) { o.Links.Extensions = []string{"exe"} }, file, "", true},
	} {
		for path, set := range textPaths {
			two(t, c.change, func(w *world) {
				for _, user := range []string{alice, carol} {
					err := set(w, user, c.text)
					refused := user == alice && c.refused && path != "status of a device" && path != "automatic reply" // nobody is there to be told
					if k, is := KindOf(err); is != refused || is && k != Invalid {
						t.Errorf("%s, %s of %s: %v, want refused %v", c.name, path, user, err, refused)
					}
				}
				synctest.Wait()
				a, b := w.ofUser(alice), w.ofUser(carol)
				if shownText(&a) != c.shown || shownText(&b) != c.text {
					t.Errorf("%s, %s: alice's is %q, want %q; carol's %q", c.name, path, shownText(&a), c.shown, shownText(&b))
				}
			})
			two(t, func(*privacy.Operator) {}, func(w *world) { // it was set before the policy came
				if err := set(w, alice, c.text); err != nil {
					t.Fatal(err)
				}
				w.Reload(policies(t, map[string]func(*privacy.Operator){"named": c.change}))
				synctest.Wait()
				if v := w.ofUser(alice); shownText(&v) != c.shown {
					t.Errorf("%s, %s, under a policy that came later: %q, want %q", c.name, path, shownText(&v), c.shown)
				}
			})
		}
	}
}

// TestS9_AGrantReachesWatchersAtOnce and nobody whose view it does not change (I1).
func TestS9_AGrantReachesWatchersAtOnce(t *testing.T) {
	live(t, func(w *world) {
		w.Reload(policies(t, map[string]func(*privacy.Operator){"strict": narrow, "same": func(*privacy.Operator) {}}))
		w.watch(bob, fred)
		w.device(alice+"/desk", Device{})
		w.expect(to(bob, "3500 en"), to(fred, "3500 en"))
		w.apply(alice, SetNote{"see http://x.example"})
		w.expect(to(bob, "3500 see http://x.example en"))
		time.Sleep(20 * time.Second) // S10's pace has nothing to hold back
		w.grant("strict", alice, "", true)
		w.expect(to(bob, "3500 en"))
		w.grant("same", alice, "", true)
		w.expect(to(bob, "3500 see http://x.example en"))
		w.grant("same", alice, "", false)
		w.expect(to(bob, "3500 en"))
		w.grant("strict", alice, "", false)
		w.expect(to(bob, "3500 see http://x.example en"))
	})
}
