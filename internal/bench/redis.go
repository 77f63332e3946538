package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"presenced/internal/testbed"
)

// pipelined is how many commands redis-benchmark and the raw writer have under way.
const pipelined = 128

// redisEvents measures rows 3 and 4: how many events a second are aggregated and stored,
// and what each costs Redis, beside HSETs of redis-benchmark.
func redisEvents(ctx context.Context, l *lab) (_ []figure, err error) {
	s, err := l.open(ctx, l.storing())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	peer, err := testbed.StartRedis(ctx, testbed.RedisOptions{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, peer.Close()) }()
	var rate, cost []float64
	var also []map[string]float64
	for range l.size.runs {
		theirs, theirCost, err := hsets(ctx, peer, l.size.hsets)
		if err != nil {
			return nil, err
		}
		ours, ourCost, err := s.burstStored(ctx)
		if err != nil {
			return nil, err
		}
		rate, cost = append(rate, ours/theirs), append(cost, ourCost/theirCost)
		also = append(also, map[string]float64{
			"k events/s": ours / 1e3, "k HSET/s": theirs / 1e3, "us of Redis per event": ourCost, "us of Redis per HSET": theirCost,
		})
	}
	if err := s.healthy(ctx); err != nil {
		return nil, err
	}
	g := goal{3, "aggregated and stored events/s / redis-benchmark HSET -P 128 -c 1", "ratio", atLeast, 0.5, 1}
	h := goal{4, "Redis CPU per event / Redis CPU per pipelined HSET", "ratio", atMost, 4, 2}
	return []figure{g.figure(rate, medians(also)), h.figure(cost, nil)}, nil
}

// storing is the site of rows 3 and 4.
func (l *lab) storing() plan { return plan{alone: l.size.storing, stored: true, on: onRedis} }

// storedRounds is how often everybody changes in one run of rows 3 and 4.
const storedRounds = 16

