package privacy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"presenced/internal/presence"
)

// written is S3's matrix as the text has it, cell by cell: the second
// formulation of the table in matrix.go.
var written = map[string]string{ // category: columns that see it
	"state": "100 200 300 400", "name": "100 200 300 400", "email": "100 200 300 400", "title": "100 200 300 400",
	"company": "100 200 300 400", "photo": "100 200 300 400", "capabilities": "100 200 300 400",
	"activity": "200 300 400", "device": "200 300 400", "timezone": "200 300 400", "location": "200 300 400",
	"office": "200 300 400", "workPhone": "200 300 400", "freeBusy": "200 300 400", "workingHours": "200 300 400",
	"notePersonal": "200 300 400", "noteOOF": "200 300 400", "lastActive": "200 300 400",
	"mobilePhone": "300 400", "homePhone": "400", "otherPhone": "400",
	"meetingSubject": "300", "meetingLocation": "300", "interrupt": "300",
}

func TestS3_MatrixAsWritten(t *testing.T) {
	if len(written) != int(numCategories) {
		t.Fatalf("%d categories, %d written", numCategories, len(written))
	}
	for c := range numCategories {
		cols, ok := written[c.String()]
		if !ok {
			t.Errorf("category %d %q is not in the text", c, c)
		}
		for _, id := range []presence.ContainerID{0, 1, 2, 3, 100, 200, 300, 400, 350, 32000} {
			want := id == presence.Self || slices.Contains(strings.Fields(cols), itoa(int(id)))
			if got := GrantsOf(id).Has(c); got != want {
				t.Errorf("%s in %d: granted %v, want %v", c, id, got, want)
			}
		}
	}
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// full returns a state and a person with everything set.
func full() (*presence.State, *Person) {
	pr := &presence.Profile{PhotoSource: presence.DirectoryPhoto}
	for f := range presence.FieldDevice {
		pr.Text[f] = "her " + f.String()
	}
	st := &presence.State{
		A: presence.Shown{Availability: 7000, Activity: presence.InAConf}, B: presence.Shown{Availability: 7000, Activity: presence.InAConf},
		Online: true, OOF: true, Until: noon.Add(time.Hour), Device: "mobile", Status: "of the device",
		LastInput: noon.Add(-13 * time.Minute), Subject: "Merger", Location: "Room 4",
	}
	return st, &Person{Profile: pr, Note: "busy bee", OOFNote: "back soon", LastActiveAt: noon.Add(-50 * time.Hour)}
}

func openOperator() *Operator {
	o := DefaultOperator()
	o.LastActive = LastActiveExact
	return &o
}

func project(o *Operator, st *presence.State, p *Person, c, base presence.ContainerID) presence.View {
	var v presence.View
	o.Project(st, p, Column{Container: c, Base: base, Grants: GrantsOf(base)}, &v)
	return v
}

func TestS3_EveryFieldReachesExactlyItsContainers(t *testing.T) {
	st, p := full()
	for _, id := range []presence.ContainerID{0, 1, 100, 200, 300, 400, 32000} {
		v := project(openOperator(), st, p, id, id)
		for f := range presence.NumFields {
			got := v.Text[f] != ""
			if f == presence.FieldLastActive {
				got = !v.LastActive.IsZero()
			}
			if want := GrantsOf(id).HasField(f); got != want {
				t.Errorf("%s in %d: shown %v, want %v", f, id, got, want)
			}
		}
		if got, want := v.Activity != "", GrantsOf(id).Has(CatActivity); got != want {
			t.Errorf("activity in %d: %v, want %v", id, got, want)
		}
	}
}

func TestS3_CustomContainerUsesItsBase(t *testing.T) {
	st, p := full()
	got, want := project(openOperator(), st, p, 450, presence.Workgroup), project(openOperator(), st, p, presence.Workgroup, presence.Workgroup)
	want.Container = 450
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := project(openOperator(), st, p, 777, presence.DefaultContainer); got != presence.OfflineView(777) {
		t.Errorf("an unknown container shows %+v", got)
	}
}

func TestS3_ExternalSeesTheClassPointAndShowFromIt(t *testing.T) {
	for a, want := range map[presence.Availability]presence.Availability{
		3000: 3500, 4000: 3500, 5999: 5000, 6900: 6500, 7000: 6500, 8000: 7500, 9000: 9500, 13000: 12500, 17999: 15500,
	} {
		st := &presence.State{A: presence.Shown{Availability: a, Activity: presence.ExtendedAway}}
		v := project(openOperator(), st, &Person{}, presence.External, presence.External)
		if v.Availability != want || v.Activity != "" || v.Show() == presence.ShowXA {
			t.Errorf("%d is shown as %d %q %s, want %d without a token", a, v.Availability, v.Activity, v.Show(), want)
		}
	}
}

func TestS3_WorkgroupStartsFromB(t *testing.T) {
	st := &presence.State{A: presence.Shown{Availability: 9500}, B: presence.Shown{Availability: 6900, Activity: presence.UrgentOnlyA}, Until: noon}
	for id, want := range map[presence.ContainerID]presence.Shown{1: st.A, 200: st.A, 300: st.B, 400: st.A} {
		v := project(openOperator(), st, &Person{}, id, id)
		if v.Availability != want.Availability || v.Activity != want.Activity || !v.Until.IsZero() {
			t.Errorf("%d sees %d %q until %v, want %+v", id, v.Availability, v.Activity, v.Until, want)
		}
	}
}

func TestS3_OfflineHidesAllButOfflineDetails(t *testing.T) {
	offline := func() (*presence.State, *Person) {
		st, p := full()
		st.A = presence.Shown{Availability: 18700, Activity: presence.OutOfOfficeA}
		st.B, st.Online = st.A, false
		return st, p
	}
	for _, d := range []OfflineDetails{OfflineNone, OfflineOOF} {
		for _, id := range []presence.ContainerID{0, 100, 200, 300, 400, 32000} {
			st, p := offline()
			o := openOperator()
			o.OfflineDetails = d
			want := presence.OfflineView(id)
			if d == OfflineOOF && GrantsOf(id).Has(CatActivity) {
				want.Activity, want.Text[presence.FieldNoteOOF], want.ByEmail = presence.OutOfOfficeA, "back soon", true
			}
			if got := project(o, st, p, id, id); got != want {
				t.Errorf("%s, %d: got %+v, want %+v", d, id, got, want)
			}
		}
	}
	st, p := offline()
	st.OOF = false
	if got := project(openOperator(), st, p, 200, 200); got != presence.OfflineView(200) {
		t.Errorf("out of office is over, still told: %+v", got)
	}
	st, p = offline()
	st.A.Activity = presence.OnThePhone // not what out-of-office tells
	if got := project(openOperator(), st, p, 200, 200); got.Activity != "" || got.Text[presence.FieldNoteOOF] != "back soon" {
		t.Errorf("another token than out-of-office: %+v", got)
	}
	st, p = full()
	st.OOF = false
	if got := project(openOperator(), st, p, 200, 200); got.Text[presence.FieldNoteOOF] != "" || got.Text[presence.FieldNotePersonal] == "" {
		t.Errorf("online, out of office is over: %+v", got)
	}
	st, p = offline()
	o := openOperator()
	o.OfflineDetails = OfflineAll
	v := project(o, st, p, 200, 200)
	if v.Availability != presence.Offline || v.Text[presence.FieldTitle] == "" || v.LastActive != p.LastActiveAt || v.Interrupt {
		t.Errorf("offline_details = all shows %+v", v)
	}
	v = project(openOperator(), st, p, 1, 1)
	if v.Text[presence.FieldHomePhone] == "" || v.LastActive != p.LastActiveAt || v.Availability != 18700 {
		t.Errorf("Self offline shows %+v", v)
	}
}

func TestS3_UntilNeedsTokenAndFreeBusyAndTheSwitch(t *testing.T) {
	for id, want := range map[presence.ContainerID]bool{1: true, 100: false, 200: true, 300: true, 400: true} {
		st, p := full()
		if got := project(openOperator(), st, p, id, id); !got.Until.IsZero() != want {
			t.Errorf("until in %d: %v, want %v", id, got.Until, want)
		}
		o := openOperator()
		o.Until = false
		if got := project(o, st, p, id, id); !got.Until.IsZero() {
			t.Errorf("until in %d although it is off", id)
		}
		st.A.Activity, st.B.Activity = "", ""
		if got := project(openOperator(), st, p, id, id); !got.Until.IsZero() {
			t.Errorf("until in %d without a token", id)
		}
	}
}

func TestS3_UnsetStateIsOffline(t *testing.T) {
	_, p := full()
	for _, id := range []presence.ContainerID{1, 100, 200, 300, 400} {
		if got := project(openOperator(), &presence.State{}, p, id, id); got != presence.OfflineView(id) {
			t.Errorf("%d sees %+v of an unset state", id, got)
		}
	}
}

func TestS4_3_StatusStandsInForTheNote(t *testing.T) {
	st, p := full()
	if got := project(openOperator(), st, p, 200, 200).Text[presence.FieldNotePersonal]; got != "busy bee" {
		t.Errorf("note %q, want her own", got)
	}
	p.Note = ""
	if got := project(openOperator(), st, p, 200, 200).Text[presence.FieldNotePersonal]; got != "of the device" {
		t.Errorf("note %q, want the winning device's", got)
	}
}

func TestS7_InterruptByContainer(t *testing.T) {
	for _, c := range []struct {
		a, b presence.Availability
		want map[presence.ContainerID]bool
	}{
		{3500, 3500, map[presence.ContainerID]bool{0: false, 1: true, 100: true, 200: true, 300: true, 400: true, 32000: false}},
		{9500, 6900, map[presence.ContainerID]bool{0: false, 100: false, 200: false, 300: true, 400: false, 32000: false}},
		{18500, 18500, map[presence.ContainerID]bool{1: false, 100: false, 200: false, 300: false, 400: false}},
	} {
		st := &presence.State{A: presence.Shown{Availability: c.a}, B: presence.Shown{Availability: c.b}}
		for id, want := range c.want {
			if got := project(openOperator(), st, &Person{}, id, id).Interrupt; got != want {
				t.Errorf("%d in %d: interrupt %v, want %v", c.a, id, got, want)
			}
		}
	}
}

func TestS9_LastActive(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 47, 13, 999, time.UTC)
	left := time.Date(2026, 3, 1, 17, 5, 0, 0, time.UTC)
	hour := func(tm time.Time) time.Time { return tm.Truncate(time.Hour) }
	for _, c := range []struct {
		name string
		mode LastActiveMode
		a    presence.Availability
		id   presence.ContainerID
		all  bool
		want time.Time
	}{
		{"off", LastActiveOff, 15500, 200, true, time.Time{}},
		{"off to herself", LastActiveOff, 15500, 1, true, time.Time{}},
		{"coarse", LastActiveCoarse, 15500, 200, false, hour(at)},
		{"coarse to herself", LastActiveCoarse, 15500, 1, false, hour(at)},
		{"exact", LastActiveExact, 15500, 200, false, at.Truncate(time.Second)},
		{"not to External", LastActiveExact, 15500, 100, false, time.Time{}},
		{"not while available", LastActiveExact, 4999, 200, false, time.Time{}},
		{"not while available, even to herself", LastActiveExact, 3500, 1, false, time.Time{}},
		{"from 5000", LastActiveExact, 5000, 200, false, at.Truncate(time.Second)},
		{"while busy", LastActiveExact, 6500, 300, false, at.Truncate(time.Second)},
		{"not offline", LastActiveExact, 18500, 200, false, time.Time{}},
		{"offline to herself", LastActiveCoarse, 18500, 1, false, hour(left)},
		{"offline with all details", LastActiveCoarse, 18500, 200, true, hour(left)},
	} {
		o := &Operator{LastActive: c.mode, Granularity: time.Hour, OfflineDetails: OfflineOOF}
		if c.all {
			o.OfflineDetails = OfflineAll
		}
		s := presence.Shown{Availability: c.a}
		got := project(o, &presence.State{A: s, B: s, LastInput: at}, &Person{LastActiveAt: left}, c.id, c.id)
		if !got.LastActive.Equal(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got.LastActive, c.want)
		}
	}
}

