package config

import (
	"fmt"
	"reflect"
	"strings"
)

// leaf is one key of a configuration with its value.
type leaf struct {
	section string        // "presence", "privacy.containers[0]"
	name    string        // "idle_after"
	value   reflect.Value // addressable
}

// key is the full key, with the index of a list's item.
func (l leaf) key() string { return l.section + "." + l.name }

// rule is the key's line in the table of rules.
func (l leaf) rule() rule { return ruleOf(l.key()) }

// withoutIndexes turns "privacy.containers[0].id" into "privacy.containers.id".
func withoutIndexes(key string) string {
	for {
		open := strings.IndexByte(key, '[')
		if open < 0 {
			return key
		}
		end := strings.IndexByte(key[open:], ']')
		if end < 0 {
			return key
		}
		key = key[:open] + key[open+end+1:]
	}
}

// tomlName returns the name an operator writes for a field, empty for fields
// that are not part of the file.
func tomlName(f reflect.StructField) string { return f.Tag.Get("toml") }

// isSection reports whether t is a table of keys of its own.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != secretType && t != secretURLType
}

// isSections reports whether t is a list of tables.
func isSections(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && isSection(t.Elem())
}

var (
	secretType    = reflect.TypeFor[Secret]()
	secretURLType = reflect.TypeFor[SecretURL]()
)

// leaves returns every key of c in the order of the struct: the keys of a
// section come before the tables inside it, as TOML needs it.
func leaves(c *Config) []leaf {
	return appendLeaves(nil, "", reflect.ValueOf(c).Elem())
}

func appendLeaves(list []leaf, section string, v reflect.Value) []leaf {
	for i := range v.NumField() {
		f, value := v.Type().Field(i), v.Field(i)
		name := tomlName(f)
		full := strings.TrimPrefix(section+"."+name, ".")
		switch {
		case f.Anonymous:
			list = appendLeaves(list, section, value)
		case name == "":
		case isSection(f.Type):
			list = appendLeaves(list, full, value)
		case isSections(f.Type):
			for k := range value.Len() {
				list = appendLeaves(list, fmt.Sprintf("%s[%d]", full, k), value.Index(k))
			}
		default:
			list = append(list, leaf{section: section, name: name, value: value})
		}
	}
	return list
}

// field finds the field of a struct that has a TOML name, embedded ones
// included.
func field(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			if found, ok := field(v.Field(i), name); ok {
				return found, true
			}
			continue
		}
		if n := tomlName(f); n != "" && n == name {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// names returns the TOML names in a struct.
func names(t reflect.Type) []string {
	var list []string
	for f := range t.Fields() {
		if f.Anonymous {
			list = append(list, names(f.Type)...)
		} else if n := tomlName(f); n != "" {
			list = append(list, n)
		}
	}
	return list
}
