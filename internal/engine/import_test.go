package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"presenced/internal/presence"
	"presenced/privacy"
)

// saved are a user's documents as Export gives them.
func (w *world) saved(user string) map[string][]byte {
	w.Helper()
	s, err := w.ExportUser(context.Background(), presence.MustAddr(user))
	if err != nil {
		w.Fatal(err)
	}
	return s.Docs
}

func (w *world) imports(user string, c Import) (Result, error) {
	return w.Apply(context.Background(), Principal{Operator: true}, jid(user), c)
}

// furnished gives alice one of everything: bob and the boss watch, fred is
// blocked, zed has asked.
func furnished(t *testing.T) map[string][]byte {
	w := build(t, newMemory())
	defer w.Stop(context.Background())
	w.attach()
	w.apply(alice, Enable{})
	w.watch(bob, boss, fred, zed)
	w.apply(alice, Block{fred})
	w.apply(alice, PutRule{privacy.Rule{Container: 300, Type: privacy.RuleGroup, Value: "Team"}})
	w.apply(alice, SetNote{Text: "Room 412"})
	w.apply(alice, SetCell{Container: 100, Category: "location", Choice: CellShown})
	w.apply(alice, SetState{Availability: 6500})
	w.apply(alice, SetProfile{hers})
	w.apply(alice, SetOutOfOffice{Period: &presence.OutOfOffice{Start: time.Now().Add(time.Hour), Note: "Back Monday"}})
	return w.saved(alice)
}

func TestImport_IntoAnEmptyStoreShowsEveryWatcherWhatTheRulesAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := furnished(t)
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.attach()
		if _, err := w.imports(alice, Import{Docs: docs}); err != nil {
			t.Fatal(err)
		}
		w.expect("peek "+alice, to(bob, "18500 en"), to(boss, "18500 en"), to(fred, "18500 en"))
		w.device(alice+"/desk", Device{})
		w.expect(to(bob, "6500 Room 412 en"), to(boss, "6500 Room 412 en"))
		if diff := cmp.Diff(readable(docs), readable(w.saved(alice))); diff != "" {
			t.Errorf("exported again (-first +second):\n%s", diff)
		}
		if diff := cmp.Diff(readable(docs), w.store.settings()[alice]); diff != "" {
			t.Errorf("stored (-exported +stored):\n%s", diff)
		}
		i, err := w.Inspect(context.Background(), Principal{Operator: true}, presence.MustAddr(alice))
		if err != nil || len(i.Watchers) != 3 || len(i.Requests) != 1 || i.OutOfOffice.Note != "Back Monday" || i.Profile != hers {
			t.Errorf("%+v, %v", i, err)
		}
		if v := w.view(bob); v.Text[presence.FieldLocation] != hers.Location {
			t.Errorf("bob sees the location %q", v.Text[presence.FieldLocation])
		}
	})
}

func TestImport_BeforeTheLinkIsThereWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := furnished(t)
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		if _, err := w.imports(alice, Import{Docs: docs}); err != nil {
			t.Fatal(err)
		}
		w.expect()
		w.Attached(time.Now())
		w.HostReady(w.host)
		w.device(alice+"/desk", Device{})
		synctest.Wait()
		w.HostSynced(w.host.Name)
		w.expect("settle example.org", to(bob, "6500 Room 412 en"), to(boss, "6500 Room 412 en"), to(fred, "18500 en"))
	})
}

