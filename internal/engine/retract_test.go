package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"presenced/internal/presence"
)

// answers sets what her server says to the next publications.
func (w *world) answers(err error) {
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	w.out.unpublished = err
}

// inAMeeting has alice publish that she is in a meeting.
func (w *world) inAMeeting() {
	w.open()
	w.apply(alice, userRuleIn(fred, presence.Colleagues))
	w.apply(alice, SetPublishing{On: true})
	w.device(alice+"/desk", Device{})
	w.apply(alice, SetState{Availability: 6500, Activity: presence.InAMeeting})
	w.publishes("begun", "", presence.InAMeeting)
}

// leavings are the ways in which what was published has to go with nothing to follow
// that would have it tried again.
var leavings = map[string]func(w *world){
	"offline":   func(w *world) { w.device(alice+"/desk", Device{Gone: true}) },
	"ended":     func(w *world) { w.apply(alice, SetPublishing{On: false}) },
	"disabled":  func(w *world) { w.apply(alice, Disable{}) },
	"erased":    func(w *world) { w.apply(alice, Erase{}) },
	"re-import": func(w *world) { w.withoutCalendars() },
}

func (w *world) withoutCalendars() {
	docs := map[string][]byte{DocEnrol: []byte(`{"v":1,"enabled":true,"jid":"` + alice + `"}`)}
	if _, err := w.Apply(context.Background(), root, jid(alice), Import{Docs: docs, Replace: true}); err != nil {
		w.Fatal(err)
	}
}

// TestS3_ARefusedRetractionIsTriedAgain until her server takes it, less and less often:
// else it would go on telling what she does.
func TestS3_ARefusedRetractionIsTriedAgain(t *testing.T) {
	for name, leave := range leavings {
		t.Run(name, func(t *testing.T) {
			live(t, func(w *world) {
				w.inAMeeting()
				w.answers(errors.New("resource-constraint"))
				leave(w)
				w.publishes("refused", "")
				time.Sleep(2 * publishRetry)
				w.publishes("soon again", "")
				time.Sleep(24 * time.Hour)
				tries := 0
				for _, line := range w.out.take() {
					if line != "publish "+alice+": " {
						continue
					}
					tries++
				}
				if tries < 24 || tries > 24*5 {
					t.Errorf("in a day it is tried %d times", tries)
				}
				w.answers(nil)
				time.Sleep(2 * publishRetryMost)
				w.publishes("taken", "")
				time.Sleep(24 * time.Hour)
				w.publishes("for good")
			})
		})
	}
}

// TestS3_ARetractionOutlivesTheLink: what was on its way when the link went, or could
// not be sent without one, is sent when it is back.
func TestS3_ARetractionOutlivesTheLink(t *testing.T) {
	for name, leave := range leavings {
		for _, when := range []string{"before", "while"} {
			if name == "ended" && when == "while" {
				continue // refused: she is told to try again
			}
			t.Run(name+" "+when+" the link goes", func(t *testing.T) {
				live(t, func(w *world) {
					w.inAMeeting()
					w.out.mu.Lock()
					w.out.silent = true
					w.out.mu.Unlock()
					if when == "before" {
						leave(w)
						w.publishes("no answer", "")
						w.Detached(time.Now())
					} else {
						w.Detached(time.Now())
						leave(w)
						w.publishes("no link")
					}
					w.out.mu.Lock()
					w.out.silent = false
					w.out.mu.Unlock()
					w.Attached(time.Now())
					w.HostReady(w.host)
					w.publishes("not before the server told what there is")
					w.HostSynced(w.host.Name)
					w.publishes("back", "")
					time.Sleep(time.Hour)
					w.publishes("once")
				})
			})
		}
	}
}

// TestPublishing_BeginsAgainWhileARetractionIsOwed, with what is so then.
func TestPublishing_BeginsAgainWhileARetractionIsOwed(t *testing.T) {
	live(t, func(w *world) {
		w.inAMeeting()
		w.answers(errors.New("resource-constraint"))
		w.apply(alice, Disable{})
		w.publishes("refused", "")
		w.answers(nil)
		w.apply(alice, Enable{})
		w.device(alice+"/desk", Device{})
		time.Sleep(time.Hour)
		var got []string
		for _, line := range w.out.take() {
			if len(got) == 0 || got[len(got)-1] != line {
				got = append(got, line)
			}
		}
		if want := "publish " + alice + ": " + string(presence.InAMeeting); !slices.Contains(got, want) || slices.Index(got, "publish "+alice+": ") > slices.Index(got, want) {
			t.Errorf("left: %q", got)
		}
	})
}
