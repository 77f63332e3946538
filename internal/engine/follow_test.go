package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"presenced/aggregation/calendar"
	"presenced/internal/presence"
)

// ear writes down what a follower is told, and when.
type ear struct {
	mu    sync.Mutex
	lines []string
	start time.Time
	*Following
}

func (w *world) follow(asker, user string) *ear {
	w.Helper()
	r := &ear{start: time.Now()}
	f, err := w.Follow(Principal{Addr: presence.MustAddr(asker), JID: asker}, presence.MustAddr(user), r.hear)
	if err != nil {
		w.Fatal(err)
	}
	r.Following = f
	return r
}

func (r *ear) hear(v *presence.View) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, strings.TrimSpace(fmt.Sprintf("%v %d %s %s", time.Since(r.start), v.Availability, v.Activity, v.Text[presence.FieldNotePersonal])))
}

// heard returns what was told since the last call; without instants.
func (r *ear) heard() []string {
	lines := r.timed()
	for i, l := range lines {
		_, lines[i], _ = strings.Cut(l, " ")
	}
	return lines
}

func (r *ear) timed() []string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.lines
	r.lines = nil
	return out
}

func (r *ear) expect(t *testing.T, when string, want ...string) {
	t.Helper()
	if got := r.heard(); !slices.Equal(got, want) {
		t.Errorf("%s: told %q, want %q", when, got, want)
	}
}

const offlineLine = "18500"

func TestFollow_NowAndThenEachChangeOfTheProjection(t *testing.T) {
	live(t, func(w *world) {
		b, f, a := w.follow(bob, alice), w.follow(fred, alice), w.follow(alice, alice)
		for _, r := range []*ear{b, f, a} {
			r.expect(t, "nobody there", offlineLine)
		}
		w.device(alice+"/desk", Device{Show: presence.ShowNone})
		for _, r := range []*ear{b, f, a} {
			r.expect(t, "online", "3500")
		}
		w.apply(alice, SetNote{Text: "Room 412"})
		b.expect(t, "a note", "3500  Room 412")
		f.expect(t, "a note he may not see")
		w.device(alice+"/phone", Device{Show: presence.ShowNone})
		b.expect(t, "nothing new")
		w.apply(alice, Block{JID: bob})
		b.expect(t, "blocked", offlineLine)
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.device(alice+"/phone", Device{Show: presence.ShowDND})
		b.expect(t, "blocked")
		w.apply(alice, Unblock{JID: bob})
		if got := b.heard(); len(got) != 1 || !strings.Contains(got[0], "Room 412") {
			t.Errorf("unblocked: told %q, want what there is now", got)
		}
		b.Close()
		w.apply(alice, SetNote{Text: ""})
		b.expect(t, "closed")
	})
}

// TestFollow_HiddenChangesCostNothing compares what fred, who sees no notes,
// hears with and without a storm of them: not even the instants may differ.
// TestFollow_TellsWhatLookAnswers, but for her plans: those are in answers only, since
// a follower would be told of each change of them.
func TestFollow_TellsWhatLookAnswers(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{Status: "here"})
		var mu sync.Mutex // the engine tells on a goroutine of its own
		var told []*presence.View
		f, err := w.Follow(Principal{Addr: presence.MustAddr(bob), JID: bob}, presence.MustAddr(alice), func(v *presence.View) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, v)
		})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		start := time.Now().Truncate(time.Second).Add(time.Minute)
		meeting := presence.Event{Start: start, End: start.Add(time.Hour), Kind: presence.EventBusy}
		w.CalendarRead(presence.MustAddr(alice), groupware, CalendarReading{
			Packed: calendar.Pack([]presence.Event{meeting}), FetchedAt: time.Now(), Reach: time.Now().Add(48 * time.Hour),
		})
		for i, want := range []string{"free until ", "busy until ", ""} {
			synctest.Wait()
			got := w.Look(context.Background(), Principal{Addr: presence.MustAddr(bob), JID: bob}, []presence.Addr{presence.MustAddr(alice)})[0]
			if plans := got.Text[presence.FieldFreeBusy]; !strings.HasPrefix(plans, want) || want == "" && plans != "" {
				t.Errorf("%d: Look says %q of her plans, want %q", i, plans, want)
			}
			got.Text[presence.FieldFreeBusy] = ""
			mu.Lock()
			if len(told) != i+1 || !sameView(&got, told[i]) {
				t.Errorf("%d: told %d times, of which the last is not\n%+v", i, len(told), got)
			}
			mu.Unlock()
			time.Sleep(time.Until(start) + time.Duration(i)*time.Hour)
		}
	})
}

func TestFollow_HiddenChangesCostNothing(t *testing.T) {
	story := func(storm bool) (told []string) {
		live(t, func(w *world) {
			w.device(alice+"/desk", Device{Show: presence.ShowNone})
			f := w.follow(fred, alice)
			for i := range 12 {
				if storm {
					for j := range 7 {
						w.apply(alice, SetNote{Text: fmt.Sprint(i, j)})
					}
				}
				show := presence.ShowDND
				if i%2 == 1 {
					show = presence.ShowAway
				}
				w.device(alice+"/desk", Device{Show: show})
				time.Sleep(300 * time.Millisecond)
			}
			time.Sleep(time.Minute)
			told = f.timed()
		})
		return told
	}
	quiet, loud := story(false), story(true)
	if !slices.Equal(quiet, loud) || len(quiet) < 6 {
		t.Errorf("without notes he was told\n%s\nwith them\n%s", strings.Join(quiet, "\n"), strings.Join(loud, "\n"))
	}
}

