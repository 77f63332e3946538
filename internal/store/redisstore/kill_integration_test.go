//go:build integration

package redisstore

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/store/boltstore"
	"presenced/internal/store/storetest"
	"presenced/internal/testbed"
)

const (
	killUsers = 24
	killSize  = 3000 // below it is what fills a document
)

// killChild saves until it is killed and prints "user generation" once a write is
// acknowledged. Refused generations are left out.
func killChild() int {
	path := os.Getenv("REDISSTORE_PATH")
	copied, err := boltstore.Open(boltstore.Options{Dir: path + "/copy"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	a := at{server: Server{Addrs: []string{os.Getenv("REDISSTORE_ADDR")}}, path: path}
	o := a.options()
	o.Copy = copied
	s, err := newStore(o, quick, current)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for err = s.Attach(context.Background()); err != nil; err = s.Attach(context.Background()) {
		time.Sleep(5 * time.Millisecond) // Redis may be away
	}
	var acked, tried [killUsers]atomic.Int64
	for loaded := false; !loaded; {
		err = s.Load(context.Background(), func(saved engine.Saved) error {
			var u int
			if _, err := fmt.Sscanf(saved.User, "u%d@x", &u); err != nil {
				return err
			}
			acked[u].Store(int64(storetest.Generation(saved.Docs["rules"])))
			return nil
		})
		loaded = err == nil
	}
	s.SetSource(func(_ context.Context, each func(engine.Saved) error) error {
		for u := range acked {
			w := storetest.KillDocs(int(acked[u].Load()), killSize)
			maps.DeleteFunc(w.Docs, func(_ string, doc []byte) bool { return doc == nil })
			if acked[u].Load() == 0 {
				continue
			}
			if err := each(engine.Saved{User: storetest.KillUser(u), Docs: w.Docs}); err != nil {
				return err
			}
		}
		return nil
	})
	for u := range acked {
		tried[u].Store(acked[u].Load())
		go killSave(s, u, &acked[u], &tried[u])
	}
	select {}
}

func killSave(s *Store, u int, acked, tried *atomic.Int64) {
	g := tried.Add(1)
	w := storetest.KillDocs(int(g), killSize)
	w.User = storetest.KillUser(u)
	s.Save(w, func(err error) {
		if err == nil {
			acked.Store(g)
			fmt.Printf("%d %d\n", u, g) // one write call, not buffered
		}
		time.AfterFunc(rand.N(2*time.Millisecond), func() { killSave(s, u, acked, tried) })
	})
}

// TestKill_NothingAcknowledgedIsLost kills a saving process with SIGKILL at random
// instants, over and over, while Redis is killed, emptied and deprived of its data
// at random. Only losing Redis' data and the process within the same moment may
// cost anything, so what empties Redis is given that moment to be mended.
func TestKill_NothingAcknowledgedIsLost(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	path := t.TempDir()
	var acked [killUsers]int
	saving := 0
	n := rounds(16, 150)
	for range n {
		before := acked
		if killOnce(t, r, path, &acked); acked != before {
			saving++
		}
		checkKilled(t, r, path, &acked)
		if t.Failed() {
			return
		}
	}
	if saving < n/2 {
		t.Errorf("only %d of %d kills hit a saving process", saving, n)
	}
	t.Logf("%d of %d kills hit a saving process; acknowledged %v", saving, n, acked)
}

// killOnce runs a child, does things to Redis and kills the child.
func killOnce(t *testing.T, r *testbed.Redis, path string, acked *[killUsers]int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=kill", "REDISSTORE_PATH="+path, "REDISSTORE_ADDR="+r.Addr)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	read := make(chan struct{})
	var first atomic.Bool
	go func() {
		defer close(read)
		lines := bufio.NewReader(out)
		for readAck(t, lines, acked) {
			first.Store(true)
		}
	}()
	if rand.N(4) > 0 {
		eventually(t, "the child saves", first.Load)
		nap(t, rand.N(40*time.Millisecond))
		redisFault(t, r)
	}
	nap(t, rand.N(30*time.Millisecond))
	_ = cmd.Process.Kill()
	<-read
	_ = cmd.Wait() // killed
	if cmd.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v", cmd.ProcessState)
	}
	must(t, r.Start(t.Context()))
}

// redisFault does something to Redis.
func redisFault(t *testing.T, r *testbed.Redis) {
	t.Helper()
	switch rand.N(6) {
	case 0:
		must(t, r.Kill())
	case 1:
		must(t, r.Kill())
		must(t, r.Start(t.Context()))
	case 2:
		command(t, r, "FLUSHALL")
		awaitMended(t, r)
	case 3:
		must(t, r.Wipe())
		must(t, r.Start(t.Context()))
		awaitMended(t, r)
	case 4:
		command(t, r, "SCRIPT", "FLUSH")
	}
}

// awaitMended waits until no tag is empty or being written again.
func awaitMended(t *testing.T, r *testbed.Redis) {
	t.Helper()
	keys := newLayout("test:")
	for tag := range tags {
		eventually(t, "Redis is mended", func() bool { return parseFence(command(t, r, "GET", keys.fence[tag])).sequence > 0 })
	}
}

func readAck(t *testing.T, r *bufio.Reader, acked *[killUsers]int) bool {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil {
		if err != io.EOF {
			t.Error(err)
		}
		return false
	}
	var u, g int
	if _, err := fmt.Sscanf(line, "%d %d\n", &u, &g); err != nil || g <= acked[u] {
		t.Errorf("child said %q after %d: %v", line, acked[u], err)
		return false
	}
	acked[u] = g
	return true
}

// checkKilled compares what is stored with what was acknowledged. One write of each
// user may be stored without its answer heard; it counts from here on.
func checkKilled(t *testing.T, r *testbed.Redis, path string, acked *[killUsers]int) {
	t.Helper()
	w := at{server: alone(r), path: path, tune: quick}.attach(t)
	defer func() { shut(t, w) }()
	got := make(map[string]engine.Saved)
	must(t, w.Load(t.Context(), func(saved engine.Saved) error { got[saved.User] = saved; return nil }))
	for u := range acked {
		g := storetest.OneGeneration(t, u, got[storetest.KillUser(u)].Docs, killSize)
		if g < acked[u] {
			t.Errorf("user %d: generation %d is stored, %d was acknowledged", u, g, acked[u])
		}
		acked[u] = g
	}
}
