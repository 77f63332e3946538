package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// StartProsody starts a Prosody of its own and returns when it answers.
func StartProsody(ctx context.Context, opts Options) (*Server, error) {
	if err := needProsody(); err != nil {
		return nil, err
	}
	return launch(ctx, Prosody, prosody{}, opts, "prosody.cfg.lua")
}

func needProsody() error {
	_, err := exec.LookPath("prosody")
	if _, statErr := os.Stat("/usr/lib/prosody/modules/mod_privilege"); err != nil || statErr != nil {
		return errors.New("testbed: Prosody with its community modules is not installed: run apt-get install prosody prosody-modules")
	}
	return nil
}

// launch configures and starts a server, and leaves nothing behind when that
// does not work.
func launch(ctx context.Context, kind Kind, p product, opts Options, configName string) (*Server, error) {
	s, err := newServer(kind, p, opts, configName)
	if err != nil {
		return nil, err
	}
	if err := s.Start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

type prosody struct{}

func (prosody) command(s *Server) *exec.Cmd {
	cmd := exec.Command("prosody", "-F", "--config", filepath.Join(s.Dir, "prosody.cfg.lua"))
	cmd.Dir = s.Dir
	return cmd
}

// seed writes the files of Prosody's "internal" storage. It reads them when a
// user logs in, so a running server needs no restart; a logged-in user's
// roster would be overwritten at her next change.
func (prosody) seed(_ context.Context, s *Server, accounts []Account) error {
	for _, a := range accounts {
		host := filepath.Join(s.dataDir(), prosodyEscape(a.Host))
		file := prosodyEscape(a.User) + ".dat"
		password := fmt.Sprintf("return {\n\t[\"password\"] = %s;\n};\n", quote(a.Password))
		if err := writeStore(filepath.Join(host, "accounts"), file, password); err != nil {
			return err
		}
		if len(a.Roster) == 0 {
			continue
		}
		if err := writeStore(filepath.Join(host, "roster"), file, prosodyRoster(a.Roster)); err != nil {
			return err
		}
	}
	return nil
}

func writeStore(dir, name, text string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)
}

// prosodyRoster renders a roster as Lua; the entry false holds the version.
func prosodyRoster(items []RosterItem) string {
	var b strings.Builder
	b.WriteString("return {\n\t[false] = { [\"version\"] = 1; [\"pending\"] = {}; };\n")
	for _, it := range items {
		fmt.Fprintf(&b, "\t[%s] = { [\"subscription\"] = %s; ", quote(it.JID), quote(it.subscription()))
		if it.Name != "" {
			fmt.Fprintf(&b, "[\"name\"] = %s; ", quote(it.Name))
		}
		b.WriteString("[\"groups\"] = { ")
		for _, g := range it.Groups {
			fmt.Fprintf(&b, "[%s] = true; ", quote(g))
		}
		b.WriteString("}; };\n")
	}
	b.WriteString("};\n")
	return b.String()
}

// prosodyEscape is the storage's own file name coding: everything but ASCII
// letters and digits becomes %xx.
func prosodyEscape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}
