package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// PublishActivity writes down what is published and answers, unless the server is
// silent.
func (w *wire) PublishActivity(user presence.Addr, bare string, a presence.Activity) {
	w.say("publish %s: %s", bare, a)
	w.mu.Lock()
	silent, wrong := w.silent, w.unpublished
	w.mu.Unlock()
	if !silent {
		w.e.ActivityPublished(user, wrong)
	}
}

var _ Publisher = (*wire)(nil)

// open has alice on a server that publishes.
func (w *world) open() {
	w.Detached(time.Now())
	w.host.Publishes = true
	w.attach()
}

// publishes compares what has been published since with the wanted tokens.
func (w *world) publishes(when string, want ...presence.Activity) {
	w.Helper()
	var got []presence.Activity
	for _, line := range w.out.take() {
		if a, ok := strings.CutPrefix(line, "publish "+alice+": "); ok {
			got = append(got, presence.Activity(a))
		}
	}
	if !slices.Equal(got, want) {
		w.Fatalf("%s: published %q, want %q", when, got, want)
	}
}

func userRuleIn(who string, c presence.ContainerID) PutRule {
	return PutRule{Rule: privacy.Rule{Container: c, Type: privacy.RuleUser, Value: who}}
}

// TestS3_PublishedIsOnlyWhatEveryContactMaySee: her server tells all her contacts, and
// so nothing is published while one of them may not see it.
func TestS3_PublishedIsOnlyWhatEveryContactMaySee(t *testing.T) {
	live(t, func(w *world) {
		w.open()
		w.device(alice+"/desk", Device{})
		_, err := w.Apply(context.Background(), Principal{Addr: presence.MustAddr(alice), JID: alice}, jid(alice), SetPublishing{On: true})
		if k, _ := KindOf(err); k != NotAllowed || !strings.Contains(err.Error(), fred) {
			t.Fatalf("with a contact who sees no activity: %v", err)
		}
		w.publishes("refused")
		w.apply(alice, userRuleIn(fred, presence.Colleagues))
		w.apply(alice, SetPublishing{On: true})
		w.publishes("begun", "")
		meeting := SetState{Availability: 6500, Activity: presence.InAMeeting}
		w.apply(alice, meeting)
		w.publishes("in a meeting", presence.InAMeeting)
		w.apply(alice, SetNote{Text: "Room 412"})
		w.publishes("a note")
		w.apply(alice, Block{JID: bob})
		w.publishes("a contact is blocked", "")
		w.apply(alice, Unblock{JID: bob})
		w.publishes("and no longer", presence.InAMeeting)
		w.out.mu.Lock()
		w.out.rosters[alice] = append(slices.Clone(w.out.rosters[alice]), presence.Contact{Addr: presence.MustAddr(zed), Subscription: presence.SubFrom})
		w.out.mu.Unlock()
		time.Sleep(2 * time.Minute)
		w.publishes("a stranger became a contact", "")
		w.apply(alice, userRuleIn(zed, presence.Friends))
		w.publishes("and may see it", presence.InAMeeting)
		w.apply(alice, userRuleIn(boss, presence.Workgroup))
		w.publishes("one is of the workgroup")
		w.apply(alice, SetState{Availability: 9500, Activity: presence.InAMeeting})
		w.publishes("who sees another activity of a do-not-disturb", "")
		w.apply(alice, meeting)
		w.publishes("no longer", presence.InAMeeting)
		w.device(alice+"/desk", Device{Gone: true})
		w.publishes("offline", "")
		w.device(alice+"/desk", Device{})
		w.publishes("and back", presence.InAMeeting)
		w.apply(alice, SetPublishing{On: false})
		w.publishes("ended", "")
		w.apply(alice, SetState{Availability: 6500, Activity: presence.OnThePhone})
		w.publishes("ended")
	})
}

func TestPublishing_NeedsTheServer(t *testing.T) {
	live(t, func(w *world) {
		w.apply(alice, userRuleIn(fred, presence.Colleagues))
		_, err := w.Apply(context.Background(), Principal{Addr: presence.MustAddr(alice), JID: alice}, jid(alice), SetPublishing{On: true})
		if k, _ := KindOf(err); k != NotAllowed || !strings.Contains(err.Error(), "pubsub") {
			t.Fatalf("on a server that does not let us: %v", err)
		}
		w.open()
		w.apply(alice, SetPublishing{On: true})
		w.device(alice+"/desk", Device{})
		w.publishes("begun", "")

		w.out.mu.Lock()
		w.out.unpublished = errors.New("forbidden")
		w.out.mu.Unlock()
		w.apply(alice, SetState{Availability: 6500, Activity: presence.InAMeeting})
		w.publishes("refused", presence.InAMeeting)
		w.out.mu.Lock()
		w.out.unpublished = nil
		w.out.mu.Unlock()
		w.apply(alice, SetNote{Text: "x"})
		w.publishes("tried again", presence.InAMeeting)

		w.out.mu.Lock()
		w.out.silent = true
		w.out.mu.Unlock()
		for _, a := range []presence.Activity{presence.OnThePhone, presence.Presenting} {
			w.apply(alice, SetState{Availability: 6500, Activity: a})
		}
		w.publishes("while no answer comes", presence.OnThePhone)
		w.out.mu.Lock()
		w.out.silent = false
		w.out.mu.Unlock()
		w.ActivityPublished(presence.MustAddr(alice), nil)
		w.publishes("the latest when it has come", presence.Presenting)
	})
}

