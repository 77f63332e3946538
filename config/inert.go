package config

import (
	"slices"
	"strings"
)

// inert names what this version parses and checks but does not act on: a key,
// or with ".*" a whole section. acted, where given, tells that the value asks
// for nothing that is missing.
//
// Whoever implements a key removes its line here.
type inert struct {
	key   string
	acted func(*Config) bool
}

func inertKeys() []inert {
	return []inert{
		{key: "presence.shared_groups"}, // no server marks them: they count as the user's own
		{key: "privacy.provisioning", acted: func(c *Config) bool { return !c.Privacy.Provisioning }},
	}
}

// covers reports whether the line is about key (without indexes).
func (i inert) covers(key string) bool {
	section, all := strings.CutSuffix(i.key, ".*")
	if !all {
		return i.key == key
	}
	of, _ := cutLast(key)
	return of == section
}

// isInert reports whether the table has a line for key.
func isInert(key string) bool {
	return slices.ContainsFunc(inertKeys(), func(i inert) bool { return i.covers(key) })
}

// Inert returns the keys that somebody set although this version does not act
// on them, in the order of the default file.
func (c *Config) Inert() []string {
	var keys []string
	for _, l := range leaves(c) {
		key := l.key()
		if !c.origins[key].set() {
			continue
		}
		plain := withoutIndexes(key)
		for _, i := range inertKeys() {
			if i.covers(plain) && (i.acted == nil || !i.acted(c)) {
				keys = append(keys, key)
				break
			}
		}
	}
	return keys
}
