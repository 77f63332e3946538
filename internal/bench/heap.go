package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// heap measures row 12: by how many bytes the heap grows from some users to
// twice as many, after the garbage is collected. That takes a daemon that
// collects when it is told to.
func heap(ctx context.Context, l *lab) (_ []figure, err error) {
	binary, err := buildProfiled(ctx)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(binary)
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var sizes [2][]float64
	for k := range sizes {
		p := l.sized((k + 1) * l.size.weighed)
		p.binary = binary
		if sizes[k], err = l.weigh(ctx, p, filepath.Join(dir, strconv.Itoa(k))); err != nil {
			return nil, err
		}
	}
	var each []float64
	for i := range sizes[0] {
		each = append(each, (sizes[1][i]-sizes[0][i])/float64(l.size.weighed))
	}
	g := goal{12, fmt.Sprintf("heap per user with %d watchers, rules and a roster of %d", l.size.watchers, l.size.watchers), "bytes", atMost, 1500, 900}
	return []figure{g.figure(each, map[string]float64{
		"users": float64(l.size.weighed), "heap MB with twice as many": median(sizes[1]) / 1e6,
	})}, nil
}

// sized is a site of row 12: everybody is watched by as many as she watches.
func (l *lab) sized(users int) plan {
	return plan{users: users, watchers: l.size.watchers, pool: users, stored: true, on: measuredOn}
}

// weigh reads the heap of one site some times.
func (l *lab) weigh(ctx context.Context, p plan, dir string) (runs []float64, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	p.env = []string{profilerEnv + "=" + dir}
	s, err := l.open(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for n := range l.size.runs {
		bytes, err := s.heap(ctx, dir, n+1)
		if err != nil {
			return nil, err
		}
		runs = append(runs, bytes)
	}
	return runs, s.healthy(ctx)
}

// heap has the daemon collect its garbage and tell how much is left.
func (s *site) heap(ctx context.Context, dir string, n int) (float64, error) {
	if err := s.daemon.Signal(syscall.SIGUSR1); err != nil {
		return 0, err
	}
	name := filepath.Join(dir, fmt.Sprintf("bytes-%d", n))
	if err := appears(ctx, name); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(string(text), 64)
}