// TestPublishing_OutlivesARestart, and what was published goes when the daemon, or the
// user, does.
func TestPublishing_OutlivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		w := build(t, store)
		w.host.Publishes = true
		w.attach()
		w.apply(alice, Enable{})
		w.apply(alice, userRuleIn(fred, presence.Colleagues))
		w.apply(alice, SetPublishing{On: true})
		w.device(alice+"/desk", Device{})
		w.apply(alice, SetState{Availability: 6500, Activity: presence.InAMeeting})
		w.publishes("begun", "", presence.InAMeeting)
		w.Farewell(context.Background())
		w.publishes("the daemon goes", "")
		w.Stop(context.Background())

		w = build(t, store)
		defer func() { w.Stop(context.Background()) }()
		w.host.Publishes = true
		w.Attached(time.Now())
		w.HostReady(w.host)
		w.device(alice+"/desk", Device{})
		synctest.Wait()
		w.HostSynced(w.host.Name)
		w.publishes("and is back", presence.InAMeeting)
		told, err := w.Inspect(context.Background(), Principal{Addr: presence.MustAddr(alice)}, presence.MustAddr(alice))
		if err != nil || !told.Publishing.On || told.Publishing.HeldBy != "" {
			t.Errorf("told %+v, %v", told.Publishing, err)
		}
		w.apply(alice, Disable{})
		w.publishes("she turns away", "")
	})
}

// TestPublishing_IsTakenBackByAnImport that does not publish, or turns her away: nobody
// would take it back later.
func TestPublishing_IsTakenBackByAnImport(t *testing.T) {
	for name, docs := range map[string]map[string][]byte{
		"that does not publish": {DocEnrol: []byte(`{"v":1,"enabled":true,"jid":"` + alice + `"}`)},
		"that is not enabled": {
			DocEnrol: []byte(`{"v":1,"enabled":false,"jid":"` + alice + `"}`), DocCals: []byte(`{"v":1,"publish":true}`),
		},
	} {
		live(t, func(w *world) {
			w.inAMeeting()
			if _, err := w.Apply(context.Background(), root, jid(alice), Import{Docs: docs, Replace: true}); err != nil {
				t.Fatal(err)
			}
			w.publishes("an import "+name, "")
		})
	}
}

// TestS3_PublishingGoesByHerOwnCells and by what the operator withholds, too: who may
// not see her activity keeps her from publishing, whoever says so.
func TestS3_PublishingGoesByHerOwnCells(t *testing.T) {
	live(t, func(w *world) {
		w.open()
		w.apply(alice, userRuleIn(fred, presence.Colleagues))
		w.apply(alice, SetCell{Container: 200, Category: "activity", Choice: CellHidden})
		_, err := w.Apply(context.Background(), Principal{Addr: presence.MustAddr(alice), JID: alice}, jid(alice), SetPublishing{On: true})
		if k, _ := KindOf(err); k != NotAllowed {
			t.Errorf("hidden from all her contacts: %v", err)
		}
		w.apply(alice, RemoveRule{userRuleIn(fred, presence.Colleagues).Rule})
		w.apply(alice, SetCell{Container: 200, Category: "activity", Choice: CellByTable})
		w.apply(alice, SetCell{Container: 100, Category: "activity", Choice: CellShown})
		w.out.take()
		w.apply(alice, SetPublishing{On: true})
		w.device(alice+"/desk", Device{})
		w.apply(alice, SetState{Availability: 6500, Activity: presence.InAMeeting})
		w.publishes("shown to all her contacts", "", presence.InAMeeting)
	})
}

// TestPublishing_AnAnswerIsOfItsQuestion: what answers the end of publishing is not
// taken for the answer to what is published next, and a refusal is never forgotten.
func TestPublishing_AnAnswerIsOfItsQuestion(t *testing.T) {
	live(t, func(w *world) {
		w.open()
		w.apply(alice, userRuleIn(fred, presence.Colleagues))
		w.device(alice+"/desk", Device{})
		w.apply(alice, SetState{Availability: 6500, Activity: presence.InAMeeting})
		w.apply(alice, SetPublishing{On: true})
		w.publishes("begun", presence.InAMeeting)
		w.out.mu.Lock()
		w.out.silent = true
		w.out.mu.Unlock()
		me := presence.MustAddr(alice)
		w.apply(alice, SetPublishing{On: false})
		w.apply(alice, SetPublishing{On: true})
		w.publishes("ended, and begun before the answer", "")
		w.ActivityPublished(me, nil)
		w.publishes("when it has come", presence.InAMeeting)
		w.apply(alice, SetPublishing{On: false})
		w.publishes("ended before the answer", "")
		w.ActivityPublished(me, errors.New("conflict"))
		w.ActivityPublished(me, nil)
		w.apply(alice, SetPublishing{On: true})
		w.publishes("begun after a refusal", presence.InAMeeting)
		w.ActivityPublished(me, errors.New("conflict"))
		w.apply(alice, SetNote{Text: "x"})
		w.publishes("tried again", presence.InAMeeting)
	})
}
