package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// direction says on which side of its limit a figure has to be.
type direction string

const (
	atMost  direction = "at most"
	atLeast direction = "at least"
	exactly direction = "exactly"
)

// figure is one measured ratio.
type figure struct {
	Row     row       `json:"row"` // of docs/performance.md
	Name    string    `json:"name"`
	Value   float64   `json:"value"` // the median of Runs
	Unit    string    `json:"unit"`
	Compare direction `json:"compare"`
	Must    float64   `json:"must"`
	Stretch *float64  `json:"stretch"` // null: none
	Reached bool      `json:"reached"` // Value is on the right side of Must
	Min     float64   `json:"min"`
	Max     float64   `json:"max"`
	Runs    []float64 `json:"runs"`
	// Also are medians of what was measured beside it, by name and unit.
	Also map[string]float64 `json:"also,omitempty"`
}

// goal is what a figure is held to.
type goal struct {
	row           int
	name, unit    string
	compare       direction
	must, stretch float64 // stretch NaN: none
}

// none stands for no stretch goal.
func none() float64 { return math.NaN() }

// figure holds the runs to the goal.
func (g goal) figure(runs []float64, also map[string]float64) figure {
	f := figure{
		Row: row(g.row), Name: g.name, Unit: g.unit, Compare: g.compare, Must: g.must,
		Value: round(median(runs)), Min: round(slices.Min(runs)), Max: round(slices.Max(runs)), Also: also,
	}
	for _, v := range runs {
		f.Runs = append(f.Runs, round(v))
	}
	for k, v := range also {
		also[k] = round(v)
	}
	if !math.IsNaN(g.stretch) {
		f.Stretch = &g.stretch
	}
	f.Reached = f.meets(g.must)
	return f
}

// meets reports whether the value keeps a limit; what must hold exactly must
// hold in every run.
func (f *figure) meets(limit float64) bool {
	if f.Compare == exactly {
		return f.Min == limit && f.Max == limit
	}
	if f.Compare == atLeast {
		return f.Value >= limit
	}
	return f.Value <= limit
}

// report is what -out gets.
type report struct {
	Machine machine  `json:"machine"`
	Date    string   `json:"date"`
	Quick   bool     `json:"quick,omitempty"` // shortened: not to be quoted
	Rows    []figure `json:"rows"`
}

type machine struct {
	Cores int    `json:"cores"`
	Go    string `json:"go"`
	OS    string `json:"os"`
	Arch  string `json:"arch"`
}

func newReport(rows []figure, quick bool) report {
	return report{
		Machine: machine{Cores: runtime.NumCPU(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH},
		Date:    time.Now().UTC().Format(time.DateOnly), Quick: quick, Rows: rows,
	}
}

// write replaces the file as a whole.
func (r report) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// missed counts the figures that do not keep their must.
func (r report) missed() int {
	n := 0
	for i := range r.Rows {
		if !r.Rows[i].Reached {
			n++
		}
	}
	return n
}

// print tells the report in words.
func (r report) print(out io.Writer) {
	say(out, "\n%5s  %-64s %12s  %-14s %s", "row", "what", "median", "must", "verdict")
	for i := range r.Rows {
		f := &r.Rows[i]
		say(out, "%5s  %-64s %12s  %-14s %s", f.Row, f.Name+", "+f.Unit, number(f.Value), limit(f.Compare, f.Must), f.verdict())
		say(out, "%5s  %s", "", f.aside())
	}
}

// aside is what stands below a figure: its spread and what else was seen.
func (f *figure) aside() string {
	var text strings.Builder
	fmt.Fprintf(&text, "from %s to %s over %d runs", number(f.Min), number(f.Max), len(f.Runs))
	names := make([]string, 0, len(f.Also))
	for name := range f.Also {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&text, "; %s %s", name, number(f.Also[name]))
	}
	return text.String()
}

func (f *figure) verdict() string {
	switch {
	case !f.Reached:
		return "MISSED"
	case f.Stretch != nil && f.meets(*f.Stretch):
		return "reached, and the stretch goal " + number(*f.Stretch) + " too"
	case f.Stretch != nil:
		return "reached; the stretch goal is " + number(*f.Stretch)
	}
	return "reached"
}

func limit(d direction, v float64) string { return string(d) + " " + number(v) }

// number writes a figure with three significant digits or as a whole.
func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// round keeps four significant digits: no measurement here has more.
func round(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) || v == math.Trunc(v) {
		return v
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

// median of at least one value; of an even number the mean of the middle two.
func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// quantile of sorted values, the nearest rank: no value is invented.
func quantile(sorted []float64, q float64) float64 {
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// medians turns what several runs saw beside their figure into one value each.
func medians(runs []map[string]float64) map[string]float64 {
	by := map[string][]float64{}
	for _, run := range runs {
		for name, v := range run {
			by[name] = append(by[name], v)
		}
	}
	out := map[string]float64{}
	for name, values := range by {
		out[name] = median(values)
	}
	return out
}
