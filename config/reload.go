package config

import (
	"reflect"
	"slices"
	"strings"
)

// Diff returns the keys whose effective values differ, in the order of the
// default file. A list of tables ("privacy.walls") counts as one key. A secret
// differs when its text does, wherever it was read from.
func Diff(old, new *Config) []string {
	return diff(nil, "", reflect.ValueOf(old).Elem(), reflect.ValueOf(new).Elem())
}

func diff(keys []string, section string, old, new reflect.Value) []string {
	for i := range old.NumField() {
		f := old.Type().Field(i)
		name := tomlName(f)
		key := strings.TrimPrefix(section+"."+name, ".")
		switch {
		case name == "":
		case isSection(f.Type):
			keys = diff(keys, key, old.Field(i), new.Field(i))
		case !same(old.Field(i), new.Field(i)):
			keys = append(keys, key)
		}
	}
	return keys
}

// same compares values; an empty list is the same as none. Secrets are
// compared by their text: reflection looks behind their pointer.
func same(a, b reflect.Value) bool {
	if k := a.Kind(); (k == reflect.Slice || k == reflect.Map) && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// frozen are the keys, beside whole sections, that the parts take when they
// are made.
var frozen = []string{
	"admin.socket", "http.listen", "http.metrics_listen", "presence.language", "presence.liveness",
	"limits.contacts", "limits.max_stanza", "log.format", "calendar.key_file", "calendar.user_networks",
}

// NeedsRestart returns those of the keys that a reload cannot put into force:
// the link, the store and the sockets are opened once. The secret is not one:
// the next attach uses the new one.
func NeedsRestart(keys []string) []string {
	var list []string
	for _, key := range keys {
		switch {
		case strings.HasPrefix(key, "component.secret"):
		case strings.HasPrefix(key, "component."), strings.HasPrefix(key, "store."), slices.Contains(frozen, key):
			list = append(list, key)
		}
	}
	return list
}
