package privacy

import "presenced/internal/presence"

// Category is one row of the matrix of S3: a presence.Field, or one of the
// categories below that are not fields.
type Category uint8

// The categories that are not fields.
const (
	CatState        = Category(presence.NumFields) + iota // number and show
	CatCapabilities                                       // XEP-0115
	CatActivity                                           // the token
	CatInterrupt                                          // the right to interrupt do-not-disturb
	numCategories
)

// String returns the name used in explanations.
func (c Category) String() string {
	switch c {
	case CatState:
		return "state"
	case CatCapabilities:
		return "capabilities"
	case CatActivity:
		return "activity"
	case CatInterrupt:
		return "interrupt"
	}
	return presence.Field(c).String()
}

// Grants is a set of categories.
type Grants uint32

// Has reports whether c is granted.
func (g Grants) Has(c Category) bool { return g&(1<<c) != 0 }

// HasField reports whether the field f is granted.
func (g Grants) HasField(f presence.Field) bool { return g&(1<<f) != 0 }

// column is a set of columns of the matrix.
type column uint8

const (
	c100 column = 1 << iota
	c200
	c300
	c400
)

// matrix is S3's table. What is not in it is shown to Self alone (I3).
var matrix = [...]struct {
	to   column
	cats []Category
}{
	{c100 | c200 | c300 | c400, []Category{CatState}},
	{c100 | c200 | c300 | c400, []Category{
		Category(presence.FieldName), Category(presence.FieldEmail), Category(presence.FieldTitle),
		Category(presence.FieldCompany), Category(presence.FieldPhoto), CatCapabilities}},
	{c200 | c300 | c400, []Category{
		CatActivity, Category(presence.FieldDevice), Category(presence.FieldTimezone), Category(presence.FieldLocation)}},
	{c200 | c300 | c400, []Category{
		Category(presence.FieldOffice), Category(presence.FieldWorkPhone), Category(presence.FieldFreeBusy),
		Category(presence.FieldWorkingHours), Category(presence.FieldNotePersonal), Category(presence.FieldNoteOOF)}},
	{c200 | c300 | c400, []Category{Category(presence.FieldLastActive)}},
	{c300 | c400, []Category{Category(presence.FieldMobilePhone)}},
	{c400, []Category{Category(presence.FieldHomePhone), Category(presence.FieldOtherPhone)}},
	{c300, []Category{Category(presence.FieldMeetingSubject), Category(presence.FieldMeetingLocation)}},
	{c300, []Category{CatInterrupt}},
}

// Self sees everything (S3).
const everything = Grants(1)<<numCategories - 1

var granted = [...]Grants{grantsOf(c100), grantsOf(c200), grantsOf(c300), grantsOf(c400)}

func grantsOf(c column) Grants {
	var g Grants
	for _, row := range matrix {
		if row.to&c == 0 {
			continue
		}
		for _, cat := range row.cats {
			g |= 1 << cat
		}
	}
	return g
}

// GrantsOf returns what the matrix grants to a base container; nothing for
// Default, Blocked and any id that is not in the table (I3).
func GrantsOf(base presence.ContainerID) Grants {
	if base == presence.Self {
		return everything
	}
	if i, ok := columnOf(base); ok {
		return granted[i]
	}
	return 0
}

// columnOf returns where a base stands in the table; ok is false where it does not.
func columnOf(base presence.ContainerID) (i int, ok bool) {
	switch base {
	case presence.External:
		return 0, true
	case presence.Colleagues:
		return 1, true
	case presence.Workgroup:
		return 2, true
	case presence.Friends:
		return 3, true
	}
	return 0, false
}

// shownTo is the first row of S3: the number and token a base starts from,
// before the token's own cell and offline are considered. External is not granted
// the token unless its owner says so.
func shownTo(base presence.ContainerID, st *presence.State) presence.Shown {
	switch base {
	case presence.Workgroup:
		return st.B
	case presence.External:
		return presence.Shown{Availability: st.A.Availability.Class().Point(), Activity: st.A.Activity}
	case presence.Self, presence.Colleagues, presence.Friends:
		return st.A
	}
	return presence.Shown{Availability: presence.Offline}
}
