package testbed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Bounds of ending a process: the polite signal first, then SIGKILL.
const (
	termGrace = 15 * time.Second
	killGrace = 10 * time.Second
	pollEvery = 20 * time.Millisecond
)

// process is one child in its own process group that dies with us.
type process struct {
	cmd  *exec.Cmd
	wait sync.WaitGroup // the goroutine that reaps it
	done chan struct{}  // closed when the process has been waited for
	err  error          // of Wait, readable after done
	quit syscall.Signal // asks it politely to end
}

// startProcess starts a command whose output goes to out. Pdeathsig is bound
// to the thread that forks; Go keeps its threads unless a goroutine exits
// while locked to one, which nothing here does.
func startProcess(cmd *exec.Cmd, out io.Writer) (*process, error) {
	if out != nil {
		cmd.Stdout, cmd.Stderr = out, out
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{}), quit: syscall.SIGTERM}
	p.wait.Go(func() {
		p.err = cmd.Wait()
		close(p.done)
	})
	return p, nil
}

func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// signalGroup signals the process and all that stayed in its group.
func (p *process) signalGroup(s syscall.Signal) error {
	err := syscall.Kill(-p.cmd.Process.Pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// end brings the process and every descendant down; polite sends its quit
// signal first and waits termGrace for it.
func (p *process) end(polite bool) error {
	family := descendants(p.cmd.Process.Pid)
	if polite && p.alive() {
		_ = p.signalGroup(p.quit)
		_ = p.signalGroup(syscall.SIGCONT) // a stalled server must see the signal
		select {
		case <-p.done:
		case <-time.After(termGrace):
		}
	}
	if p.alive() {
		family = append(family, descendants(p.cmd.Process.Pid)...)
		_ = p.signalGroup(syscall.SIGKILL)
	}
	select {
	case <-p.done:
	case <-time.After(killGrace):
		return fmt.Errorf("testbed: process %d survived SIGKILL", p.cmd.Process.Pid)
	}
	p.wait.Wait()
	return awaitGone(family)
}

// awaitGone waits for helpers that a server started (they sit in groups of
// their own and end when their pipe closes) and kills the stubborn ones.
func awaitGone(family []procID) error {
	deadline := time.Now().Add(killGrace)
	for round := 0; ; round++ {
		left := 0
		for _, id := range family {
			if !id.running() {
				continue
			}
			left++
			if round == 25 {
				_ = syscall.Kill(id.pid, syscall.SIGKILL)
			}
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("testbed: %d helper processes survived their server", left)
		}
		<-time.After(pollEvery)
	}
}

// procID is a process told apart from a later one with the same number by
// its start time.
type procID struct {
	pid   int
	start string
}

// running is false for a process that is gone or only waits to be reaped.
func (id procID) running() bool {
	st, err := readStat(id.pid)
	return err == nil && st.start == id.start && st.state != "Z" && st.state != "X"
}

type procStat struct {
	state string
	ppid  int
	start string
}

// readStat reads the fields behind the parenthesised name of /proc/PID/stat.
func readStat(pid int) (procStat, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return procStat{}, err
	}
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return procStat{}, errors.New("testbed: unreadable process status")
	}
	f := bytes.Fields(b[i+1:])
	if len(f) < 20 {
		return procStat{}, errors.New("testbed: short process status")
	}
	ppid, err := strconv.Atoi(string(f[1]))
	return procStat{state: string(f[0]), ppid: ppid, start: string(f[19])}, err
}

// descendants lists all processes below root, children before grandchildren.
func descendants(root int) []procID {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	below := map[int][]procID{}
	for _, d := range dirs {
		pid, err := strconv.Atoi(filepath.Base(d))
		if err != nil {
			continue
		}
		if st, err := readStat(pid); err == nil {
			below[st.ppid] = append(below[st.ppid], procID{pid, st.start})
		}
	}
	found := append([]procID(nil), below[root]...)
	for i := 0; i < len(found); i++ {
		found = append(found, below[found[i].pid]...)
	}
	return found
}
