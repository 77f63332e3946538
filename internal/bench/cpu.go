package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// cpuOf returns the CPU time the threads of a process have used so far, to the
// nanosecond. A thread that ended takes its time with it; the processes that
// are measured keep theirs.
func cpuOf(pid int) (time.Duration, error) {
	if pid == 0 {
		return 0, fmt.Errorf("the process to be measured does not run")
	}
	files, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "schedstat"))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("process %d has no threads (%v)", pid, err)
	}
	var sum time.Duration
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		first, _, _ := bytes.Cut(text, []byte(" "))
		ns, err := strconv.ParseInt(string(first), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// spent measures the CPU time that a process uses while do runs.
func spent(pid int, do func() error) (time.Duration, error) {
	before, err := cpuOf(pid)
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := cpuOf(pid)
	return after - before, err
}
