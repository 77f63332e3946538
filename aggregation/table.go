package aggregation

import (
	"errors"
	"fmt"

	"presenced/internal/presence"
)

// ErrTable is wrapped by every error about a calendar table.
var ErrTable = errors.New("calendar table")

// Rule is one line of a Table: what an event of that kind, and of that category
// where one is named, makes of presence.
type Rule struct {
	Kind     presence.EventKind
	AnyKind  bool   // Category alone decides, Kind is not looked at
	Category string // compared without regard to case; empty: any
	// Availability is 3000..17999, or Unset for no opinion.
	Availability presence.Availability
	Activity     presence.Activity
}

// Table says what events make of presence (S6.1). A line that names a category
// goes before one that does not; among equals the first counts. An event that no
// line matches has no opinion.
type Table []Rule

// Preset returns a new copy of a table of S6.1 by name: "cisco" or "lync".
func Preset(name string) (Table, bool) {
	busy := Rule{Kind: presence.EventBusy, Availability: presence.Busy, Activity: presence.InAMeeting}
	switch name {
	case "cisco":
		return Table{
			busy,
			{Kind: presence.EventOOF, Availability: presence.Away, Activity: presence.OutOfOfficeA},
			{Kind: presence.EventAway, Availability: presence.Away},
		}, true
	case "lync":
		return Table{busy}, true
	default:
		return nil, false
	}
}

// With returns a new table in which rules go before the equal lines of t.
func (t Table) With(rules ...Rule) Table {
	return append(append(make(Table, 0, len(rules)+len(t)), rules...), t...)
}

// Validate reports the first line that cannot be used, wrapping ErrTable.
func (t Table) Validate() error {
	for i, r := range t {
		switch {
		case r.Availability != presence.Unset && !claimable(r.Availability):
			return fmt.Errorf("%w: line %d: availability %d; use %d..%d, or 0 for no opinion",
				ErrTable, i+1, r.Availability, presence.MinAvailability, presence.MaxClaim)
		case r.Availability == presence.Unset && r.Activity != presence.NoActivity:
			return fmt.Errorf("%w: line %d: activity %q without an availability is never shown; give one",
				ErrTable, i+1, r.Activity)
		case r.AnyKind && r.Category == "":
			return fmt.Errorf("%w: line %d: neither show_as nor category; give one", ErrTable, i+1)
		}
	}
	return nil
}

// opinionOf returns what the table makes of e. A number outside the scale is no
// opinion.
func (t Table) opinionOf(e *presence.Event) (presence.Shown, bool) {
	var found *Rule
	for i := range t {
		r := &t[i]
		if !r.AnyKind && r.Kind != e.Kind {
			continue
		}
		if r.Category == "" {
			if found == nil && !r.AnyKind {
				found = r
			}
			continue
		}
		if e.In(r.Category) {
			found = r
			break
		}
	}
	if found == nil || !claimable(found.Availability) {
		return presence.Shown{}, false
	}
	return presence.Shown{Availability: found.Availability, Activity: found.Activity}, true
}
