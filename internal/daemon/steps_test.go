package daemon

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestSteps_UndoneOnceInReverseWhateverFails(t *testing.T) {
	var s steps
	var order []string
	for _, name := range []string{"store", "engine", "link"} {
		s.add(name, func(context.Context) error {
			order = append(order, name)
			return errors.New("broken")
		})
	}
	err := s.undo(t.Context())
	if !slices.Equal(order, []string{"link", "engine", "store"}) {
		t.Errorf("undone in the order %v", order)
	}
	if err == nil || strings.Count(err.Error(), ": broken") != 3 || !strings.Contains(err.Error(), "engine: ") {
		t.Errorf("the error is %v, want each step by name", err)
	}
	if again := s.undo(t.Context()); !errors.Is(again, err) || len(order) != 3 {
		t.Errorf("a second undo gave %v and %d steps", again, len(order))
	}
}

func TestSteps_SecondUndoWaitsButNotBeyondItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s steps
		s.add("slow", func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		long, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var first sync.WaitGroup
		first.Go(func() { _ = s.undo(long) })
		synctest.Wait()
		short, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		start := time.Now()
		if err := s.undo(short); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("the second undo returned %v after %v", err, time.Since(start))
		}
		first.Wait()
	})
}
