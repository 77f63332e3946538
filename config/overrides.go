package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// envPrefix begins every variable that is meant for the configuration.
const envPrefix = "PRESENCED_"

var keyStart = regexp.MustCompile(`^[A-Za-z0-9_.]+`)

// envOthers are variables of ours that are no configuration: a switch of the
// test suite, and what wrappers use for --config and --socket.
var envOthers = []string{"PRESENCED_SKIP_SERVERS", "PRESENCED_CONFIG", "PRESENCED_SOCKET"}

// envName returns the variable of a key: log.level is PRESENCED_LOG_LEVEL.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// settable returns the keys that are not in lists of tables. It works on the
// defaults, where those lists are empty.
func settable() []string {
	var keys []string
	for _, l := range leaves(Default()) {
		keys = append(keys, l.key())
	}
	return keys
}

// environment applies the variables, in the order of their names so that
// problems always come in the same order.
func (d *decoder) environment(environ []string) {
	byName := map[string]string{}
	for _, key := range settable() {
		byName[envName(key)] = key
	}
	environ = slices.Sorted(slices.Values(environ))
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(envOthers, name) {
			continue
		}
		o := Origin{Kind: FromEnv, Name: shorten(name)}
		if key, ok := byName[name]; ok {
			d.override(key, value, o)
			continue
		}
		d.unknownVariable(name, byName, o)
	}
}

// unknownVariable tells a variable that sets nothing. Its value is not shown:
// it could be a secret under a misspelt name.
func (d *decoder) unknownVariable(name string, byName map[string]string, o Origin) {
	var candidates []string
	for n := range byName {
		candidates = append(candidates, strings.TrimPrefix(n, envPrefix))
	}
	slices.Sort(candidates)
	p := Problem{Key: cmp.Or(strings.ToLower(strings.TrimPrefix(name, envPrefix)), name),
		Message: "unknown variable", Remedy: "unset it; \"presenced config defaults\" lists every key"}
	section, _, _ := strings.Cut(p.Key, "_")
	ours := name == envPrefix || slices.ContainsFunc(allKeys(), func(k string) bool { return strings.HasPrefix(k, section+".") })
	if near := nearest(strings.TrimPrefix(name, envPrefix), candidates); near != "" {
		p.Remedy = fmt.Sprintf("did you mean %s?", envPrefix+near)
	} else if home := envName(homeOf(p.Key) + "." + p.Key); byName[home] != "" {
		p.Remedy = fmt.Sprintf("did you mean %s?", home)
	} else if !ours { // Kubernetes makes some for a service of our name
		p.Message, p.Remedy = "unknown variable, which has no effect", "\"presenced config defaults\" lists every key"
		d.report.warn(o, p)
		return
	}
	for _, table := range tableLists() {
		if name == envName(table) || strings.HasPrefix(name, envName(table)+"_") {
			p.Key, p.Message = table, "cannot be set by a variable"
			p.Remedy = fmt.Sprintf("write [[%s]] in the file", table)
		}
	}
	d.report.add(o, p)
}

// flags applies the --set flags in their order.
func (d *decoder) flags(set []string) {
	keys := settable()
	for _, text := range set {
		key, value, found := strings.Cut(text, "=")
		key = strings.TrimSpace(key)
		o := Origin{Kind: FromFlag, Name: "--set " + shorten(key)}
		switch {
		case !found || key == "":
			// Only what looks like a key is shown: the rest may be a secret.
			d.report.add(Origin{Kind: FromFlag, Name: "--set"}, Problem{Key: cmp.Or(keyStart.FindString(text), "--set"),
				Message: "not a setting", Remedy: "write --set section.key=value"})
		case slices.Contains(keys, key):
			d.override(key, value, o)
		default:
			d.unknownFlag(key, keys, o)
		}
	}
}

func (d *decoder) unknownFlag(key string, keys []string, o Origin) {
	p := Problem{Key: key, Message: "unknown key", Remedy: "\"presenced config defaults\" lists every key"}
	if near := nearest(key, keys); near != "" {
		p.Remedy = fmt.Sprintf("did you mean %s?", near)
	} else if home := homeOf(key); home != "" {
		p.Remedy = fmt.Sprintf("did you mean %s.%s?", home, key)
	}
	for _, table := range tableLists() {
		if plain := withoutIndexes(key); plain == table || strings.HasPrefix(plain, table+".") {
			p.Message = "cannot be set by a flag"
			p.Remedy = fmt.Sprintf("write [[%s]] in the file", table)
		}
	}
	d.report.add(o, p)
}

// tableLists returns the keys of all lists of tables.
func tableLists() []string {
	scalar := settable()
	var lists []string
	for _, key := range allKeys() {
		section, _ := cutLast(key)
		if !slices.Contains(scalar, key) && !slices.Contains(lists, section) {
			lists = append(lists, section)
		}
	}
	return lists
}

// override sets one key from a plain text, read according to the key's type.
func (d *decoder) override(key, value string, o Origin) {
	for _, l := range leaves(d.config) {
		if l.key() == key {
			d.config.origins[key] = o
			d.dropItemOrigins(key)
			d.assign(plainNode(value, l), l, o)
			return
		}
	}
}

// dropItemOrigins forgets the file's lines of a list that is replaced.
func (d *decoder) dropItemOrigins(key string) {
	for k := range d.config.origins {
		if strings.HasPrefix(k, key+"[") {
			delete(d.config.origins, k)
		}
	}
}

// plainNode reads a text without quotes: a list is split at commas, true and
// false are booleans, digits are numbers, where the key wants one.
func plainNode(value string, l leaf) *node {
	n := &node{kind: kindText, text: value}
	switch l.value.Addr().Interface().(type) {
	case *bool:
		if value == "true" || value == "false" {
			n.kind = kindBool
		}
	case *int:
		n.kind = kindInteger
		if strings.Trim(value, "0123456789") != "" || value == "" {
			n.kind = kindText
		}
	case *[]string:
		n.kind = kindList
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				n.items = append(n.items, &node{kind: kindText, text: item})
			}
		}
	}
	return n
}
