package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"presenced/internal/testbed"
)

const (
	// principals is how many askers the streams belong to; the last of them may see
	// nobody.
	principals = 50
	// followed is how many users each stream follows.
	followed = 20
	// stranger is a host in no network of the operator's: container 0 (S2.2).
	stranger = "elsewhere.localhost"
	// opening is how many streams are opened at once: the system's queue of
	// connections has room for 4096.
	opening = 256
)

// streams measures row sse: a web client for each stream on its own connection, each
// following 20 users; users change in an open loop, none faster than her pace.
func streams(ctx context.Context, l *lab) (_ []figure, err error) {
	if err := room(l.size.streams); err != nil {
		return nil, err
	}
	s, err := l.answering(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	c, err := s.audience(ctx, l.size.streams)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	var sizes, shares []float64
	var beside []map[string]float64
	for range l.size.runs {
		share, also, err := c.run(ctx, l.size.changes, l.size.streamed)
		if err != nil {
			return nil, err
		}
		peak, err := peakMiB(s.daemon.PID())
		if err != nil {
			return nil, err
		}
		sizes, shares, beside = append(sizes, peak), append(shares, share), append(beside, also)
	}
	if n := c.leaks.Load(); n > 0 {
		return nil, fmt.Errorf("%d changes were told to streams that may see nobody", n)
	}
	memory := goal{rowStream, fmt.Sprintf("peak RSS with %d streams and %d changes/s", l.size.streams, l.size.changes), "MiB", atMost, 1024, none()}
	all := goal{rowStream, "changes told / (changes x streams that may see them)", "ratio", exactly, 1, none()}
	return []figure{memory.figure(sizes, nil), all.figure(shares, medians(beside))}, s.healthy(ctx)
}

// room refuses to begin where streams cannot all be open. Go has raised the limit
// as far as it may be raised, here and in the daemon.
func room(streams int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if need := uint64(streams) + 500; limit.Cur < need {
		return fmt.Errorf("%d files may be open, %d are needed; try ulimit -n %d", limit.Cur, need, need)
	}
	return nil
}

// peakMiB is the most memory a process has held.
func peakMiB(pid int) (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	kib, ok := digitsAfter(bytes.ReplaceAll(text, []byte(" "), nil), []byte("VmHWM:\t"))
	if !ok {
		return 0, fmt.Errorf("process %d does not tell its VmHWM", pid)
	}
	return float64(kib) / 1024, nil
}

// audience are all streams of row sse.
type audience struct {
	site    *site
	listens []*listener
	work    sync.WaitGroup
	ready   atomic.Int64 // streams that were told the present state of all theirs
	told    atomic.Int64 // changes of the run, to streams
	leaks   atomic.Int64 // changes told to who may see nobody
	first   atomic.Int64 // number of the first change of the run
	sent    []atomic.Int64
	failed  chan error // capacity 1: the first stream that ended by itself
	leaving atomic.Bool
}

// listener is one stream.
type listener struct {
	of      *audience
	blind   bool // may see nobody
	body    *http.Response
	close   func() error
	last    map[int]int // the last number told, by user
	initial int         // messages until the state of all was told
	took    []float64   // milliseconds from the change to its reading, in the run
}

// audience opens streams.
func (s *site) audience(ctx context.Context, n int) (*audience, error) {
	tokens, err := s.tokens(ctx, principals-1, testbed.DefaultHost)
	if err != nil {
		return nil, err
	}
	blind, err := s.tokens(ctx, 1, stranger)
	if err != nil {
		return nil, err
	}
	c := &audience{site: s, listens: make([]*listener, n), failed: make(chan error, 1)}
	tokens = append(tokens, blind...)
	places := make(chan int, n)
	for i := range n {
		places <- i
	}
	close(places)
	var work sync.WaitGroup
	for range opening {
		work.Go(func() {
			for i := range places {
				if err := c.open(ctx, i, tokens[i%len(tokens)]); err != nil {
					c.fail(err)
					return
				}
			}
		})
	}
	work.Wait()
	err = c.until(ctx, "streams", func() (int64, int64) { return c.ready.Load(), int64(n) })
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// follows is the k-th user the i-th stream follows.
func (c *audience) follows(i, k int) int { return (i*followed + k) * stride % c.site.all() }

// open asks for one stream, and leaves its reading to a goroutine.
func (c *audience) open(ctx context.Context, i int, token string) error {
	conn, err := dial(ctx, c.site.daemon.HTTPAddr)
	if err != nil {
		return err
	}
	question := []byte("GET /v1/stream?")
	for k := range followed {
		question = fmt.Appendf(question, "user=%s&", testbed.Bare(jidOf(c.follows(i, k), desk)))
	}
	question = fmt.Appendf(question[:len(question)-1], " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", token)
	if _, err := conn.Write(question); err != nil {
		return errors.Join(err, conn.Close())
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(conn, 1<<10), nil) //nolint:bodyclose // it ends with the connection
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	if answer.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("a stream was answered with %s", answer.Status), conn.Close())
	}
	l := &listener{of: c, blind: i%principals == principals-1, body: answer, close: conn.Close, last: map[int]int{}, initial: followed}
	c.listens[i] = l
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	c.work.Go(l.read)
	return nil
}

