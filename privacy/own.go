package privacy

import (
	"errors"
	"fmt"

	"presenced/internal/presence"
)

// OwnCell is what a user says of one cell of S3's matrix, in place of the table.
type OwnCell struct {
	Container presence.ContainerID `json:"container"` // 100, 200, 300, 400 or a custom id
	Category  string               `json:"category"`  // as Category.String gives it
	Shown     bool                 `json:"shown"`
}

// String tells operators what she says: "hides notePersonal from 200".
func (c OwnCell) String() string {
	if c.Shown {
		return fmt.Sprintf("shows %s to %d", c.Category, c.Container)
	}
	return fmt.Sprintf("hides %s from %d", c.Category, c.Container)
}

// Column is what one container of one user may see: a column of S3's matrix.
type Column struct {
	Container presence.ContainerID
	Base      presence.ContainerID // the table's column, which also says whether A or B is shown
	Grants    Grants               // the table with her own changes; nothing where she shows no state
}

// Column returns a container's column for the owner of p; nil stands for somebody
// who changed nothing. A custom container has the changes of its base and, before
// them, its own. Containers that show nothing show nothing, whatever is said (I3).
// It does not allocate.
func (s *Site) Column(id presence.ContainerID, p *Policy) Column {
	c := Column{Container: id, Base: s.Base(id)}
	c.Grants = GrantsOf(c.Base)
	if p == nil || p.special == nil || !visible(c.Base) {
		return c
	}
	c.Grants = p.special.cells[c.Base].in(c.Grants)
	if id != c.Base {
		c.Grants = p.special.cells[id].in(c.Grants)
	}
	if !c.Grants.Has(CatState) {
		c.Grants = 0
	}
	return c
}

// changed reports whether she shows what the table does not, or the other way.
func (c *Column) changed(cat Category) bool { return c.Grants.Has(cat) != GrantsOf(c.Base).Has(cat) }

// ownColumn is what she says of the cells of one container.
type ownColumn struct{ shown, hidden Grants }

// in puts her changes in place of what g says. What is said both ways is hidden.
func (o ownColumn) in(g Grants) Grants { return (g | o.shown) &^ o.hidden }

// special is what few users say: their priority list and their own cells.
type special struct {
	priority map[presence.Addr]struct{}
	cells    map[presence.ContainerID]ownColumn
}

// addSpecial compiles both. A cell that cannot be read makes the policy fail
// closed, for it may be one that hides.
func (p *Policy) addSpecial(priority []string, cells []OwnCell) error {
	if len(priority)+len(cells) == 0 {
		return nil
	}
	p.special = &special{priority: people(priority), cells: make(map[presence.ContainerID]ownColumn)}
	var errs []error
	for _, c := range cells {
		cat, err := readCell(c)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		o := p.special.cells[c.Container]
		if c.Shown {
			o.shown |= 1 << cat
		} else {
			o.hidden |= 1 << cat
		}
		p.special.cells[c.Container] = o
	}
	return errors.Join(errs...)
}

// CheckCell tells why a user cannot say that of a cell (S3).
func (s *Site) CheckCell(c OwnCell) error {
	if _, custom := s.custom[c.Container]; !custom && !visible(c.Container) {
		return fmt.Errorf("container %d has no cells of one's own; use 100, 200, 300, 400 or a declared custom id", c.Container)
	}
	_, err := readCell(c)
	return err
}

// readCell reads a cell that was accepted once. A custom container the operator has
// taken away since shows nothing anyway.
func readCell(c OwnCell) (Category, error) {
	if !visible(c.Container) && (c.Container < minCustom || c.Container > maxCustom) {
		return 0, fmt.Errorf("cell %q of container %d: nothing can be said of that container", c.Category, c.Container)
	}
	cat, ok := ParseCategory(c.Category)
	if !ok || cat == CatCapabilities {
		return 0, fmt.Errorf("cell %q: it is no category that can be shown or hidden; use one of those \"explain\" lists but capabilities", c.Category)
	}
	return cat, nil
}

// Categories lists the categories of which a user can say what is shown, in the
// order people are told of them. What her address can do is the same for every
// mirror, so that hiding it would hide nothing.
func Categories() []Category {
	list := []Category{CatState, CatActivity, CatInterrupt}
	for f := range presence.NumFields {
		list = append(list, Category(f))
	}
	return list
}

// ParseCategory returns the category that String gives that name.
func ParseCategory(name string) (Category, bool) {
	for c := range numCategories {
		if c.String() == name {
			return c, true
		}
	}
	return 0, false
}