// burstStored has everybody change again and again, as fast as the daemon takes it,
// and returns how many changes a second went to Redis until it had the last one,
// and what one cost Redis in microseconds. A change that was overtaken before it was
// stored does not count.
func (s *site) burstStored(ctx context.Context) (rate, cost float64, err error) {
	var all [][]byte
	for range storedRounds {
		for u := range s.all() {
			all = append(all, s.change(u))
		}
	}
	sent := batches(all)
	before, err := s.metrics(ctx)
	if err != nil {
		return 0, 0, err
	}
	const taken, stored = "presenced_device_presences_total", "presenced_redis_presence_total"
	var took time.Duration
	var n float64
	cpu, err := spent(s.store.redis.PID(), func() error {
		start := time.Now()
		if err := s.send(sent...); err != nil {
			return err
		}
		if err := s.reaches(ctx, taken, before[taken]+float64(len(all))); err != nil {
			return err
		}
		for last := time.Now(); time.Since(last) < storedWithin; {
			m, err := s.metrics(ctx)
			if err != nil {
				return err
			}
			if now := m[stored] - before[stored]; now > n {
				n, last = now, time.Now()
				took = time.Since(start)
			}
			if err := pause(ctx, 50*time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	return n / took.Seconds(), micros(cpu, int(n)), nil
}

// hsets runs redis-benchmark and returns its HSETs per second and what one cost
// Redis in microseconds.
func hsets(ctx context.Context, r *testbed.Redis, n int) (rate, cost float64, err error) {
	_, port, err := net.SplitHostPort(r.Addr)
	if err != nil {
		return 0, 0, err
	}
	var out bytes.Buffer
	cpu, err := spent(r.PID(), func() error {
		cmd := exec.CommandContext(ctx, "redis-benchmark", "-p", port, "-t", "hset", "-P", strconv.Itoa(pipelined), "-c", "1",
			"-n", strconv.Itoa(n), "-r", "200000", "--csv")
		cmd.Stdout, cmd.Stderr = &out, &out
		return cmd.Run()
	})
	if err != nil {
		return 0, 0, fmt.Errorf("redis-benchmark: %w\n%s", err, out.String())
	}
	for line := range strings.Lines(out.String()) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		if len(fields) > 1 && strings.Trim(fields[0], `"`) == "HSET" {
			rate, err = strconv.ParseFloat(strings.Trim(fields[1], `"`), 64)
			return rate, micros(cpu, n), err
		}
	}
	return 0, 0, fmt.Errorf("redis-benchmark told no rate:\n%s", out.String())
}

// footprint measures row 11: by how many bytes Redis grows for the presence of a
// user with one device and every other one with two, without and with a status.
func footprint(ctx context.Context, l *lab) (_ []figure, err error) {
	var plain, texted, settings []float64
	for range l.size.runs {
		a, b, c, err := l.footprint(ctx)
		if err != nil {
			return nil, err
		}
		settings, plain, texted = append(settings, a), append(plain, b), append(texted, c)
	}
	g := goal{11, "Redis bytes per user, 1.5 devices, without a status", "bytes", atMost, 256, 180}
	h := goal{11, "Redis bytes per user, 1.5 devices, with a status of 24 bytes", "bytes", atMost, 400, 250}
	also := map[string]float64{"bytes of settings of a user who enabled": median(settings)}
	return []figure{g.figure(plain, also), h.figure(texted, nil)}, nil
}

func (l *lab) footprint(ctx context.Context) (settings, plain, texted float64, err error) {
	empty, err := newStorage(ctx, onRedis)
	if err != nil {
		return 0, 0, 0, err
	}
	nothing, err := datasetOf(ctx, empty.redis)
	if err = errors.Join(err, empty.close()); err != nil {
		return 0, 0, 0, err
	}
	s, err := l.open(ctx, plan{alone: l.size.weighed, stored: true, on: onRedis, silent: true})
	if err != nil {
		return 0, 0, 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	sizes := []float64{nothing}
	for _, status := range []string{"-", "", "out for lunch until two!"} {
		if status != "-" {
			if err := s.devices(ctx, status); err != nil {
				return 0, 0, 0, err
			}
		}
		n, err := datasetOf(ctx, s.store.redis)
		if err != nil {
			return 0, 0, 0, err
		}
		sizes = append(sizes, n)
	}
	users := float64(s.all())
	return (sizes[1] - sizes[0]) / users, (sizes[2] - sizes[1]) / users, (sizes[3] - sizes[1]) / users, s.healthy(ctx)
}

// devices brings one device of everybody, and a second of every other one, online
// with a status, and waits until Redis has them.
func (s *site) devices(ctx context.Context, status string) error {
	var all [][]byte
	for u := range s.all() {
		all = append(all, available(u, desk, inner("", status, 5)))
		if u%2 == 0 {
			all = append(all, available(u, phone, inner("away", status, 0)))
		}
	}
	before, err := s.metrics(ctx)
	if err != nil {
		return err
	}
	const taken = "presenced_device_presences_total"
	if err := s.send(batches(all)...); err != nil {
		return err
	}
	if err := s.reaches(ctx, taken, before[taken]+float64(len(all))); err != nil {
		return err
	}
	return s.redisRests(ctx)
}

// storedWithin is far above how long a change waits before it goes to the store.
const storedWithin = time.Second

// redisRests waits until nothing has gone to Redis for some time.
func (s *site) redisRests(ctx context.Context) error {
	for last := -1.0; ; {
		m, err := s.metrics(ctx)
		if err != nil {
			return err
		}
		n := m["presenced_redis_presence_total"]
		if n == last {
			return nil
		}
		last = n
		if err := pause(ctx, storedWithin); err != nil {
			return err
		}
	}
}

// datasetOf is how many bytes Redis' data take.
func datasetOf(ctx context.Context, r *testbed.Redis) (float64, error) {
	text, err := ask(ctx, r.Addr, "INFO memory\r\n")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(text, "used_memory_dataset:")
	number, _, _ := strings.Cut(rest, "\r\n")
	return strconv.ParseFloat(number, 64)
}

// ask sends one command and returns the bulk string it is answered with.
func ask(ctx context.Context, addr, command string) (string, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, command); err != nil {
		return "", err
	}
	in := bufio.NewReader(conn)
	line, err := in.ReadString('\n')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "$")))
	if err != nil {
		return "", fmt.Errorf("%s: %q", strings.TrimSpace(command), line)
	}
	text := make([]byte, n)
	_, err = io.ReadFull(in, text)
	return string(text), err
}

