package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// usage is how much CPU time was used until an instant, in seconds.
type usage struct {
	at             time.Time
	machine, bench float64
}

// tick is the unit of /proc/stat on Linux.
const tick = 0.01

// used reads the usage of the whole machine and of this process.
func used() (usage, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return usage{}, err
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	u := usage{at: time.Now()}
	fields := bytes.Fields(line)
	if len(fields) < 9 {
		return u, fmt.Errorf("/proc/stat begins with %q", line)
	}
	// user, nice, system, then idle and iowait, then irq, softirq, stolen.
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		v, err := strconv.ParseFloat(string(fields[i]), 64)
		if err != nil {
			return u, fmt.Errorf("/proc/stat: %w", err)
		}
		u.machine += v * tick
	}
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		return u, fmt.Errorf("getrusage: %w", err)
	}
	u.bench = time.Duration(self.Utime.Nano() + self.Stime.Nano()).Seconds()
	return u, nil
}

// others is how many cores were busy between two instants with neither this
// process nor the daemon, which used daemon seconds. A latency measured while
// it is not near 0 tells of the others.
func others(before, after usage, daemon float64) float64 {
	foreign := (after.machine - before.machine) - (after.bench - before.bench) - daemon
	return max(0, foreign/after.at.Sub(before.at).Seconds())
}
