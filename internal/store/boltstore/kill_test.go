package boltstore

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/store/storetest"
)

// children are what the test binary does when childEnv names it.
var children = map[string]func() int{
	"kill":  killChild,
	"limit": limitChild,
}

// child is the test binary, to be run again as what name says.
func child(name, dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+name, "BOLTSTORE_DIR="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

const (
	killUsers = 8
	killSize  = 9000 // below it is what fills a document, over several pages
)

// killChild saves until it is killed and prints "user generation" once a write
// is acknowledged.
func killChild() int {
	s, err := Open(Options{Dir: os.Getenv("BOLTSTORE_DIR")})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var start [killUsers]int
	err = s.Load(context.Background(), func(saved engine.Saved) error {
		var u int
		if _, err := fmt.Sscanf(saved.User, "u%d@x", &u); err != nil {
			return err
		}
		start[u] = storetest.Generation(saved.Docs["rules"])
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for u, g := range start {
		go killSave(s, u, g+1)
	}
	select {}
}

func killSave(s *Store, u, g int) {
	w := storetest.KillDocs(g, killSize)
	w.User = storetest.KillUser(u)
	s.SavePresence(w.User, w.Docs["rules"])
	s.Save(w, func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("%d %d\n", u, g) // one write call, not buffered
		killSave(s, u, g+1)
	})
}

// TestKill_NothingAcknowledgedIsLost kills a saving process with SIGKILL at
// random instants, over and over on one file. It shows that no order of writes
// can be interrupted harmfully; what a power cut adds to that (writes the kernel
// had not done) rests on the two syncs of each commit.
func TestKill_NothingAcknowledgedIsLost(t *testing.T) {
	dir := t.TempDir()
	var acked [killUsers]int
	saving := 0
	for range 36 {
		before := acked
		if killOnce(t, dir, &acked); acked != before {
			saving++
		}
		checkKilled(t, dir, &acked)
		if t.Failed() {
			return
		}
	}
	if saving < 20 {
		t.Errorf("only %d of 36 kills hit a saving process", saving)
	}
	t.Logf("%d of 36 kills hit a saving process; acknowledged %v", saving, acked)
}

// killOnce runs a child for a moment and collects what it acknowledged. Every
// fourth kill comes at any time after the start, opening included; the others
// follow an acknowledgement.
func killOnce(t *testing.T, dir string, acked *[killUsers]int) {
	t.Helper()
	cmd := child("kill", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	killAfter := func(most time.Duration) {
		time.AfterFunc(rand.N(most), func() { cmd.Process.Kill() })
	}
	if rand.N(4) == 0 {
		killAfter(60 * time.Millisecond)
	} else if readAck(t, lines, acked) {
		killAfter(30 * time.Millisecond)
	}
	for readAck(t, lines, acked) {
	}
	cmd.Wait()
	if cmd.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v", cmd.ProcessState)
	}
}

func readAck(t *testing.T, r *bufio.Reader, acked *[killUsers]int) bool {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil {
		if err != io.EOF {
			t.Fatal(err)
		}
		return false
	}
	var u, g int
	if _, err := fmt.Sscanf(line, "%d %d\n", &u, &g); err != nil {
		t.Fatalf("child said %q: %v", line, err)
	}
	if g != acked[u]+1 {
		t.Fatalf("user %d: generation %d acknowledged after %d", u, g, acked[u])
	}
	acked[u] = g
	return true
}

// checkKilled compares the file with what was acknowledged. One write of each user
// may be stored without its answer heard; from here on it counts as acknowledged,
// because what a reader saw must not disappear either.
func checkKilled(t *testing.T, dir string, acked *[killUsers]int) {
	t.Helper()
	s := mustOpen(t, dir)
	defer shut(t, s)
	got := loadAll(t, s)
	for u := range acked {
		g := storetest.OneGeneration(t, u, got[storetest.KillUser(u)].Docs, killSize)
		if g < acked[u] || g > acked[u]+1 {
			t.Errorf("user %d: generation %d is stored, %d was acknowledged", u, g, acked[u])
		}
		acked[u] = g
	}
}
