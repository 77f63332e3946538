package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"presenced/internal/presence"
)

// maxLine bounds a line that is read, in bytes; the longest that is written has a
// third of that.
const maxLine = 2 << 20

// Filter says which entries are wanted. Its zero value is all of them.
type Filter struct {
	User  presence.Addr // who asked, was asked about, or is named otherwise; zero: anybody
	Since time.Time     // zero: from the beginning
}

// Read calls each with every entry that is wanted, the oldest first, as a line of
// JSON without its end, valid during the call. It begins with all that was told
// before. An error of each ends it and is returned.
func (t *Trail) Read(ctx context.Context, f Filter, each func(line []byte) error) error {
	if err := t.turn(ctx); err != nil {
		return err
	}
	since := time.Now().Add(-time.Duration(t.retention.Load()))
	if f.Since.After(since) {
		since = f.Since
	}
	found, err := list(t.o.Dir)
	if err != nil {
		return err
	}
	want := wanted{since: instant(since), user: name(f.User)}
	if want.user != "" {
		want.needle = personOf(f.User).needle
	}
	files := days{dir: t.o.Dir}
	for _, day := range found {
		if over(day).Before(since) {
			continue
		}
		err := eachLine(files.path(day), func(line []byte) error {
			if err := ctx.Err(); err != nil || !want.line(line) {
				return err
			}
			return each(line)
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // else it has just expired
			return err
		}
	}
	return nil
}

// wanted is a Filter as lines are held against it.
type wanted struct {
	since  string // instants of one form compare as text
	user   string
	needle []byte
}

// line reports whether a line is an entry that is wanted; one that was torn is none.
func (w *wanted) line(line []byte) bool {
	if w.needle != nil && !bytes.Contains(line, w.needle) {
		return false
	}
	var e Entry
	if json.Unmarshal(line, &e) != nil || e.At < w.since {
		return false
	}
	return w.user == "" || e.names(w.user)
}

// names reports whether an entry names somebody.
func (e *Entry) names(who string) bool {
	return e.Who == who || e.User == who || e.As == who || e.About == who ||
		slices.ContainsFunc(e.Rules, func(r Rule) bool { return r.Value == who })
}

// eachLine calls each with the whole lines of a file, without their ends.
func eachLine(path string, each func(line []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it is only read
	in := bufio.NewReaderSize(f, 64<<10)
	var long []byte
	for {
		part, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if long = append(long, part...); len(long) > maxLine {
				long = long[:maxLine] // no entry: it will not be understood
			}
			continue
		case errors.Is(err, io.EOF):
			return nil // what follows the last end is not written yet, or torn
		case err != nil:
			return err
		}
		line := part[:len(part)-1]
		if len(long) > 0 {
			line = append(long, line...)
			long = long[:0]
		}
		if len(line) > 0 {
			if err := each(line); err != nil {
				return err
			}
		}
	}
}
