package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// decoder moves a document into a configuration and records origins.
type decoder struct {
	report *report
	config *Config
}

func (d *decoder) origin(line int) Origin {
	return Origin{Kind: FromFile, Name: d.report.file, Line: line}
}

// table decodes the keys of t into the struct v.
func (d *decoder) table(t *node, section string, v reflect.Value) {
	for _, name := range t.keys {
		d.entry(t, section, name, v)
	}
}

// entry decodes one key of a table. A misspelt key is told and then read as
// the one it is nearest to, so that a mistake in its value is told as well.
func (d *decoder) entry(t *node, section, name string, v reflect.Value) {
	n := t.fields[name]
	target, ok := field(v, name)
	if !ok {
		near := d.unknown(section, name, n, v.Type())
		if near == "" || t.fields[near] != nil {
			return
		}
		name = near
		target, _ = field(v, name)
	}
	key := strings.TrimPrefix(section+"."+name, ".")
	d.config.origins[key] = d.origin(n.line)
	switch {
	case isSection(target.Type()):
		d.section(n, key, target)
	case isSections(target.Type()):
		d.sections(n, key, target)
	default:
		d.leaf(n, leaf{section: section, name: name, value: target})
	}
}

// unknown tells a key or section that does not exist and returns the name in
// the same table that was probably meant.
func (d *decoder) unknown(section, name string, n *node, t reflect.Type) string {
	key := strings.TrimPrefix(section+"."+name, ".")
	what := "unknown key"
	if n.kind == kindTable || n.tables {
		what = "unknown section"
	}
	near := nearest(name, names(t))
	p := Problem{Key: key, Message: what}
	home := homeOf(name)
	switch {
	case near != "" && what == "unknown section" && section == "":
		p.Remedy = fmt.Sprintf("did you mean [%s]?", near)
	case near != "":
		p.Remedy = fmt.Sprintf("did you mean %s?", near)
	case home != "":
		p.Remedy = fmt.Sprintf("%s belongs in [%s]", name, home)
	case section == "":
		p.Remedy = "remove it; the sections are " + strings.Join(names(t), ", ")
	default:
		p.Remedy = fmt.Sprintf("remove it; [%s] has %s", withoutIndexes(section), strings.Join(names(t), ", "))
	}
	d.report.add(d.origin(n.line), p)
	if near == "" && home != "" {
		d.report.bad[home+"."+name] = true // not missing, only misplaced
	}
	return near
}

func (d *decoder) section(n *node, key string, target reflect.Value) {
	if n.kind == kindTable {
		d.table(n, key, target)
		return
	}
	p := Problem{Key: key, Value: n.shown(), Message: "is a section, not a key",
		Remedy: fmt.Sprintf("write [%s] on a line of its own and its keys below it", key)}
	if n.tables {
		p.Value, p.Message = "", "there is only one such section"
		p.Remedy = fmt.Sprintf("write [%s] once, in single brackets", key)
	}
	d.report.add(d.origin(n.line), p)
	if n.tables {
		d.table(n.items[0], key, target)
	}
}

// sections decodes a list of tables, written as [[headers]] or in brackets.
func (d *decoder) sections(n *node, key string, target reflect.Value) {
	items := n.items
	if n.kind != kindList {
		d.report.add(d.origin(n.line), Problem{Key: key, Value: n.shown(),
			Message: "is a list of sections",
			Remedy:  fmt.Sprintf("write [[%s]], in double brackets, before each", withoutIndexes(key))})
		if n.kind != kindTable {
			return
		}
		items = []*node{n}
	}
	list := reflect.MakeSlice(target.Type(), len(items), len(items))
	for i, item := range items {
		itemKey := fmt.Sprintf("%s[%d]", key, i)
		d.config.origins[itemKey] = d.origin(item.line)
		if item.kind != kindTable {
			d.report.add(d.origin(item.line), Problem{Key: itemKey, Value: item.shown(),
				Message: "is not a section", Remedy: fmt.Sprintf("write [[%s]] and its keys below it", key)})
			d.markAll(itemKey, list.Index(i).Type())
			continue
		}
		d.table(item, itemKey, list.Index(i))
	}
	target.Set(list)
}

// markAll keeps the keys of an item that is no table from being told missing.
func (d *decoder) markAll(key string, t reflect.Type) {
	for _, name := range names(t) {
		d.report.bad[key+"."+name] = true
	}
}

