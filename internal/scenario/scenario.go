// Package scenario reads the scenario files of `presenced policy test` and runs
// them: worked cases of who sees what of whom at which instant.
//
// Guarantees:
//  1. Strict: an unknown key, type or value is an error that names the vector and
//     the line, and nothing is run. What stands inside a server list is data
//     under test; a malformed one fails closed.
//  2. Every result comes from package eval, which the daemon uses too.
//
// Inputs that the product refuses for their number alone (a claim of 18000 or
// more, a manual state below 3000: S4.1, S5.2) take no part, as they would never
// have been stored. Files are data of whoever runs the command; they are bounded
// in size but not in the time they take.
package scenario

import (
	"errors"
	"fmt"

	"gopkg.in/yaml.v3"

	"presenced/internal/engine/eval"
)

// Report is the outcome of one or more files, in the form of `policy test
// --json`. Passed and Failed count vectors.
type Report struct {
	Vectors []Vector `json:"vectors"`
	Passed  int      `json:"passed"`
	Failed  int      `json:"failed"`
}

// Vector is the outcome of one worked case.
type Vector struct {
	ID       string    `json:"id"`
	Title    string    `json:"-"`
	Rule     string    `json:"-"`
	Watchers []Watcher `json:"watchers"`
}

// Watcher is what one watcher sees, and how that differs from what was expected.
type Watcher struct {
	JID        string          `json:"jid"`
	Projection eval.Projection `json:"projection"`
	Failures   []string        `json:"failures"`
}

// Passed reports whether every watcher sees what was expected.
func (v *Vector) Passed() bool {
	for _, w := range v.Watchers {
		if len(w.Failures) > 0 {
			return false
		}
	}
	return true
}

// Add puts the outcome of another file behind r's.
func (r *Report) Add(other Report) {
	r.Vectors = append(r.Vectors, other.Vectors...)
	r.Passed += other.Passed
	r.Failed += other.Failed
}

// Run reads one scenario file and runs its vectors. The error joins everything
// wrong with the file, one problem each; then nothing was run.
func Run(data []byte) (Report, error) {
	vectors, err := load(data)
	if err != nil {
		return Report{}, err
	}
	r := Report{Vectors: make([]Vector, 0, len(vectors))}
	for i := range vectors {
		v := vectors[i].run()
		if v.Passed() {
			r.Passed++
		} else {
			r.Failed++
		}
		r.Vectors = append(r.Vectors, v)
	}
	return r, nil
}

// run evaluates one vector.
func (c *vector) run() Vector {
	out := Vector{ID: c.id, Title: c.title, Rule: c.rule, Watchers: make([]Watcher, 0, len(c.watchers))}
	st := c.person.State(&c.system, c.now)
	for _, w := range c.watchers {
		contact, _ := c.person.Roster.Get(w.addr)
		got := c.person.Projection(&c.system, &st, w.addr, contact.Subscription.SeesOwner())
		out.Watchers = append(out.Watchers, Watcher{JID: w.jid, Projection: got, Failures: w.expect.compare(&got)})
	}
	return out
}

// load reads a file into vectors.
func load(data []byte) ([]vector, error) {
	root, err := parse(data)
	if err != nil {
		return nil, err
	}
	d := &reader{where: "file"}
	var vectors []vector
	var config, presentity *yaml.Node
	d.object(root, "", fields{
		"version": func(n *yaml.Node, at string) {
			before := len(d.errs)
			if v := d.integer(n, at, 0, 1<<30); v != 1 && len(d.errs) == before {
				d.fail(n, at, "version %d is not known; use 1", v)
			}
		},
		"defaults": func(n *yaml.Node, at string) {
			d.object(n, at, fields{
				"config":     func(n *yaml.Node, _ string) { config = n },
				"presentity": func(n *yaml.Node, _ string) { presentity = n },
			})
		},
		"vectors": func(*yaml.Node, string) {},
	})
	d.need(root, "", "version", "vectors")
	seen := make(map[string]bool)
	d.list(child(root, "vectors"), "vectors", func(n *yaml.Node, at string) {
		v, errs := readVector(n, at, config, presentity)
		d.errs = append(d.errs, errs...)
		if seen[v.id] {
			d.fail(n, at, "the id %q stands twice", v.id)
		}
		seen[v.id] = true
		vectors = append(vectors, v)
	})
	if len(d.errs) > 0 {
		return nil, errors.Join(d.errs...)
	}
	return vectors, nil
}

// readVector reads one vector over the defaults.
func readVector(n *yaml.Node, at string, config, presentity *yaml.Node) (vector, []error) {
	var v vector
	d := &reader{where: at}
	if id := child(n, "id"); id != nil && id.Kind == yaml.ScalarNode {
		d.where = "vector " + id.Value
	}
	d.object(n, "", fields{
		"id":         func(n *yaml.Node, at string) { v.id = d.text(n, at) },
		"title":      func(n *yaml.Node, at string) { v.title = d.text(n, at) },
		"rule":       func(n *yaml.Node, at string) { v.rule = d.text(n, at) },
		"anchor":     func(n *yaml.Node, at string) { d.text(n, at) },
		"now":        func(n *yaml.Node, at string) { v.now = d.instant(n, at) },
		"config":     func(n *yaml.Node, _ string) { config = merge(config, n) },
		"presentity": func(n *yaml.Node, _ string) { presentity = merge(presentity, n) },
		"watchers": func(n *yaml.Node, at string) {
			d.list(n, at, func(n *yaml.Node, at string) { v.watchers = append(v.watchers, d.watching(n, at)) })
		},
	})
	d.need(n, "", "id", "now", "watchers")
	if presentity == nil {
		d.fail(n, "presentity", "missing")
		return v, d.errs
	}
	p := d.config(config)
	p.now = v.now
	d.presentity(presentity, p)
	if len(d.errs) == 0 {
		p.build(d, presentity, &v)
	}
	return v, d.errs
}

// errorAt is one problem of a file.
func errorAt(where string, line int, at, format string, args ...any) error {
	if at != "" {
		at += ": "
	}
	return fmt.Errorf("%s: line %d: %s%s", where, line, at, fmt.Sprintf(format, args...))
}
