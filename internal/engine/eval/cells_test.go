package eval

import (
	"testing"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// full is somebody of whom there is something to tell in every category.
func full(t *testing.T, cells ...privacy.OwnCell) (*System, *Person) {
	sys, p := scene(t)
	p.Profile = &presence.Profile{PhotoSource: presence.UserPhoto}
	for f := range presence.FieldDevice {
		p.Profile.Text[f] = f.String()
	}
	p.Profile.Text[presence.FieldFreeBusy] = ""
	p.Inputs.Resources[0].IdleSince = now.Add(-time.Minute)
	p.Inputs.OOF = &presence.OutOfOffice{Start: now.Add(-time.Hour), End: now.Add(time.Hour), Note: "back soon"}
	p.Inputs.Calendar = &presence.Calendar{FetchedAt: now, Events: []presence.Event{{
		Start: now.Add(-time.Hour), End: now.Add(time.Hour), Kind: presence.EventBusy, Subject: "Merger", Location: "Room 4",
	}}}
	rules := privacy.Bootstrap()
	for who, in := range everyLevel {
		rules = append(rules, privacy.Rule{Container: in, Type: privacy.RuleUser, Value: who})
	}
	p.Policy = privacy.NewPolicy(sys.Site, privacy.Settings{
		Owner: alice, State: privacy.StateOK, RosterReadable: true, Rules: rules, Cells: cells,
	})
	return sys, p
}

var everyLevel = map[string]presence.ContainerID{"ext@x.example": 100, "col@x.example": 200, "wg@x.example": 300, "fam@x.example": 400}

// answered is what a watcher is told when he asks.
func answered(sys *System, p *Person, who string) presence.View {
	st := p.State(sys, now)
	_, v := p.Look(sys, &st, presence.MustAddr(who))
	p.FreeBusy(sys, now, &v)
	return v
}

// lacking is a view without one category, written by hand beside the code that narrows.
func lacking(v presence.View, cat privacy.Category, disturbed bool) presence.View {
	switch cat {
	case privacy.CatState:
		return presence.OfflineView(v.Container)
	case privacy.CatActivity:
		v.Activity, v.Wording, v.Until = "", nil, time.Time{}
	case privacy.CatInterrupt:
		v.Interrupt = v.Interrupt && !disturbed
	case privacy.Category(presence.FieldTimezone):
		v.Zone = false
	case privacy.Category(presence.FieldEmail):
		v.ByEmail = false
	case privacy.Category(presence.FieldFreeBusy):
		v.Until = time.Time{}
	case privacy.Category(presence.FieldLastActive):
		v.LastActive = time.Time{}
	}
	if cat < privacy.Category(presence.NumFields) {
		v.Text[cat] = ""
	}
	return v
}

// TestS3_EachCellAlone_FromInputsToView: every category, hidden from every level by
// her or withheld by the operator, takes just that from what a watcher there is told,
// and nothing from what others are.
func TestS3_EachCellAlone_FromInputsToView(t *testing.T) {
	for _, disturbed := range []bool{false, true} {
		told := 0
		for who, in := range everyLevel {
			set := func(sys *System, p *Person) *Person {
				if disturbed { // by which interrupting matters, and the meeting is not what is shown
					p.Inputs.Manual = &presence.Manual{Availability: presence.DoNotDisturb, SetAt: now.Add(-time.Minute)}
				}
				return p
			}
			sys, p := full(t)
			table := map[string]presence.View{}
			for other := range everyLevel {
				table[other] = answered(sys, set(sys, p), other)
			}
			for _, cat := range privacy.Categories() {
				item := privacy.OwnCell{Container: in, Category: cat.String()}
				sys, hers := full(t, item)
				withheld, theirs := full(t)
				withheld.Operator.Withheld, _ = privacy.ParseWithheld([]string{cat.String() + " " + levelName[in]})
				for other, before := range table {
					want := before
					if other == who {
						want = lacking(before, cat, disturbed)
					}
					if want != before {
						told++
					}
					if got := answered(sys, set(sys, hers), other); got != want {
						t.Errorf("she hides %s from %d: %s is told\n%+v\nwant\n%+v", cat, in, other, got, want)
					}
					if got := answered(withheld, set(withheld, theirs), other); got != want {
						t.Errorf("%s withheld from %d: %s is told\n%+v\nwant\n%+v", cat, in, other, got, want)
					}
				}
			}
		}
		// Of the 64 cells of the table all but interrupting, or all but the meeting's two
		// and the token that she has then in 300 alone.
		if want := map[bool]int{false: 63, true: 60}[disturbed]; told != want {
			t.Errorf("disturbed %v: %d cells take something away, want %d", disturbed, told, want)
		}
	}
}

var levelName = map[presence.ContainerID]string{100: "100", 200: "200", 300: "300", 400: "400"}
