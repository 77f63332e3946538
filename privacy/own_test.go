package privacy

import (
	"strings"
	"testing"

	"presenced/internal/presence"
)

// owned is a policy whose owner changed these cells: "200 location show".
func owned(t testing.TB, cells ...string) *Policy {
	t.Helper()
	s := alice(Bootstrap()...)
	for _, c := range cells {
		f := strings.Fields(c)
		s.Cells = append(s.Cells, OwnCell{Container: id(t, f[0]), Category: f[1], Shown: f[2] == "show"})
	}
	return NewPolicy(testSite(t), s)
}

func id(t testing.TB, number string) presence.ContainerID {
	t.Helper()
	var n presence.ContainerID
	for _, d := range number {
		n = 10*n + presence.ContainerID(d-'0')
	}
	return n
}

// TestS3_EveryCellCanBeChanged: each cell alone, shown and hidden, in every level;
// no other category and no other level moves with it.
func TestS3_EveryCellCanBeChanged(t *testing.T) {
	site := testSite(t)
	levels := []presence.ContainerID{0, 1, 100, 200, 300, 400, 32000}
	for _, cat := range Categories() {
		for _, changed := range predefined {
			for _, shown := range []bool{false, true} {
				s := alice(Bootstrap()...)
				s.Cells = []OwnCell{{changed, cat.String(), shown}}
				p := NewPolicy(site, s)
				if p.Err() != nil {
					t.Fatalf("%s in %d: %v", cat, changed, p.Err())
				}
				for _, in := range levels {
					want := GrantsOf(in)
					switch {
					case in != changed:
					case shown:
						want |= 1 << cat
					case cat == CatState:
						want = 0
					default:
						want &^= 1 << cat
					}
					if got := site.Column(in, p).Grants; got != want {
						t.Errorf("%s in %d shown %v: %d sees %b, want %b", cat, changed, shown, in, got, want)
					}
				}
			}
		}
	}
}

// TestS3_OwnCells_ReachTheView: what is projected follows the cells, for a field,
// the token, the right to interrupt, the state and a custom container.
func TestS3_OwnCells_ReachTheView(t *testing.T) {
	site := testSite(t)
	st, person := full()
	st.A.Availability, st.B.Availability = 9500, 6900
	see := func(p *Policy, in presence.ContainerID) presence.View {
		var v presence.View
		openOperator().Project(st, person, site.Column(in, p), &v)
		return v
	}
	table := see(owned(t), 200)
	if v := see(owned(t, "200 notePersonal hide"), 200); v.Text[presence.FieldNotePersonal] != "" || v.Text[presence.FieldNoteOOF] != table.Text[presence.FieldNoteOOF] {
		t.Errorf("a hidden note: %+v", v)
	}
	if v := see(owned(t, "200 mobilePhone show"), 200); v.Text[presence.FieldMobilePhone] == "" || v.Text[presence.FieldHomePhone] != "" {
		t.Errorf("a shown phone: %+v", v)
	}
	if v := see(owned(t, "100 activity show"), 100); v.Activity != presence.InAConf || v.Availability != 9500 || !v.Until.IsZero() {
		t.Errorf("External with the token, without free and busy: %+v", v)
	}
	if v := see(owned(t, "100 activity show", "100 freeBusy show"), 100); !v.Until.Equal(st.Until) {
		t.Errorf("External with both: until %v", v.Until)
	}
	if v := see(owned(t, "200 interrupt show"), 200); !v.Interrupt || table.Interrupt {
		t.Errorf("Colleagues may interrupt: %+v", v)
	}
	if v := see(owned(t, "300 interrupt hide"), 300); v.Interrupt || v.Availability != 6900 {
		t.Errorf("Workgroup may not: %+v", v)
	}
	if v := see(owned(t, "200 timezone hide"), 200); v.Zone || v.Text[presence.FieldTimezone] != "" {
		t.Errorf("a hidden time zone is used for texts: %+v", v)
	}
	if v := see(owned(t, "200 state hide", "200 location show"), 200); v != presence.OfflineView(200) {
		t.Errorf("without the state: %+v", v)
	}
	// 450 has the matrix of 300, with what she says of 300 and then of 450.
	if v := see(owned(t, "300 location hide"), 450); v.Text[presence.FieldLocation] != "" {
		t.Errorf("450 sees %q", v.Text[presence.FieldLocation])
	}
	if v := see(owned(t, "300 location hide", "450 location show"), 450); v.Text[presence.FieldLocation] == "" {
		t.Error("450 does not see what she shows it")
	}
	if v := see(owned(t, "450 location hide"), 300); v.Text[presence.FieldLocation] == "" {
		t.Error("300 goes by what is said of 450")
	}
	undeclared := owned(t, "777 state show", "777 noteOOF show", "777 location show")
	if v := see(undeclared, 777); v != presence.OfflineView(777) || site.Column(777, undeclared).Grants != 0 {
		t.Errorf("a container nobody declares shows %+v", v)
	}
}

