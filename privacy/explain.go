package privacy

import (
	"fmt"

	"presenced/internal/presence"
)

// Decided names the container of an explanation and what put the watcher there.
type Decided struct {
	ID   presence.ContainerID `json:"id"`
	Tier Reason               `json:"tier"`
	Rule string               `json:"rule"`

	Base        presence.ContainerID `json:"-"` // the column of the matrix that applies
	Sees        bool                 `json:"-"` // whether that shows anything, with her own cells and the operator's
	Match       Rule                 `json:"-"` // Rule as data; its zero value where none of hers decided
	PrivacyMode bool                 `json:"-"` // whether it is on (S2.4)
}

// Cell tells of one category whether it is shown and which cell decided.
type Cell struct {
	Name  string `json:"name"`
	Shown bool   `json:"shown"`
	Cell  string `json:"cell"`

	Category Category  `json:"-"`
	Cause    CellCause `json:"-"`
}

// Explanation tells the owner and the operator, never the watcher, why somebody
// sees what she sees (S12).
type Explanation struct {
	Container  Decided `json:"container"`
	Vetoes     []Veto  `json:"vetoes"`
	Categories []Cell  `json:"categories"`
	// Policy is the operator's named policy that holds for the owner; nil: the global
	// one. Whoever chose it sets it. The cells that it governs name it too.
	Policy *HeldPolicy `json:"policy,omitempty"`
}

// NothingToShow ends the cell of a category that is granted and empty.
const NothingToShow = ", nothing to show"

// Explain gives the reasons for the view that Project makes for w.
func (p *Policy) Explain(w Watcher, o *Operator, st *presence.State, person *Person) Explanation {
	place := p.Trace(w)
	col := p.site.Column(place.Container, p)
	var v presence.View
	o.Project(st, person, col, &v)
	preferred := p.Preferred(w.Addr)
	if preferred {
		Prefer(&v)
	}
	e := Explanation{
		Container: Decided{ID: place.Container, Tier: place.Reason, Rule: place.Rule,
			Base: place.Base, Sees: o.Limit(col) != 0, Match: place.Match, PrivacyMode: p.privacyMode},
		Vetoes: append([]Veto{}, place.Vetoes...),
	}
	for c := range numCategories {
		cell := o.cell(c, &col, st, &v)
		if c == CatInterrupt && preferred && cell.Shown {
			cell.Cell = "S7 priority list: granted"
		}
		e.Categories = append(e.Categories, cell)
	}
	return e
}

// cell explains one category of v.
func (o *Operator) cell(c Category, col *Column, st *presence.State, v *presence.View) Cell {
	where := fmt.Sprintf("S3 %s, %s", c, nameOf(col.Container))
	if col.Base != col.Container {
		where = fmt.Sprintf("S3 %s, %s based on %s", c, nameOf(col.Container), nameOf(col.Base))
	}
	granted := where + o.governs(c) + ": granted"
	if col.changed(c) {
		granted += " by herself"
	}
	out := Cell{Name: c.String(), Shown: holds(v, c), Cell: granted, Category: c}
	if out.Shown {
		switch {
		case c == CatInterrupt && !o.Limit(*col).Has(c):
			out.Cell = "S7 not do-not-disturb: granted"
		case col.changed(c):
			out.Cause = CellWidened
		}
		return out
	}
	shown := shownTo(col.Base, st)
	switch {
	case !o.Limit(*col).Has(c):
		out.Cell, out.Cause = o.withheld(c, col, where)
	case shown.Availability >= presence.OfflineFrom && col.Base != presence.Self && o.OfflineDetails != OfflineAll:
		out.Cell, out.Cause = fmt.Sprintf("S3 offline, offline_details = %s: withheld", o.OfflineDetails), CellOffline
	case c == Category(presence.FieldPhoto) && o.Photo != PhotoAll:
		out.Cell, out.Cause = fmt.Sprintf("S9 photo = %s%s: withheld, or there is none", o.Photo, o.named()), CellPhoto
	case c == Category(presence.FieldLastActive) && o.LastActive == LastActiveOff:
		out.Cell, out.Cause = "S9 last_active = off"+o.named()+": withheld", CellActiveOff
	case c == Category(presence.FieldLastActive) && shown.Availability < presence.IdleFrom:
		out.Cell, out.Cause = "S9 only while idle or away: withheld", CellAwake
	case c == CatInterrupt:
		out.Cell, out.Cause = "S7: not now", CellDisturbing
	default:
		out.Cell, out.Cause = granted+NothingToShow, CellEmpty
	}
	return out
}

// withheld tells whose word keeps a category from a column: the operator's before
// hers, hers before the table's.
func (o *Operator) withheld(c Category, col *Column, where string) (string, CellCause) {
	switch {
	case o.Withheld.withholds(col.Base, c) && (col.Grants.Has(c) || GrantsOf(col.Base).Has(c)):
		return where + ": withheld by the operator" + o.named(), CellOperator
	case o.Withheld.withholds(col.Base, CatState):
		return where + ": the operator" + o.named() + " withholds the state, and with it everything", CellOperator
	case col.changed(c):
		return where + ": withheld by herself", CellOwn
	}
	return where + ": withheld", CellLevel
}

// named tells which policy decided; of the global one nothing.
func (o *Operator) named() string {
	if o.Name == "" {
		return ""
	}
	return fmt.Sprintf(" by policy %q", o.Name)
}

// governs tells what a named policy says of a category.
func (o *Operator) governs(c Category) string {
	if o.Name == "" {
		return ""
	}
	switch c {
	case Category(presence.FieldLastActive):
		return fmt.Sprintf(", S9 last_active = %s%s", o.LastActive, o.named())
	case Category(presence.FieldPhoto):
		return fmt.Sprintf(", S9 photo = %s%s", o.Photo, o.named())
	case Category(presence.FieldNotePersonal), Category(presence.FieldNoteOOF), Category(presence.FieldLocation):
		return fmt.Sprintf(", S9 links = %s%s", o.Links.Mode, o.named())
	}
	return ""
}

// holds reports whether v shows something of category c.
func holds(v *presence.View, c Category) bool {
	online := v.Availability < presence.OfflineFrom
	switch c {
	case CatState:
		return online || v.Container == presence.Self
	case CatCapabilities:
		return online && GrantsOf(presence.External).Has(c)
	case CatActivity:
		return v.Activity != presence.NoActivity
	case CatInterrupt:
		return v.Interrupt
	case Category(presence.FieldLastActive):
		return !v.LastActive.IsZero()
	}
	return v.Text[c] != ""
}
