package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The exit codes.
const (
	exitKilled    = 0 // every fault was noticed
	exitSurvived  = 1 // some fault was not
	exitCannotRun = 2 // the table is wrong, or the tests fail without a fault
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with its world as arguments; it returns the exit code.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	set := flag.NewFlagSet("mutants", flag.ContinueOnError)
	set.SetOutput(errOut)
	root := set.String("root", ".", "the checkout to break, of which copies are made")
	only := set.String("only", "", "only faults whose rule or words begin so, e.g. S8 or S5.3")
	list := set.Bool("list", false, "print the table and do nothing")
	workers := set.Int("workers", max(1, runtime.NumCPU()), "how many run side by side")
	if set.Parse(args) != nil {
		return exitCannotRun
	}
	faults := slices.DeleteFunc(slices.Clone(table()), func(f fault) bool {
		return !strings.HasPrefix(f.rule, *only) && !strings.HasPrefix(f.what, *only)
	})
	if *list {
		for _, f := range faults {
			_, _ = fmt.Fprintf(out, "%-6s %-38s %s\n", f.rule, f.file, f.what)
		}
		return exitKilled
	}
	for _, f := range faults {
		if _, err := f.edited(*root); err != nil {
			_, _ = fmt.Fprintln(errOut, err)
			return exitCannotRun
		}
	}
	survived, err := breakAll(ctx, *root, faults, *workers, out)
	switch {
	case err != nil:
		_, _ = fmt.Fprintln(errOut, err)
		return exitCannotRun
	case survived > 0:
		return exitSurvived
	}
	return exitKilled
}

// breakAll runs the tests without a fault and then with each of them; it returns
// how many were not noticed. A fault that does not compile is an error, which
// does not keep the others from being tried.
func breakAll(ctx context.Context, root string, faults []fault, workers int, out io.Writer) (survived int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := time.Now()
	queue := make(chan fault, len(faults)) // room for all
	for _, f := range faults {
		queue <- f
	}
	close(queue)
	var (
		mu      sync.Mutex // guards what follows, and out
		errs    []error
		running sync.WaitGroup
	)
	told := func(f fault, by string, err error, took time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			errs, by = append(errs, err), "BROKEN"
		case by == "":
			survived, by = survived+1, "SURVIVED"
		}
		_, _ = fmt.Fprintf(out, "%-20s %-6s %-32s %s (%.1f s)\n", by, f.rule, f.file, f.what, took.Seconds())
	}
	for i := range min(workers, len(faults)) {
		running.Go(func() {
			if err := work(ctx, root, i == 0, queue, told); err != nil {
				cancel()
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	running.Wait()
	_, _ = fmt.Fprintf(out, "%d faults: %d survived, %d errors, in %s\n", len(faults), survived, len(errs), time.Since(start).Round(time.Second))
	return survived, errors.Join(errs...)
}

// work takes faults from the queue in a copy of its own. The one that is asked to
// looks first whether the tests pass without any. The error is what keeps it from
// going on.
func work(ctx context.Context, root string, first bool, queue <-chan fault, told func(f fault, by string, err error, took time.Duration)) error {
	c, err := newCopy(root)
	if err != nil {
		return err
	}
	defer c.remove()
	if first {
		for _, room := range rooms {
			if failed, out := c.test(ctx, room); failed {
				return fmt.Errorf("the tests of %s fail without a fault: mend them first\n%s", room, out)
			}
		}
	}
	for f := range queue {
		start := time.Now()
		by, err := c.try(ctx, f)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		told(f, by, err, time.Since(start))
	}
	return nil
}