func TestFollow_AStormIsPacedAndTheLatestArrives(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{Show: presence.ShowNone})
		b := w.follow(bob, alice)
		b.heard()
		for i := range 100 {
			w.apply(alice, SetNote{Text: fmt.Sprint(i)})
		}
		if got := b.heard(); len(got) != paceBurst {
			t.Errorf("told %d at once, want %d", len(got), paceBurst)
		}
		time.Sleep(paceInterval + time.Millisecond)
		b.expect(t, "later", "3500  99")
	})
}

// TestFollow_NobodyHiddenAndStrangersHearTheSame runs a day of alice before
// askers who may not see her, and before those who follow somebody unknown.
func TestFollow_NobodyHiddenAndStrangersHearTheSame(t *testing.T) {
	live(t, func(w *world) {
		w.apply(alice, Block{JID: bob})
		w.out.silent = true
		ears := map[string]*ear{
			"hidden": w.follow(bob, alice), "a stranger": w.follow(zed, alice),
			"unknown": w.follow(bob, "nobody@example.org"), "not served": w.follow(bob, "x@nowhere.example"),
		}
		w.device(alice+"/desk", Device{Show: presence.ShowNone})
		w.apply(alice, SetNote{Text: "x"})
		w.apply(alice, Disable{})
		w.apply(alice, Enable{})
		time.Sleep(time.Hour)
		w.Detached(time.Now())
		time.Sleep(time.Minute)
		for name, r := range ears {
			if got := r.timed(); !slices.Equal(got, []string{"0s " + offlineLine}) {
				t.Errorf("%s: told %q, want offline once, at once", name, got)
			}
		}
	})
}

func TestFollow_EndsWithTheEnrolmentAndComesBack(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{Show: presence.ShowNone})
		b := w.follow(bob, alice)
		b.expect(t, "online", "3500")
		for _, end := range []Change{Disable{}, Erase{}} {
			w.apply(alice, end)
			b.expect(t, fmt.Sprintf("%T", end), offlineLine)
			w.apply(alice, Enable{})
			w.device(alice+"/desk", Device{Show: presence.ShowNone})
			b.expect(t, "enabled again", "3500")
		}
	})
}

func TestFollow_ALostLinkIsBridgedAndThenNothingIsShown(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{Show: presence.ShowNone})
		b := w.follow(bob, alice)
		b.expect(t, "online", "3500")
		w.Detached(time.Now())
		time.Sleep(lookWait / 2)
		w.attach()
		w.device(alice+"/desk", Device{Show: presence.ShowNone})
		synctest.Wait()
		b.heard() // the sweep of a server that told nothing may show
		w.Detached(time.Now())
		time.Sleep(lookWait - time.Second)
		b.expect(t, "not yet")
		time.Sleep(2 * time.Second)
		b.expect(t, "away too long", offlineLine)
		late := w.follow(bob, alice)
		time.Sleep(lookWait - time.Second)
		late.expect(t, "asked meanwhile")
		time.Sleep(2 * time.Second)
		late.expect(t, "waited long enough", offlineLine)
		w.attach()
		w.device(alice+"/desk", Device{Show: presence.ShowNone})
		b.expect(t, "back", "3500")
		late.expect(t, "back", "3500")
	})
}

func TestFollow_ClosedFollowersLeaveNothingBehind(t *testing.T) {
	live(t, func(w *world) {
		for _, user := range []string{alice, "nobody@example.org"} {
			r := w.follow(bob, user)
			r.Close()
			r.Close()
		}
		synctest.Wait()
		for _, s := range w.shards {
			n, _ := call(context.Background(), s, func(time.Time) int { return len(s.followed) })
			if n != 0 {
				t.Errorf("%d users are still followed", n)
			}
		}
	})
}

func TestLook_NobodyInParticularSeesNothing(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{Show: presence.ShowNone})
		v := w.Look(context.Background(), Principal{}, []presence.Addr{presence.MustAddr(alice)})[0]
		if empty := emptyView(); !sameView(&v, &empty) {
			t.Errorf("shown %+v", v)
		}
	})
}

func TestFollow_WithoutAnAddressIsRefused(t *testing.T) {
	live(t, func(w *world) {
		for _, who := range []Principal{{}, {Operator: true}} {
			if _, err := w.Follow(who, presence.MustAddr(alice), func(*presence.View) { t.Error("told") }); err == nil {
				t.Errorf("%+v may follow", who)
			}
		}
	})
}

func TestFollow_LeavingWhileItWaitsIsFine(t *testing.T) {
	live(t, func(w *world) {
		w.Detached(time.Now())
		w.follow(bob, alice).Close()
		time.Sleep(time.Minute)
		w.attach()
	})
}