func TestImport_OverOtherSettingsNeedsReplace(t *testing.T) {
	live(t, func(w *world) {
		docs := furnished(t)
		w.watch(bob, fred, boss)
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.apply(alice, SetNote{Text: "mine"})
		w.apply(alice, PutRule{privacy.Rule{Container: 400, Type: privacy.RuleUser, Value: zed}})
		w.watch(zed)
		before := w.export()
		for _, c := range []Import{{Docs: docs}, {Docs: docs, Check: true}} {
			if _, err := w.imports(alice, c); err == nil || !strings.Contains(err.Error(), "--replace") {
				t.Errorf("without: %v", err)
			}
		}
		if r, err := w.imports(alice, Import{Docs: w.saved(alice)}); err != nil || fmt.Sprint(r.Advice) != "[nothing]" {
			t.Errorf("the same again: %v, %v", r, err)
		}
		if _, err := w.imports(alice, Import{Docs: docs, Replace: true, Check: true}); err != nil {
			t.Errorf("only looking: %v", err)
		}
		w.store.fail = ErrRefused
		if _, err := w.imports(alice, Import{Docs: docs, Replace: true}); !errors.Is(err, ErrRefused) {
			t.Errorf("with a full disk: %v", err)
		}
		w.store.fail = nil
		w.expect()
		if diff := cmp.Diff(before, w.export()); diff != "" {
			t.Errorf("changed although refused:\n%s", diff)
		}
		if _, err := w.imports(alice, Import{Docs: docs, Replace: true}); err != nil {
			t.Fatal(err)
		}
		// zed watched and no longer does; fred is blocked now.
		w.expect(to(bob, "6500 Room 412 en"), to(boss, "6500 Room 412 en"), to(fred, "18500 en"),
			to(zed, "18500 en"), to(zed, "unsubscribed"))
	})
}

func TestImport_OfSomebodyDisabledHidesHerAndLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.host = Host{Name: "example.org", Consent: true}
		w.attach()
		w.apply(alice, Enable{})
		w.apply(alice, Disable{})
		docs := w.saved(alice)
		w.apply(alice, Enable{})
		w.Consent(Consent{Kind: ConsentSubscribed, User: jid(alice)})
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.expect(to(bob, "3500 en"))
		if _, err := w.imports(alice, Import{Docs: docs, Replace: true}); err != nil {
			t.Fatal(err)
		}
		w.expect(to(bob, "18500 en"), to(bob, "unsubscribed"), "leave "+alice)
		if w.Known(presence.MustAddr(alice)) {
			t.Error("her presence still counts")
		}
	})
}

func TestImport_AsksForConsentWhereItIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := furnished(t)
		delete(docs, DocRules) // one names a group, and no roster can be read here
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.host = Host{Name: "example.org", Consent: true}
		w.attach()
		r, err := w.imports(alice, Import{Docs: docs})
		if err != nil || fmt.Sprint(r.Advice) != "[consent]" {
			t.Fatalf("%v, %v", r, err)
		}
		if r, err := w.imports(alice, Import{Docs: docs}); err != nil || fmt.Sprint(r.Advice) != "[nothing]" {
			t.Errorf("again, now that she is asked: %v, %v", r, err)
		}
		w.expect("ask "+alice, to(bob, "18500 en"), to(boss, "18500 en"), to(fred, "18500 en"))
		docs[DocRules] = furnished(t)[DocRules]
		if _, err := w.imports(alice, Import{Docs: docs, Replace: true}); err == nil || !strings.Contains(err.Error(), "roster") {
			t.Errorf("a rule that can never match: %v", err)
		}
	})
}

func TestImport_WatcherInAnotherSpelling(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		docs := w.saved(alice)
		docs[DocSubs] = []byte(strings.ReplaceAll(string(docs[DocSubs]), `alice\\40example.org@`, "alice@"))
		w.device(alice+"/desk", Device{})
		w.out.take()
		if _, err := w.imports(alice, Import{Docs: docs, Replace: true}); err != nil {
			t.Fatal(err)
		}
		w.expect(to(bob, "18500 en"), bob+" <- alice@presence.example.org: 3500 en")
	})
}

