//go:build integration

package redisstore

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/testbed"
)

// journal is a log that a test reads while it is written.
type journal struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// TestFault_IsToldOnce: a fault that lasts is one line of the log, whatever the
// store tries meanwhile and on which connection.
func TestFault_IsToldOnce(t *testing.T) {
	tests := []struct {
		name    string
		on, off []string
	}{
		{"writes are held", []string{"CLIENT", "PAUSE", "60000", "WRITE"}, []string{"CLIENT", "UNPAUSE"}},
		{"full", []string{"CONFIG", "SET", "maxmemory", "1"}, []string{"CONFIG", "SET", "maxmemory", "0"}},
		{"read-only", []string{"REPLICAOF", "127.0.0.1", "1"}, []string{"REPLICAOF", "NO", "ONE"}},
		{"frozen", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := testbed.RunRedis(t, testbed.RedisOptions{})
			var log journal
			o := at{server: alone(r), path: t.TempDir()}.options()
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
			s, err := newStore(o, quick, current)
			must(t, err)
			must(t, s.Attach(t.Context()))
			m := newModel()
			s.SetSource(m.source)
			m.fill(t, s, 50)
			if tt.on == nil {
				must(t, r.Stall())
			} else {
				command(t, r, tt.on...)
			}
			for until := time.Now().Add(8 * quick.answer); time.Now().Before(until); nap(t, 20*time.Millisecond) {
				m.show(s, "base1@x", time.Now().String())
				<-m.save(t, s, engine.Write{User: "base2@x", Docs: map[string][]byte{"note": []byte("2")}})
			}
			if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
				t.Errorf("the log has %d lines of it:\n%s", n, &log)
			}
			if tt.on == nil {
				must(t, r.Resume())
			} else {
				command(t, r, tt.off...)
			}
			healthy(t, s)
			shut(t, s)
		})
	}
}
