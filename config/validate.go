package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// validate checks every value by its rule and then what several keys say
// together. Keys that already have a problem are left alone.
func (l *loader) validate() {
	for _, leaf := range leaves(l.config) {
		l.byRule(leaf, leaf.rule())
	}
	for _, check := range []func(){
		l.checkHosts, l.checkNetworks, l.checkEnrolment, l.checkClocks,
		l.checkContainers, l.checkWalls, l.checkListsSQL, l.checkPolicies,
		l.checkSources, l.checkMap, l.checkStates, l.checkListeners, l.checkKeyFile,
	} {
		check()
	}
}

// told reports whether key already has a problem.
func (l *loader) told(key string) bool {
	return l.report.bad[key] || l.report.bad[withoutIndexes(key)]
}

// problem tells that key's value is wrong, unless key was told before.
func (l *loader) problem(key, value, message, remedy string) {
	if l.told(key) {
		return
	}
	l.report.add(l.config.nearestOrigin(key),
		Problem{Key: key, Value: l.asWritten(key, value), Message: message, Remedy: remedy})
}

// asWritten prefers the operator's spelling of a value to ours.
func (l *loader) asWritten(key, value string) string {
	if written, ok := l.report.written[key]; ok && value != "" {
		return written
	}
	return value
}

// itemProblem tells one item of a list at its own line, once; other items of
// the list may be wrong as well.
func (l *loader) itemProblem(key string, i int, value, message, remedy string) {
	item := fmt.Sprintf("%s[%d]", key, i)
	if l.report.bad[item] {
		return
	}
	l.report.bad[item] = true
	p := Problem{Key: key, Value: quote(value), Message: message, Remedy: remedy}
	l.report.problems = append(l.report.problems, l.report.place(l.config.nearestOrigin(item), p))
}

func (l *loader) warning(key, value, message, remedy string) {
	if !l.told(key) {
		value = l.asWritten(key, value)
		l.report.warn(l.config.nearestOrigin(key), Problem{Key: key, Value: value, Message: message, Remedy: remedy})
	}
}

// byRule checks one value by its line in the table.
func (l *loader) byRule(f leaf, r rule) {
	key := f.key()
	if l.told(key) || l.config.origins[key].Kind == FromPolicy { // [policy] is told itself
		return
	}
	if r.required && !l.config.origins[key].set() {
		l.missing(f, r)
		return
	}
	switch v := f.value.Addr().Interface().(type) {
	case *string:
		l.checkText(f, r, *v, quote(*v))
	case *Secret:
		if r.required && v.IsZero() {
			l.problem(key, `""`, "is empty", "write the secret, or name its file with "+f.name+"_file")
		}
	case *SecretURL:
		if !v.IsZero() {
			l.checkText(f, r, v.Reveal(), hidden)
		}
	case *[]string:
		l.checkList(key, r, *v)
	case *int:
		l.checkNumber(key, r, int64(*v), func(n int64) string { return strconv.FormatInt(n, 10) })
	case *Duration:
		l.checkNumber(key, r, int64(*v), func(n int64) string { return Duration(n).String() })
	case *Size:
		l.checkNumber(key, r, int64(*v), func(n int64) string { return Size(n).String() })
	}
}

func (l *loader) missing(f leaf, r rule) {
	remedy := fmt.Sprintf("write %s = %s", f.name, r.example)
	if f.secret() {
		remedy += ", or name a file with " + f.name + "_file"
	}
	l.problem(f.key(), "", "is missing", remedy)
}

func (l *loader) checkText(f leaf, r rule, s, shown string) {
	if s == "" && r.optional {
		return
	}
	if len(r.allowed) > 0 && !slices.Contains(r.allowed, s) {
		remedy := "write " + oneOf(r.allowed)
		if near := nearest(s, r.allowed); near != "" {
			remedy = fmt.Sprintf("did you mean %q? %s", near, remedy)
		}
		l.problem(f.key(), shown, "not a value of this key", remedy)
		return
	}
	if r.check != nil {
		if message, remedy := r.check(s); message != "" {
			l.problem(f.key(), shown, message, remedy)
		}
	}
}

func oneOf(texts []string) string {
	var s strings.Builder
	for i, t := range texts {
		switch {
		case i == 0:
		case i == len(texts)-1:
			s.WriteString(" or ")
		default:
			s.WriteString(", ")
		}
		s.WriteString(strconv.Quote(t))
	}
	return s.String()
}

// checkList checks every item and that none stands there twice. A list with an
// item that cannot be read counts as told: nothing is concluded from it.
func (l *loader) checkList(key string, r rule, list []string) {
	if !l.config.origins[key].set() {
		return // a default, or a copy of a list that is checked itself
	}
	if r.required && len(list) == 0 {
		l.problem(key, "[]", "is empty", "write "+r.example)
		return
	}
	unreadable := false
	seen := make(map[string]bool, len(list))
	for i, item := range list {
		if r.check != nil {
			if message, remedy := r.check(item); message != "" {
				l.itemProblem(key, i, item, message, remedy)
				unreadable = true
				continue
			}
		}
		n := item
		if !r.exact {
			n = normal(item)
		}
		if seen[n] {
			l.itemProblem(key, i, item, "stands there twice", "remove one of the two")
		}
		seen[n] = true
	}
	if unreadable {
		l.report.bad[key] = true
	}
}

func (l *loader) checkNumber(key string, r rule, n int64, text func(int64) string) {
	if r.min == 0 && r.max == 0 || n >= r.min && n <= r.max {
		return
	}
	shown := text(n)
	if _, isNumber := strconv.Atoi(shown); isNumber != nil {
		shown = quote(shown)
	}
	message := "is too small"
	if n > r.max {
		message = "is too large"
	}
	l.problem(key, shown, message, fmt.Sprintf("write %s to %s", text(r.min), text(r.max)))
}
