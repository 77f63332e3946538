package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The exit codes.
const (
	exitReached   = 0
	exitMissed    = 1
	exitCannotRun = 2
)

// flags are what the command line says.
type flags struct {
	out     string
	rows    []int // empty: all
	quick   bool
	profile string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its world as arguments; it returns the exit code.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	f, err := parseFlags(args, errOut)
	if errors.Is(err, flag.ErrHelp) {
		return exitReached
	}
	if err == nil && f.profile != "" {
		err = profile(ctx, f, out)
		if err == nil {
			return exitReached
		}
	}
	var r report
	if err == nil {
		r, err = measure(ctx, f, out)
	}
	if err == nil && f.out != "" {
		err = r.write(f.out)
	}
	if len(r.Rows) > 0 {
		r.print(out)
	}
	if err != nil {
		say(errOut, "bench: %v", err)
		return exitCannotRun
	}
	if n := r.missed(); n > 0 {
		say(out, "\n%d of %d figures are not where they must be.", n, len(r.Rows))
		return exitMissed
	}
	say(out, "\nAll %d figures are where they must be.", len(r.Rows))
	return exitReached
}

func parseFlags(args []string, errOut io.Writer) (flags, error) {
	var f flags
	var rows string
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(errOut)
	set.StringVar(&f.out, "out", "", "write the figures as JSON to this `file`")
	set.StringVar(&rows, "rows", "", "measure only these `rows`, for example 6,8")
	set.BoolVar(&f.quick, "quick", false, "shorten everything: shows that it runs, the figures mean little")
	set.StringVar(&f.profile, "profile", "", "measure nothing, write profiles of the daemon under load into this `directory`")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		return f, fmt.Errorf("unexpected argument %q: see -help", set.Arg(0))
	}
	for _, word := range strings.FieldsFunc(rows, func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := strconv.Atoi(word)
		if err != nil || !slices.ContainsFunc(benches(), func(b bench) bool { return slices.Contains(b.rows, n) }) {
			return f, fmt.Errorf("-rows %s: there is no row %q here; there are %s", rows, word, rowList())
		}
		f.rows = append(f.rows, n)
	}
	return f, nil
}

// bench measures one row.
type bench struct {
	rows []int // measured together
	site bool  // needs the daemon under load
	run  func(ctx context.Context, l *lab) ([]figure, error)
}

// wants reports whether any of these rows is to be measured.
func (f *flags) wants(rows ...int) bool {
	return len(f.rows) == 0 || slices.ContainsFunc(rows, func(n int) bool { return slices.Contains(f.rows, n) })
}

// benches are all rows that can be measured, in the order in which they run.
func benches() []bench {
	return []bench{
		{rows: []int{14}, run: parse},
		{rows: []int{6}, site: true, run: nothing},
		{rows: []int{7}, site: true, run: fanOut},
		{rows: []int{8}, site: true, run: latency},
		{rows: []int{13}, site: true, run: allocations},
		{rows: []int{15}, site: true, run: writes},
		{rows: []int{1, 2}, run: delivery},
		{rows: []int{9}, run: through},
		{rows: []int{12}, run: heap},
		{rows: []int{5}, run: growth},
		{rows: []int{3, 4}, run: redisEvents},
		{rows: []int{11}, run: footprint},
		{rows: []int{18}, run: refill},
		{rows: []int{19}, run: meetings},
		{rows: []int{20}, run: expansion},
	}
}

func rowList() string {
	var all []int
	for _, b := range benches() {
		all = append(all, b.rows...)
	}
	slices.Sort(all)
	return words(all)
}

func words(rows []int) string {
	var w []string
	for _, n := range rows {
		w = append(w, strconv.Itoa(n))
	}
	return strings.Join(w, ", ")
}

// lab is where rows are measured.
type lab struct {
	size sizes
	site *site // nil for rows without one
	out  io.Writer
}

// measure runs the chosen rows. What could not be measured is told at once and is in
// the error; the report holds the rest.
func measure(ctx context.Context, f flags, out io.Writer) (r report, err error) {
	l := &lab{size: full(), out: out}
	if f.quick {
		l.size = quick()
	}
	defer func() { err = errors.Join(err, l.leave()) }()
	var rows []figure
	for _, b := range benches() {
		if !f.wants(b.rows...) {
			continue
		}
		figures, wrong := l.measure(ctx, b)
		if wrong != nil {
			wrong = errors.Join(fmt.Errorf("row %s: %w", words(b.rows), wrong), l.leave())
			say(out, "%v", wrong)
			if err = errors.Join(err, wrong); ctx.Err() != nil {
				break
			}
			continue
		}
		rows = append(rows, slices.DeleteFunc(figures, func(g figure) bool { return !f.wants(g.Row) })...)
	}
	slices.SortStableFunc(rows, func(a, b figure) int { return a.Row - b.Row })
	return newReport(rows, f.quick), err
}

// measure runs one benchmark: on the site that several share, or with nothing
// else beside it.
func (l *lab) measure(ctx context.Context, b bench) (figures []figure, err error) {
	switch {
	case !b.site:
		err = l.leave()
	case l.site == nil:
		l.site, err = l.open(ctx, l.usual())
	}
	if err != nil {
		return nil, err
	}
	start := time.Now()
	figures, err = b.run(ctx, l)
	if err == nil && b.site {
		err = l.site.healthy(ctx)
	}
	if err == nil {
		say(l.out, "row %s measured in %s", words(b.rows), time.Since(start).Round(100*time.Millisecond))
	}
	return figures, err
}

// leave closes the shared site.
func (l *lab) leave() error {
	if l.site == nil {
		return nil
	}
	s := l.site
	l.site = nil
	return s.close()
}

// say prints a line; a reader who went away is no fault of the benchmark.
func say(out io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(out, format+"\n", args...)
}
