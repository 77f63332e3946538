//go:build integration

package testbed

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// orphanEnv makes the test binary start the servers in the named directory,
// tell their process ids and wait to be killed.
const orphanEnv = "TESTBED_ORPHAN_DIR"

// serveUntilKilled is the child's part of the test.
func serveUntilKilled(dir string) {
	for _, start := range []func(context.Context, Options) (*Server, error){StartProsody, StartEjabberd} {
		s, err := start(context.Background(), Options{Dir: filepath.Join(dir, fmt.Sprint(time.Now().UnixNano()))})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.PID())
	}
	p, err := StartPostgres(context.Background(), "")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(p.PID())
	fmt.Println(p.Dir)
	select {}
}

func TestServers_DieWithTheirParent(t *testing.T) {
	if dir := os.Getenv(orphanEnv); dir != "" {
		serveUntilKilled(dir)
	}
	NeedServers(t)
	cmd := exec.CommandContext(testContext(t), self(t), "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), orphanEnv+"="+t.TempDir())
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	in := bufio.NewReader(out)
	var family []procID
	for range 3 {
		line, err := in.ReadString('\n')
		must(t, err)
		var pid int
		if _, err := fmt.Sscan(line, &pid); err != nil {
			t.Fatalf("the child said %q", line)
		}
		family = append(family, procID{pid, startOf(t, pid)})
		family = append(family, descendants(pid)...)
	}
	if len(family) < 8 {
		t.Errorf("got only %d processes of three servers", len(family))
	}
	dir, err := in.ReadString('\n') // PostgreSQL's own user cannot enter the test's
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(strings.TrimSpace(dir))) })
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // "signal: killed"
	deadline := time.Now().Add(10 * time.Second)
	for _, id := range family {
		for id.running() {
			if time.Now().After(deadline) {
				t.Fatalf("process %d outlived the parent of its server", id.pid)
			}
			time.Sleep(pollEvery)
		}
	}
}
