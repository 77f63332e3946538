package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// kind is what a value is in TOML.
type kind int

const (
	kindText kind = iota
	kindInteger
	kindFloat
	kindBool
	kindTime
	kindList
	kindTable
)

// node is one value of a document. Unlike a decoded map it knows its line, and
// the order of its keys.
type node struct {
	kind   kind
	text   string // a text decoded; numbers, booleans and times as written
	line   int
	items  []*node          // of a list
	keys   []string         // of a table, in the order written
	fields map[string]*node // of a table
	header bool             // a table that had its own [header]
	tables bool             // a list that was built by [[headers]]
	inline bool             // { … } or [ … ]: nothing may be added later
}

func newTable(line int) *node {
	return &node{kind: kindTable, line: line, fields: map[string]*node{}}
}

// add puts v under key; the caller knows that the key is free.
func (n *node) add(key string, v *node) {
	n.keys = append(n.keys, key)
	n.fields[key] = v
}

// document reads TOML into nodes and goes on after a broken line, so that one
// typing mistake does not hide the others.
type document struct {
	report *report
	data   []byte
	breaks []int // offsets of the line breaks
	root   *node
	here   *node    // the table that keys go to; nil: skip them
	path   []string // of here
	parser unstable.Parser
	base   int // offset of the parser's part in data
}

// maxBroken bounds the broken lines told: a file with more is not TOML, and
// telling each of its lines helps nobody.
const maxBroken = 20

// readDocument returns the root table, however much of it could be read.
func readDocument(data []byte, r *report) *node {
	root := newTable(1)
	d := &document{report: r, data: slices.Clip(data), root: root, here: root}
	for i, c := range data {
		if c == '\n' {
			d.breaks = append(d.breaks, i)
		}
	}
	doubtful := 0 // up to this line errors follow from one already told
	for broken := 0; d.base < len(d.data) && broken < maxBroken; {
		at, message, ok := d.part()
		if ok {
			break
		}
		start := d.firstOfNext()
		line, last := d.lineAt(start), d.lineAt(at)
		if line > doubtful {
			d.syntaxProblem(line, last, message)
			doubtful = last
			broken++
		}
		d.afterBroken(d.lineText(line), line)
		d.base = d.endOfLine(line)
		d.skipRest(doubtful)
	}
	return root
}

// skipRest leaves out what is left of a broken list or text, up to the next
// line that looks like a key or a header.
func (d *document) skipRest(doubtful int) {
	for d.base < len(d.data) {
		line := d.lineAt(d.base)
		text := d.lineText(line)
		if line > doubtful || keyLine.MatchString(text) || headerLine.MatchString(text) {
			return
		}
		d.base = d.endOfLine(line)
	}
}

// part reads expressions from base on and leaves base behind the last one that
// was good. Where one is broken it returns the offset and the parser's words.
func (d *document) part() (at int, message string, ok bool) {
	part := d.data[d.base:]
	d.parser.Reset(part)
	base := d.base
	for d.parser.NextExpression() {
		e := d.parser.Expression()
		end := d.expression(e, base)
		d.base = d.endOfLine(d.lineAt(end))
	}
	err := d.parser.Error()
	if err == nil {
		return 0, "", true
	}
	at = base
	if pe, ok := errors.AsType[*unstable.ParserError](err); ok {
		// A highlight is a tail of part: its capacity tells where it begins.
		at = min(base+max(cap(part)-cap(pe.Highlight), 0), len(d.data))
	}
	return at, err.Error(), false
}

// firstOfNext returns where the expression after base begins: blank lines and
// comments are never what is broken, except for a comment with bad bytes.
func (d *document) firstOfNext() int {
	at := d.base
	for at < len(d.data) {
		end := d.endOfLine(d.lineAt(at))
		line := bytes.TrimSpace(d.data[at:end])
		if len(line) > 0 && (line[0] != '#' || badComment(line)) {
			return at
		}
		at = end
	}
	return d.base
}

func badComment(line []byte) bool {
	bad := func(r rune) bool { return r == '\uFFFD' || r == 0x7f || r < ' ' && r != '\t' }
	return bytes.IndexFunc(line, bad) >= 0
}

