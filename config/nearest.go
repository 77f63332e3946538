package config

import (
	"reflect"
	"slices"
	"strings"
)

// nearest returns the candidate that was probably meant by name, or nothing.
// One edit in three letters is a slip; more is another word.
func nearest(name string, candidates []string) string {
	const longest = 64 // no key is that long; bounds the work on rubbish
	if len(name) > longest {
		return ""
	}
	plain := func(s string) string {
		return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s))
	}
	best, bestDistance := "", max(1, len(name)/3)+1
	for _, c := range candidates {
		distance := edits(plain(name), plain(c))
		if short := min(len(name), len(c)); short >= 3 && name[:short] == c[:short] {
			distance = min(distance, 1) // "warning" for "warn"
		}
		if distance < bestDistance {
			best, bestDistance = c, distance
		}
	}
	return best
}

// edits is the number of letters to insert, delete, replace or swap with their
// neighbour to turn a into b (optimal string alignment).
func edits(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// homeOf returns the one section that has a key of this name.
func homeOf(name string) string {
	var homes []string
	for _, k := range allKeys() {
		section, key := cutLast(k)
		if key == name {
			homes = append(homes, section)
		}
	}
	if len(homes) != 1 {
		return ""
	}
	return homes[0]
}

// cutLast cuts a key before its last dot.
func cutLast(key string) (section, name string) {
	dot := strings.LastIndexByte(key, '.')
	if dot < 0 {
		return "", key
	}
	return key[:dot], key[dot+1:]
}

// allKeys returns every key there is, without indexes, in the order of the
// default file; those in lists of tables included.
func allKeys() []string {
	return appendKeys(nil, "", reflect.TypeFor[Config]())
}

func appendKeys(list []string, section string, t reflect.Type) []string {
	for f := range t.Fields() {
		name := strings.TrimPrefix(section+"."+tomlName(f), ".")
		switch {
		case f.Anonymous:
			list = appendKeys(list, section, f.Type)
		case tomlName(f) == "":
		case isSection(f.Type):
			list = appendKeys(list, name, f.Type)
		case isSections(f.Type):
			list = appendKeys(list, name, f.Type.Elem())
		default:
			list = append(list, name)
		}
	}
	return slices.Clip(list)
}