func TestS9_CoarseIsAFunctionOfTheInstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step := time.Duration(rapid.Int64Range(0, 7*86400).Draw(t, "step")) * time.Second
		at := time.Unix(rapid.Int64Range(-1e9, 4e9).Draw(t, "at"), rapid.Int64Range(0, 999999999).Draw(t, "ns"))
		o := &Operator{LastActive: LastActiveCoarse, Granularity: step}
		got := o.quantise(at)
		unit := max(1, int64(step/time.Second))
		if got.Unix()%unit != 0 || got.After(at) || at.Sub(got) >= time.Duration(unit)*time.Second {
			t.Fatalf("%v by %v gives %v", at, step, got)
		}
	})
}

func TestS9_PhotoPolicy(t *testing.T) {
	for _, c := range []struct {
		mode PhotoMode
		src  presence.PhotoSource
		want bool
	}{
		{PhotoAll, presence.UserPhoto, true}, {PhotoAll, presence.DirectoryPhoto, true}, {PhotoAll, presence.NoPhoto, false},
		{PhotoDirectory, presence.UserPhoto, false}, {PhotoDirectory, presence.DirectoryPhoto, true},
		{PhotoNone, presence.UserPhoto, false}, {PhotoNone, presence.DirectoryPhoto, false},
	} {
		st, p := full()
		p.Profile.PhotoSource = c.src
		o := openOperator()
		o.Photo = c.mode
		for _, id := range []presence.ContainerID{1, 100, 400} {
			if got := project(o, st, p, id, id).Text[presence.FieldPhoto] != ""; got != c.want {
				t.Errorf("photo = %s, source %d, container %d: shown %v", c.mode, c.src, id, got)
			}
		}
	}
}
