package testbed

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// RedisOptions configure a Redis.
type RedisOptions struct {
	// Dir keeps data and log. Empty means a temporary directory that Close
	// removes.
	Dir string
	// Args follow the defaults (append-only file, noeviction) and override
	// them, for example "--maxmemory", "2mb".
	Args []string
	// TLS has Redis speak TLS only, with a certificate of an authority of its own.
	TLS bool
}

// Redis is one Redis server on a free port; it keeps data and port over
// restarts.
type Redis struct {
	Addr, URL, Dir string

	args  []string
	login string     // the password of its default user; empty: none
	ca    *authority // nil: no TLS

	service
}

// StartRedis starts a Redis of its own and returns when it answers PING.
func StartRedis(ctx context.Context, opts RedisOptions) (*Redis, error) {
	r, err := newRedis(opts.Dir)
	if err != nil {
		return nil, err
	}
	r.args = r.defaults()
	if opts.TLS {
		if err := r.secure(); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	r.args = append(r.args, opts.Args...)
	if err := r.Start(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// newRedis takes a port and a directory; dir empty means a temporary one.
func newRedis(dir string) (*Redis, error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return nil, errors.New("testbed: Redis is not installed: run apt-get install redis-server")
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	r := &Redis{Addr: loopback(ports[0])}
	r.URL = "redis://" + r.Addr + "/0"
	r.name, r.answers, r.command = "Redis", r.pong, r.child
	r.Dir, err = r.home(dir)
	r.logs = []string{filepath.Join(r.Dir, "redis.log")}
	return r, err
}

// defaults are durable and private to this machine.
func (r *Redis) defaults() []string {
	return []string{"--port", r.port(), "--bind", "127.0.0.1", "--dir", r.Dir,
		"--save", "", "--appendonly", "yes", "--maxmemory-policy", "noeviction"}
}

// secure makes an authority for the server and moves it to TLS.
func (r *Redis) secure() (err error) {
	if r.ca, err = newAuthority(r.Dir); err != nil {
		return err
	}
	r.URL = "rediss://" + r.Addr + "/0"
	r.args = append(r.args, "--tls-port", r.port(), "--port", "0", "--tls-auth-clients", "no",
		"--tls-cert-file", r.ca.certFile, "--tls-key-file", r.ca.keyFile, "--tls-ca-cert-file", r.ca.caFile)
	return nil
}

// CAFile is the certificate of the authority a server with TLS is to be believed by.
func (r *Redis) CAFile() string { return r.ca.caFile }

func (r *Redis) port() string {
	_, port, _ := net.SplitHostPort(r.Addr) // made of both
	return port
}

// Wipe kills Redis and removes its data; Start then starts it empty, as after the
// loss of a disk.
func (r *Redis) Wipe() error {
	if err := r.Kill(); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(filepath.Join(r.Dir, "appendonlydir")), os.RemoveAll(filepath.Join(r.Dir, "dump.rdb")))
}

func (r *Redis) child() *exec.Cmd {
	cmd := exec.Command("redis-server", r.args...)
	cmd.Dir = r.Dir
	return cmd
}

func (r *Redis) pong(ctx context.Context) error {
	answer, err := r.Command(ctx, "PING")
	if err == nil && answer != "+PONG" {
		err = errors.New(answer)
	}
	return err
}

// Command sends one command of plain words on a connection of its own and
// returns the first line of the reply with its type sign, for example
// "+PONG", ":3" or "-LOADING …"; of a bulk string, its first line.
func (r *Redis) Command(ctx context.Context, words ...string) (answer string, err error) {
	err = r.exchange(ctx, words, func(in *lines) error {
		if answer, err = in.next(); err == nil && answer[0] == '$' && answer[1] != '-' {
			answer, err = in.in.ReadString('\n')
			answer = strings.TrimRight(answer, "\r\n")
		}
		return err
	})
	return answer, err
}

// exchange sends one command and lets read read what is answered.
func (r *Redis) exchange(ctx context.Context, words []string, read func(*lines) error) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", r.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	if r.ca != nil {
		conn = tls.Client(conn, &tls.Config{RootCAs: r.ca.pool, ServerName: "localhost", MinVersion: tls.VersionTLS12})
	}
	in := &lines{bufio.NewReader(conn)}
	if r.login != "" {
		if _, err := io.WriteString(conn, "AUTH "+r.login+"\r\n"); err != nil {
			return err
		}
		if answer, err := in.next(); err != nil || answer != "+OK" {
			return fmt.Errorf("testbed: Redis: AUTH: %s %w", answer, err)
		}
	}
	if _, err := io.WriteString(conn, strings.Join(words, " ")+"\r\n"); err != nil {
		return err
	}
	return read(in)
}

// lines reads an answer.
type lines struct{ in *bufio.Reader }

// next returns a line that is not of a bulk string.
func (l *lines) next() (string, error) {
	line, err := l.in.ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); err == nil && len(line) < 2 {
		err = fmt.Errorf("testbed: Redis answered %q", line)
	}
	return line, err
}

// bulk returns a bulk string.
func (l *lines) bulk() (string, error) {
	line, err := l.next()
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimPrefix(line, "$"))
	if err != nil || n < 0 || n > 1<<20 {
		return "", fmt.Errorf("testbed: Redis answered %q, not a bulk string", line)
	}
	text := make([]byte, n+2)
	_, err = io.ReadFull(l.in, text)
	return string(text[:n]), err
}

// RunRedis runs a Redis for the duration of a test. It fails when Redis is
// missing and skips only where PRESENCED_SKIP_SERVERS=1.
func RunRedis(t TB, opts RedisOptions) *Redis {
	t.Helper()
	skip(t)
	return runFor(t, func() (*Redis, error) { return StartRedis(t.Context(), opts) })
}
