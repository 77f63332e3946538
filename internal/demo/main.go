package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// The exit codes.
const (
	exitFine        = 0
	exitWrong       = 1
	exitCannotRun   = 2
	exitInterrupted = 130
)

// secondsEnv says how long the demo stays after the table, instead of until
// Ctrl-C.
const secondsEnv = "DEMO_SECONDS"

// startLimit bounds the start of the servers, the first build of the daemon
// included.
const startLimit = 10 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	os.Exit(run(ctx, os.Stdout, os.Stderr))
}

// run is main with its world as arguments; it returns the exit code.
func run(ctx context.Context, out, errOut io.Writer) int {
	stay, err := stayFor(os.Getenv(secondsEnv))
	if err != nil {
		say(errOut, "demo: %v", err)
		return exitCannotRun
	}
	if err := needProsody(ctx, out, errOut); err != nil {
		say(errOut, "demo: %v", err)
		return exitCannotRun
	}
	s, err := show(ctx, out, stay)
	code := exitFine
	switch {
	case err != nil && ctx.Err() != nil:
		say(out, "\nInterrupted before the end.")
		code = exitInterrupted
	case err != nil:
		complain(errOut, s, err)
		code = exitWrong
	}
	if err := s.close(); err != nil {
		say(errOut, "demo: clearing up: %v", err)
		return max(code, exitWrong)
	}
	say(out, "\nEverything the demo started is stopped and removed.")
	return code
}

// show plays the whole demo. The stage is returned in any case.
func show(ctx context.Context, out io.Writer, stay time.Duration) (*stage, error) {
	s := &stage{}
	say(out, "%s", introduction)
	say(out, "Building presenced and starting Prosody. The first time this takes a minute or two.")
	starting, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("the servers did not start in time"))
	defer cancel()
	if err := s.open(starting); err != nil {
		return s, err
	}
	say(out, "\nFirst, Alice runs three commands in her own client. It shows her these answers:\n")
	if err := s.prepare(starting, out); err != nil {
		return s, err
	}
	say(out, "%s", legend)
	t := table{out: out}
	t.head()
	for i := range steps {
		if err := s.play(ctx, &t, &steps[i]); err != nil {
			return s, err
		}
	}
	t.rule()
	say(out, "\nEvery cell was as it should be.")
	say(out, "%s", s.invitation(stay))
	return s, s.stay(ctx, &t, stay)
}

// complain tells what went wrong and what the daemon said last.
func complain(out io.Writer, s *stage, err error) {
	say(out, "\ndemo: %v", err)
	if s.daemon != nil {
		say(out, "\n%s", s.daemon.LogTail())
	}
}

// stayFor reads DEMO_SECONDS; below zero means until Ctrl-C.
func stayFor(value string) (time.Duration, error) {
	if value == "" {
		return -1, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s=%q is no number of seconds: write for example %s=30, or leave it out to stay until Ctrl-C",
			secondsEnv, value, secondsEnv)
	}
	return time.Duration(n) * time.Second, nil
}

// say prints a line; a reader who went away is no fault of the demo.
func say(out io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(out, format+"\n", args...)
}