// TestS3_AHiddenEMailAddressIsNotToBeAskedFor: online and, out of office, offline.
func TestS3_AHiddenEMailAddressIsNotToBeAskedFor(t *testing.T) {
	st, person := full()
	for _, number := range []presence.Availability{7000, 18500} {
		st.A = presence.Shown{Availability: number, Activity: presence.OutOfOfficeA}
		for _, hidden := range []bool{false, true} {
			p := owned(t)
			if hidden {
				p = owned(t, "200 email hide")
			}
			var v presence.View
			openOperator().Project(st, person, testSite(t).Column(200, p), &v)
			if told := v.Asked(true).Activity == presence.OutOfOfficeA; told == hidden || v.Asked(false).Activity != presence.OutOfOfficeA {
				t.Errorf("%d, hidden %v: told under it: %v", number, hidden, told)
			}
		}
	}
}

// TestS3_WhatCannotBeReadHidesFromEverybody: a cell that makes no sense may be one
// that hides, so nobody but herself sees her (S8.5); said both ways it is hidden.
func TestS3_WhatCannotBeReadHidesFromEverybody(t *testing.T) {
	for _, cell := range []string{"200 shoeSize hide", "0 location show", "1 location hide", "2 location show", "32000 location show", "200 capabilities hide", "200 Location hide"} {
		p := owned(t, cell)
		if got := p.Place(who("bob@example.org")); p.Err() == nil || got.Container != presence.Blocked || got.Reason != ReasonFailClosed {
			t.Errorf("%q: %v, bob is in %d by %s", cell, p.Err(), got.Container, got.Reason)
		}
	}
	if g := testSite(t).Column(200, owned(t, "200 location show", "200 location hide", "200 location show")).Grants; g.HasField(presence.FieldLocation) {
		t.Error("said both ways, and shown")
	}
	if p := owned(t, "777 location hide"); p.Err() != nil {
		t.Errorf("the operator took 777 away: %v", p.Err())
	}
}

func TestS3_CheckCell(t *testing.T) {
	site := testSite(t)
	for cell, ok := range map[OwnCell]bool{
		{100, "location", true}: true, {450, "state", false}: true, {300, "lastActive", false}: true,
		{777, "location", true}: false, {0, "location", true}: false, {1, "location", false}: false, {32000, "state", true}: false,
		{200, "capabilities", false}: false, {200, "", false}: false, {2, "location", false}: false,
	} {
		if err := site.CheckCell(cell); (err == nil) != ok {
			t.Errorf("%+v: %v", cell, err)
		}
	}
	if got := (OwnCell{200, "location", false}).String() + ", " + (OwnCell{100, "photo", true}).String(); got != "hides location from 200, shows photo to 100" {
		t.Errorf("told %q", got)
	}
	if n := len(Categories()); n != int(numCategories)-1 {
		t.Errorf("%d categories can be changed of %d", n, numCategories)
	}
}

