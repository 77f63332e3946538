package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// staticEnv has this program serve one JSON text, given in hexadecimal digits, in
// place of measuring.
const staticEnv = "BENCH_STATIC"

// serveStatic is what row http compares with: net/http and nothing else. It tells
// its address and ends when nobody listens to it any more.
func serveStatic(in io.Reader, out, errOut io.Writer) int {
	body, err := hex.DecodeString(os.Getenv(staticEnv))
	if err != nil {
		say(errOut, "bench: %s: %v", staticEnv, err)
		return exitCannotRun
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		say(errOut, "bench: %v", err)
		return exitCannotRun
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})}
	say(out, "%s", l.Addr())
	var work sync.WaitGroup
	work.Go(func() { _ = server.Serve(l) }) // until it is closed
	_, _ = io.Copy(io.Discard, in)
	_ = server.Close()
	work.Wait()
	return exitReached
}

// static is a process that runs serveStatic.
type static struct {
	cmd  *exec.Cmd
	hold io.Closer // its end is the process's
	addr string
}

func startStatic(ctx context.Context, body []byte) (*static, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &static{cmd: exec.CommandContext(ctx, self)}
	s.cmd.Env = append(os.Environ(), staticEnv+"="+hex.EncodeToString(body))
	s.cmd.Stderr = os.Stderr
	if s.hold, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the static handler did not start: %w", err), s.close())
	}
	s.addr = strings.TrimSpace(line)
	return s, nil
}

func (s *static) pid() int { return s.cmd.Process.Pid }

// close ends the process.
func (s *static) close() error { return errors.Join(s.hold.Close(), s.cmd.Wait()) }
