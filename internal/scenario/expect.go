package scenario

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"presenced/internal/engine/eval"
	"presenced/internal/presence"
	"presenced/privacy"
)

// watching is one watcher of a vector and what he is expected to see.
type watching struct {
	jid    string
	addr   presence.Addr
	expect expectation
}

// check compares one expected value; empty: as expected.
type check func(got *eval.Projection) string

type expectation []check

// compare returns every difference, never nil.
func (e expectation) compare(got *eval.Projection) []string {
	failures := []string{}
	for _, c := range e {
		if f := c(got); f != "" {
			failures = append(failures, f)
		}
	}
	return failures
}

// same makes a check of one value.
func same[T comparable](name string, want T, of func(*eval.Projection) T) check {
	return func(p *eval.Projection) string {
		if got := of(p); got != want {
			return fmt.Sprintf("%s: got %v, want %v", name, got, want)
		}
		return ""
	}
}

// orNull is how a missing token or show element is written.
func orNull(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func (d *reader) watching(n *yaml.Node, at string) watching {
	var w watching
	d.object(n, at, fields{
		"jid": func(n *yaml.Node, at string) { w.jid, w.addr = n.Value, d.jid(n, at, false) },
		"expect": func(n *yaml.Node, at string) {
			w.expect = d.expect(n, at)
		},
	})
	d.need(n, at, "jid")
	return w
}

// expect reads what a watcher should see. Here null is a value of activity, show
// and fields: that there is none.
func (d *reader) expect(n *yaml.Node, at string) expectation {
	var e expectation
	add := func(c check) { e = append(e, c) }
	d.object(n, at, fields{
		"container": func(n *yaml.Node, at string) {
			add(same("container", d.container(n, at), func(p *eval.Projection) presence.ContainerID { return p.Container }))
		},
		"reason": func(n *yaml.Node, at string) {
			want := word(d, n, at, func(s string) (privacy.Reason, bool) { return privacy.Reason(s), privacy.Reason(s).Known() })
			add(same("reason", want, func(p *eval.Projection) privacy.Reason { return p.Reason }))
		},
		"availability": func(n *yaml.Node, at string) {
			add(same("availability", d.availability(n, at), func(p *eval.Projection) presence.Availability { return p.Availability }))
		},
		"activity": func(n *yaml.Node, at string) {
			add(same("activity", string(d.activity(n, at)), func(p *eval.Projection) string { return orNull(p.Activity) }))
		},
		"show": func(n *yaml.Node, at string) {
			add(same("show", word(d, n, at, parseShown), func(p *eval.Projection) string { return orNull(p.Show) }))
		},
		"push": func(n *yaml.Node, at string) {
			add(same("push", d.boolean(n, at), func(p *eval.Projection) bool { return p.Push }))
		},
		"probe": func(n *yaml.Node, at string) {
			add(same("probe", word(d, n, at, parseProbe), func(p *eval.Projection) string { return p.Probe }))
		},
		"interrupt": func(n *yaml.Node, at string) {
			add(same("interrupt", d.boolean(n, at), func(p *eval.Projection) bool { return p.Interrupt }))
		},
		"visible": func(n *yaml.Node, at string) { d.named(n, at, true, add) },
		"hidden":  func(n *yaml.Node, at string) { d.named(n, at, false, add) },
		"fields":  func(n *yaml.Node, at string) { d.valued(n, at, add) },
	})
	if v := child(n, "activity"); v != nil && isNull(v) {
		add(same("activity", "null", func(p *eval.Projection) string { return orNull(p.Activity) }))
	}
	if v := child(n, "show"); v != nil && isNull(v) {
		add(same("show", "null", func(p *eval.Projection) string { return orNull(p.Show) }))
	}
	return e
}

func parseShown(s string) (string, bool) {
	return s, slices.Contains([]string{"chat", "away", "xa", "dnd", "unavailable"}, s)
}

func parseProbe(s string) (string, bool) {
	return s, slices.Contains([]string{"available", "unavailable", "unsubscribed"}, s)
}

// named reads names of fields that are to be visible, or hidden.
func (d *reader) named(n *yaml.Node, at string, visible bool, add func(check)) {
	d.list(n, at, func(n *yaml.Node, at string) {
		name := word(d, n, at, presence.ParseField).String()
		add(func(p *eval.Projection) string {
			switch got, ok := p.Fields[name]; {
			case visible && !ok:
				return fmt.Sprintf("%s: hidden, want visible", name)
			case !visible && ok:
				return fmt.Sprintf("%s: visible as %q, want hidden", name, got)
			}
			return ""
		})
	})
}

// valued reads fields with their values; null: the field is absent.
func (d *reader) valued(n *yaml.Node, at string, add func(check)) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, at, "a map is expected here")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		before := len(d.errs)
		name := word(d, key, join(at, key.Value), presence.ParseField).String()
		want := "null"
		switch {
		case len(d.errs) > before: // nothing is known of a field that does not exist
		case isNull(v):
		case name == presence.FieldLastActive.String():
			want = d.instant(v, join(at, name)).UTC().Format("2006-01-02T15:04:05Z07:00")
		default:
			want = d.text(v, join(at, name))
		}
		add(same("fields."+name, want, func(p *eval.Projection) string {
			if got, ok := p.Fields[name]; ok {
				return got
			}
			return "null"
		}))
	}
}
