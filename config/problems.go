package config

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing that is wrong, or, in a list of warnings, unwise.
type Problem struct {
	// Where is "presenced.toml:12", the variable or the flag.
	Where string `json:"where"`
	// Key is the full key, such as "presence.idle_after"; empty only for a
	// line that cannot be read at all.
	Key string `json:"key"`
	// Line counts from 1; 0 where the problem is not in a line of the file.
	Line int `json:"line,omitempty"`
	// Value is what was written, as TOML; empty where nothing was written or
	// where it could be a secret.
	Value string `json:"value,omitempty"`
	// Message says what is wrong, Remedy what to do.
	Message string `json:"message"`
	Remedy  string `json:"remedy"`

	rank OriginKind
}

// String returns the problem as one line:
// `presenced.toml:12: presence.idle_after = "5x": not a duration; write …`.
func (p Problem) String() string {
	var b strings.Builder
	if p.Where != "" {
		b.WriteString(p.Where + ": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key)
		if p.Value != "" {
			b.WriteString(" = " + p.Value)
		}
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	if p.Remedy != "" {
		b.WriteString("; " + p.Remedy)
	}
	return b.String()
}

// Error is a configuration that cannot be used, with everything wrong in it.
type Error struct {
	File     string
	Problems []Problem
}

// Error returns one problem a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// report gathers problems and warnings while a configuration is read.
type report struct {
	file     string
	problems []Problem
	warnings []Problem
	bad      map[string]bool   // keys that already have a problem: one mistake is told once
	written  map[string]string // values as somebody wrote them ("1m", not "60s")
}

func newReport(file string) *report {
	return &report{file: file, bad: map[string]bool{}, written: map[string]string{}}
}

// add records p, placed at o, and marks its key as told.
func (r *report) add(o Origin, p Problem) {
	if p.Key != "" {
		r.bad[p.Key] = true
	}
	r.problems = append(r.problems, r.place(o, p))
}

func (r *report) warn(o Origin, p Problem) {
	r.warnings = append(r.warnings, r.place(o, p))
}

// place fills in where p is. What nobody wrote is told of the file as a whole.
func (r *report) place(o Origin, p Problem) Problem {
	if !o.set() {
		o = Origin{Kind: FromDefault, Name: r.file}
		p.Where = r.file
	} else {
		p.Where = o.String()
	}
	p.Line, p.rank = o.Line, o.Kind
	p.Where, p.Message = oneLine(p.Where), oneLine(p.Message)
	p.Key, p.Value = shorten(p.Key), shorten(p.Value)
	return p
}

// err returns nil or the *Error; problems stand in the order of the file, then
// variables, flags and what is missing.
func (r *report) err() error {
	inOrder(r.problems)
	inOrder(r.warnings)
	if len(r.problems) == 0 {
		return nil
	}
	return &Error{File: r.file, Problems: r.problems}
}

func inOrder(list []Problem) {
	order := func(p Problem) int {
		if p.rank == FromDefault {
			return int(FromFlag) + 1
		}
		return int(p.rank)
	}
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(a.Line, b.Line))
	})
}

// maxShown bounds the value repeated in a problem, in bytes: enough to
// recognise it, short enough for one line of a log.
const maxShown = 80

// shorten bounds s and makes it one line of valid text: keys in quotes, flags
// and variables may hold anything.
func shorten(s string) string {
	cut := min(len(s), maxShown)
	for cut < len(s) && cut > maxShown-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	short := oneLine(s[:cut])
	if cut < len(s) {
		short += "…"
	}
	return short
}

// oneLine puts ? for what would break a line or a terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
}
