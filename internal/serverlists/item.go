package serverlists

import (
	"cmp"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"presenced/privacy"
)

// maxDigits bounds an order: clients may send any number of digits, and
// PostgreSQL keeps them.
const maxDigits = 64

// row is a row of privacy_list_data, every column as text.
type row struct {
	t, value, action, ord                     sql.NullString
	all, message, iq, presenceIn, presenceOut sql.NullString
}

// into lists where a row of the query goes.
func (r *row) into(id *string) []any {
	return []any{id, &r.t, &r.value, &r.action, &r.ord, &r.all, &r.message, &r.iq, &r.presenceIn, &r.presenceOut}
}

// list makes items of the rows.
func (l *rawList) list() privacy.List {
	if l.broken != "" {
		return privacy.List{Broken: l.broken}
	}
	items := make([]privacy.Item, 0, len(l.items))
	for i := range l.items {
		items = append(items, l.items[i].item())
	}
	order(items)
	return privacy.List{Items: items}
}

// item translates a row. A broken one keeps its order, for who looks for it.
func (r *row) item() privacy.Item {
	it := privacy.Item{Value: r.value.String, Order: r.ord.String}
	switch r.t.String {
	case "n":
	case "j":
		it.Type = "jid"
	case "g":
		it.Type = "group"
	case "s":
		it.Type = "subscription"
	default:
		it.Broken = "the type is none of n, j, g and s"
	}
	switch r.action.String {
	case "a":
		it.Action = "allow"
	case "d":
		it.Action = "deny"
	default:
		it.Broken = "the action is neither a nor d"
	}
	switch {
	case !r.value.Valid:
		it.Broken = "there is no value"
	case utf8.RuneCountInString(it.Value) > maxValue:
		it.Value, it.Broken = "", "the value is longer than "+strconv.Itoa(maxValue)+" characters"
	case !utf8.ValidString(it.Value):
		it.Value, it.Broken = "", "the value is not valid UTF-8"
	case !number(it.Order):
		it.Order, it.Broken = "", "the order is no unsigned number"
	}
	r.stanzas(&it)
	return it
}

// stanzas reads the columns that say what the item is about. match_all is
// ejabberd's word for an item without children.
func (r *row) stanzas(it *privacy.Item) {
	all, known := truth(r.all)
	for _, kind := range []struct {
		name   string
		column sql.NullString
	}{
		{"message", r.message}, {"iq", r.iq}, {"presence-in", r.presenceIn}, {"presence-out", r.presenceOut},
	} {
		on, ok := truth(kind.column)
		known = known && ok
		if on {
			it.Stanzas = append(it.Stanzas, kind.name)
		}
	}
	switch {
	case !known:
		it.Broken = "a match column is neither true nor false"
	case all:
		it.Stanzas = nil
	case len(it.Stanzas) == 0:
		it.Broken = "it matches no kind of stanza" // no children would mean every kind
	}
}

// truth reads a boolean: PostgreSQL's, and what SQLite may hold for one.
func truth(column sql.NullString) (value, ok bool) {
	switch column.String {
	case "true", "t", "1":
		return true, true
	case "false", "f", "0":
		return false, true
	}
	return false, false
}

// number reports whether an order can be compared.
func number(s string) bool {
	return s != "" && len(s) <= maxDigits && strings.Trim(s, "0123456789") == ""
}

// maxOrder is the largest order kept as it is; room is left above it to put
// items apart within the 32 bits of XEP-0016.
const maxOrder = 1 << 31

// order sorts items as they are evaluated and gives each an order of its own.
// Where several have the same, what denies comes first: ejabberd leaves their
// sequence to the database, and in doubt less is shown (I3). The rest of the
// comparison makes equal tables give equal lists.
func order(items []privacy.Item) {
	slices.SortFunc(items, func(a, b privacy.Item) int {
		return cmp.Or(compareNumbers(a.Order, b.Order), strings.Compare(b.Action, a.Action), strings.Compare(a.Type, b.Type),
			strings.Compare(a.Value, b.Value), slices.Compare(a.Stanzas, b.Stanzas), strings.Compare(a.Broken, b.Broken))
	})
	next := uint64(0)
	for i := range items {
		if items[i].Order == "" {
			continue // it is broken
		}
		n, err := strconv.ParseUint(items[i].Order, 10, 64)
		if err != nil || n > maxOrder {
			n = maxOrder
		}
		n = max(n, next)
		items[i].Order, next = strconv.FormatUint(n, 10), n+1
	}
}

// compareNumbers orders texts of digits; no digits come first.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
