package check

import (
	"fmt"
	"io"
	"strings"
)

// Result is how a step ended.
type Result string

// The results.
const (
	OK   Result = "ok"
	Warn Result = "warn"
	Fail Result = "fail"
)

// Step is one thing that was looked at.
type Step struct {
	Name     string    `json:"name"`
	Result   Result    `json:"result"`
	Found    string    `json:"found"`
	Do       string    `json:"do,omitempty"`
	Snippets []Snippet `json:"snippets,omitempty"`
}

// Snippet is what to paste into a server's configuration.
type Snippet struct {
	Server string `json:"server"`
	Text   string `json:"text"`
}

// Report is the outcome of a check, in the order things were looked at.
type Report struct {
	Steps  []Step `json:"steps"`
	Passed int    `json:"ok"`
	Warned int    `json:"warned"`
	Failed int    `json:"failed"`
	// Unusable tells that the configuration could not be read, and so nothing
	// else was looked at.
	Unusable bool `json:"-"`
}

func (r *Report) add(s Step) {
	switch s.Result {
	case OK:
		r.Passed++
	case Warn:
		r.Warned++
	default:
		r.Failed++
	}
	r.Steps = append(r.Steps, s)
}

func (r *Report) ok(name, format string, args ...any) {
	r.add(Step{Name: name, Result: OK, Found: fmt.Sprintf(format, args...)})
}

func (r *Report) warn(name, found, do string) {
	r.add(Step{Name: name, Result: Warn, Found: found, Do: do})
}

func (r *Report) fail(name, found, do string) {
	r.add(Step{Name: name, Result: Fail, Found: found, Do: do})
}

// Print writes the report for people: a line for each step, what to do below
// it, and at last what to paste.
func (r *Report) Print(w io.Writer) error {
	var b strings.Builder
	width := r.width()
	margin := strings.Repeat(" ", len("warn  ")+width+1)
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "%-5s %-*s %s\n", s.Result, width, s.Name, strings.ReplaceAll(strings.TrimSpace(s.Found), "\n", "\n"+margin))
		if s.Do != "" {
			fmt.Fprintf(&b, "%s-> %s\n", margin, s.Do)
		}
	}
	fmt.Fprintf(&b, "\n%d ok, %d to know, %d failed\n", r.Passed, r.Warned, r.Failed)
	seen := map[Snippet]bool{}
	for _, s := range r.Steps {
		for _, snippet := range s.Snippets {
			if seen[snippet] {
				continue
			}
			seen[snippet] = true
			fmt.Fprintf(&b, "\nFor %s:\n\n%s", snippet.Server, snippet.Text)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// counted is a number of things, one of which is named by word.
func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// width is that of the column of names: of the longest, within reason.
func (r *Report) width() int {
	const least, most = 13, 32
	width := least
	for _, s := range r.Steps {
		width = max(width, len(s.Name))
	}
	return min(width, most)
}
