package ics

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"presenced/aggregation/calendar"
	"presenced/aggregation/calendar/sources"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

// write puts a text into a file as if it had been there for a while.
func write(t *testing.T, path, text string, age time.Duration) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// counting returns a source and how many texts it has read.
func counting() (*Source, *int) {
	s, texts := New(Options{Files: true}), 0
	read := s.read
	s.read = func(path string, was stamp) (file, error) {
		f, err := read(path, was)
		if f.text != nil {
			texts++
		}
		return f, err
	}
	return s, &texts
}

func TestFile_IsReadWhenItChanged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "juliet.ics")
	s, texts := counting()
	box := sources.Mailbox{User: "juliet@example.org", Address: "file://" + dir + "/{user}.ics"}
	steps := []struct {
		name      string
		change    func()
		unchanged bool
		read      bool
	}{
		{"first", func() { write(t, path, meeting("one"), time.Hour) }, false, true},
		{"nothing new", func() {}, true, false},
		{"touched", func() { write(t, path, meeting("one"), time.Minute) }, true, true},
		{"as many letters, as old", func() { write(t, path, meeting("two"), time.Minute) }, false, true},
		{"written just now", func() { write(t, path, meeting("six"), 0) }, false, true},
		{"not trusted yet", func() {}, true, true},
		{"replaced", func() {
			write(t, path+".new", meeting("ten"), time.Minute)
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}, false, true},
		{"by the path", func() { box.Address = dir + "/{user}.ics" }, false, true},
	}
	for _, step := range steps {
		step.change()
		*texts = 0
		got, err := one(t, s, window, box)
		if err != nil || got.Unchanged != step.unchanged || (*texts == 1) != step.read {
			t.Fatalf("%s: unchanged %v, read %d times, %v", step.name, got.Unchanged, *texts, err)
		}
		box.State = got.State
	}
}

func TestFile_Faults(t *testing.T) {
	dir, empty := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "half.ics"), meeting(secret)[:130], time.Hour)
	write(t, filepath.Join(dir, "page.ics"), "<html>s3cret", time.Hour)
	if err := os.Mkdir(filepath.Join(dir, "dir.ics"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.ics"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop.ics", filepath.Join(dir, "loop.ics")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "huge.ics"), "", time.Hour)
	if err := os.Truncate(filepath.Join(dir, "huge.ics"), calendar.MaxSize+1); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		user, address string
		want          sources.FaultKind
	}{
		{"nobody@h", dir + "/{user}.ics", sources.Gone},
		{"nobody@h", dir + "/half.ics/{user}", sources.Unreachable}, // its "directory" is a file
		{"nobody@h", dir + "/{user}/calendar.ics", sources.Gone},
		{"nobody@h", dir + "/fixed.ics", sources.Gone},
		{"nobody@h", empty + "/{user}.ics", sources.Unreachable},
		{"nobody@h", empty + "/not-mounted/{user}/calendar.ics", sources.Unreachable},
		{"half@h", dir + "/{user}.ics", sources.Malformed},
		{"page@h", dir + "/{user}.ics", sources.Malformed},
		{"dir@h", dir + "/{user}.ics", sources.Malformed},
		{"pipe@h", dir + "/{user}.ics", sources.Malformed},
		{"loop@h", dir + "/{user}.ics", sources.Broken},
		{"huge@h", dir + "/{user}.ics", sources.TooLarge},
		{"../x@h", dir + "/{user}.ics", sources.Refused},
		{"x@h", "relative/{user}.ics", sources.Refused},
		{"x@h", "file://elsewhere/s3cret", sources.Refused},
		{"x@h", "file:relative", sources.Refused},
	}
	for _, tt := range tests {
		_, err := one(t, New(Options{Files: true}), window, sources.Mailbox{User: tt.user, Address: tt.address})
		wantFault(t, tt.user+" "+tt.address, err, tt.want)
	}
}

func TestFile_OnlyAnOperatorsAddressLeadsToOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.ics")
	write(t, path, meeting("x"), time.Hour)
	for _, address := range []string{path, "file://" + path, "FILE:" + path} {
		_, err := one(t, New(Options{Personal: true}), window, sources.Mailbox{User: "a@b", Address: address})
		wantFault(t, address, err, sources.Refused)
	}
}

// TestFile_AShareThatHangsHoldsNobody reads from a directory that never answers,
// more often than there are reads at a time.
func TestFile_AShareThatHangsHoldsNobody(t *testing.T) {
	s := New(Options{Files: true})
	hang := make(chan struct{})
	s.read = func(string, stamp) (file, error) { <-hang; return file{}, os.ErrClosed }
	for range maxReads + 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_, err := s.Fetch(ctx, window, []sources.Mailbox{{User: "a@b", Address: "/srv/{user}.ics"}})
		cancel()
		wantFault(t, "hanging", err, sources.Unreachable)
	}
	if n := len(s.slots); n != maxReads {
		t.Errorf("%d reads hang, want %d", n, maxReads)
	}
	close(hang)
	for range maxReads { // and all of them end
		s.slots <- struct{}{}
	}
}