// refusals are documents laid over good ones; a document "-" is left out.
var refusals = []struct{ name, doc, field, says string }{
	{"enrol", "-", DocEnrol, "missing"},
	{"enrol", `{"v":1,"jid":"bob@example.org","enabled":true}`, DocEnrol, "bob@example.org"},
	{"enrol", `{"v":1,"jid":"alice@example.org/desk","enabled":true}`, DocEnrol, "without a resource"},
	{"enrol", `{"v":1,"jid":"alice@example.org","enabled":true,"consent":"perhaps"}`, DocEnrol, "perhaps"},
	{"enrol", `{"v":1,"jid":"alice@example.org","enabled":"yes"}`, DocEnrol, "correct it"},
	{"enrol", `null`, DocEnrol, "no version"},
	{"audit", `{"v":1}`, "audit", "presenced that wrote it"},
	{"profile", `{"v":1,"profile":{"timezone":"Mars/Olympus"}}`, DocProfile, "Europe/Berlin"},
	{"profile", `{"v":1,"profile":{"hours":"nine to five"}}`, DocProfile, "Mo-Fr"},
	{"profile", `{"v":1,"profile":{"shoe_size":"42"}}`, DocProfile, "shoe_size"},
	{"", `{"v":1}`, "", "presenced that wrote it"},
	{"rules", `{"v":2,"rules":[],"new":1}`, DocRules, "newer version"},
	{"rules", `{"rules":[]}`, DocRules, "no version"},
	{"rules", `{"v":1,"rules":[],"privacy-mode":true}`, DocRules, "privacy-mode"},
	{"rules", `{"v":1,"rules":[]} {}`, DocRules, "invalid character"},
	{"rules", `{"v":1,"rules":[`, DocRules, "correct it"},
	{"rules", `{"v":1,"rules":[{"container":777,"type":"user","value":"bob@example.org"}]}`, DocRules, "777"},
	{"rules", `{"v":1,"rules":[{"container":200,"type":"user","value":"x@presence.example.org"}]}`, DocRules, "own domain"},
	{"rules", `{"v":1,"rules":[{"container":200,"type":"friend"}]}`, DocRules, "unknown type"},
	{"rules", `{"v":1,"rules":[` + strings.Repeat(`{"container":200,"type":"sameEnterprise"},`, 4096) + `{"container":200,"type":"federated"}]}`, DocRules, "4096"},
	{"cells", `{"v":1,"cells":[{"container":200,"category":"shoeSize","shown":false}]}`, DocCells, "shoeSize"},
	{"cells", `{"v":1,"cells":[{"container":0,"category":"location","shown":true}]}`, DocCells, "container 0"},
	{"cells", `{"v":1,"cells":[{"container":200,"category":"location","shown":true},{"container":200,"category":"location","shown":false}]}`, DocCells, "two things"},
	{"cells", `{"v":1,"cells":[` + strings.Repeat(`{"container":200,"category":"location","shown":true},`, 1024) + `{"container":200,"category":"photo","shown":true}]}`, DocCells, "1024"},
	{"cells", `{"v":1,"cells":[{"container":200,"category":"location","show":true}]}`, DocCells, "show"},
	{"note", `{"v":1,"text":"` + strings.Repeat("x", 257) + `"}`, DocNote, "256"},
	{"note", `{"v":1,"text":"\u0001"}`, DocNote, "control"},
	{"manual", `{"v":1,"manual":{"availability":1,"set_at":"2026-11-22T15:00:00Z"}}`, DocManual, "availability"},
	{"manual", `{"v":1,"manual":{"availability":6500}}`, DocManual, "set_at"},
	{"manual", `{"v":1,"manual":{"availability":6500,"activity":"sleeping","set_at":"2026-11-22T15:00:00Z"}}`, DocManual, "sleeping"},
	{"oof", `{"v":1,"period":{"start":"2026-11-22T15:00:00Z","end":"2026-11-22T15:00:00Z"}}`, DocOOF, "end after it"},
	{"oof", `{"v":1,"period":{"start":"2026-11-22T15:00:00Z","note":"` + strings.Repeat("x", 257) + `"}}`, DocOOF, "256"},
	{"subs", `{"v":1,"subs":[{"jid":"bob@example.org","mirror":"alice@presence.elsewhere.org","standing":"accepted"}]}`, DocSubs, "another component domain"},
	{"subs", `{"v":1,"subs":[{"jid":"bob@example.org","mirror":"bob@presence.example.org","standing":"accepted"}]}`, DocSubs, "not a mirror of alice@example.org"},
	{"subs", `{"v":1,"subs":[{"jid":"bob@example.org","mirror":"","standing":"accepted"}]}`, DocSubs, "not a mirror"},
	{"subs", `{"v":1,"subs":[{"jid":"bob@example.org/desk","mirror":"alice@presence.example.org","standing":"accepted"}]}`, DocSubs, "bob@example.org/desk"},
	{"subs", `{"v":1,"subs":[{"jid":"b\u0000b@example.org","mirror":"alice@presence.example.org","standing":"accepted"}]}`, DocSubs, "not the address"},
	{"subs", `{"v":1,"subs":[{"jid":"x@presence.example.org","mirror":"alice@presence.example.org","standing":"accepted"}]}`, DocSubs, "own domain"},
	{"subs", `{"v":1,"subs":[{"jid":"bob@example.org","mirror":"alice@presence.example.org","standing":"none"}]}`, DocSubs, "standing"},
	{"subs", `{"v":1,"subs":[{"jid":"bob@example.org","mirror":"alice@presence.example.org","standing":"pending","asked_at":"9999-12-31T23:59:59-01:00"}]}`, DocSubs, "10000"},
	{"subs", `{"v":1,"subs":[` + many(201, "pending") + `]}`, DocSubs, "limits.requests"},
	{"subs", `{"v":1,"subs":[` + many(1001, "accepted") + `]}`, DocSubs, "limits.watchers"},
}

