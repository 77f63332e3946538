package daemon

import (
	"errors"
	"fmt"

	"presenced/component"
	"presenced/internal/engine"
)

// SetupError is what only the operator can mend: presenced ends with exit code
// 78 and is not started again by itself.
type SetupError struct {
	Err    error
	Remedy string
}

// Error returns what is wrong and what to do.
func (e *SetupError) Error() string { return fmt.Sprintf("%v; %s", e.Err, e.Remedy) }

// Unwrap returns what is wrong.
func (e *SetupError) Unwrap() error { return e.Err }

func setup(remedy, format string, args ...any) *SetupError {
	return &SetupError{Err: fmt.Errorf(format, args...), Remedy: remedy}
}

// storeFault tells what the operator can do about a store that does not open.
func storeFault(path string, err error) error {
	switch {
	case errors.Is(err, engine.ErrInUse):
		return &SetupError{Err: err, Remedy: "another presenced runs on store.path = \"" + path + "\": stop it, or give this one a directory of its own"}
	case errors.Is(err, engine.ErrNewerSchema):
		return &SetupError{Err: err, Remedy: "run the newer presenced again, or restore the copy that was made before the upgrade"}
	}
	return &SetupError{Err: err, Remedy: "see that store.path = \"" + path + "\" is a directory presenced may write"}
}

// linkFault tells a refusal before the first attach, whose remedy it already
// holds, from anything else.
func linkFault(err error) error {
	if refused, ok := errors.AsType[*component.RefusedError](err); ok {
		return &SetupError{Err: refused, Remedy: `"presenced check" shows what the server has to know`}
	}
	return err
}
