package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"presenced/internal/testbed"
)

// through measures row 9: how long a change takes to a native contact and to a
// watcher of the mirror, on the same server, in turns, at the same pace.
func through(ctx context.Context, l *lab) (figures []figure, err error) {
	for _, kind := range []testbed.Kind{testbed.Prosody, testbed.Ejabberd} {
		two, err := l.throughOn(ctx, kind)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
		figures = append(figures, two...)
	}
	return figures, nil
}

// throughOn has half the people in touch natively and half through mirrors.
func (l *lab) throughOn(ctx context.Context, kind testbed.Kind) (figures []figure, err error) {
	native, leave, err := l.natives(ctx, kind)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, leave()) }()
	daemon, err := l.serve(ctx, native.server)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, daemon.close()) }()
	mirrored, err := enter(ctx, native.server, testbed.DefaultHost, l.size.people)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, mirrored.close()) }()
	if err := mirrored.settle(ctx, l.size.contacts+1); err != nil {
		return nil, errors.Join(err, errors.New(daemon.LogTail()))
	}
	var p50, p99 []float64
	var beside []map[string]float64
	for range l.size.runs {
		n, nCPU, err := l.paced(ctx, native)
		if err != nil {
			return nil, err
		}
		m, mCPU, err := l.paced(ctx, mirrored)
		if err != nil {
			return nil, err
		}
		n50, n99, m50, m99 := quantile(n, 0.5), quantile(n, 0.99), quantile(m, 0.5), quantile(m, 0.99)
		p50, p99 = append(p50, m50/n50), append(p99, (m99-1)/n99)
		beside = append(beside, map[string]float64{
			"native p50 ms": n50, "native p99 ms": n99, "through p50 ms": m50, "through p99 ms": m99, "p99 / native p99": m99 / n99,
			"native us server CPU/change": nCPU, "through us server CPU/change": mCPU,
		})
	}
	middle := goal{9, fmt.Sprintf("through-component p50 / native p50, %s", label(kind)), "ratio", atMost, 2, 1.5}
	tail := goal{9, fmt.Sprintf("(through-component p99 - 1 ms) / native p99, %s", label(kind)), "ratio", atMost, 1.5, none()}
	also := medians(beside)
	return []figure{middle.figure(p50, also), tail.figure(p99, map[string]float64{"p99 / native p99": also["p99 / native p99"]})}, nil
}

// served is the shipped daemon on a real server.
type served struct {
	*testbed.Daemon
	store *storage
}

func (d *served) close() error { return errors.Join(d.Close(), d.store.close()) }

// serve attaches a daemon that knows everybody and their watchers already.
func (l *lab) serve(ctx context.Context, server *testbed.Server) (d *served, err error) {
	d = &served{}
	if d.store, err = newStorage(ctx, measuredOn); err != nil {
		return nil, err
	}
	err = d.store.fill(ctx, l.size.people, func(u int) (out []string) {
		for _, w := range neighbours(u, l.size.people, l.size.contacts) {
			out = append(out, name(w)+"@"+testbed.DefaultHost)
		}
		return out
	}, nil)
	if err == nil {
		config := testbed.ConfigFor(server)
		config["component"].(map[string]any)["hosts"] = []string{testbed.DefaultHost}
		config["store"] = d.store.section
		config["enrolment"] = map[string]any{"mode": "all"}
		config["privacy"] = map[string]any{"refresh": "1h"}
		d.Daemon, err = testbed.StartDaemon(ctx, testbed.DaemonOptions{Config: config})
	}
	if err != nil {
		return nil, errors.Join(err, d.store.close())
	}
	return d, nil
}

// paced lets people change one after the other in an open loop, each below her
// pace, and returns how many milliseconds each delivery took, sorted, and the
// server's CPU time per change in microseconds.
func (l *lab) paced(ctx context.Context, c *crowd) (took []float64, cpu float64, err error) {
	every := changePace / time.Duration(len(c.clients))
	n := int(l.size.pacedFor / every)
	c.follow(n, l.size.contacts+1)
	used, err := spent(c.server.PID(), func() error {
		start := time.Now()
		for i := range n {
			if err := pause(ctx, time.Until(start.Add(time.Duration(i)*every))); err != nil {
				return err
			}
			if err := c.change(c.turn % len(c.clients)); err != nil {
				return err
			}
			c.turn++
		}
		return c.all(ctx)
	})
	slices.Sort(c.took)
	return c.took, micros(used, n), err
}

// changePace is how seldom one person changes in row 9: less often than the
// pace of S10 allows.
const changePace = 2500 * time.Millisecond

// label names a server as it is run here.
func label(kind testbed.Kind) string {
	if kind == testbed.Ejabberd {
		return "ejabberd without PEP"
	}
	return string(kind)
}
