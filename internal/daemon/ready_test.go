package daemon

import (
	"errors"
	"strings"
	"testing"
	"time"

	"presenced/component"
	"presenced/internal/admin"
)

func TestJudge_UnreadyOutweighsDegradedAndEveryReasonHasARemedy(t *testing.T) {
	attached := component.State{Phase: component.PhaseAttached, Hosts: []component.HostState{{Name: "example.org", Synced: true}}}
	waiting := component.State{Phase: component.PhaseAttached, Hosts: []component.HostState{{Name: "example.org", Synced: true}, {Name: "b.example"}}}
	full := errors.New("the disk is full; make room")
	for _, c := range []struct {
		name    string
		facts   facts
		status  string
		reasons string
	}{
		{"all well", facts{loaded: true, link: attached}, statusReady, ""},
		{"store away", facts{loaded: true, link: attached, store: full}, statusDegraded, "store"},
		{"one host not heard", facts{loaded: true, link: waiting}, statusUnready, "resynchronisation"},
		{"no link", facts{loaded: true, link: component.State{Phase: component.PhaseDetached, LastError: "conflict"}}, statusUnready, "link"},
		{"no link, no store", facts{loaded: true, link: component.State{Phase: component.PhaseConnecting}, store: full}, statusUnready, "link,store"},
		{"not loaded", facts{link: attached}, statusUnready, "settings"},
		{"stopping", facts{stopping: true, loaded: true, link: attached}, statusUnready, "stopping"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, reasons := judge(c.facts)
			var names []string
			for _, r := range reasons {
				names = append(names, r.Name)
				if r.Remedy == "" {
					t.Errorf("%s has no remedy", r.Name)
				}
			}
			if status != c.status || strings.Join(names, ",") != c.reasons {
				t.Errorf("got %s %v, want %s [%s]", status, names, c.status, c.reasons)
			}
		})
	}
}

func TestReadiness_DatesAReasonFromItsFirstSight(t *testing.T) {
	r := newReadiness()
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	note := func(after time.Duration, names ...string) []admin.Reason {
		var reasons []admin.Reason
		for _, n := range names {
			reasons = append(reasons, admin.Reason{Name: n})
		}
		r.note(statusDegraded, reasons, start.Add(after))
		return reasons
	}
	note(0, "store")
	if got := note(time.Minute, "store")[0].Since; !got.Equal(start) {
		t.Errorf("after a minute it holds since %v, want %v", got, start)
	}
	note(2 * time.Minute)
	if got := note(3*time.Minute, "store")[0].Since; !got.Equal(start.Add(3 * time.Minute)) {
		t.Errorf("a new fault is dated %v, want its own start", got)
	}
}

func TestReadiness_OnlyTheFirstResynchronisationOfAnAttachCounts(t *testing.T) {
	r := newReadiness()
	state := func(since int64, synced bool) bool {
		return r.once(component.State{
			Phase: component.PhaseAttached, Since: time.Unix(since, 0),
			Hosts: []component.HostState{{Name: "example.org", Synced: synced}},
		}).Hosts[0].Synced
	}
	for _, c := range []struct {
		name   string
		since  int64
		synced bool
		want   bool
	}{
		{"not heard yet", 1, false, false},
		{"heard", 1, true, true},
		{"a later advert", 1, false, true},
		{"the next attach", 2, false, false},
	} {
		if got := state(c.since, c.synced); got != c.want {
			t.Errorf("%s: synced %t, want %t", c.name, got, c.want)
		}
	}
}
