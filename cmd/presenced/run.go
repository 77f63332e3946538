package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"presenced/config"
	"presenced/internal/daemon"
)

func (a *app) runCommand() *cobra.Command {
	var startEmpty bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "run the daemon",
		Long: `Runs the daemon until it gets SIGTERM or SIGINT; another one, a second or more
later, ends it at once. SIGHUP reads the configuration again: all of it is taken,
or, when anything is wrong, nothing.

The exit code is 78 when the configuration cannot be used, or when the XMPP
server refuses the secret or the name before the first attach. An XMPP server or
a Redis that is away is waited for.

Where settings were stored that are neither in Redis nor in the safety copy any
more, the daemon stays unready and sends nothing: without her rules nobody knows
who may see a user. --start-empty begins without them.`,
		Example: "  presenced run --config /etc/presenced/presenced.toml",
		Args:    takes(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runDaemon(cmd.Context(), startEmpty) },
	}
	cmd.Flags().BoolVar(&startEmpty, "start-empty", false, "begin without settings that are lost, instead of waiting for them")
	return cmd
}

// gcPercent lets the heap grow to three times what is in use before it is collected,
// unless GOGC says otherwise. What is in use is a kilobyte and a half a user, most of
// it for good: to look through it half as often is a tenth of the daemon's work.
const gcPercent = 200

func (a *app) runDaemon(ctx context.Context, startEmpty bool) error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	c, warnings, err := config.Load(a.config, a.overrides())
	if err != nil {
		return err
	}
	log, level := daemon.NewLog(a.stderr, c.Log, os.Getenv("JOURNAL_STREAM") != "")
	logWarnings(log, warnings)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	d, err := daemon.New(c, daemon.Options{Log: log, Level: level, Version: version, StartEmpty: startEmpty})
	if err != nil {
		return err
	}
	if keys := c.Inert(); len(keys) > 0 {
		log.Warn("some keys have no effect in this version", "keys", strings.Join(keys, ","))
	}
	if err := d.Start(ctx); err != nil {
		return err
	}
	log.Info("presenced runs", "version", version, "component", c.Component.Domain)
	failure := a.serve(d, log, signals)
	return errors.Join(failure, a.stop(d, log, signals))
}

// serve waits for the end: a signal, or a failure the daemon cannot mend.
func (a *app) serve(d *daemon.Daemon, log *slog.Logger, signals <-chan os.Signal) error {
	for {
		select {
		case err := <-d.Failed():
			return err
		case s := <-signals:
			if s != syscall.SIGHUP {
				log.Info("stopping", "signal", s.String())
				return nil
			}
			a.reload(d, log)
		}
	}
}

// reload reads the configuration again. A broken one changes nothing; each of
// its problems is logged.
func (a *app) reload(d *daemon.Daemon, log *slog.Logger) {
	c, warnings, err := config.Load(a.config, a.overrides())
	if err == nil {
		logWarnings(log, warnings)
		err = d.Reload(c)
	}
	if err == nil {
		return
	}
	d.ReloadFailed()
	problems := []string{err.Error()}
	if broken, ok := errors.AsType[*config.Error](err); ok {
		problems = problems[:0]
		for _, p := range broken.Problems {
			problems = append(problems, p.String())
		}
	}
	for _, p := range problems {
		log.Error("configuration not reloaded", "problem", p)
	}
}

func logWarnings(log *slog.Logger, warnings []config.Problem) {
	for _, w := range warnings {
		log.Warn("configuration", "warning", w.String())
	}
}

// oneRequest is how long further signals belong to the one that stopped the daemon:
// timeout(1), a terminal and those who pass signals on send it several times over.
const oneRequest = time.Second

// stop ends the daemon within its time, or at once on a second signal.
func (a *app) stop(d *daemon.Daemon, log *slog.Logger, signals <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), daemon.StopWithin)
	defer cancel()
	late := time.NewTimer(daemon.StopWithin + time.Second)
	defer late.Stop()
	begun := time.Now()
	done := make(chan error, 1) // has room, so that nobody need listen any more
	go func() { done <- d.Stop(ctx) }()
	for {
		select {
		case err := <-done:
			if err == nil {
				log.Info("stopped")
			}
			return err
		case <-late.C:
			return errors.New("not stopped in time; not everything may have been written")
		case s := <-signals:
			if s != syscall.SIGHUP && time.Since(begun) > oneRequest {
				return errors.New("stopped by a second signal; not everything may have been written")
			}
		}
	}
}
