package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/testbed"
	"presenced/roster"
)

const heardText = `<presence from='u1@native.localhost/desk'><status>s7 of many things</status><priority>5</priority></presence>` +
	`<presence from='u2@native.localhost/desk'><status>at her desk</status></presence>` +
	`<presence from='u1@native.localhost/desk'><status>s8 of</status></presence><presence><status>s9</status></presence>`

func TestEar_HearsHoweverTheBytesAreCut(t *testing.T) {
	for size := 1; size <= len(heardText); size++ {
		c := &crowd{news: make(chan struct{}, 1), next: 7, server: &testbed.Server{}}
		c.follow(2, 1)
		c.sender[1] = 4 // s8 is an echo
		e := &ear{crowd: c, user: 4}
		for chunk := range slices.Chunk([]byte(heardText), size) {
			e.feed(chunk)
		}
		if c.done != 2 || c.excess != 0 || len(c.took) != 1 {
			t.Fatalf("in pieces of %d: %d changes complete, %d deliveries too many, %d times; want 2, 0 and 1 without the echo",
				size, c.done, c.excess, len(c.took))
		}
		e.feed([]byte("<presence><status>s8 of</status></presence>"))
		if err := c.all(t.Context()); err == nil {
			t.Fatal("a presence that came twice is no error")
		}
	}
}

func TestCrowd_WaitsForTheMissing(t *testing.T) {
	c := &crowd{news: make(chan struct{}, 1), server: &testbed.Server{}}
	c.follow(1, 1)
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errLate)
	defer cancel()
	if err := c.all(ctx); !errors.Is(err, errLate) {
		t.Errorf("got %v, want that a delivery is missing", err)
	}
}

func TestNeighbours_AreMutual(t *testing.T) {
	for u := range 20 {
		mine := neighbours(u, 20, 4)
		if len(mine) != 4 || slices.Contains(mine, u) {
			t.Fatalf("%d has the contacts %v", u, mine)
		}
		for _, c := range mine {
			if !slices.Contains(neighbours(c, 20, 4), u) {
				t.Errorf("%d is a contact of %d and not the other way round", c, u)
			}
		}
	}
}

func TestCPUOf_CountsWork(t *testing.T) {
	cpu, err := spent(os.Getpid(), func() error {
		for start := time.Now(); time.Since(start) < 20*time.Millisecond; {
		}
		return nil
	})
	if err != nil || cpu < time.Millisecond {
		t.Errorf("20 ms of work are %v, %v", cpu, err)
	}
	if _, err := cpuOf(0); err == nil {
		t.Error("no process has CPU time")
	}
}

func TestStored_IsWhatTheDaemonReads(t *testing.T) {
	st, err := newStorage(t.Context(), onFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := st.fill(t.Context(), 3, func(int) []string { return []string{"a@x", "b@x"} }, nil); err != nil {
		t.Fatal(err)
	}
	store, err := st.open()
	if err != nil {
		t.Fatal(err)
	}
	users := 0
	err = store.Load(t.Context(), func(s engine.Saved) error {
		users++
		var subs roster.Subs
		if err := json.Unmarshal(s.Docs[engine.DocSubs], &subs); err != nil {
			return err
		}
		if subs.Count(roster.Accepted) != 2 || s.Docs[engine.DocEnrol] == nil {
			t.Errorf("%s: %s %s", s.User, s.Docs[engine.DocEnrol], s.Docs[engine.DocSubs])
		}
		return nil
	})
	if err = errors.Join(err, store.Close(t.Context())); err != nil || users != 3 {
		t.Errorf("%d users, %v", users, err)
	}
}

func TestShort(t *testing.T) {
	for n, want := range map[int]string{300: "300", 1000: "1 k", 100_000: "100 k", 1_000_000: "1 M", 1500: "1500"} {
		if got := short(n); got != want {
			t.Errorf("%d is written %q, want %q", n, got, want)
		}
	}
}
