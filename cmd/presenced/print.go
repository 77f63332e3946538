package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
)

// printJSON prints v for programs.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printf prints a line or more for people.
func (a *app) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(a.stdout, format, args...)
	return err
}

// note tells people more beside what was printed, which so stays what a shell
// captures.
func (a *app) note(format string, args ...any) error {
	_, err := fmt.Fprintf(a.stderr, format, args...)
	return err
}

// counted is a number of things, one of which is named by word.
func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// table prints rows in columns; cells are separated by tabs.
func (a *app) table(rows []string) error {
	w := tabwriter.NewWriter(a.stdout, 0, 8, 2, ' ', 0)
	for _, r := range rows {
		if _, err := fmt.Fprintln(w, r); err != nil {
			return err
		}
	}
	return w.Flush()
}

// yes is how a truth is printed for people.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
