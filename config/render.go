package config

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Entry is one effective value with its origin, for "config show --json".
type Entry struct {
	Key    string `json:"key"`
	Value  any    `json:"value"` // marshals without revealing secrets
	Origin string `json:"origin"`
}

// Entries returns every effective value in the order of the default file.
func Entries(c *Config) []Entry {
	var list []Entry
	for _, l := range leaves(c) {
		list = append(list, Entry{Key: l.key(), Value: plainValue(l.value), Origin: c.origins[l.key()].String()})
	}
	return list
}

// plainValue keeps empty lists and tables from becoming null.
func plainValue(v reflect.Value) any {
	switch {
	case v.Kind() == reflect.Slice && v.IsNil():
		return []string{}
	case v.Kind() == reflect.Map && v.IsNil():
		return map[string]string{}
	}
	return v.Interface()
}

// Show writes the effective values as TOML, secrets as ***, each with its
// origin behind it.
func Show(w io.Writer, c *Config) error {
	var b strings.Builder
	section := ""
	for _, l := range leaves(c) {
		if l.section != section {
			if section != "" {
				b.WriteByte('\n')
			}
			section = l.section
			b.WriteString(header(section) + "\n")
		}
		fmt.Fprintf(&b, "%s = %s  # %s\n", l.name, literal(l.value), oneLine(c.origins[l.key()].String()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// header writes "[presence]", or "[[privacy.walls]]" for an item of a list.
func header(section string) string {
	if plain := withoutIndexes(section); plain != section {
		return "[[" + plain + "]]"
	}
	return "[" + section + "]"
}

// literal writes a value as TOML; secrets as ***.
func literal(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case string:
		return quote(x)
	case bool:
		return strconv.FormatBool(x)
	case int:
		return strconv.Itoa(x)
	case []string:
		quoted := make([]string, len(x))
		for i, s := range x {
			quoted[i] = quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case map[string]string:
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(x)) {
			pairs = append(pairs, quote(k)+" = "+quote(x[k]))
		}
		if len(pairs) == 0 {
			return "{}"
		}
		return "{ " + strings.Join(pairs, ", ") + " }"
	case fmt.Stringer: // Duration, Size, Secret, SecretURL
		return quote(x.String())
	default:
		return `""`
	}
}

const defaultsHead = `# presenced.toml: the configuration of presenced.
#
# Every key is here with its default; a key that is commented out has none, or
# follows from others, or is not acted on by this version. Durations are numbers
# with a unit (ms, s, m, h, d), sizes too (B, KiB, MiB, GiB). A secret x may be
# given as x_file. PRESENCED_SECTION_KEY variables beat this file (lists with
# commas), and --set section.key=value flags beat both. SIGHUP reloads.

`

// Defaults returns the commented default file. With [component] filled in it
// loads as Default.
func Defaults() []byte {
	var b strings.Builder
	b.WriteString(defaultsHead)
	sections := map[string]bool{}
	values := map[string]leaf{}
	for _, l := range leaves(Default()) {
		values[l.key()] = l
	}
	docs := sectionDocs()
	for _, key := range allKeys() {
		section, name := cutLast(key)
		l, single := values[key]
		if !sections[section] {
			sections[section] = true
			fmt.Fprintf(&b, "# %s\n%s\n\n", docs[section], sectionHeader(section, single))
		}
		if section == "policies" && values["policy."+name].name != "" {
			continue // described under [policy]
		}
		writeDefault(&b, key, name, l, single)
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

// sectionHeader comments lists of tables out: one that stands there is one
// that is declared.
func sectionHeader(section string, single bool) string {
	if single {
		return "[" + section + "]"
	}
	return "# [[" + section + "]]"
}

func writeDefault(b *strings.Builder, key, name string, l leaf, single bool) {
	r := ruleOf(key)
	doc := r.doc
	if len(r.allowed) > 0 {
		doc += " One of " + strings.Join(r.allowed, ", ") + "."
	}
	value, active := r.example, false
	switch {
	case single && !isEmpty(l.value):
		value, active = literal(l.value), !isInert(key)
		doc += " Default: " + value + "."
	case r.required:
		doc += " Must be set."
	case !strings.Contains(doc, "Left out:"):
		doc += " Default: none."
	}
	for _, line := range wrap(doc) {
		b.WriteString("# " + line + "\n")
	}
	if !active {
		b.WriteString("# ")
	}
	b.WriteString(name + " = " + value + "\n\n")
}

// isEmpty reports whether a key has no default worth writing.
func isEmpty(v reflect.Value) bool { return v.IsZero() && v.Kind() != reflect.Bool }

// wrap breaks a comment into lines of at most 96 letters.
func wrap(doc string) []string {
	const width = 96
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(doc) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