// refill measures row 18: writing again what a FLUSHALL took, beside pipelined
// HSETs of the same data.
func refill(ctx context.Context, l *lab) (_ []figure, err error) {
	s, err := l.open(ctx, plan{alone: l.size.many, stored: true, on: onRedis})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.redisRests(ctx); err != nil {
		return nil, err
	}
	peer, err := testbed.StartRedis(ctx, testbed.RedisOptions{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, peer.Close()) }()
	var runs []float64
	var also []map[string]float64
	for range l.size.runs {
		took, err := s.refilled(ctx)
		if err != nil {
			return nil, err
		}
		raw, err := s.rewritten(ctx, peer)
		if err != nil {
			return nil, err
		}
		runs = append(runs, took/raw)
		also = append(also, map[string]float64{"ms to refill": 1e3 * took, "ms of HSETs": 1e3 * raw})
	}
	if err := s.healthy(ctx); err != nil {
		return nil, err
	}
	g := goal{18, fmt.Sprintf("refill of %s users after FLUSHALL / pipelined HSETs of the same", short(l.size.many)), "ratio", atMost, 3, 1.5}
	return []figure{g.figure(runs, medians(also))}, nil
}

// refilled empties Redis and returns how many seconds the daemon needs to write
// everything again, from the instant it noticed.
func (s *site) refilled(ctx context.Context) (float64, error) {
	before, err := s.metrics(ctx)
	if err != nil {
		return 0, err
	}
	if answer, err := s.store.redis.Command(ctx, "FLUSHALL"); err != nil || answer != "+OK" {
		return 0, fmt.Errorf("FLUSHALL: %s %w", answer, err)
	}
	if err := s.reaches(ctx, "presenced_redis_refills_total", before["presenced_redis_refills_total"]+1); err != nil {
		return 0, err
	}
	m, err := s.metrics(ctx)
	return m["presenced_redis_refill_seconds"], err
}

// rewritten writes what is in the store's Redis into another one with plain HSETs,
// one for the settings of each user and one for her presence, and returns the
// seconds that takes.
func (s *site) rewritten(ctx context.Context, peer *testbed.Redis) (float64, error) {
	if answer, err := peer.Command(ctx, "FLUSHALL"); err != nil || answer != "+OK" {
		return 0, fmt.Errorf("FLUSHALL: %s %w", answer, err)
	}
	commands, err := s.commands(ctx)
	if err != nil {
		return 0, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", peer.Addr)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	out, in := bufio.NewWriterSize(conn, 64<<10), bufio.NewReaderSize(conn, 64<<10)
	start := time.Now()
	for at := 0; at < len(commands); at += pipelined {
		some := commands[at:min(at+pipelined, len(commands))]
		for _, c := range some {
			if _, err := out.Write(c); err != nil {
				return 0, err
			}
		}
		if err := out.Flush(); err != nil {
			return 0, err
		}
		for range some {
			line, err := in.ReadString('\n')
			if err != nil || line[0] != ':' {
				return 0, fmt.Errorf("HSET: %q %w", line, err)
			}
		}
	}
	return time.Since(start).Seconds(), nil
}

// commands are the HSETs that write what the daemon has of everybody: the settings
// the store was filled with, and presence as one of them has it.
func (s *site) commands(ctx context.Context) ([][]byte, error) {
	sample, err := ask(ctx, s.store.redis.Addr, string(command([]byte("EVAL"),
		[]byte("return redis.call('HVALS', KEYS[1])[1]"), []byte("1"), []byte("presenced:{00}:p"))))
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for u := range s.all() {
		name := testbed.Bare(jidOf(u, desk))
		docs, err := stored(name, mirrorOf(u), s.watchersOf(u))
		if err != nil {
			return nil, err
		}
		words := [][]byte{[]byte("HSET"), []byte("raw:u:" + name)}
		for field, doc := range docs {
			words = append(words, []byte(field), doc)
		}
		all = append(all, command(words...), command([]byte("HSET"), []byte("raw:p"), []byte(name), []byte(sample)))
	}
	return all, nil
}

// command renders words as Redis wants them.
func command(words ...[]byte) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, w := range words {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b
}
