package main

import (
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// The widths of the columns in characters; a line comes to 120 at most.
const (
	eventWidth = 29
	wideCell   = 19
	fredCell   = 14
	lastCell   = 17
)

// column is one watcher's.
type column struct {
	name, head string
	width      int
}

// columns are in the order of the watchers everywhere.
var columns = [...]column{
	{"bob", "bob (200)", wideCell},
	{"boss", "boss (300)", wideCell},
	{"fred", "fred (100)", fredCell},
	{"mallory", "mallory (blocked)", lastCell},
}

// cell is what a watcher's client shows; fresh says that the mirror has sent
// something since the line before.
type cell struct {
	text  string
	fresh bool
}

// table prints lines of aligned cells.
type table struct{ out io.Writer }

func (t *table) head() {
	var b strings.Builder
	b.WriteString(pad("time", 10) + pad("event", eventWidth))
	for _, c := range columns {
		b.WriteString(" | " + pad(c.head, c.width))
	}
	say(t.out, "%s", strings.TrimRight(b.String(), " "))
	t.rule()
}

// rule prints a line of dashes as wide as the table.
func (t *table) rule() {
	var b strings.Builder
	b.WriteString(strings.Repeat("-", 10+eventWidth))
	for _, c := range columns {
		b.WriteString("-+-" + strings.Repeat("-", c.width))
	}
	say(t.out, "%s", b.String())
}

// row appends one event with the cells of all watchers.
func (t *table) row(at time.Time, event string, cells [len(columns)]cell) {
	var b strings.Builder
	b.WriteString(pad(at.Format(time.TimeOnly), 10) + pad(event, eventWidth))
	for i, c := range cells {
		bar := " | "
		if c.fresh {
			bar = " > "
		}
		b.WriteString(bar + pad(cut(c.text, columns[i].width), columns[i].width))
	}
	say(t.out, "%s", strings.TrimRight(b.String(), " "))
}

// cut shortens what a column cannot hold, such as a long note of the reader's
// own; the table's texts all fit.
func cut(s string, width int) string {
	r := []rune(s)
	if len(r) <= width {
		return s
	}
	return string(r[:width-1]) + "…"
}

// pad fills up to a width.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
