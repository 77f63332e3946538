package serverlists

import (
	"database/sql"
	"strconv"
	"strings"
	"testing"
)

// FuzzList makes lists of arbitrary rows, a column per line, nine columns to a
// row: none is lost, none panics, and the orders are apart and ascending.
func FuzzList(f *testing.F) {
	f.Add("j\nbob@example.org\nd\n0\n1\n0\n0\n0\n0\nj\ncarl@example.org\na\n0\ntrue\nf\nf\nf\nt")
	f.Add("s\nnone\na\n99999999999999999999\n0\n0\n0\n0\n1\nn\n\nd\n007\nfalse\nt\n\n\n")
	f.Add("g\n\xff\nx\n-1")
	f.Fuzz(func(t *testing.T, text string) {
		var l rawList
		columns := strings.Split(text, "\n")
		for i := 0; i < len(columns); i += 9 {
			var id string
			var r row
			for k, column := range columns[i:min(i+9, len(columns))] {
				*r.into(&id)[k+1].(*sql.NullString) = sql.NullString{String: column, Valid: true}
			}
			l.items = append(l.items, r)
		}
		got := l.list()
		if len(got.Items) != len(l.items) {
			t.Fatalf("%d items of %d rows", len(got.Items), len(l.items))
		}
		last := int64(-1)
		for _, it := range got.Items {
			if it.Broken == "" && (it.Action == "" || it.Order == "") {
				t.Errorf("not understood, yet not broken: %+v", it)
			}
			if it.Order == "" {
				continue
			}
			n, err := strconv.ParseUint(it.Order, 10, 32)
			if err != nil || int64(n) <= last {
				t.Errorf("order %s behind %d: %v", it.Order, last, err)
			}
			last = int64(n)
		}
	})
}
