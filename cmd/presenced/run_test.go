package main

import (
	"context"
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"presenced/internal/answer"
	"presenced/internal/testbed"
)

// server starts a scripted component server.
func server(t *testing.T, o testbed.ComponentOptions) *testbed.ComponentServer {
	t.Helper()
	s, err := testbed.NewComponentServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// presenced runs a subcommand against the daemon and returns what it printed.
func presenced(t *testing.T, d *testbed.Daemon, code int, args ...string) string {
	t.Helper()
	r, err := d.Run(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	if r.Code != code {
		t.Fatalf("presenced %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), r.Code, code, r.Stdout, r.Stderr)
	}
	return r.Stdout + r.Stderr
}

func query(t *testing.T, d *testbed.Daemon, args ...string) (p answer.Presence) {
	t.Helper()
	out := presenced(t, d, exitFine, append([]string{"query", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatalf("query %v: %v\n%s", args, err, out)
	}
	return p
}

func TestRun_ShowsAUserFromEnrolmentToErasure(t *testing.T) {
	s := server(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	s.SetPresence("alice@example.localhost/desk", "<show>dnd</show>")
	d := testbed.RunDaemon(t, testbed.DaemonOptions{Config: testbed.ConfigForFake(s), Binary: binary(t)})

	if p := query(t, d, "alice@example.localhost"); p.Availability != 18500 || p.Show != "unavailable" {
		t.Errorf("before enrolment: %+v, want offline", p)
	}
	presenced(t, d, exitFine, "user", "enable", "alice@example.localhost")
	s.SetPresence("alice@example.localhost/desk", "<show>dnd</show>")
	eventually(t, "alice is dnd to herself", func() bool { return query(t, d, "alice@example.localhost").Show == "dnd" })
	if p := query(t, d, "alice@example.localhost", "--as", "mallory@evil.example"); p.Availability != 18500 || len(p.Fields) != 0 {
		t.Errorf("to a stranger: %+v, want offline", p)
	}
	if out := presenced(t, d, exitFine, "user", "list"); !strings.Contains(out, "alice@example.localhost") {
		t.Errorf("user list lacks alice:\n%s", out)
	}
	var e struct {
		Projection struct{ Container, Availability int }
		Inputs     []json.RawMessage
		Categories []struct {
			Name  string
			Shown bool
		}
	}
	out := presenced(t, d, exitFine, "policy", "explain", "alice@example.localhost", "--watcher", "bob@example.localhost", "--json")
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		t.Fatalf("explain: %v\n%s", err, out)
	}
	if e.Projection.Container != 200 || e.Projection.Availability != 9500 || len(e.Inputs) == 0 || len(e.Categories) == 0 {
		t.Errorf("explain: %+v, want container 200, 9500, inputs and categories\n%s", e, out)
	}
	out = presenced(t, d, exitFine, "explain", "alice@example.localhost", "--watcher", "bob@example.localhost")
	if want := `bob@example.localhost sees you as "Do not disturb", because your device "desk" is set to do not disturb.`; !strings.Contains(out, want) || strings.Contains(out, "S5.3") {
		t.Errorf("explain lacks %s, or names rules:\n%s", want, out)
	}
	out = presenced(t, d, exitFine, "policy", "explain", "alice@example.localhost", "--watcher", "bob@example.localhost", "--language", "de", "--details")
	if !strings.Contains(out, "weil Ihr Gerät „desk“ auf „nicht stören“ gestellt ist.") || !strings.Contains(out, "resource desk counted by S5.3") {
		t.Errorf("explain in German, with details:\n%s", out)
	}
	presenced(t, d, exitFine, "user", "erase", "alice@example.localhost")
	presenced(t, d, exitProblem, "user", "show", "alice@example.localhost")
}

func TestRun_KeepsSettingsOverARestart(t *testing.T) {
	s := server(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	d := testbed.RunDaemon(t, testbed.DaemonOptions{Config: testbed.ConfigForFake(s), Binary: binary(t)})
	presenced(t, d, exitFine, "user", "enable", "alice@example.localhost")
	if err := d.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out := presenced(t, d, exitFine, "user", "list"); !strings.Contains(out, "alice@example.localhost") {
		t.Errorf("after SIGKILL alice is forgotten:\n%s", out)
	}
}

func TestRun_ReloadIsAllOrNothing(t *testing.T) {
	s := server(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	d := testbed.RunDaemon(t, testbed.DaemonOptions{Config: testbed.ConfigForFake(s), Binary: binary(t)})
	logged := func(text string) func() bool {
		return func() bool {
			log, err := d.Log()
			return err == nil && strings.Contains(log, text)
		}
	}
	config := testbed.ConfigForFake(s)
	config["presence"] = map[string]any{"idle_after": "nonsense", "language": "xx"}
	if err := d.WriteConfig(config); err != nil {
		t.Fatal(err)
	}
	if err := d.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"presence.idle_after", "presence.language"} {
		eventually(t, "the broken "+key+" is logged", logged(key))
	}
	metric(t, d, "presenced_config_last_reload_successful 0")

	config["presence"] = map[string]any{"idle_after": "2m", "language": "de"}
	if err := d.WriteConfig(config); err != nil {
		t.Fatal(err)
	}
	if err := d.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new idle_after is in force", logged("changed=presence.idle_after"))
	eventually(t, "the language has to wait", logged("keys=presence.language"))
	metric(t, d, "presenced_config_last_reload_successful 1")
}

// metric waits for a line of /metrics.
func metric(t *testing.T, d *testbed.Daemon, line string) {
	t.Helper()
	eventually(t, line, func() bool {
		text, err := d.Metrics(t.Context())
		return err == nil && strings.Contains(text, line+"\n")
	})
}

func TestRun_ExitCodes(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  testbed.AttachFault
		config func(map[string]any)
		hint   string
	}{
		{"wrong secret", testbed.NotAuthorized, nil, "component.secret"},
		{"unknown host", testbed.HostUnknown, nil, "declare this component"},
		{"redis", testbed.NoFault, func(m map[string]any) { m["store"] = map[string]any{"redis": "redis://127.0.0.1:6379/x"} }, "store.redis"},
		{"broken file", testbed.NoFault, func(m map[string]any) { m["presence"] = map[string]any{"idle_after": "x"} }, "presence.idle_after"},
		{"store path", testbed.NoFault, func(m map[string]any) { m["store"] = map[string]any{"path": "/dev/null/store"} }, "store.path"},
		{"metrics port", testbed.NoFault, func(m map[string]any) { m["http"] = map[string]any{"metrics_listen": "203.0.113.1:1"} }, "http.metrics_listen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := server(t, testbed.ComponentOptions{Attach: testbed.Always(c.fault)})
			config := testbed.ConfigForFake(s)
			if c.config != nil {
				c.config(config)
			}
			d := testbed.RunDaemon(t, testbed.DaemonOptions{Config: config, Binary: binary(t), NoWait: true})
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			code, err := d.Wait(ctx)
			if err != nil {
				t.Fatal(err)
			}
			log, err := d.Log()
			if err != nil {
				t.Fatal(err)
			}
			if code != exitConfig || !strings.Contains(log, c.hint) {
				t.Errorf("exit code %d, want %d and a hint with %q:\n%s", code, exitConfig, c.hint, log)
			}
			if err := d.Kill(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestRun_ConflictNeverExitsAndIsTold(t *testing.T) {
	s := server(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect, Attach: testbed.First(testbed.Conflict)})
	d := testbed.RunDaemon(t, testbed.DaemonOptions{Config: testbed.ConfigForFake(s), Binary: binary(t), NoWait: true})
	eventually(t, "the conflict shows in /readyz", func() bool {
		code, body, err := d.Readiness(t.Context())
		return err == nil && code == 503 && strings.Contains(body, `"name":"link"`) && strings.Contains(body, "conflict")
	})
	if err := d.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// What runs it may pass on a signal that the daemon got as well, as timeout(1) and a
// terminal do: that asks once, not twice.
func TestRun_SignalsAtOnceAreOneRequest(t *testing.T) {
	s := server(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	d := testbed.RunDaemon(t, testbed.DaemonOptions{Config: testbed.ConfigForFake(s), Binary: binary(t)})
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		if err := d.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	code, err := d.Wait(ctx)
	log, _ := d.Log()
	if err != nil || code != exitFine || !strings.Contains(log, "msg=stopped") {
		t.Errorf("exit code %d (%v), want %d and a clean stop:\n%s", code, err, exitFine, log)
	}
}

func TestRun_ALaterSignalEndsItAtOnce(t *testing.T) {
	s := server(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	d := testbed.RunDaemon(t, testbed.DaemonOptions{Config: testbed.ConfigForFake(s), Binary: binary(t)})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	link, err := s.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	link.StallReading() // so that a polite end takes its time
	if err := d.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a later signal ends it", func() bool {
		_ = d.Signal(syscall.SIGINT) // fails once it has ended
		log, err := d.Log()
		return err == nil && strings.Contains(log, "second signal")
	})
	if code, err := d.Wait(ctx); err != nil || code != exitProblem {
		t.Errorf("exit code %d (%v), want %d", code, err, exitProblem)
	}
	if err := d.Kill(); err != nil {
		t.Fatal(err)
	}
}

func TestRun_SecondDaemonOnOneStoreOrSocketExits(t *testing.T) {
	s := server(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	first := testbed.RunDaemon(t, testbed.DaemonOptions{Config: testbed.ConfigForFake(s), Binary: binary(t)})
	for _, c := range []struct{ name, section, key, value, hint string }{
		{"store", "store", "path", first.Dir + "/store", "another presenced runs"},
		{"socket", "admin", "socket", first.Socket, "another daemon answers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := testbed.ConfigForFake(s)
			config[c.section] = map[string]any{c.key: c.value}
			d := testbed.RunDaemon(t, testbed.DaemonOptions{Config: config, Binary: binary(t), NoWait: true})
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			code, err := d.Wait(ctx)
			log, _ := d.Log()
			if err != nil || code != exitConfig || !strings.Contains(log, c.hint) {
				t.Errorf("exit code %d (%v), want %d and %q:\n%s", code, err, exitConfig, c.hint, log)
			}
			if err := d.Kill(); err != nil {
				t.Fatal(err)
			}
		})
	}
	if code, body, err := first.Readiness(t.Context()); err != nil || code != 200 {
		t.Errorf("the first daemon afterwards: %d %s %v", code, body, err)
	}
	presenced(t, first, exitFine, "user", "list")
}
