package daemon

import (
	"errors"
	"fmt"

	"presenced/component"
)

// SetupError is what only the operator can mend: presenced ends with exit code
// 78 and is not started again by itself.
type SetupError struct {
	Err    error
	Remedy string
}

// Error returns what is wrong and what to do.
func (e *SetupError) Error() string {
	if e.Remedy == "" { // the error says it
		return e.Err.Error()
	}
	return fmt.Sprintf("%v; %s", e.Err, e.Remedy)
}

// Unwrap returns what is wrong.
func (e *SetupError) Unwrap() error { return e.Err }

func setup(remedy, format string, args ...any) *SetupError {
	return &SetupError{Err: fmt.Errorf(format, args...), Remedy: remedy}
}

// linkFault tells a refusal before the first attach, whose remedy it already
// holds, from anything else.
func linkFault(err error) error {
	if refused, ok := errors.AsType[*component.RefusedError](err); ok {
		return &SetupError{Err: refused, Remedy: `"presenced check" shows what the server has to know`}
	}
	return err
}
