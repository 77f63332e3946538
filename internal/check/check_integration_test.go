//go:build integration

package check

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"presenced/internal/testbed"
)

// TestSnippets_MakeARealServerGrantThePrivilege pastes what the check prints
// into a server that has the component but no privilege.
func TestSnippets_MakeARealServerGrantThePrivilege(t *testing.T) {
	testbed.NeedServers(t)
	for _, c := range []struct {
		server int
		start  func() (*testbed.Server, error)
		paste  func(t *testing.T, s *testbed.Server, snippet string)
		found  string
	}{
		{0, func() (*testbed.Server, error) { return testbed.StartProsody(t.Context(), testbed.Options{}) }, pasteProsody,
			"presence and rosters are read"},
		{1, func() (*testbed.Server, error) { return testbed.StartEjabberd(t.Context(), testbed.Options{}) }, pasteEjabberd,
			"asked for a subscription, since this server does not report dropped sessions"},
	} {
		s, err := c.start()
		if err != nil {
			t.Fatal(err)
		}
		t.Run(string(s.Kind), func(t *testing.T) {
			defer func() { _ = s.Close() }()
			file := write(t, s.ComponentAddr, s.Secret, "")
			before := Run(t.Context(), Options{Config: file}).step(t, "host "+s.Hosts[0])
			if before.Result != Warn || len(before.Snippets) != 2 {
				t.Fatalf("without privilege: %+v", before)
			}
			text := strings.ReplaceAll(before.Snippets[c.server].Text, "the text of component.secret", s.Secret)
			c.paste(t, s, text)
			if err := s.Restart(t.Context()); err != nil {
				t.Fatalf("the server does not take the lines: %v\n%s\n%s", err, text, s.LogTail())
			}
			after := Run(t.Context(), Options{Config: file}).step(t, "host "+s.Hosts[0])
			if after.Result != OK || !strings.Contains(after.Found, c.found) {
				t.Errorf("with the lines pasted: %+v\n%s\n%s", after, text, s.LogTail())
			}
		})
	}
}

// TestLink_RealServersRefusals holds the words for a wrong secret to what the
// servers say.
func TestLink_RealServersRefusals(t *testing.T) {
	testbed.NeedServers(t)
	for _, start := range []func() (*testbed.Server, error){
		func() (*testbed.Server, error) { return testbed.StartProsody(t.Context(), testbed.Options{}) },
		func() (*testbed.Server, error) { return testbed.StartEjabberd(t.Context(), testbed.Options{}) },
	} {
		s, err := start()
		if err != nil {
			t.Fatal(err)
		}
		t.Run(string(s.Kind), func(t *testing.T) {
			defer func() { _ = s.Close() }()
			link := Run(t.Context(), Options{Config: write(t, s.ComponentAddr, "wrong", "")}).step(t, "link")
			if link.Result != Fail || !strings.Contains(link.Do, "the secret is wrong") {
				t.Errorf("a wrong secret: %+v", link)
			}
		})
	}
}

// TestDaemon_LinkIsNeverDisturbed has a daemon on each server while the check
// runs.
func TestDaemon_LinkIsNeverDisturbed(t *testing.T) {
	testbed.NeedServers(t)
	for _, start := range []func() (*testbed.Server, error){
		func() (*testbed.Server, error) {
			return testbed.StartProsody(t.Context(), testbed.Options{Privileged: true})
		},
		func() (*testbed.Server, error) {
			return testbed.StartEjabberd(t.Context(), testbed.Options{Privileged: true})
		},
	} {
		s, err := start()
		if err != nil {
			t.Fatal(err)
		}
		t.Run(string(s.Kind), func(t *testing.T) {
			defer func() { _ = s.Close() }()
			d := testbed.RunDaemon(t, testbed.DaemonOptions{Config: testbed.ConfigFor(s)})
			for range 2 { // the second would find what the first had broken
				r := Run(t.Context(), Options{Config: d.ConfigPath})
				if r.Failed > 0 || !strings.Contains(r.step(t, "link").Found, "the daemon is attached") {
					t.Fatalf("beside a daemon: %+v", r.Steps)
				}
				if host := r.step(t, "host "+s.Hosts[0]); host.Result != OK {
					t.Errorf("host: %+v", host)
				}
			}
			log, err := d.Log()
			if err != nil || strings.Contains(log, "lost") {
				t.Errorf("the daemon's link was disturbed (%v):\n%s", err, log)
			}
		})
	}
}

// TestLists_OfARealServer has ejabberd keep lists in SQLite, as it makes the file.
func TestLists_OfARealServer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ejabberd.db")
	s := testbed.RunServer(t, testbed.Ejabberd, testbed.Options{SQL: &testbed.SQL{Database: file, ServerHost: true}})
	if err := s.AddUser(t.Context(), "alice", s.Domain, "pw"); err != nil {
		t.Fatal(err)
	}
	alice, err := testbed.Dial(t.Context(), s, "alice@"+s.Domain, "pw", testbed.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = alice.Drop() }()
	if _, err := alice.IQ(t.Context(), "set", "", "<block xmlns='urn:xmpp:blocking'><item jid='mallory@example.org'/></block>"); err != nil {
		t.Fatal(err)
	}
	r := Run(t.Context(), Options{Config: write(t, s.ComponentAddr, s.Secret,
		fmt.Sprintf("[[privacy.lists_sql]]\nhost = %q\ndriver = \"sqlite\"\ndsn = %q\n", s.Domain, file))})
	got := r.steps("lists of " + s.Domain)
	if len(got) != 2 || got[0].Result != OK || !strings.Contains(got[1].Do, "PRAGMA journal_mode = WAL") {
		t.Errorf("got %+v, want tables that can be read, and the advice about the log", got)
	}
	if text := fmt.Sprintf("%+v", r); strings.Contains(text, "alice") || strings.Contains(text, "mallory") {
		t.Errorf("somebody is named: %s", text)
	}
}

// pasteProsody puts the lines behind the configuration. Those for the top of
// the file are there already.
func pasteProsody(t *testing.T, s *testbed.Server, snippet string) {
	t.Helper()
	file := filepath.Join(s.Dir, "prosody.cfg.lua")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	hosts := snippet[strings.Index(snippet, "VirtualHost \""):]
	if err := os.WriteFile(file, append(append(text, '\n'), hosts...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// pasteEjabberd merges the lines into the configuration as an operator does by
// hand: key by key, and the component's listener in place of the one there.
func pasteEjabberd(t *testing.T, s *testbed.Server, snippet string) {
	t.Helper()
	file := filepath.Join(s.Dir, "ejabberd.yml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var old, add map[string]any
	if err := yaml.Unmarshal(text, &old); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(snippet), &add); err != nil {
		t.Fatalf("the lines are no YAML: %v\n%s", err, snippet)
	}
	service := add["listen"].([]any)
	listen := slices.DeleteFunc(old["listen"].([]any), func(l any) bool {
		return l.(map[string]any)["module"] == "ejabberd_service"
	})
	delete(add, "listen")
	merge(old, add)
	old["listen"] = append(listen, service...)
	if text, err = yaml.Marshal(old); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func merge(into, add map[string]any) {
	for k, v := range add {
		if m, ok := v.(map[string]any); ok {
			if old, ok := into[k].(map[string]any); ok {
				merge(old, m)
				continue
			}
		}
		into[k] = v
	}
}
