package ics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"presenced/aggregation/calendar"
	"presenced/aggregation/calendar/sources"
)

const (
	// maxReads is how many files of a source are read at a time: what a network
	// share that hangs can hold.
	maxReads = 4
	// settled is how old a change must be before the stamp of a file is trusted:
	// within the tick of a file system's clock two writes look the same.
	settled = 2 * time.Second
)

// stamp tells one version of a file from another without reading it.
type stamp struct {
	Modified time.Time `json:"t"`
	Changed  int64     `json:"c"` // of the inode, nanoseconds
	Size     int64     `json:"n"`
	Inode    uint64    `json:"i"`
}

// file is what was found of a path.
type file struct {
	text  []byte // nil: as the stamp before said
	stamp stamp  // zero: not to be trusted yet
}

// pathOf returns the path of an address that is a file's.
func pathOf(address string) (path string, ok bool, err error) {
	if !strings.Contains(address, ":") || filepath.IsAbs(address) {
		if !filepath.IsAbs(address) {
			return "", false, &sources.Fault{Kind: sources.Refused, Err: errors.New("the path is relative"), Remedy: "write it from / on"}
		}
		return address, true, nil
	}
	if len(address) < len("file:") || !strings.EqualFold(address[:len("file:")], "file:") {
		return "", false, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host != "" && u.Host != "localhost" || !filepath.IsAbs(u.Path) || strings.ContainsRune(u.Path, 0) {
		return "", false, &sources.Fault{Kind: sources.Refused, Err: errors.New("the file: URL names no file of this machine"), Remedy: "write it as file:///path"}
	}
	return filepath.Clean(u.Path), true, nil
}

// file reads a path. A nil text means that it did not change.
func (s *Source) file(ctx context.Context, path string, box *sources.Mailbox, kept state, next *state) (text []byte, where string, err error) {
	if !s.o.Files {
		return nil, "", &sources.Fault{Kind: sources.Refused, Err: errors.New("files may not be asked for"), Remedy: "write it as https://host/path"}
	}
	where = "the file of " + box.User
	got, err := s.await(ctx, path, kept.Stamp)
	if err != nil {
		return nil, where, explain(where, path, box, err)
	}
	next.Stamp = got.stamp
	if got.text != nil {
		next.Hash = hashOf(got.text)
	}
	return got.text, where, nil
}

// await reads in a goroutine of its own, since nothing ends a read of a network
// share that hangs. It is left behind then; slots bounds how many are.
func (s *Source) await(ctx context.Context, path string, was stamp) (file, error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return file{}, ctx.Err()
	}
	type answer struct {
		file
		err error
	}
	done := make(chan answer, 1) // so that nobody has to be there to take it
	go func() {
		defer func() { <-s.slots }()
		f, err := s.read(path, was)
		done <- answer{f, err}
	}()
	select {
	case a := <-done:
		return a.file, a.err
	case <-ctx.Done():
		return file{}, ctx.Err()
	}
}

var (
	errNoFile   = errors.New("it is not a file")
	errTooLarge = fmt.Errorf("it is larger than %d MiB", calendar.MaxSize>>20)
)

// readFile reads a file unless it is as it was.
func readFile(path string, was stamp) (file, error) {
	// Without waiting: opening a pipe would wait for somebody to write.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return file{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return file{}, err
	case !info.Mode().IsRegular():
		return file{}, errNoFile
	case info.Size() > calendar.MaxSize:
		return file{}, errTooLarge
	}
	now := stampOf(info)
	if was != (stamp{}) && now == was {
		return file{stamp: was}, nil
	}
	text, err := io.ReadAll(io.LimitReader(f, calendar.MaxSize+1))
	if err != nil {
		return file{}, err
	}
	if text == nil {
		text = []byte{}
	}
	if time.Since(info.ModTime()) < settled || int64(len(text)) != info.Size() {
		now = stamp{} // it may change again unseen: compare the text the next time
	}
	return file{text, now}, nil
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{Modified: info.ModTime().UTC().Round(0), Size: info.Size()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Changed, s.Inode = st.Ctim.Nano(), st.Ino
	}
	return s
}

// explain makes a failure to read a file into a fault. The path is the
// operator's, but errors may be shown to the user: it is not repeated.
func explain(where, path string, box *sources.Mailbox, err error) error {
	tell := func(kind sources.FaultKind, what error, remedy string) error {
		return &sources.Fault{Kind: kind, Err: fmt.Errorf("%s: %w", where, what), Remedy: remedy}
	}
	if bare, ok := errors.AsType[*fs.PathError](err); ok {
		err = bare.Err
	}
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", where, err)
	case errors.Is(err, context.DeadlineExceeded):
		return tell(sources.Unreachable, err, "it could not be read in time: see the disk or the network share it is on")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		if away(path, box) {
			return tell(sources.Unreachable, errors.New("its directory is missing or empty"), "see whether the directory of the calendars is mounted")
		}
		return tell(sources.Gone, errors.New("there is none"), "without one this user has no calendar here")
	case errors.Is(err, fs.ErrPermission):
		return tell(sources.Forbidden, err, "let the user that runs presenced read it")
	case errors.Is(err, errTooLarge):
		return tell(sources.TooLarge, err, "publish fewer years of the calendar")
	case errors.Is(err, errNoFile):
		return tell(sources.Malformed, err, "put the calendar itself there")
	default:
		return tell(sources.Broken, err, "see the disk or the network share it is on")
	}
}

// away reports whether the directory that holds everybody's files is missing or
// empty: that of the path before the first placeholder.
func away(path string, box *sources.Mailbox) bool {
	dir := filepath.Dir(path)
	if sources.IsTemplate(box.Address) {
		if template, _, err := pathOf(box.Address); err == nil {
			before, _, _ := strings.Cut(template, "{")
			dir = filepath.Dir(before + "x")
		}
	}
	d, err := os.Open(dir)
	if err != nil {
		return true
	}
	defer func() { _ = d.Close() }()
	_, err = d.Readdirnames(1)
	return err != nil
}
