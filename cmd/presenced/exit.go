package main

import (
	"errors"
	"fmt"
	"io"

	"presenced/config"
	"presenced/internal/daemon"
)

// The exit codes.
const (
	exitFine    = 0
	exitProblem = 1
	exitUsage   = 2
	exitConfig  = 78 // EX_CONFIG: starting again does not help
)

// usageError is a command line that cannot be understood.
type usageError struct{ text string }

// Error says what is wrong and what to type.
func (e *usageError) Error() string { return e.text }

func usage(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// told is an exit code whose reason has already been printed.
type told int

// Error is never shown.
func (t told) Error() string { return fmt.Sprintf("exit code %d", int(t)) }

// exitCode prints what went wrong, if that has not been done, and returns the
// code to exit with.
func exitCode(stderr io.Writer, err error) int {
	if err == nil {
		return exitFine
	}
	if code, ok := errors.AsType[told](err); ok {
		return int(code)
	}
	if broken, ok := errors.AsType[*config.Error](err); ok {
		_, _ = fmt.Fprintln(stderr, broken) // one problem a line, each with its place
		return exitConfig
	}
	_, _ = fmt.Fprintf(stderr, "presenced: %v\n", err)
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*daemon.SetupError](err); ok {
		return exitConfig
	}
	return exitProblem
}
