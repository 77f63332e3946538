//go:build integration

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"presenced/internal/engine"
	"presenced/internal/testbed"
)

// benchUsers is how many users the benchmarks know.
const benchUsers = 100_000

func benchUser(i int) string { return fmt.Sprintf("user%06d@example.org", i) }

// benchPresence is the presence of 1.5 resources, with or without a status.
func benchPresence(i int, status bool) []byte {
	text := fmt.Sprintf("\x01%04d%s", i%10000, strings.Repeat("resource", 5+5*(i%2)))
	if status {
		text += " in a meeting until 3 pm"
	}
	return []byte(text)
}

// benchStore is a store in a Redis of its own.
func benchStore(b *testing.B) (*testbed.Redis, *Store, *redis.Client) {
	b.Helper()
	r := testbed.RunRedis(b, testbed.RedisOptions{})
	s, err := New(Options{Server: Server{Addrs: []string{r.Addr}}, Prefix: "bench:", Path: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Attach(b.Context()); err != nil {
		b.Fatal(err)
	}
	c := redis.NewClient(&redis.Options{Addr: r.Addr, MaxRetries: -1})
	b.Cleanup(func() {
		_ = s.Close(context.Background())
		_ = c.Close()
	})
	return r, s, c
}

// info returns a number of INFO.
func info(b *testing.B, c *redis.Client, field string) float64 {
	b.Helper()
	text, err := c.Info(b.Context(), "everything").Result()
	if err != nil {
		b.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + field + `:([0-9.]+)`).FindStringSubmatch(text)
	if m == nil {
		b.Fatalf("INFO knows no %s", field)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// cpu is what Redis has computed so far, in seconds.
func cpu(b *testing.B, c *redis.Client) float64 {
	b.Helper()
	return info(b, c, "used_cpu_sys") + info(b, c, "used_cpu_user")
}

// redisBenchmark returns HSETs per second of one client that pipelines 128, and
// the seconds Redis computed for each.
func redisBenchmark(b *testing.B, r *testbed.Redis, c *redis.Client) (rate, each float64) {
	b.Helper()
	const n = 500_000
	_, port, _ := strings.Cut(r.Addr, ":")
	before := cpu(b, c)
	out, err := exec.CommandContext(b.Context(), "redis-benchmark", "-p", port, "-P", "128", "-c", "1", "-n", strconv.Itoa(n), "-r",
		strconv.Itoa(benchUsers), "-q", "HSET", "raw", "user__rand_int__@example.org", string(benchPresence(1, false))).CombinedOutput()
	if err != nil {
		b.Fatalf("redis-benchmark: %v: %s", err, out)
	}
	all := regexp.MustCompile(`: ([0-9.]+) requests per second`).FindAllSubmatch(out, -1)
	if len(all) == 0 {
		b.Fatalf("redis-benchmark said %q", out)
	}
	rate, err = strconv.ParseFloat(string(all[len(all)-1][1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return rate, (cpu(b, c) - before) / n
}

// BenchmarkPresence is presence of distinct users through to Redis, and the same
// as redis-benchmark would set it.
func BenchmarkPresence(b *testing.B) {
	r, s, c := benchStore(b)
	raw, rawCPU := redisBenchmark(b, r, c)
	data := make([][]byte, benchUsers)
	users := make([]string, benchUsers)
	for i := range users {
		users[i], data[i] = benchUser(i), benchPresence(i, false)
	}
	before := cpu(b, c)
	for b.Loop() {
		for i, user := range users {
			s.SavePresence(user, data[i])
		}
		if err := s.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	updates := float64(b.N * benchUsers)
	rate, each := updates/b.Elapsed().Seconds(), (cpu(b, c)-before)/updates
	b.ReportMetric(rate, "updates/s")
	b.ReportMetric(rate/raw, "of-redis-benchmark")
	b.ReportMetric(each*1e6, "redis-us/update")
	b.ReportMetric(each/rawCPU, "of-redis-cpu")
}

// benchDocs are typical settings.
func benchDocs(i int) map[string][]byte {
	return map[string][]byte{
		engine.DocEnrol: []byte(`{"v":1,"since":"2026-11-22T10:00:00Z"}`),
		engine.DocRules: fmt.Appendf(nil, `{"v":1,"rules":[{"jid":"bob%d@example.org","level":300},{"domain":"example.com","level":100}]}`, i),
		engine.DocSubs:  fmt.Appendf(nil, `{"v":1,"subs":[%s]}`, strings.Repeat(`{"jid":"carol@example.org","as":"alice@presence.example.org"},`, 5)),
	}
}

func benchSource(_ context.Context, each func(engine.Saved) error) error {
	for i := range benchUsers {
		if err := each(engine.Saved{User: benchUser(i), Docs: benchDocs(i), Presence: benchPresence(i, false)}); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkRefill is the time from an emptied Redis until it holds 100,000 users
// again, and that of the same as plain pipelined HSETs.
func BenchmarkRefill(b *testing.B) {
	_, s, c := benchStore(b)
	s.SetSource(benchSource)
	began := time.Now()
	if err := rawFill(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	raw := time.Since(began)
	for b.Loop() {
		if err := c.FlushAll(b.Context()).Err(); err != nil {
			b.Fatal(err)
		}
		if err := s.whole(b.Context(), s.epoch.Load()); !errors.Is(err, errMoved) {
			b.Fatal(err)
		}
	}
	took := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(took.Seconds(), "s/refill")
	b.ReportMetric(took.Seconds()/raw.Seconds(), "of-raw")
}

// rawFill writes what benchSource yields, as one would without guarantees.
func rawFill(ctx context.Context, c *redis.Client) error {
	pipe := c.Pipeline()
	err := benchSource(ctx, func(saved engine.Saved) error {
		args := make([]any, 0, 8)
		for name, doc := range saved.Docs {
			args = append(args, name, doc)
		}
		pipe.HSet(ctx, "raw:u:"+saved.User, args...)
		pipe.HSet(ctx, "raw:p", saved.User, saved.Presence)
		if pipe.Len() < 1000 {
			return nil
		}
		_, err := pipe.Exec(ctx)
		return err
	})
	if err == nil {
		_, err = pipe.Exec(ctx)
	}
	return err
}

// BenchmarkMemory is what Redis needs for one user's presence.
func BenchmarkMemory(b *testing.B) {
	for _, status := range []bool{false, true} {
		b.Run(fmt.Sprintf("status=%t", status), func(b *testing.B) {
			_, s, c := benchStore(b)
			before := info(b, c, "used_memory_dataset")
			for b.Loop() {
				for i := range benchUsers {
					s.SavePresence(benchUser(i), benchPresence(i, status))
				}
				if err := s.Flush(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((info(b, c, "used_memory_dataset")-before)/benchUsers, "bytes/user")
		})
	}
}

// BenchmarkPresencePaced is what 5000 updates a second cost Redis, which is far from
// what fills a batch.
func BenchmarkPresencePaced(b *testing.B) {
	const perTick, tick = 25, 5 * time.Millisecond
	_, s, c := benchStore(b)
	before := cpu(b, c)
	at, i := time.NewTicker(tick), 0
	defer at.Stop()
	for b.Loop() {
		<-at.C
		for range perTick {
			s.SavePresence(benchUser(i%benchUsers), benchPresence(i, false))
			i++
		}
	}
	if err := s.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric((cpu(b, c)-before)*1e6/float64(i), "redis-us/update")
}
