package roster

import (
	"strings"
	"testing"
)

// line is one row of the second formulation: the first that matches holds. An
// empty standing or condition is any; conditions are words, "!" negates.
type line struct {
	standing, event, facts string
	next                   string // empty: as before
	does                   string
}

// table is S13 and S14.1-3 sentence by sentence.
var table = []line{
	// S13.0: W = P: approved.
	{"", "subscribe", "self", "accepted", "unmute subscribed project"},
	// S13.1: already accepted: subscribed and the projection again, hidden or not.
	{"accepted", "subscribe", "", "", "unmute subscribed project"},
	// S13.2: admitted by P's rules: subscribed at once, then the real projection.
	{"", "subscribe", "enrolled admitted", "accepted", "unmute subscribed project"},
	// S13.3: otherwise silence; one pending request, never twice, never beyond the limit.
	{"none", "subscribe", "enrolled !hidden !full", "pending", "unmute prompt"},
	{"withdrawn", "subscribe", "enrolled !hidden !full", "pending", "unmute"},
	{"", "subscribe", "", "", "unmute"},
	// S14: probe: accepted subscriber: projection; else unsubscribed.
	{"", "probe", "self", "", "unmute project"},
	{"accepted", "probe", "", "", "unmute project"},
	{"", "probe", "", "", "unmute unsubscribed"},
	// S14: unsubscribe: the subscription ends, unavailable if shown available.
	{"accepted", "unsubscribe", "shown", "none", "unavailable"},
	{"accepted", "unsubscribe", "", "none", ""},
	{"pending", "unsubscribe", "", "withdrawn", ""},
	{"", "unsubscribe", "", "", ""},
	// S14: subscribed, unsubscribed, available, unavailable: dropped.
	{"", "subscribed", "", "", ""},
	{"", "unsubscribed", "", "", ""},
	{"", "available", "", "", ""},
	{"", "unavailable", "", "", ""},
	// S14: type error: never answered, and that pair is silent.
	{"accepted", "error", "", "", "mute"},
	{"", "error", "", "", ""},
	// S13.4: approval sends subscribed; a refusal is silence.
	{"pending", "approve", "", "accepted", "subscribed project"},
	{"refused", "approve", "", "none", ""},
	{"withdrawn", "approve", "", "none", ""},
	{"", "approve", "", "", ""},
	{"pending", "refuse", "", "refused", ""},
	{"withdrawn", "refuse", "", "refused", ""},
	{"", "refuse", "", "", ""},
	// S13: revocation and erasure end a subscription.
	{"accepted", "revoke", "shown", "refused", "unsubscribed unavailable"},
	{"accepted", "revoke", "", "refused", "unsubscribed"},
	{"none", "revoke", "", "", ""},
	{"", "revoke", "", "refused", ""},
	{"accepted", "erase", "shown", "none", "unsubscribed unavailable"},
	{"accepted", "erase", "", "none", "unsubscribed"},
	{"", "erase", "", "none", ""},
}

func holds(f Facts, words string) bool {
	facts := map[string]bool{
		"self": f.Self, "enrolled": f.Enrolled, "admitted": f.Admitted, "hidden": f.Hidden, "shown": f.ShownAvailable, "full": f.PendingFull,
	}
	for w := range strings.FieldsSeq(words) {
		name, negated := strings.CutPrefix(w, "!")
		value, known := facts[name]
		if !known {
			panic("unknown fact " + name)
		}
		if value == negated {
			return false
		}
	}
	return true
}

func byTable(t *testing.T, s Standing, e Event, f Facts) Outcome {
	t.Helper()
	for _, l := range table {
		if l.standing != "" && l.standing != s.String() || l.event != e.String() || !holds(f, l.facts) {
			continue
		}
		out := Outcome{Next: s}
		if l.next != "" {
			next, ok := ParseStanding(l.next)
			if !ok {
				t.Fatalf("unknown standing %q", l.next)
			}
			out.Next = next
		}
		for w := range strings.FieldsSeq(l.does) {
			*map[string]*bool{
				"subscribed": &out.Subscribed, "unsubscribed": &out.Unsubscribed, "unavailable": &out.Unavailable,
				"project": &out.Project, "prompt": &out.Prompt, "mute": &out.Mute, "unmute": &out.Unmute,
			}[w] = true
		}
		return out
	}
	t.Fatalf("no line for %s %s %+v", s, e, f)
	return Outcome{}
}

