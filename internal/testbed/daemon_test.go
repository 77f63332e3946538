package testbed

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"go.uber.org/goleak"
)

// standInEnv makes the test binary play presenced.
const standInEnv = "TESTBED_STAND_IN"

func TestMain(m *testing.M) {
	if os.Getenv(standInEnv) != "" {
		os.Exit(standIn(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// standIn follows the outside contract of presenced as far as Daemon uses it:
// run becomes ready at the third question, everything else echoes.
func standIn(args []string) int {
	if args[0] != "run" {
		fmt.Println(strings.Join(args, " "))
		fmt.Fprintln(os.Stderr, "leaked:", os.Getenv("PRESENCED_LOG_LEVEL"))
		return 78
	}
	var config struct {
		Component struct{ Domain string }
		HTTP      struct {
			Metrics string `toml:"metrics_listen"`
		}
	}
	text, err := os.ReadFile(args[2])
	if err == nil {
		err = toml.Unmarshal(text, &config)
	}
	if err != nil || config.Component.Domain == "broken" {
		fmt.Println("configuration is broken", err)
		return 78
	}
	asked := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() { fmt.Println(http.ListenAndServe(config.HTTP.Metrics, mux)) }()
	fmt.Println("started", config.Component.Domain)
	<-term
	fmt.Println("stopped")
	return 0
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	must(t, err)
	return path
}

func TestDaemon_LivesItsLife(t *testing.T) {
	ctx := testContext(t)
	t.Setenv("PRESENCED_LOG_LEVEL", "debug")
	fake := newFake(t, ComponentOptions{})
	d := RunDaemon(t, DaemonOptions{Config: ConfigForFake(fake), Env: []string{standInEnv + "=1"}, Binary: self(t)})
	if code, _, err := d.Readiness(ctx); err != nil || code != http.StatusOK {
		t.Errorf("readiness after the start: got %d, %v", code, err)
	}
	res, err := d.Run(ctx, "user", "list", "--json")
	must(t, err)
	if want := "user list --json --config " + d.ConfigPath + "\n"; res.Stdout != want || res.Code != 78 || res.Stderr != "leaked: \n" {
		t.Errorf("got %+v, want stdout %q, code 78 and no PRESENCED_ variable", res, want)
	}
	must(t, d.Stop())
	if _, _, err := d.Readiness(ctx); err == nil {
		t.Error("a stopped daemon answered")
	}
	must(t, d.Start(ctx))
	must(t, d.Kill())
	must(t, d.Start(ctx))
	must(t, d.Signal(syscall.SIGKILL))
	code, err := d.Wait(ctx)
	must(t, err)
	if code != -1 {
		t.Errorf("exit code after SIGKILL: got %d, want -1", code)
	}
	must(t, d.Kill())
	log, err := d.Log()
	must(t, err)
	if got := strings.Count(log, "started "+DefaultComponent); got != 3 || strings.Count(log, "stopped") != 1 {
		t.Errorf("got log %q, want three starts and one stop", log)
	}
}

func TestDaemon_StartShowsWhyItEnded(t *testing.T) {
	_, err := StartDaemon(testContext(t), DaemonOptions{Config: "[component]\ndomain = 'broken'\n", Env: []string{standInEnv + "=1"}, Binary: self(t)})
	if err == nil || !strings.Contains(err.Error(), "exit status 78") || !strings.Contains(err.Error(), "configuration is broken") {
		t.Errorf("got %v, want the exit code and the log", err)
	}
}

func TestDaemon_ConfigKeepsWhatIsSet(t *testing.T) {
	d := &Daemon{Dir: t.TempDir(), HTTPAddr: "127.0.0.1:1", MetricsAddr: "127.0.0.1:2", Socket: "s"}
	d.ConfigPath = filepath.Join(d.Dir, "c.toml")
	must(t, d.WriteConfig("[http]\nmetrics_listen = '127.0.0.1:3'\n[[policies]]\nname = 'a'\n"))
	got, err := os.ReadFile(d.ConfigPath)
	must(t, err)
	for _, want := range []string{"metrics_listen = '127.0.0.1:3'", "listen = '127.0.0.1:1'", "socket = 's'", "[[policies]]"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("got\n%s\nwithout %s", got, want)
		}
	}
	if d.MetricsAddr != "127.0.0.1:3" {
		t.Errorf("got metrics address %s", d.MetricsAddr)
	}
}

func TestBuild_CompilesThePackageOnceAndSweeps(t *testing.T) {
	root := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	must(t, os.MkdirAll(filepath.Join(root, "cmd", "presenced"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module m\n\ngo 1.26.0\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(root, "cmd", "presenced", "main.go"),
		[]byte("package main\n\nfunc main() { println(\"hello\") }\n"), 0o644))
	path, err := build(root, "./cmd/presenced")
	must(t, err)
	dead := filepath.Join(filepath.Dir(path), "999999999")
	must(t, os.WriteFile(dead, nil, 0o644))
	path, err = build(root, "./cmd/presenced")
	must(t, err)
	if _, err := os.Stat(dead); err == nil {
		t.Error("the binary of an ended process was kept")
	}
	res, err := run(testContext(t), path, nil, nil)
	must(t, err)
	if res.Stderr != "hello\n" || res.Code != 0 {
		t.Errorf("got %+v", res)
	}
	if got, err := moduleRoot(); err != nil || filepath.Base(got) == "testbed" {
		t.Errorf("module root: got %s, %v", got, err)
	}
}
