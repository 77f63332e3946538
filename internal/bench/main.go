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
	if err != nil {
		say(errOut, "bench: %v", err)
		return exitCannotRun
	}
	r.print(out)
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
		if err != nil || !slices.ContainsFunc(benches(), func(b bench) bool { return b.row == n }) {
			return f, fmt.Errorf("-rows %s: there is no row %q here; there are %s", rows, word, rowList())
		}
		f.rows = append(f.rows, n)
	}
	return f, nil
}

// bench measures one row.
type bench struct {
	row  int
	site bool // needs the daemon under load
	run  func(ctx context.Context, l *lab) ([]figure, error)
}

// benches are all rows that can be measured, in the order in which they run.
func benches() []bench {
	return []bench{
		{row: 14, run: parse},
		{row: 6, site: true, run: nothing},
		{row: 7, site: true, run: fanOut},
		{row: 8, site: true, run: latency},
		{row: 13, site: true, run: allocations},
		{row: 15, site: true, run: writes},
	}
}

func rowList() string {
	var words []string
	for _, b := range benches() {
		words = append(words, strconv.Itoa(b.row))
	}
	return strings.Join(words, ", ")
}

// lab is where rows are measured.
type lab struct {
	size sizes
	site *site // nil for rows without one
	out  io.Writer
}

// measure runs the chosen rows.
func measure(ctx context.Context, f flags, out io.Writer) (r report, err error) {
	l := &lab{size: full(), out: out}
	if f.quick {
		l.size = quick()
	}
	var rows []figure
	for _, b := range benches() {
		if len(f.rows) > 0 && !slices.Contains(f.rows, b.row) {
			continue
		}
		if b.site && l.site == nil {
			if l.site, err = l.open(ctx, ""); err != nil {
				return r, err
			}
			defer func() { err = errors.Join(err, l.site.close()) }()
		}
		start := time.Now()
		figures, err := b.run(ctx, l)
		if err == nil && b.site {
			err = l.site.healthy(ctx)
		}
		if err != nil {
			return r, fmt.Errorf("row %d: %w", b.row, err)
		}
		say(out, "row %d measured in %s", b.row, time.Since(start).Round(100*time.Millisecond))
		rows = append(rows, figures...)
	}
	slices.SortStableFunc(rows, func(a, b figure) int { return a.Row - b.Row })
	return newReport(rows, f.quick), nil
}

// say prints a line; a reader who went away is no fault of the benchmark.
func say(out io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(out, format+"\n", args...)
}
