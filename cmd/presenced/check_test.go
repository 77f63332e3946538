package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"presenced/internal/testbed"
	"presenced/internal/testbed/calendars"
)

// TestCheck_TellsFourTroublesOfCalendarServersApart: a mailbox that moves, a tenant
// that blocks, a certificate that fails and a login page with 200, as the binary
// tells an operator who has all four.
func TestCheck_TellsFourTroublesOfCalendarServersApart(t *testing.T) {
	const user = "alice@example.localhost"
	moving, err1 := calendars.NewExchange(calendars.Options{})
	expired, err2 := calendars.NewExchange(calendars.Options{Expired: true})
	tenant, err3 := calendars.NewGraph(calendars.Options{})
	page, err4 := calendars.NewGoogle(calendars.Options{})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	for _, end := range []func(){moving.Close, expired.Close, tenant.Close, page.Close} {
		t.Cleanup(end)
	}
	moving.Put(user, calendars.Mailbox{Error: "ErrorMailboxMoveInProgress"})
	tenant.Put(user, calendars.Mailbox{})
	tenant.Blocked = map[string]bool{user: true}
	page.Play(calendars.Fault{Path: "/calendar/", Trouble: calendars.Login})
	out, err := exec.CommandContext(t.Context(), binary(t), "check", "--config", troubled(t, user, moving, expired, tenant, page)).CombinedOutput()
	if code, ok := errors.AsType[*exec.ExitError](err); !ok || code.ExitCode() != exitProblem {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("\n%s", out)
	for name, want := range map[string]string{
		"moving":  "the calendar of " + user + " is at another server, or on its way to one: exchange says ErrorMailboxMoveInProgress",
		"tenant":  "the tenant blocks this application, although it knows it: ",
		"expired": "TLS: 127.0.0.1: its certificate is not valid today",
		"page":    "a login page came instead of data, with status 200",
	} {
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "fail  calendar "+name) != strings.Contains(line, want) {
				t.Errorf("of %s: %swant it, and no other source, to be told as %q", name, line, want)
			}
		}
		if !strings.Contains(string(out), want) {
			t.Errorf("of %s nothing tells %q", name, want)
		}
	}
	for _, secret := range []string{moving.Password, tenant.Secret, "PRIVATE KEY"} {
		if strings.Contains(string(out), secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}

// A socket is enough to ask a daemon, and says nothing of what only a file tells.
func TestCheck_AsksByTheSocketAlone(t *testing.T) {
	s := server(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	d := testbed.RunDaemon(t, testbed.DaemonOptions{Config: testbed.ConfigForFake(s), Binary: binary(t)})
	for socket, want := range map[string]struct {
		code int
		told string
	}{
		d.Socket:             {exitFine, "ok    daemon"},
		d.Dir + "/none.sock": {exitProblem, "fail  daemon"},
	} {
		var out, errs strings.Builder
		if code := run([]string{"check", "--socket", socket}, &out, &errs); code != want.code ||
			!strings.Contains(out.String(), want.told) || !strings.Contains(out.String(), "warn  configuration") {
			t.Errorf("exit code %d, want %d, %q and that no file was read:\n%s%s", code, want.code, want.told, &out, &errs)
		}
	}
}

// troubled writes a configuration with these servers and returns its path.
func troubled(t *testing.T, user string, moving, expired *calendars.Exchange, tenant *calendars.Graph, page *calendars.Google) string {
	t.Helper()
	key, err := page.KeyFile()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: expired.Certificate().Raw}))
	text := fmt.Sprintf("[component]\ndomain = \"presence.example.localhost\"\naddress = \"127.0.0.1:1\"\nsecret = \"x\"\nhosts = [\"example.localhost\"]\n"+
		"[store]\npath = %q\n[admin]\nsocket = %q\n", dir+"/store", dir+"/admin.sock")
	source := func(name, kind, url, more string) {
		text += fmt.Sprintf("[[calendar.sources]]\nname = %q\nkind = %q\nurl = %q\nusers = [%q]\n%s\n", name, kind, url, user, more)
	}
	account := fmt.Sprintf("auth = \"basic\"\nusername = %q\npassword = %q\n", moving.Username, moving.Password)
	source("moving", "ews", moving.URL+"/EWS/Exchange.asmx", account)
	source("expired", "ews", expired.URL+"/EWS/Exchange.asmx", account+fmt.Sprintf("ca_file = %q\n", ca))
	source("tenant", "graph", tenant.URL, fmt.Sprintf("login_url = %q\ntenant = %q\nusername = %q\npassword = %q\n", tenant.URL, tenant.Tenant, tenant.ClientID, tenant.Secret))
	source("page", "google", page.URL, fmt.Sprintf("key_file = %q\n", write("key.json", key)))
	return write("presenced.toml", []byte(text))
}