func many(n int, standing string) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"jid":"w%d@example.org","mirror":"alice@presence.example.org","standing":%q}`, i, standing))
	}
	return strings.Join(all, ",")
}

func TestImport_RefusesWhatTheCommandsWould(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := furnished(t)
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.attach()
		for _, c := range refusals {
			bad := maps.Clone(docs)
			if bad[c.name] = []byte(c.doc); c.doc == "-" {
				delete(bad, c.name)
			}
			_, err := w.imports(alice, Import{Docs: bad, Replace: true})
			r, ok := errors.AsType[*RefusedError](err)
			if !ok || r.Field != c.field || !strings.Contains(r.Reason, c.says) || !strings.Contains(r.Reason, c.name) {
				t.Errorf("%s %.120s:\n  %+v\n  want field %q and %q", c.name, c.doc, err, c.field, c.says)
			}
		}
		for _, c := range []struct {
			who  Principal
			user string
		}{{Principal{Addr: presence.MustAddr(alice)}, alice}, {Principal{Operator: true}, fred}, {Principal{Operator: true}, "example.org"}} {
			if _, err := w.Apply(context.Background(), c.who, jid(c.user), Import{Docs: docs}); err == nil {
				t.Errorf("%+v imported %s", c.who, c.user)
			} else if k, _ := KindOf(err); k != NotAllowed {
				t.Errorf("%+v: %v", c.who, err)
			}
		}
		w.expect()
		if len(w.store.settings()) != 0 || len(w.users()) != 0 {
			t.Errorf("left behind: %v, %v", w.store.settings(), w.users())
		}
	})
}

func (w *world) users() []UserSummary {
	all, err := w.Users(context.Background(), Principal{Operator: true})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// TestImport_MovesEverything moves what any history has left to another engine.
func TestImport_MovesEverything(t *testing.T) {
	bubble(t, func(t *testing.T, r *rapid.T) {
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.attach()
		for range rapid.IntRange(1, 40).Draw(r, "changes") {
			drawChange(r, w)
		}
		next := build(t, newMemory())
		defer next.Stop(context.Background())
		next.out.rosters = w.out.rosters
		next.attach()
		for user := range w.export() {
			if _, err := next.imports(user, Import{Docs: w.saved(user)}); err != nil {
				r.Fatalf("%s: %v", user, err)
			}
		}
		synctest.Wait()
		if diff := cmp.Diff(w.export(), next.export()); diff != "" {
			r.Fatalf("(-here +there):\n%s", diff)
		}
		for user := range w.export() {
			w.device(user+"/desk", Device{Show: presence.ShowAway})
			next.device(user+"/desk", Device{Show: presence.ShowAway})
		}
		synctest.Wait()
		for _, watcher := range []string{alice, bob, boss, fred, zed} {
			asker := Principal{Addr: presence.MustAddr(watcher)}
			for user := range w.export() {
				of := []presence.Addr{presence.MustAddr(user)}
				here, there := w.Look(context.Background(), asker, of)[0], next.Look(context.Background(), asker, of)[0]
				if here.Container != there.Container || here.Availability != there.Availability || here.Text != there.Text {
					r.Fatalf("%s sees %+v of %s here and %+v there", watcher, here, user, there)
				}
			}
		}
	})
}

// TestImport_EveryWatcherConverges exchanges alice's settings for earlier ones
// while she is watched: each watcher is told at most once, and the truth.
func TestImport_EveryWatcherConverges(t *testing.T) {
	bubble(t, func(t *testing.T, r *rapid.T) {
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.attach()
		w.apply(alice, Enable{})
		w.device(alice+"/desk", Device{})
		play := func() {
			for range rapid.IntRange(1, 20).Draw(r, "changes") {
				drawChange(r, w)
			}
			w.store.fail = nil
			_, _ = w.imports(alice, Import{Docs: map[string][]byte{DocEnrol: []byte(`{"v":1,"jid":"alice@example.org","enabled":true}`)}})
		}
		play()
		docs := w.saved(alice)
		play()
		time.Sleep(time.Minute) // what was held back has left
		shown := w.hear(map[string]string{}, nil)
		times, before := map[string]int{}, w.watchers()
		if _, err := w.imports(alice, Import{Docs: docs, Replace: true}); err != nil {
			r.Fatal(err)
		}
		w.hear(shown, times)
		accepted := w.watchers()
		for _, watcher := range []string{alice, bob, boss, fred, zed} {
			if !accepted[watcher] && !before[watcher] {
				continue // not concerned: at most answered when she asked
			}
			want := "18500 en"
			v := w.Look(context.Background(), Principal{Addr: presence.MustAddr(watcher)}, []presence.Addr{presence.MustAddr(alice)})[0]
			if accepted[watcher] {
				want = strings.Join(strings.Fields(string(w.out.Render(nil, &v, "en"))), " ")
			}
			got := strings.TrimSuffix(strings.TrimSuffix(shown[watcher], "de"), "en") + "en"
			if shown[watcher] != "" && got != want || times[watcher] > 1 || shown[watcher] == "" && want != "18500 en" {
				r.Fatalf("%s was shown %q last, %d times by the import, and the truth is %q (accepted: %v)",
					watcher, shown[watcher], times[watcher], want, accepted[watcher])
			}
		}
	})
}

// watchers are those who are subscribed to alice's mirror.
func (w *world) watchers() map[string]bool {
	out := map[string]bool{}
	if i, err := w.Inspect(context.Background(), Principal{Operator: true}, presence.MustAddr(alice)); err == nil {
		for _, watcher := range i.Watchers {
			out[watcher.JID] = true
		}
	}
	return out
}

// hear reads what has left into the last line shown to each watcher of alice.
func (w *world) hear(shown map[string]string, times map[string]int) map[string]string {
	for _, line := range w.out.take() {
		who, what, ok := strings.Cut(line, " <- "+mirror+": ")
		if !ok || what == "subscribed" || what == "unsubscribed" {
			continue
		}
		shown[who] = what
		if times != nil {
			times[who]++
		}
	}
	return shown
}

// FuzzImport: nothing handed in breaks the reader, and what it accepts it would
// accept again unchanged.
func FuzzImport(f *testing.F) {
	for _, c := range refusals {
		if len(c.doc) < 4096 {
			f.Add(c.name, []byte(c.doc))
		}
	}
	f.Add(DocSubs, []byte(`{"v":1,"subs":[{"jid":"Bob@example.org","mirror":"alice@Presence.example.org","standing":"pending","lang":"de-AT","asked_at":"2026-11-22T15:00:00+01:00"}]}`))
	f.Add(DocRules, []byte(`{"v":1,"rules":[{"container":200,"type":"user","value":"BOB@example.org"}]}`))
	e, err := New(Options{
		Domain: "presence.example.org", Hosts: []string{"example.org"}, Language: "en", Store: newMemory(),
		Sender: &quietSender{}, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Shards: 1,
	}, testRules(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string, doc []byte) {
		docs := map[string][]byte{DocEnrol: []byte(`{"v":1,"jid":"alice@example.org","enabled":true}`)}
		docs[name] = doc
		first, err := e.readImport(Principal{Operator: true}, jid(alice), docs)
		if err != nil {
			return
		}
		second, err := e.readImport(Principal{Operator: true}, jid(alice), first.docs)
		if err != nil {
			t.Fatalf("accepted %q, but not what came of it: %v", doc, err)
		}
		if diff := cmp.Diff(readable(first.docs), readable(second.docs)); diff != "" {
			t.Fatalf("%q is not stable:\n%s", doc, diff)
		}
	})
}
