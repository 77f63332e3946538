package privacy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"presenced/internal/presence"
)

// drawState makes any state and person, so that properties see odd ones too.
func drawState(t *rapid.T) (*presence.State, *Person) {
	num := rapid.SampledFrom([]presence.Availability{0, 3500, 5000, 6500, 7000, 7500, 9500, 12500, 15500, 18500, 18999})
	tok := rapid.SampledFrom(append(presence.Activities(), ""))
	st, p := full()
	st.A = presence.Shown{Availability: num.Draw(t, "a"), Activity: tok.Draw(t, "ta")}
	st.B = presence.Shown{Availability: num.Draw(t, "b"), Activity: tok.Draw(t, "tb")}
	st.OOF = rapid.Bool().Draw(t, "oof")
	if rapid.Bool().Draw(t, "bare") {
		p = &Person{}
	}
	return st, p
}

func drawOperator(t *rapid.T) *Operator {
	return &Operator{
		LastActive: LastActiveMode(rapid.IntRange(0, 2).Draw(t, "la")), Granularity: time.Hour,
		Photo: PhotoMode(rapid.IntRange(0, 2).Draw(t, "photo")), OfflineDetails: OfflineDetails(rapid.IntRange(0, 2).Draw(t, "od")),
		Until: rapid.Bool().Draw(t, "until"), Name: rapid.SampledFrom([]string{"", "sales"}).Draw(t, "name"),
	}
}

// TestI1_ViewDependsOnGrantedInputsOnly changes what a container is not granted
// and asks whether the view changes.
func TestI1_ViewDependsOnGrantedInputsOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st, p := drawState(t)
		o := drawOperator(t)
		id := rapid.SampledFrom([]presence.ContainerID{0, 100, 200, 300, 400, 32000}).Draw(t, "id")
		g := GrantsOf(id)
		before := project(o, st, p, id, id)
		st2, p2 := *st, *p
		if p.Profile != nil {
			pr := *p.Profile
			for f := range presence.FieldDevice {
				if !g.HasField(f) {
					pr.Text[f] = "changed"
				}
			}
			p2.Profile = &pr
		}
		if !g.Has(CatActivity) {
			st2.A.Activity, st2.B.Activity = "changed", "changed"
			st2.Device, st2.Status, st2.Until, st2.LastInput, st2.OOF = "x", "x", noon.Add(9*time.Hour), noon, !st.OOF
			p2.Note, p2.OOFNote, p2.LastActiveAt = "x", "x", noon
		}
		if !g.HasField(presence.FieldMeetingSubject) {
			st2.Subject, st2.Location = "x", "x"
		}
		if id != presence.Workgroup {
			st2.B.Availability = 3333
		}
		if id == presence.External && st.A.Availability.Class() == presence.ClassBusy {
			st2.A.Availability = 7123
		}
		st2.Next, st2.Idle, st2.Online = noon, !st.Idle, !st.Online
		if after := project(o, &st2, &p2, id, id); after != before {
			t.Fatalf("container %d: %+v became %+v", id, before, after)
		}
	})
}

// TestI2_OfflineAndHiddenAreTheSame: a blocked watcher's view and an offline
// user's differ in the container id alone, which no watcher learns.
func TestI2_OfflineAndHiddenAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st, p := drawState(t)
		o := drawOperator(t)
		o.OfflineDetails = OfflineDetails(rapid.IntRange(0, 1).Draw(t, "details"))
		hidden := project(o, st, p, presence.Blocked, presence.Blocked)
		st.A, st.B, st.OOF = presence.Shown{Availability: rapid.SampledFrom([]presence.Availability{18000, 18500, 18999}).Draw(t, "off")}, presence.Shown{Availability: 18500}, false
		for _, id := range []presence.ContainerID{0, 100, 200, 300, 400} {
			offline := project(o, st, p, id, id)
			offline.Container = hidden.Container
			if offline != hidden {
				t.Fatalf("container %d, offline: %+v; hidden: %+v", id, offline, hidden)
			}
		}
	})
}

