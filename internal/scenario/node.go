package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"presenced/internal/presence"
)

// maxNodes bounds a file after its aliases are spelled out: 200,000 values are
// far beyond any scenario, and an alias bomb stops there. Nothing in a scenario
// nests deeper than maxDepth.
const (
	maxNodes = 200_000
	maxDepth = 32
)

// parse reads one YAML document, spells out aliases and refuses doubled keys.
func parse(data []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0:
		return nil, errors.New("file: it is empty; a scenario file has a version and vectors")
	case err != nil:
		return nil, fmt.Errorf("file: %v", err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("file: it holds more than one document; split it")
	}
	budget := maxNodes
	return plain(doc.Content[0], &budget, maxDepth)
}

// plain copies n without aliases.
func plain(n *yaml.Node, budget *int, depth int) (*yaml.Node, error) {
	if *budget--; *budget < 0 || depth == 0 {
		return nil, errorAt("file", n.Line, "", "more than %d values, or nested deeper than %d; shorten it", maxNodes, maxDepth)
	}
	if n.Kind == yaml.AliasNode {
		return plain(n.Alias, budget, depth-1)
	}
	out := *n
	out.Content = make([]*yaml.Node, len(n.Content))
	keys := make(map[string]bool)
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if keys[c.Value] {
				return nil, errorAt("file", c.Line, "", "the key %q stands twice", c.Value)
			}
			keys[c.Value] = true
		}
		var err error
		if out.Content[i], err = plain(c, budget, depth-1); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

// isNull reports whether n is absent: null and absence mean the same.
func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// child returns the value of a key, nil for none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// merge puts over on top of base: maps merge key by key, anything else replaces.
func merge(base, over *yaml.Node) *yaml.Node {
	if base == nil || base.Kind != yaml.MappingNode || over.Kind != yaml.MappingNode {
		return over
	}
	out := *over
	out.Content = nil
	for i := 0; i+1 < len(base.Content); i += 2 {
		key, value := base.Content[i], base.Content[i+1]
		if o := child(over, key.Value); o != nil {
			value = merge(value, o)
		}
		out.Content = append(out.Content, key, value)
	}
	for i := 0; i+1 < len(over.Content); i += 2 {
		if child(base, over.Content[i].Value) == nil {
			out.Content = append(out.Content, over.Content[i], over.Content[i+1])
		}
	}
	return &out
}

// reader turns nodes into values and collects what is wrong with them.
type reader struct {
	where string // "vector V01"
	errs  []error
}

// fields are the known keys of an object and what reads each; null values are
// not read.
type fields map[string]func(n *yaml.Node, at string)

func (d *reader) fail(n *yaml.Node, at, format string, args ...any) {
	d.errs = append(d.errs, errorAt(d.where, n.Line, at, format, args...))
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// object reads a mapping with known keys only.
func (d *reader) object(n *yaml.Node, at string, known fields) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, at, "a map is expected here")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read, ok := known[key.Value]
		switch {
		case !ok:
			d.fail(key, join(at, key.Value), "unknown key")
		case !isNull(value):
			read(value, join(at, key.Value))
		}
	}
}

// need reports keys that are absent.
func (d *reader) need(n *yaml.Node, at string, keys ...string) {
	if isNull(n) || n.Kind != yaml.MappingNode {
		return
	}
	for _, k := range keys {
		if isNull(child(n, k)) {
			d.fail(n, join(at, k), "missing")
		}
	}
}

func (d *reader) list(n *yaml.Node, at string, read func(n *yaml.Node, at string)) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, at, "a list is expected here")
		return
	}
	for i, c := range n.Content {
		read(c, at+"["+strconv.Itoa(i)+"]")
	}
}

func (d *reader) scalar(n *yaml.Node, at, tag, what string) bool {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != tag {
		d.fail(n, at, "%s is expected here", what)
		return false
	}
	return true
}

func (d *reader) text(n *yaml.Node, at string) string {
	if !d.scalar(n, at, "!!str", "a text") {
		return ""
	}
	return n.Value
}

func (d *reader) texts(n *yaml.Node, at string) []string {
	var out []string
	d.list(n, at, func(n *yaml.Node, at string) { out = append(out, d.text(n, at)) })
	return out
}

func (d *reader) boolean(n *yaml.Node, at string) bool {
	var v bool
	if d.scalar(n, at, "!!bool", "true or false") && n.Decode(&v) != nil {
		d.fail(n, at, "true or false is expected here")
	}
	return v
}

func (d *reader) integer(n *yaml.Node, at string, low, high int) int {
	if !d.scalar(n, at, "!!int", "a whole number") {
		return low
	}
	var v int
	if err := n.Decode(&v); err != nil || v < low || v > high {
		d.fail(n, at, "%s is not a number between %d and %d", n.Value, low, high)
		return low
	}
	return v
}

func (d *reader) seconds(n *yaml.Node, at string, low int) time.Duration {
	return time.Duration(d.integer(n, at, low, 1<<31)) * time.Second
}

func (d *reader) instant(n *yaml.Node, at string) time.Time {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" && n.ShortTag() != "!!timestamp" {
		d.fail(n, at, "an instant is expected here")
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, n.Value)
	if err != nil {
		d.fail(n, at, "%q is no instant; write it as 2026-03-02T10:00:00Z", n.Value)
	}
	return t
}

// jid reads an address; a bare one where bare is set.
func (d *reader) jid(n *yaml.Node, at string, bare bool) presence.Addr {
	before := len(d.errs)
	text := d.text(n, at)
	j, err := presence.ParseJID(text)
	switch {
	case len(d.errs) > before: // told already
	case err != nil:
		d.fail(n, at, "%v", err)
	case bare && j.Resource != "":
		d.fail(n, at, "%q has a resource; write the bare JID", n.Value)
	}
	return j.Addr
}

// word reads one of a fixed set of words.
func word[T any](d *reader, n *yaml.Node, at string, parse func(string) (T, bool)) T {
	before := len(d.errs)
	v, ok := parse(d.text(n, at))
	if !ok && len(d.errs) == before {
		d.fail(n, at, "unknown value %q", n.Value)
	}
	return v
}
