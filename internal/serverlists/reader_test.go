package serverlists

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// slow is a database each of whose readings takes a second.
type slow struct {
	mu          sync.Mutex // guards the fields below
	fail        error
	block       string // in the next answer
	now, at     int    // readings under way: now, and at most
	reads, seen int    // readings and looks begun
	closed      bool
}

func (d *slow) change(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// counts are the readings and looks so far.
func (d *slow) counts() (reads, seen int) {
	d.change(func() { reads, seen = d.reads, d.seen })
	return reads, seen
}

func (d *slow) Read(ctx context.Context, _ presence.Addr, _ string) (engine.Lists, error) {
	var lists engine.Lists
	var err error
	d.change(func() {
		d.now++
		d.reads++
		d.at = max(d.at, d.now)
		lists.Block = &privacy.BlockList{JIDs: []string{d.block}}
		err = d.fail
	})
	defer d.change(func() { d.now-- })
	select {
	case <-time.After(time.Second):
		return lists, err
	case <-ctx.Done():
		return lists, ctx.Err()
	}
}

func (d *slow) Inspect(context.Context) (f Found, err error) {
	d.change(func() { d.seen++; err = d.fail })
	return f, err
}

func (d *slow) Close() error {
	d.change(func() { d.closed = true })
	return nil
}

// told is what a reader answered.
type told struct {
	mu  sync.Mutex // guards all
	all []string
}

func (t *told) answer(user presence.Addr, lists engine.Lists, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := user.Local()
	if err != nil {
		text += ": " + err.Error()
	} else if lists.Block.JIDs[0] != "" {
		text += " blocks " + lists.Block.JIDs[0]
	}
	t.all = append(t.all, text)
}

func (t *told) take() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.all
	t.all = nil
	slices.Sort(all)
	return all
}

// withReader runs a story in which at most four readings go on at once.
func withReader(t *testing.T, fail error, story func(r *Reader, d *slow, said *told)) {
	synctest.Test(t, func(t *testing.T) {
		d, said := &slow{fail: fail}, &told{}
		r := newReader(d, 4, said.answer)
		synctest.Wait()
		story(r, d, said)
		if err := r.Close(); err != nil || !d.closed {
			t.Errorf("close: %v, closed %t", err, d.closed)
		}
	})
}

func ask(r *Reader, users ...string) {
	for _, u := range users {
		r.ReadLists(presence.MustAddr(u+"@example.org"), u+"@example.org", true)
	}
}

func names(n int) (users []string) {
	for i := range n {
		users = append(users, fmt.Sprintf("u%d", i))
	}
	return users
}

func expect(t *testing.T, said *told, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := said.take(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReader_ReadsAFewAtOnceAndTheRestInOrder(t *testing.T) {
	withReader(t, nil, func(r *Reader, d *slow, said *told) {
		ask(r, names(9)...)
		synctest.Wait()
		ask(r, names(9)...) // each waits once
		time.Sleep(time.Second + time.Millisecond)
		expect(t, said) // the first four were asked for again while they were read
		if got := r.State(); got.Waiting != 9 || got.Readings.Well != 4 {
			t.Errorf("got %+v, want nine who wait and four readings", got)
		}
		time.Sleep(3 * time.Second)
		expect(t, said, names(9)...)
		if d.at != 4 || d.reads != 13 {
			t.Errorf("%d at once, %d readings; want 4 and 13", d.at, d.reads)
		}
		if got := r.State(); got.Waiting != 0 || got.Away != nil {
			t.Errorf("afterwards: %+v", got)
		}
	})
}

// TestReader_AnswersWithAReadingThatBeganLater: what is under way may have been
// read before the change that somebody asks for.
func TestReader_AnswersWithAReadingThatBeganLater(t *testing.T) {
	withReader(t, nil, func(r *Reader, d *slow, said *told) {
		ask(r, "alice")
		time.Sleep(500 * time.Millisecond)
		d.change(func() { d.block = "bob" })
		ask(r, "alice")
		time.Sleep(2 * time.Second)
		expect(t, said, "alice blocks bob")
	})
}

// TestReader_OneFailureIsOneUsers and does not keep the others from being read.
func TestReader_OneFailureIsOneUsers(t *testing.T) {
	withReader(t, nil, func(r *Reader, d *slow, said *told) {
		d.change(func() { d.fail = errors.New("bad row") })
		ask(r, "alice")
		synctest.Wait()
		d.change(func() { d.fail = nil })
		ask(r, "bob")
		time.Sleep(time.Second + time.Millisecond)
		expect(t, said, "alice: bad row", "bob")
		if got := r.State(); got.Away != nil || got.Readings != (Readings{Well: 1, Failed: 1}) {
			t.Errorf("got %+v", got)
		}
	})
}

// TestReader_NobodyWaitsInLineForADatabaseThatIsAway: after four failures the others
// are told at once, whoever asks later too; it is looked for once a second.
func TestReader_NobodyWaitsInLineForADatabaseThatIsAway(t *testing.T) {
	withReader(t, nil, func(r *Reader, d *slow, said *told) {
		d.change(func() { d.fail = errors.New("gone") })
		began := time.Now()
		ask(r, names(1000)...)
		time.Sleep(2*time.Second + time.Millisecond)
		synctest.Wait()
		before, looks := d.counts()
		if got := said.take(); len(got) != 1000 || before > 8 {
			t.Errorf("%d were told after %d readings; want 1000 after at most eight", len(got), before)
		}
		state := r.State()
		if state.Away == nil || state.Away.Error() != "gone" || state.Since.Before(began) || state.Since.After(time.Now()) {
			t.Errorf("state %+v", state)
		}
		ask(r, "alice")
		expect(t, said, "alice: gone")
		time.Sleep(10 * time.Second)
		if reads, seen := d.counts(); reads != before || seen < looks+9 || seen > looks+11 {
			t.Errorf("in ten seconds: %d readings, %d looks", reads-before, seen-looks)
		}
		d.change(func() { d.fail = nil })
		time.Sleep(lookAgain + time.Millisecond)
		if state := r.State(); state.Away != nil || !state.Since.IsZero() {
			t.Errorf("it is back, and the state is %+v", state)
		}
		ask(r, "alice")
		time.Sleep(time.Second + time.Millisecond)
		expect(t, said, "alice")
		_, looks = d.counts()
		time.Sleep(time.Minute)
		if _, seen := d.counts(); seen != looks {
			t.Error("it is still looked for")
		}
	})
}

// TestReader_LooksAtTheBeginning: nobody need ask for the operator to be told.
func TestReader_LooksAtTheBeginning(t *testing.T) {
	withReader(t, errors.New("gone"), func(r *Reader, _ *slow, said *told) {
		if r.State().Away == nil {
			t.Error("not told that it is away")
		}
		ask(r, "alice")
		expect(t, said, "alice: gone")
	})
}

func TestReader_SaysNothingOnceItIsClosed(t *testing.T) {
	withReader(t, nil, func(r *Reader, d *slow, said *told) {
		ask(r, names(9)...)
		synctest.Wait()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if d.now != 0 || !d.closed {
			t.Errorf("%d readings go on; closed %t", d.now, d.closed)
		}
		ask(r, "alice")
		time.Sleep(time.Minute)
		expect(t, said)
	})
}