// fail notes the first error.
func (c *audience) fail(err error) {
	select {
	case c.failed <- err:
	default: // one is enough
	}
}

// until waits until as many are there as there must be.
func (c *audience) until(ctx context.Context, what string, count func() (have, want int64)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerLimit, errLate)
	defer cancel()
	for {
		have, want := count()
		if have >= want {
			return nil
		}
		select {
		case err := <-c.failed:
			return err
		default:
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return fmt.Errorf("%s: %d of %d: %w", what, have, want, err)
		}
	}
}

var (
	dataLine  = []byte(`data: {"user":"u`)
	hasStatus = []byte(`"status":"s`)
)

// read takes messages until the stream ends.
func (l *listener) read() {
	in := bufio.NewReaderSize(l.body.Body, 1<<10)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			if !l.of.leaving.Load() {
				l.of.fail(fmt.Errorf("a stream ended: %w", err))
			}
			return
		}
		if user, ok := digitsAfter(line, dataLine); ok {
			n, numbered := digitsAfter(line, hasStatus)
			l.take(user, n, numbered, time.Now())
		}
	}
}

// take counts one message.
func (l *listener) take(user, n int, numbered bool, now time.Time) {
	c := l.of
	if l.initial > 0 {
		if l.initial--; l.initial == 0 {
			c.ready.Add(1)
		}
	}
	switch i := n - int(c.first.Load()); {
	case !numbered:
	case l.blind:
		c.leaks.Add(1)
	case n <= l.last[user]:
		c.fail(fmt.Errorf("u%d: change %d was told after %d", user, n, l.last[user]))
	case i >= 0 && i < len(c.sent):
		l.last[user] = n
		l.took = append(l.took, millis(now.Sub(time.Unix(0, c.sent[i].Load()))))
		c.told.Add(1)
	}
}

// run has users change for a while and returns how many of the changes were told to
// whom they had to be told.
func (c *audience) run(ctx context.Context, perSecond int, d time.Duration) (share float64, also map[string]float64, err error) {
	n := int(d.Seconds() * float64(perSecond))
	readers := make([]int64, c.site.all())
	for i, l := range c.listens {
		l.took = l.took[:0]
		for k := 0; k < followed && !l.blind; k++ {
			readers[c.follows(i, k)]++
		}
	}
	c.told.Store(0)
	c.sent = make([]atomic.Int64, n)
	c.first.Store(int64(c.site.number + 1))
	var want int64
	used, err := spent(c.site.daemon.PID(), func() error {
		start := time.Now()
		for i := range n {
			if err := pause(ctx, time.Until(start.Add(time.Duration(i)*d/time.Duration(n)))); err != nil {
				return err
			}
			user := c.site.turn % c.site.all()
			c.site.turn++
			want += readers[user]
			event := c.site.change(user)
			c.sent[i].Store(time.Now().UnixNano())
			if err := c.site.send(event); err != nil {
				return err
			}
		}
		return c.until(ctx, "changes", func() (int64, int64) { return c.told.Load(), want })
	})
	if err != nil {
		return 0, nil, err
	}
	took := c.latencies()
	return float64(c.told.Load()) / float64(want), map[string]float64{
		"changes": float64(n), "messages": float64(want), "us CPU/message": micros(used, int(want)),
		"p50 ms": quantile(took, 0.5), "p99 ms": quantile(took, 0.99), "max ms": took[len(took)-1],
	}, nil
}

// latencies are those of the run, sorted. What was awaited has been read.
func (c *audience) latencies() []float64 {
	var all []float64
	for _, l := range c.listens {
		all = append(all, l.took...)
	}
	slices.Sort(all)
	return all
}

// close ends all streams.
func (c *audience) close() error {
	c.leaving.Store(true)
	var errs []error
	for _, l := range c.listens {
		if l != nil {
			errs = append(errs, l.close())
		}
	}
	c.work.Wait()
	return errors.Join(errs...)
}
