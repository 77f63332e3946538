package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/pelletier/go-toml/v2"
)

// DaemonOptions say how presenced is run.
type DaemonOptions struct {
	// Dir keeps the configuration, the embedded store, the socket and the
	// log. Empty means a temporary directory that Close removes.
	Dir string
	// Config is the configuration: TOML text (string) or any map or struct
	// that marshals to TOML. The listen addresses, the socket and the store
	// are put into Dir and on free ports where it leaves them out.
	Config any
	// Env are further variables, as KEY=value; PRESENCED_ variables of the
	// calling process are not passed on.
	Env []string
	// Args follow "run --config FILE".
	Args []string
	// Binary is the file to run; empty: Binary().
	Binary string
	// NoWait returns from Start at once instead of waiting for readiness.
	NoWait bool
}

// Daemon is one presenced process (or none, after Stop).
type Daemon struct {
	Dir, ConfigPath, Socket string
	// HTTPAddr and MetricsAddr are host:port as configured.
	HTTPAddr, MetricsAddr string

	opts DaemonOptions

	service
}

// ConfigFor is the smallest configuration that attaches to a server.
func ConfigFor(s *Server) map[string]any {
	return componentConfig(s.ComponentAddr, s.Component, s.Secret, s.Hosts)
}

// ConfigForFake is ConfigFor a ComponentServer.
func ConfigForFake(s *ComponentServer) map[string]any {
	return componentConfig(s.Addr, s.opts.Domain, s.opts.Secret, s.opts.Hosts)
}

func componentConfig(addr, domain, secret string, hosts []string) map[string]any {
	return map[string]any{"component": map[string]any{
		"domain": domain, "address": addr, "secret": secret, "hosts": hosts,
	}}
}

// StartDaemon writes the configuration, runs "presenced run" and waits until
// it is ready.
func StartDaemon(ctx context.Context, opts DaemonOptions) (*Daemon, error) {
	d := &Daemon{opts: opts}
	d.name, d.command = "presenced", d.child
	if !opts.NoWait {
		d.answers = d.ready
	}
	if err := d.prepare(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if err := d.Start(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Daemon) prepare() (err error) {
	if d.Dir, err = d.home(d.opts.Dir); err != nil {
		return err
	}
	if d.opts.Binary == "" {
		if d.opts.Binary, err = Binary(); err != nil {
			return err
		}
	}
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	d.HTTPAddr, d.MetricsAddr = loopback(ports[0]), loopback(ports[1])
	d.ConfigPath = filepath.Join(d.Dir, "presenced.toml")
	d.Socket = filepath.Join(d.Dir, "admin.sock")
	d.logs = []string{filepath.Join(d.Dir, "presenced.log")}
	return d.WriteConfig(d.opts.Config)
}

// WriteConfig replaces the configuration file, keeping addresses and paths
// that config leaves out; signal SIGHUP to have it read.
func (d *Daemon) WriteConfig(config any) error {
	values, err := tomlMap(config)
	if err != nil {
		return fmt.Errorf("testbed: daemon configuration: %w", err)
	}
	d.HTTPAddr = fill(values, "http", "listen", d.HTTPAddr)
	d.MetricsAddr = fill(values, "http", "metrics_listen", d.MetricsAddr)
	d.Socket = fill(values, "admin", "socket", d.Socket)
	fill(values, "store", "path", filepath.Join(d.Dir, "store"))
	text, err := toml.Marshal(values)
	if err != nil {
		return fmt.Errorf("testbed: daemon configuration: %w", err)
	}
	return os.WriteFile(d.ConfigPath, text, 0o600)
}

// tomlMap reads any accepted form of configuration into a map of its own.
func tomlMap(config any) (map[string]any, error) {
	text, ok := config.(string)
	if !ok && config != nil {
		b, err := toml.Marshal(config)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	values := map[string]any{}
	err := toml.Unmarshal([]byte(text), &values)
	return values, err
}

// fill sets section.key unless it is set and returns its value.
func fill(values map[string]any, section, key, value string) string {
	table, _ := values[section].(map[string]any)
	if got, ok := table[key].(string); ok {
		return got
	}
	table = maps.Clone(table)
	if table == nil {
		table = map[string]any{}
	}
	table[key] = value
	values[section] = table
	return value
}

func (d *Daemon) child() *exec.Cmd {
	cmd := exec.Command(d.opts.Binary, append([]string{"run", "--config", d.ConfigPath}, d.opts.Args...)...)
	cmd.Dir = d.Dir
	cmd.Env = append(cleanEnv(), d.opts.Env...)
	return cmd
}

// WaitReady waits until /readyz answers 200.
func (d *Daemon) WaitReady(ctx context.Context) error {
	d.mu.Lock()
	p := d.proc
	d.mu.Unlock()
	if p == nil {
		return errors.New("testbed: presenced is not running")
	}
	return d.await(ctx, p, d.ready)
}

func (d *Daemon) ready(ctx context.Context) error {
	code, body, err := d.Readiness(ctx)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("/readyz: %s", body)
	}
	return err
}

// Readiness asks /readyz once; an error means that nobody answered.
func (d *Daemon) Readiness(ctx context.Context) (code int, body string, err error) {
	return httpGet(ctx, "http://"+d.MetricsAddr+"/readyz")
}

// Metrics returns the text of /metrics.
func (d *Daemon) Metrics(ctx context.Context) (string, error) {
	code, body, err := httpGet(ctx, "http://"+d.MetricsAddr+"/metrics")
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("testbed: /metrics answered %d: %s", code, body)
	}
	return body, err
}

func httpGet(ctx context.Context, url string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	req.Close = true // no idle connection, and so no goroutine, stays behind
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	return resp.StatusCode, string(b), err
}

// Wait returns the exit code once the process has ended by itself, -1 when a
// signal ended it.
func (d *Daemon) Wait(ctx context.Context) (int, error) {
	d.mu.Lock()
	p := d.proc
	d.mu.Unlock()
	if p == nil {
		return 0, errors.New("testbed: presenced is not running")
	}
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("testbed: presenced still runs: %w", context.Cause(ctx))
	}
}

// Stop sends SIGTERM, waits (SIGKILL after 15 s) and returns an error unless
// the daemon ended by itself with exit code 0.
func (d *Daemon) Stop() error {
	p, err := d.end(true)
	if p == nil || err != nil {
		return err
	}
	if p.err != nil {
		return fmt.Errorf("testbed: presenced after SIGTERM: %w\n%s", p.err, d.LogTail())
	}
	return nil
}

// Close stops the daemon if it runs and removes its directory if Options
// named none.
func (d *Daemon) Close() error { return errors.Join(d.Stop(), d.service.Close()) }

// Run runs another subcommand of the same binary with --config added, unless
// the arguments name a configuration or socket.
func (d *Daemon) Run(ctx context.Context, args ...string) (Result, error) {
	if !slices.Contains(args, "--config") && !slices.Contains(args, "--socket") {
		args = append(slices.Clone(args), "--config", d.ConfigPath)
	}
	return run(ctx, d.opts.Binary, d.opts.Env, args)
}

// Log returns all output of the daemon so far, over all its starts.
func (d *Daemon) Log() (string, error) {
	b, err := os.ReadFile(d.logs[0])
	return string(b), err
}

// RunDaemon runs presenced for the duration of a test. The directory is a
// short temporary one, because the path of a unix socket has 107 bytes.
func RunDaemon(t TB, opts DaemonOptions) *Daemon {
	t.Helper()
	return runFor(t, func() (*Daemon, error) { return StartDaemon(t.Context(), opts) })
}