// TestS3_TheOperatorsCeiling: what a policy withholds is not shown, whatever she
// says and whenever she said it; without the state nothing is.
func TestS3_TheOperatorsCeiling(t *testing.T) {
	site := testSite(t)
	st, person := full()
	p := owned(t, "100 mobilePhone show", "200 mobilePhone show", "450 mobilePhone show", "200 lastActive show", "100 photo show")
	withheld := func(items ...string) *Operator {
		o := openOperator()
		w, err := ParseWithheld(items)
		if err != nil {
			t.Fatal(err)
		}
		o.Withheld = w
		return o
	}
	shows := func(o *Operator, in presence.ContainerID) string {
		var v presence.View
		o.Project(st, person, site.Column(in, p), &v)
		return v.Text[presence.FieldMobilePhone]
	}
	for _, c := range []struct {
		o    *Operator
		seen map[presence.ContainerID]bool
	}{
		{withheld(), map[presence.ContainerID]bool{1: true, 100: true, 200: true, 300: true, 400: true, 450: true}},
		{withheld("mobilePhone"), map[presence.ContainerID]bool{1: true, 100: false, 200: false, 300: false, 400: false, 450: false}},
		{withheld("mobilePhone 100", "location 200"), map[presence.ContainerID]bool{1: true, 100: false, 200: true, 300: true, 450: true}},
		{withheld("state 300"), map[presence.ContainerID]bool{1: true, 200: true, 300: false, 450: false}},
		{openOperator().Narrowest("gone"), map[presence.ContainerID]bool{1: true, 100: false, 200: false, 300: false, 400: false, 450: false}},
	} {
		for in, want := range c.seen {
			if got := shows(c.o, in) != ""; got != want {
				t.Errorf("withheld %b: %d sees her phone %v, want %v", c.o.Withheld, in, got, want)
			}
		}
	}
	var v presence.View
	if withheld("state 300").Project(st, person, site.Column(300, p), &v); v != presence.OfflineView(300) {
		t.Errorf("without the state: %+v", v)
	}
	o := openOperator().Narrowest("gone")
	if o.Project(st, person, site.Column(200, p), &v); v.Availability != 7000 || v.Activity != "" || v.Text != [presence.NumFields]string{} || !v.LastActive.IsZero() {
		t.Errorf("by a policy that cannot be found: %+v", v)
	}
}

func TestS3_ParseWithheld(t *testing.T) {
	for _, bad := range []string{"shoeSize", "", "location 150", "location 0", "location two", "capabilities", "location  200", "location 200 300", "location 65736"} {
		if w, err := ParseWithheld([]string{"photo", bad}); err == nil || w != withheldMost {
			t.Errorf("%q: %b, %v", bad, w, err)
		}
	}
	w, err := ParseWithheld([]string{"location", "state 100", "interrupt 300"})
	loc := Grants(1) << presence.FieldLocation
	if want := (Withheld{loc | 1<<CatState, loc, loc | 1<<CatInterrupt, loc}); err != nil || w != want {
		t.Errorf("%b, %v; want %b", w, err, want)
	}
}

func TestS3_CeilingIsToldWhoeverSetsIt(t *testing.T) {
	o := openOperator()
	o.Withheld[1] = 1 << presence.FieldLocation
	off := DefaultOperator()
	off.Photo = PhotoNone
	for _, c := range []struct {
		o    *Operator
		base presence.ContainerID
		cat  Category
		want bool
	}{
		{o, 200, Category(presence.FieldLocation), true}, {o, 300, Category(presence.FieldLocation), false}, {o, 777, Category(presence.FieldLocation), false},
		{o, 200, Category(presence.FieldLastActive), false}, {&off, 200, Category(presence.FieldLastActive), true},
		{o, 100, Category(presence.FieldPhoto), false}, {&off, 100, Category(presence.FieldPhoto), true}, {&off, 100, CatActivity, false},
	} {
		if got := c.o.Ceiling(c.base, c.cat); got != c.want {
			t.Errorf("%s in %d: %v, want %v", c.cat, c.base, got, c.want)
		}
	}
}