// each visits every standing, event and combination of facts.
func each(visit func(s Standing, e Event, f Facts)) {
	for s := range numStandings {
		for e := range numEvents {
			for bits := range 64 {
				visit(s, e, Facts{
					Self: bits&1 != 0, Enrolled: bits&2 != 0, Admitted: bits&4 != 0,
					Hidden: bits&8 != 0, ShownAvailable: bits&16 != 0, PendingFull: bits&32 != 0,
				})
			}
		}
	}
}

func TestS13_S14_StepEqualsTheTable(t *testing.T) {
	each(func(s Standing, e Event, f Facts) {
		if got, want := Step(s, e, f), byTable(t, s, e, f); got != want {
			t.Errorf("%s, %s, %+v: got %+v, want %+v", s, e, f, got, want)
		}
	})
}

func TestI2_StrangersSeeTheSameOfEverybody(t *testing.T) {
	each(func(s Standing, e Event, f Facts) {
		if s != None || f.Self || f.Admitted && f.Enrolled {
			return
		}
		if e >= Approve && e != Erase { // P's own decisions, not W's question
			return
		}
		nobody := Step(None, e, Facts{})
		if got := Step(s, e, f); got.Seen() != nobody.Seen() {
			t.Errorf("%s, %+v: a stranger sees %+v, of nobody %+v", e, f, got.Seen(), nobody.Seen())
		}
	})
}

// TestI2_UndecidedLooksLikeNobody: pending, withdrawn and refused watchers see
// what strangers see, whatever they send.
func TestI2_UndecidedLooksLikeNobody(t *testing.T) {
	each(func(s Standing, e Event, f Facts) {
		if s == Accepted || f.Self || f.Admitted && f.Enrolled || e >= Approve {
			return
		}
		if got, want := Step(s, e, f).Seen(), Step(None, e, Facts{}).Seen(); got != want {
			t.Errorf("%s, %s, %+v: sees %+v, of nobody %+v", s, e, f, got, want)
		}
	})
}

func TestS13_NothingElseEndsAnAcceptedSubscription(t *testing.T) {
	each(func(s Standing, e Event, f Facts) {
		ends := e == Unsubscribe || e == Revoke || e == Erase
		if got := Step(s, e, f); s == Accepted && (got.Next == Accepted) == ends {
			t.Errorf("%s, %+v: next %s", e, f, got.Next)
		}
	})
}

func TestI2_HiddenAndOfflineHaveTheSameShape(t *testing.T) {
	each(func(s Standing, e Event, f Facts) {
		if s != Accepted {
			return
		}
		hidden, offline := f, f
		hidden.Hidden, offline.Hidden = true, false
		hidden.ShownAvailable, offline.ShownAvailable = false, false
		if a, b := Step(s, e, hidden), Step(s, e, offline); a != b {
			t.Errorf("%s: hidden %+v, offline %+v", e, a, b)
		}
	})
}

func TestS13_3_RepeatsPromptOnce(t *testing.T) {
	f := Facts{Enrolled: true}
	s, prompts := None, 0
	for range 5 {
		for _, e := range []Event{Subscribe, Subscribe, Probe, Unsubscribe} {
			out := Step(s, e, f)
			s = out.Next
			if out.Prompt {
				prompts++
			}
		}
	}
	if prompts != 1 {
		t.Errorf("%d prompts, want 1", prompts)
	}
}

func TestStandingNames_RoundTrip(t *testing.T) {
	for s := range numStandings {
		if got, ok := ParseStanding(s.String()); !ok || got != s {
			t.Errorf("standing %q", s)
		}
	}
	if Standing(99).String() != "none" || Event(99).String() != "unknown" {
		t.Error("unknown values have names")
	}
}
