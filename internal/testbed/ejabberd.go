package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// StartEjabberd starts an ejabberd of its own and returns when it answers.
func StartEjabberd(ctx context.Context, opts Options) (*Server, error) {
	libs, err := needEjabberd()
	if err != nil {
		return nil, err
	}
	if opts.SQL != nil {
		if err := opts.SQL.prepare(ctx); err != nil {
			return nil, err
		}
	}
	return launch(ctx, Ejabberd, ejabberd{libs: libs}, opts, "ejabberd.yml")
}

// needEjabberd finds the directory that holds ejabberd's Erlang application.
func needEjabberd() (string, error) {
	found, err := filepath.Glob("/usr/lib/*/ejabberd-*/ebin/ejabberd_app.beam")
	if _, lookErr := exec.LookPath("erl"); err != nil || lookErr != nil || len(found) == 0 {
		return "", errors.New("testbed: ejabberd is not installed: run apt-get install ejabberd")
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(found[0]))), nil
}

type ejabberd struct{ libs string }

// command runs the Erlang machine directly: ejabberdctl insists on the system
// user of the package, and a node without a name needs neither epmd nor a
// distribution port. Mnesia is content with nonode@nohost. The schedulers do not
// spin while they wait for work: it would count as the server's cost.
func (e ejabberd) command(s *Server) *exec.Cmd {
	cmd := exec.Command("erl", "+P", "250000", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none",
		"-start_epmd", "false", "-noinput",
		"-mnesia", "dir", quote(s.dataDir()), "-s", "ejabberd")
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "HOME="+s.Dir, "ERL_LIBS="+e.libs, "ERL_CRASH_DUMP_SECONDS=0",
		"EJABBERD_CONFIG_PATH="+filepath.Join(s.Dir, "ejabberd.yml"),
		"EJABBERD_LOG_PATH="+filepath.Join(s.Dir, "ejabberd.log"))
	return cmd
}

// seed imports an XEP-0227 file, some 7000 roster items per second.
func (ejabberd) seed(ctx context.Context, s *Server, accounts []Account) error {
	f, err := os.CreateTemp(s.Dir, "seed-*.xml")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(pieDocument(accounts))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	var code int
	if err := s.EjabberdCommand(ctx, "import_piefxis", map[string]any{"file": f.Name()}, &code); err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("testbed: ejabberd refused the accounts (%d)\n%s", code, s.LogTail())
	}
	return nil
}

// pieDocument renders accounts in the portable format of XEP-0227.
func pieDocument(accounts []Account) string {
	byHost := map[string][]Account{}
	var hosts []string
	for _, a := range accounts {
		if byHost[a.Host] == nil {
			hosts = append(hosts, a.Host)
		}
		byHost[a.Host] = append(byHost[a.Host], a)
	}
	var b strings.Builder
	b.WriteString("<?xml version='1.0' encoding='UTF-8'?><server-data xmlns='urn:xmpp:pie:0'>")
	for _, h := range hosts {
		fmt.Fprintf(&b, "<host jid='%s'>", Escape(h))
		for _, a := range byHost[h] {
			fmt.Fprintf(&b, "<user name='%s' password='%s'>", Escape(a.User), Escape(a.Password))
			if len(a.Roster) > 0 {
				b.WriteString("<query xmlns='jabber:iq:roster'>")
				for _, it := range a.Roster {
					b.WriteString(it.xml())
				}
				b.WriteString("</query>")
			}
			b.WriteString("</user>")
		}
		b.WriteString("</host>")
	}
	b.WriteString("</server-data>")
	return b.String()
}

// EjabberdCommand runs an administration command of ejabberd (the commands of
// ejabberdctl) over its HTTP API and decodes the answer into out unless nil.
func (s *Server) EjabberdCommand(ctx context.Context, name string, args map[string]any, out any) error {
	if s.Kind != Ejabberd {
		return fmt.Errorf("testbed: command %s: %s has no HTTP API", name, s.Kind)
	}
	if args == nil {
		args = map[string]any{}
	}
	body, err := json.Marshal(args)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.apiAddr+"/api/"+name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Close = true // no idle connection, and so no goroutine, stays behind
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("testbed: ejabberd %s: %w", name, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("testbed: ejabberd %s: %s: %s", name, resp.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// Escape makes text safe inside XML content and attributes of either quote.
func Escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}