// leaf decodes a value and tells a wrong type.
func (d *decoder) leaf(n *node, l leaf) {
	d.assign(n, l, d.origin(n.line))
	if n.kind != kindList {
		return
	}
	for i, item := range n.items {
		if item.line != n.line {
			d.config.origins[fmt.Sprintf("%s[%d]", l.key(), i)] = d.origin(item.line)
		}
	}
}

// assign puts n into the leaf, whichever layer it came from.
func (d *decoder) assign(n *node, l leaf, o Origin) {
	shown := n.shown()
	if l.secret() {
		shown = hidden
	}
	d.report.written[l.key()] = shown
	message, remedy := put(n, l.value)
	if message == "" {
		return
	}
	if remedy == "" {
		message, remedy, _ = strings.Cut(message, "; ")
	}
	d.report.add(o, Problem{Key: l.key(), Value: shown, Message: message, Remedy: remedy})
}

// secret reports whether the leaf's value must not be shown.
func (l leaf) secret() bool {
	return l.value.Type() == secretType || l.value.Type() == secretURLType
}

// put stores n in target; it returns what is wrong with n's type or form.
func put(n *node, target reflect.Value) (message, remedy string) {
	switch p := target.Addr().Interface().(type) {
	case *string:
		return putText(n, func(s string) error { *p = s; return nil })
	case *Secret:
		return putText(n, func(s string) error { *p = NewSecret(s); return nil })
	case *SecretURL:
		return putText(n, func(s string) error { *p = NewSecretURL(s); return nil })
	case *Duration:
		return putQuantity(n, ParseDuration, p, errDuration)
	case *Size:
		return putQuantity(n, ParseSize, p, errSize)
	case *bool:
		if n.kind != kindBool {
			return "not true or false", "write true or false, without quotes"
		}
		*p = n.text == "true"
	case *int:
		i, err := strconv.ParseInt(n.text, 0, 64)
		if n.kind != kindInteger || err != nil {
			return "not a whole number", "write digits without quotes, such as 1000"
		}
		*p = int(i)
	case *[]string:
		return putList(n, p)
	case *map[string]string:
		return putTexts(n, p)
	default:
		return "cannot be set", "report this as a defect of presenced"
	}
	return "", ""
}

func putText(n *node, set func(string) error) (message, remedy string) {
	switch {
	case n.kind == kindTable:
		return "is a key, not a section", "write it as key = value"
	case n.kind == kindList:
		return "not one text", "write one text in quotes, without brackets"
	case n.kind != kindText:
		return "not a text", "put it in quotes"
	}
	if err := set(n.text); err != nil {
		return err.Error(), ""
	}
	return "", ""
}

func putQuantity[T any](n *node, parse func(string) (T, error), p *T, usage error) (message, remedy string) {
	if n.kind != kindText {
		return usage.Error(), ""
	}
	return putText(n, func(s string) error {
		v, err := parse(s)
		if err == nil {
			*p = v
		}
		return err
	})
}

func putList(n *node, p *[]string) (message, remedy string) {
	if n.kind != kindList || n.tables {
		return "not a list", `write texts in brackets, such as ["a", "b"]`
	}
	list := make([]string, 0, len(n.items))
	for _, item := range n.items {
		if item.kind != kindText {
			return "not a list of texts", `put each item in quotes, such as ["a", "b"]`
		}
		list = append(list, item.text)
	}
	*p = list
	return "", ""
}

func putTexts(n *node, p *map[string]string) (message, remedy string) {
	const usage = `write texts by name, such as { en = "Lunch", de = "Mittagspause" }`
	if n.kind != kindTable {
		return "not a table of texts", usage
	}
	texts := make(map[string]string, len(n.keys))
	for _, k := range n.keys {
		if n.fields[k].kind != kindText {
			return "not a table of texts: " + k + " is none", usage
		}
		texts[k] = n.fields[k].text
	}
	*p = texts
	return "", ""
}

// shown returns the value as it would be written, bounded.
func (n *node) shown() string {
	switch n.kind {
	case kindText:
		return quote(n.text)
	case kindTable:
		return ""
	case kindList:
		var b strings.Builder
		for i, item := range n.items {
			if i > 0 {
				b.WriteString(", ")
			}
			if b.Len() > maxShown {
				break
			}
			b.WriteString(item.shown())
		}
		return "[" + b.String() + "]"
	default:
		return n.text
	}
}

// quote writes s as a TOML basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r >= 0x7f && r < 0xa0:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
