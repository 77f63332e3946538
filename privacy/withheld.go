package privacy

import (
	"fmt"
	"strconv"
	"strings"

	"presenced/internal/presence"
)

// Withheld are the cells of S3's matrix that the operator shows to nobody, column
// by column, whatever a user says of them. Its zero value withholds none.
type Withheld [4]Grants

// withheldMost leaves only whether she is available: for a policy that cannot be
// found, which may have withheld anything (I3).
var withheldMost = Withheld{most, most, most, most}

const most = everything &^ (1<<CatState | 1<<CatCapabilities)

// ParseWithheld reads a list such as "location" or "mobilePhone 200": a category,
// and of which of 100, 200, 300 and 400; without one, of all of them. The error
// names the item at fault and what to write.
func ParseWithheld(items []string) (Withheld, error) {
	var w Withheld
	for _, item := range items {
		name, level, _ := strings.Cut(item, " ")
		cat, ok := ParseCategory(name)
		if !ok || cat == CatCapabilities {
			return withheldMost, fmt.Errorf("%q: no such category can be withheld; write one of %s", item, strings.Join(categoryNames(), ", "))
		}
		if level == "" {
			for i := range w {
				w[i] |= 1 << cat
			}
			continue
		}
		n, err := strconv.ParseUint(level, 10, 16)
		i, ok := columnOf(presence.ContainerID(n))
		if err != nil || !ok {
			return withheldMost, fmt.Errorf("%q: %q is none of 100, 200, 300 and 400; write one of them after the category, or none for all", item, level)
		}
		w[i] |= 1 << cat
	}
	return w, nil
}

func categoryNames() []string {
	var names []string
	for _, c := range Categories() {
		names = append(names, c.String())
	}
	return names
}

// withholds reports whether the operator withholds a category from a base.
func (w *Withheld) withholds(base presence.ContainerID, cat Category) bool {
	i, ok := columnOf(base)
	return ok && w[i].Has(cat)
}

// Limit returns what the operator leaves of a column; nothing where he leaves no
// state. To herself everything is shown (S3).
func (o *Operator) Limit(c Column) Grants {
	g := c.Grants
	if i, ok := columnOf(c.Base); ok {
		g &^= o.Withheld[i]
	}
	if !g.Has(CatState) {
		return 0
	}
	return g
}

// Ceiling tells a user who wants a cell shown that the operator's policy keeps it
// from being shown now. It is asked again at every projection.
func (o *Operator) Ceiling(base presence.ContainerID, cat Category) bool {
	return o.Withheld.withholds(base, cat) ||
		cat == Category(presence.FieldLastActive) && o.LastActive == LastActiveOff ||
		cat == Category(presence.FieldPhoto) && o.Photo == PhotoNone
}