func TestS3_OperatorOnlyNarrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st, p := drawState(t)
		o := drawOperator(t)
		open := &Operator{LastActive: LastActiveExact, Photo: PhotoAll, OfflineDetails: OfflineAll, Until: true}
		id := rapid.SampledFrom([]presence.ContainerID{0, 1, 100, 200, 300, 400, 32000}).Draw(t, "id")
		narrow, wide := project(o, st, p, id, id), project(open, st, p, id, id)
		for f := range narrow.Text {
			if narrow.Text[f] != "" && narrow.Text[f] != wide.Text[f] {
				t.Fatalf("%s: %q under %+v, %q at most", presence.Field(f), narrow.Text[f], o, wide.Text[f])
			}
		}
		if narrow.Activity != "" && wide.Activity == "" || !narrow.Until.IsZero() && wide.Until.IsZero() ||
			!narrow.LastActive.IsZero() && wide.LastActive.IsZero() || narrow.Interrupt && !wide.Interrupt {
			t.Fatalf("%+v shows %+v, at most %+v", o, narrow, wide)
		}
	})
}

func TestS12_ExplanationAgreesWithTheView(t *testing.T) {
	site := testSite(t)
	rapid.Check(t, func(t *rapid.T) {
		st, person := drawState(t)
		o := drawOperator(t)
		id := rapid.SampledFrom([]presence.ContainerID{0, 100, 200, 300, 350, 400, 32000}).Draw(t, "id")
		p := NewPolicy(site, alice(Rule{id, RuleUser, "bob@example.org"}))
		e := p.Explain(who("bob@example.org"), o, st, person)
		place := p.Place(who("bob@example.org"))
		v := project(o, st, person, place.Container, place.Base)
		if e.Container.ID != id || e.Container.Tier != "user" || e.Container.Rule != (Rule{id, RuleUser, "bob@example.org"}).String() || len(e.Categories) != int(numCategories) {
			t.Fatalf("explained %+v", e)
		}
		for i, c := range e.Categories {
			cat := Category(i)
			if c.Shown && !GrantsOf(place.Base).Has(cat) && !(cat == CatInterrupt && v.Interrupt) {
				t.Fatalf("%+v is shown, the matrix withholds it", c)
			}
			if c.Shown && strings.HasPrefix(c.Cell, "S3 ") && !GrantsOf(place.Base).Has(cat) {
				t.Fatalf("%+v: the matrix did not decide that", c)
			}
			if cat < Category(presence.FieldLastActive) && c.Shown != (v.Text[cat] != "") {
				t.Fatalf("%+v, view %q", c, v.Text[cat])
			}
			if withheld := strings.HasPrefix(c.Cell, "S3 "+c.Name) && strings.HasSuffix(c.Cell, ": withheld"); !c.Shown && withheld == GrantsOf(place.Base).Has(cat) {
				t.Fatalf("%+v: the matrix grants %v", c, GrantsOf(place.Base).Has(cat))
			}
			if c.Cell == "" || c.Shown != strings.HasSuffix(c.Cell, ": granted") {
				t.Fatalf("%+v", c)
			}
		}
	})
}

func TestS12_VetoesTried(t *testing.T) {
	set := with(func(s *Settings) {
		s.Walls = []string{"rival@example.org"}
		s.Default = items(allow("group", "Team"), deny("", ""))
	})
	p := NewPolicy(testSite(t), set)
	st, person := full()
	for _, c := range []struct {
		w    Watcher
		want []string
	}{
		{who("alice@example.org"), nil},
		{who("rival@example.org"), []string{"wall: denied"}},
		{contact("bob@example.org", presence.SubBoth, "Team"), []string{"wall: passed", "fail-closed: passed", "server-block: passed", "privacy-list: passed: an item allows"}},
		{who("zed@example.org"), []string{"wall: passed", "fail-closed: passed", "server-block: passed", "privacy-list: denied"}},
	} {
		var got []string
		for _, v := range p.Explain(c.w, openOperator(), st, person).Vetoes {
			got = append(got, v.Name+": "+v.Result)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.w.Addr.Key(), got, c.want)
		}
	}
}

func TestProject_DoesNotAllocate(t *testing.T) {
	st, p := full()
	o := openOperator()
	var v presence.View
	if n := testing.AllocsPerRun(100, func() { o.Project(st, p, Column{300, 300, GrantsOf(300)}, &v) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkProject(b *testing.B) {
	st, p := full()
	o := openOperator()
	var v presence.View
	b.ReportAllocs()
	for b.Loop() {
		o.Project(st, p, Column{300, 300, GrantsOf(300)}, &v)
	}
}