func (d *document) lineAt(offset int) int { return 1 + sort.SearchInts(d.breaks, offset) }

// endOfLine returns the offset behind the line's break.
func (d *document) endOfLine(line int) int {
	if line > len(d.breaks) {
		return len(d.data)
	}
	return d.breaks[line-1] + 1
}

func (d *document) lineText(line int) string {
	start := 0
	if line > 1 {
		start = d.breaks[line-2] + 1
	}
	return string(d.data[start:d.endOfLine(line)])
}

func (d *document) origin(line int) Origin {
	return Origin{Kind: FromFile, Name: d.report.file, Line: line}
}

// expression adds one key or header to the tree and returns an offset in its
// last line.
func (d *document) expression(e *unstable.Node, base int) int {
	var names []string
	first, end := -1, base
	for it := e.Key(); it.Next(); {
		k := it.Node()
		names = append(names, string(k.Data))
		if first < 0 {
			first = base + int(k.Raw.Offset)
		}
		end = base + int(k.Raw.Offset+k.Raw.Length)
	}
	line := d.lineAt(first)
	switch e.Kind {
	case unstable.Table:
		d.here, d.path = d.table(names, line), names
	case unstable.ArrayTable:
		d.here, d.path = d.tableItem(names, line), names
	case unstable.KeyValue:
		end = base + int(e.Raw.Offset+e.Raw.Length) - 1
		if d.here != nil {
			d.keyValue(d.here, d.path, names, d.value(e.Value(), line, base), line)
		}
	}
	return end
}

// value copies a parsed value out of the parser's memory.
func (d *document) value(v *unstable.Node, line, base int) *node {
	if v.Raw.Length > 0 {
		line = d.lineAt(base + int(v.Raw.Offset))
	}
	n := &node{kind: kindTime, text: string(v.Data), line: line}
	switch v.Kind {
	case unstable.String:
		n.kind = kindText
	case unstable.Integer:
		n.kind = kindInteger
	case unstable.Float:
		n.kind = kindFloat
	case unstable.Bool:
		n.kind = kindBool
	case unstable.Array:
		n.kind, n.inline = kindList, true
		for it := v.Children(); it.Next(); {
			n.items = append(n.items, d.value(it.Node(), line, base))
		}
	case unstable.InlineTable:
		n = newTable(line)
		for it := v.Children(); it.Next(); {
			kv := it.Node()
			var names []string
			for k := kv.Key(); k.Next(); {
				line = d.lineAt(base + int(k.Node().Raw.Offset))
				names = append(names, string(k.Node().Data))
			}
			d.keyValue(n, nil, names, d.value(kv.Value(), line, base), line)
		}
		n.inline = true
	}
	return n
}

// keyValue puts v under a dotted key below n.
func (d *document) keyValue(n *node, path, names []string, v *node, line int) {
	for i, name := range names[:len(names)-1] {
		child, ok := n.fields[name]
		if !ok {
			child = newTable(line)
			n.add(name, child)
		}
		if child.kind != kindTable || child.inline {
			d.twice(join(path, names[:i+1]), child, line)
			return
		}
		n = child
	}
	name := names[len(names)-1]
	if old, ok := n.fields[name]; ok {
		d.twice(join(path, names), old, line)
		return
	}
	n.add(name, v)
}

// twice tells that a key stands in the file a second time.
func (d *document) twice(key string, old *node, line int) {
	d.report.add(d.origin(line), Problem{
		Key:     key,
		Message: fmt.Sprintf("already set on line %d", old.line),
		Remedy:  "keep one of the two",
	})
}

// table finds or makes the table of a [header]; nil where it cannot be one.
func (d *document) table(names []string, line int) *node {
	parent := d.parentTable(names, line)
	if parent == nil {
		return nil
	}
	name := names[len(names)-1]
	old, ok := parent.fields[name]
	switch {
	case !ok:
		t := newTable(line)
		t.header = true
		parent.add(name, t)
		return t
	case old.kind == kindTable && !old.header && !old.inline:
		old.header = true
		return old
	}
	d.twice(join(nil, names), old, line)
	if old.kind == kindTable && !old.inline {
		return old // go on there: its keys may have mistakes of their own
	}
	return nil
}