// TestS12_CellsSayWhoseWordDecided: hers, the operator's or the table's.
func TestS12_CellsSayWhoseWordDecided(t *testing.T) {
	st, person := full()
	o := openOperator()
	o.Withheld, _ = ParseWithheld([]string{"office", "location 200"})
	p := owned(t, "200 notePersonal hide", "200 mobilePhone show", "200 location show", "200 meetingSubject show")
	st.Subject = ""
	cells := map[string]Cell{}
	for _, c := range p.Explain(who("bob@example.org"), o, st, person).Categories {
		cells[c.Name] = c
	}
	for name, want := range map[string]struct {
		cause CellCause
		text  string
	}{
		"notePersonal":   {CellOwn, "S3 notePersonal, Colleagues (200): withheld by herself"},
		"mobilePhone":    {CellWidened, "S3 mobilePhone, Colleagues (200): granted by herself"},
		"location":       {CellOperator, "S3 location, Colleagues (200): withheld by the operator"},
		"office":         {CellOperator, "S3 office, Colleagues (200): withheld by the operator"},
		"homePhone":      {CellLevel, "S3 homePhone, Colleagues (200): withheld"},
		"meetingSubject": {CellEmpty, "S3 meetingSubject, Colleagues (200): granted by herself, nothing to show"},
		"title":          {CellShown, "S3 title, Colleagues (200): granted"},
	} {
		if c := cells[name]; c.Cause != want.cause || c.Cell != want.text || c.Shown != (want.cause <= CellWidened) {
			t.Errorf("%s: %+v, want %+v", name, c, want)
		}
	}
	e := owned(t, "200 state hide").Explain(who("bob@example.org"), openOperator(), st, person)
	if e.Container.Sees || e.Categories[CatState].Cause != CellOwn || e.Categories[presence.FieldTitle].Cause != CellOwn {
		t.Errorf("without the state: %+v", e)
	}
	o = openOperator()
	o.Withheld, _ = ParseWithheld([]string{"state 200"})
	e = owned(t).Explain(who("bob@example.org"), o, st, person)
	if c := e.Categories[presence.FieldTitle]; e.Container.Sees || e.Categories[CatState].Cause != CellOperator || c.Cause != CellOperator || c.Cell != "S3 title, Colleagues (200): the operator withholds the state, and with it everything" {
		t.Errorf("without the state by the operator: %+v", e)
	}
}

// TestS2_5_RulesGoByHerOwnCells: which of two levels shows less is hers to say, and
// a rule does not go where that shows more.
func TestS2_5_RulesGoByHerOwnCells(t *testing.T) {
	site := testSite(t)
	rule := Rule{Container: 300, Type: RuleUser, Value: "bob@example.org"}
	s := alice(append(Bootstrap(), rule)...)
	bob := []presence.Addr{presence.MustAddr("bob@example.org")}
	if gone := Departed(site, s, bob, false); len(gone) != 1 {
		t.Errorf("from 300 to 200 the rule goes: %v", gone)
	}
	s.Cells = []OwnCell{{300, "location", false}}
	if gone := Departed(site, s, bob, false); len(gone) != 0 {
		t.Errorf("200 would show him where she is, and the rule went: %v", gone)
	}
}

// TestS2_6_UnreadableRostersGoByHerOwnCells: a rule that only the roster could tell
// lowers where her own cells make it lower.
func TestS2_6_UnreadableRostersGoByHerOwnCells(t *testing.T) {
	s := alice(append(Bootstrap(), Rule{Container: 400, Type: RuleGroup, Value: "Home"})...)
	s.RosterReadable = false
	if got := NewPolicy(testSite(t), s).Place(who("bob@example.org")); got.Container != 200 {
		t.Errorf("400 shows all that 200 does: %+v", got)
	}
	s.Cells = []OwnCell{{400, "location", false}}
	if got := NewPolicy(testSite(t), s).Place(who("bob@example.org")); got.Reason != ReasonFailClosed {
		t.Errorf("400 might hide where she is: %+v", got)
	}
	s.Cells = []OwnCell{{400, "location", false}, {200, "location", false}}
	if got := NewPolicy(testSite(t), s).Place(who("bob@example.org")); got.Container != 200 {
		t.Errorf("neither shows it: %+v", got)
	}
}

func TestS3_ColumnDoesNotAllocate(t *testing.T) {
	site, p := testSite(t), owned(t, "200 location hide", "450 location show")
	if n := testing.AllocsPerRun(100, func() { site.Column(450, p); site.Column(200, p); site.Column(100, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
