package component

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// TestS3_ActivityIsTakenBackHoweverItEnds: with whatever ends that a watcher may see
// what she does, his client is told so, and nothing afterwards.
func TestS3_ActivityIsTakenBackHoweverItEnds(t *testing.T) {
	rule := func(c presence.ContainerID) engine.SetLevel {
		return engine.SetLevel{Rule: privacy.Rule{Container: c, Type: privacy.RuleUser, Value: proofBob}}
	}
	by := func(c engine.Change) func(p *proofPlay) {
		return func(p *proofPlay) { p.apply(proofAlice, c) }
	}
	for what, end := range map[string]func(p *proofPlay){
		"a block":                 by(engine.Block{JID: proofBob}),
		"a level without it":      by(rule(presence.External)),
		"a level without a state": by(rule(presence.DefaultContainer)),
		"a cell":                  by(engine.SetCell{Container: 200, Category: "activity", Choice: engine.CellHidden}),
		"a hidden state":          by(engine.SetCell{Container: 200, Category: "state", Choice: engine.CellHidden}),
		"a revocation":            by(engine.Revoke{Watcher: presence.MustAddr(proofBob)}),
		"her leaving":             by(engine.Disable{}),
		"her erasure":             by(engine.Erase{}),
		"her going":               func(p *proofPlay) { p.gone(proofAlice + "/desk") },
		"his unsubscribing":       func(p *proofPlay) { p.presence("unsubscribe", aliceMirror) },
		"another policy": func(p *proofPlay) {
			p.withheld = []string{"activity"}
			p.e.Reload(p.rules())
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &proofPlay{proofWorld: newProofWorld(t, proofBob, fault{}), script: &script{watching: watching{watcher: proofBob, sees: 200}, subs: true, asks: true}, devices: map[string]proofDevice{}}
			defer p.close()
			p.begin()
			time.Sleep(time.Minute)
			shown := func() (events []string) {
				synctest.Wait()
				for _, line := range p.all() {
					for _, part := range strings.SplitAfter(line, "</message>") {
						if strings.Contains(part, nsEvent) {
							events = append(events, part)
						}
					}
				}
				return events
			}
			p.apply(proofAlice, engine.SetState{Availability: 6500, Activity: presence.InAMeeting})
			time.Sleep(time.Minute)
			if got := shown(); len(got) == 0 || !strings.Contains(got[len(got)-1], "in_a_meeting") {
				t.Fatalf("%s: before it he is told %q", what, got)
			}
			end(p)
			time.Sleep(time.Minute)
			got := shown()
			if !strings.Contains(got[len(got)-1], "activity'/>") {
				t.Errorf("%s: at last he is told %q", what, got[len(got)-1])
			}
			p.apply(proofAlice, engine.SetState{Availability: 6500, Activity: presence.OnThePhone})
			time.Sleep(time.Minute)
			if more := shown(); len(more) != len(got) {
				t.Errorf("%s: afterwards he is told %q", what, more[len(got):])
			}
		})
	}
}