// tableItem appends a table to the list of a [[header]].
func (d *document) tableItem(names []string, line int) *node {
	parent := d.parentTable(names, line)
	if parent == nil {
		return nil
	}
	name := names[len(names)-1]
	list, ok := parent.fields[name]
	if !ok {
		list = &node{kind: kindList, line: line, tables: true}
		parent.add(name, list)
	}
	if !list.tables {
		d.twice(join(nil, names), list, line)
		return nil
	}
	t := newTable(line)
	t.header = true
	list.items = append(list.items, t)
	return t
}

// parentTable walks to the table that holds the last name of a header; the
// last item of a list of tables stands for the list.
func (d *document) parentTable(names []string, line int) *node {
	n := d.root
	for i, name := range names[:len(names)-1] {
		child, ok := n.fields[name]
		if !ok {
			child = newTable(line)
			n.add(name, child)
		}
		if child.tables {
			child = child.items[len(child.items)-1]
		}
		if child.kind != kindTable || child.inline {
			d.twice(join(nil, names[:i+1]), child, line)
			return nil
		}
		n = child
	}
	return n
}

func join(path, names []string) string {
	return strings.Join(append(append([]string(nil), path...), names...), ".")
}

// letter is how the parser names a character. It is left out of problems: it
// could be a letter of a secret.
var letter = regexp.MustCompile(`( but got|:)? U\+[0-9A-F]+( '.*?')?`)

var (
	keyLine    = regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+)\s*=`)
	headerLine = regexp.MustCompile(`^\s*(\[\[?)\s*([A-Za-z0-9_.-]+)`)
)

// syntaxProblem tells a line that is not TOML, naming its key where that can
// be made out.
func (d *document) syntaxProblem(line, last int, message string) {
	message = letter.ReplaceAllString(message, "")
	p := Problem{Message: "cannot be read: " + message, Remedy: syntaxRemedy(message)}
	if last > line {
		p.Message += fmt.Sprintf(" (noticed on line %d)", last)
	}
	text := d.lineText(line)
	if m := keyLine.FindStringSubmatch(text); m != nil {
		p.Key = join(d.path, []string{m[1]})
	} else if m := headerLine.FindStringSubmatch(text); m != nil {
		p.Key = m[2]
	}
	d.report.add(d.origin(line), p)
}

// syntaxRemedy turns what the parser expected into what to write.
func syntaxRemedy(message string) string {
	for _, hint := range []struct{ sign, remedy string }{
		{"must be quoted", "put texts, durations and sizes in quotes, numbers without a unit not"},
		{"at start of value", `put texts in quotes, such as key = "value"`},
		{"expected keyword", `write true or false, or put a text in quotes`},
		{"expected value", `write a value behind the =, such as key = "value"`},
		{"'=' after key", `write key = value`},
		{"to close", "close the header: [section], or [[section]] for one of several"},
		{"array", "close the list with ] and put commas between its items"},
		{"escape", `write \\ for a backslash, or use single quotes`},
		{"string", "close the quotes on the same line"},
		{"UTF-8", "save the file as UTF-8"},
		{"at start of key", "write one key = value on a line; comments begin with #"},
		{"expected newline", "write one key = value on a line, durations and sizes in quotes"},
		{"inline table", "close the table with } and put commas between its keys"},
	} {
		if strings.Contains(message, hint.sign) {
			return hint.remedy
		}
	}
	return "write one key = value on a line, texts in quotes"
}

// afterBroken keeps the keys behind a broken header apart from the section
// before it: under the name the header seems to have, or under none.
func (d *document) afterBroken(text string, line int) {
	if !strings.HasPrefix(strings.TrimSpace(text), "[") {
		return
	}
	d.here, d.path = nil, nil
	m := headerLine.FindStringSubmatch(text)
	if m == nil {
		return
	}
	names := strings.Split(strings.TrimRight(m[2], "."), ".")
	if m[1] == "[[" {
		d.here, d.path = d.tableItem(names, line), names
		return
	}
	d.here, d.path = d.table(names, line), names
}
