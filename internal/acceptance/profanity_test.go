//go:build integration

package acceptance

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// reading is how long a person may have to wait for what she expects to read.
const reading = 10 * time.Second

// needProfanity fails the test when a program of the terminal tests is missing.
func needProfanity(t *testing.T) {
	t.Helper()
	testbed.NeedServers(t)
	for _, program := range []string{"profanity", "tmux"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v: install it with: apt-get install -y profanity tmux\n(or set %s=1 to skip)", err, testbed.SkipEnv)
		}
	}
}

// terminal is a person at Profanity: a tmux server with one pane.
type terminal struct {
	s      *site
	env    []string
	server *exec.Cmd
	out    bytes.Buffer // of the tmux server, to be read after it has ended
}

// profanity starts Profanity with a home of its own and logs a user in.
func (s *site) profanity(user string) *terminal {
	s.Helper()
	// The path of a unix socket has 107 bytes, so the test's own directory, which
	// bears its name, is too long.
	dir, err := os.MkdirTemp("", "term")
	s.must(err)
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &terminal{s: s, env: []string{
		"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "TERM=screen", "SHELL=/bin/sh", "TMUX_TMPDIR=" + dir,
		"HOME=" + dir, "XDG_CONFIG_HOME=" + filepath.Join(dir, "config"), "XDG_DATA_HOME=" + filepath.Join(dir, "data"),
	}}
	p.server = exec.Command("tmux", "-L", "acceptance", "-f", os.DevNull, "-D")
	p.server.Env, p.server.Dir, p.server.Stdout, p.server.Stderr = p.env, dir, &p.out, &p.out
	p.server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.must(p.server.Start())
	s.Cleanup(p.end)
	p.until("the tmux server answers", func() bool {
		_, err := p.tmux(s.Context(), "new-session", "-d", "-x", "150", "-y", "50", "profanity")
		return err == nil
	})
	s.Cleanup(func() { s.Logf("Profanity of %s at the end:\n%s", user, p.pane()) })
	p.reads("Type '/help'")
	addr, port, err := net.SplitHostPort(s.srv.C2SAddr)
	s.must(err)
	p.types("/connect %s@%s server %s port %s tls disable", user, host, addr, port)
	p.reads("Enter password:")
	p.types("pw")
	p.reads("logged in successfully")
	p.clears("logged in successfully")
	return p
}

// tmux runs one command of the terminal's own server; -N keeps it from starting
// another one, which would not be the test's child.
func (p *terminal) tmux(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, reading)
	defer cancel()
	cmd := exec.CommandContext(ctx, "tmux", append([]string{"-N", "-L", "acceptance"}, args...)...)
	cmd.Env = p.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("tmux %s: %w: %s", args[0], err, out)
	}
	return string(out), nil
}

// end quits Profanity and ends the tmux server, which has then reaped it.
func (p *terminal) end() {
	ctx, cancel := context.WithTimeout(context.Background(), reading)
	defer cancel()
	if _, err := p.tmux(ctx, "send-keys", "/quit", "Enter"); err != nil {
		p.s.Errorf("%v", err)
	}
	for {
		if _, err := p.tmux(ctx, "has-session"); err != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if ctx.Err() != nil {
		p.s.Errorf("Profanity did not quit within %v", reading)
	}
	_, _ = p.tmux(context.Background(), "kill-server")
	kill := time.AfterFunc(reading, func() { _ = p.server.Process.Kill() })
	_ = p.server.Wait()
	if !kill.Stop() || p.s.Failed() {
		p.s.Logf("the tmux server said: %s", &p.out)
	}
}

// pane is what is on the screen now, empty lines left out.
func (p *terminal) pane() string {
	out, err := p.tmux(context.Background(), "capture-pane", "-p")
	if err != nil {
		p.s.Errorf("%v", err)
	}
	var lines []string
	for line := range strings.Lines(out) {
		if line = strings.TrimRight(line, " \n"); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// types enters one line.
func (p *terminal) types(format string, args ...any) {
	p.s.Helper()
	_, err := p.tmux(p.s.Context(), "send-keys", "-l", fmt.Sprintf(format, args...))
	p.s.must(err)
	_, err = p.tmux(p.s.Context(), "send-keys", "Enter")
	p.s.must(err)
}

// until polls a condition of the screen.
func (p *terminal) until(what string, holds func() bool) {
	p.s.Helper()
	for deadline := time.Now().Add(reading); !holds(); {
		if time.Now().After(deadline) {
			p.s.Fatalf("%s: not within %v; the screen:\n%s\ndaemon:\n%s", what, reading, p.pane(), p.s.d.LogTail())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// reads waits for a text on the screen.
func (p *terminal) reads(text string) {
	p.s.Helper()
	p.until(fmt.Sprintf("reading %q", text), func() bool { return strings.Contains(p.pane(), text) })
}

// What stands on the screen: a line that tells a contact's presence, one that
// tells a fault, and the gap to the left of the contact list.
var (
	lineNews  = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d - (?:\+\+|--) (.*?)(?:  |$)`)
	lineFault = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d (?:!|- (?i:error|.*failed)).*$`)
	lineGap   = regexp.MustCompile(` {2,}`)
)

// clears empties the window, a text in it too.
func (p *terminal) clears(text string) {
	p.s.Helper()
	p.types("/clear")
	p.until("clearing the window", func() bool { return !strings.Contains(p.pane(), text) })
}

// told lists what Profanity told about anybody's presence since the last /clear.
func (p *terminal) told() []string {
	var out []string
	for _, m := range lineNews.FindAllStringSubmatch(p.pane(), -1) {
		out = append(out, m[1])
	}
	return out
}

// listsCommands asks for the component's commands. Profanity refuses to until it
// knows what the server and its components can do; she then asks again.
func (p *terminal) listsCommands() {
	p.s.Helper()
	const early = "Server does not support ad hoc commands"
	p.until("the commands are listed", func() bool {
		p.types("/cmd list %s", component)
		p.until("an answer about commands", func() bool {
			return strings.Contains(p.pane(), early) || strings.Contains(p.pane(), "Ad hoc commands:")
		})
		if !strings.Contains(p.pane(), early) {
			return true
		}
		p.clears(early)
		return false
	})
	p.reads("enable")
}

// heading is the part of the contact list a name stands in.
func (p *terminal) heading(name string) string {
	at := ""
	for line := range strings.Lines(p.pane()) {
		cells := lineGap.Split(strings.TrimSpace(line), -1)
		switch last := cells[len(cells)-1]; {
		case last == name:
			return at
		case strings.HasSuffix(last, ")"): // the number is that of unread messages
			at, _, _ = strings.Cut(last, " (")
		}
	}
	return ""
}

// TestProfanity_ShowsEveryState: a person with Profanity and no plug-in adds a
// mirror JID and reads what its user does, each state once and by her name.
func TestProfanity_ShowsEveryState(t *testing.T) {
	needProfanity(t)
	everywhere(t, nil, func(s *site) {
		alice := s.login("alice", "desk")
		s.enable(alice)
		s.must(testbed.Barrier(s.Context(), component, alice))
		bob := s.profanity("bob")
		bob.types("/roster add alice@%s Alice", component)
		bob.reads("Roster item added: alice@" + component)
		bob.types("/sub request alice@%s", component)

		var want []string
		for _, step := range []struct {
			do            func()
			told, heading string
		}{
			{func() {}, `Alice is online`, "Online"},
			{func() { s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd"})) }, `Alice is dnd`, "Do not disturb"},
			{func() { s.must(alice.Presence(testbed.PresenceOptions{})) }, `Alice is online`, "Online"},
			{func() { s.run(alice, "set-state", "state", "in-a-meeting") }, `Alice is dnd, "In a meeting"`, "Do not disturb"},
			{func() { s.run(alice, "clear-state") }, `Alice is online`, "Online"},
			{func() { s.must(alice.Presence(testbed.PresenceOptions{Show: "away", Status: "Lunch"})) }, `Alice is away, "Lunch"`, "Away"},
			{func() { s.must(alice.Close()) }, `Alice is offline`, "Offline"},
		} {
			step.do()
			want = append(want, step.told)
			bob.until("Profanity tells "+step.told, func() bool { return strings.Join(bob.told(), "\n") == strings.Join(want, "\n") })
			bob.until("Alice stands under "+step.heading, func() bool { return bob.heading("Alice") == step.heading })
		}
		if line := lineFault.FindString(bob.pane()); line != "" {
			s.Errorf("Profanity tells of a fault: %s", line)
		}
	})
}

// TestProfanity_ReadsWhatFormsSay: whoever sees neither notes beside an open form
// nor options without a default nor tables still learns from Profanity's forms what
// is wrong, what she can choose and which rules she has.
func TestProfanity_ReadsWhatFormsSay(t *testing.T) {
	needProfanity(t)
	everywhere(t, nil, func(s *site) {
		desk := s.login("bob", "desk")
		s.enable(desk)
		s.must(testbed.Barrier(s.Context(), component, desk))
		bob := s.profanity("bob")
		bob.listsCommands()
		bob.types("/cmd exec block %s", component)
		bob.reads("Whoever you block always sees you offline here")
		bob.types("/field1 dave")
		bob.types("/form submit")
		bob.reads(`"Address": "dave" is neither an address nor a domain.`)
		bob.types("/field1 dave@%s", host)
		bob.types("/form submit")
		bob.reads("dave@" + host + " now always sees you offline here.")
		bob.types("/cmd exec levels %s", component)
		bob.reads("[field1] What to do")
		bob.types("/form submit")
		bob.reads("Everybody in my organisation: Colleagues (200)")
		bob.reads("dave@" + host + ": Blocked (32000)")
		bob.reads("Rules: 4.")
		bob.types("/cmd exec unblock %s", component)
		bob.reads("Whom you block: dave@" + host)
		bob.types("/field1 add dave@%s", host)
		bob.types("/form submit")
		bob.reads("The block is gone.")
	})
}

// TestProfanity_EnrolsByForm: a person enrols with the forms of the component's
// commands and answers its request, where there is one, with Profanity alone.
func TestProfanity_EnrolsByForm(t *testing.T) {
	needProfanity(t)
	everywhere(t, nil, func(s *site) {
		bob := s.profanity("bob")
		bob.listsCommands()
		bob.types("/cmd exec enable %s", component)
		bob.reads("[field1] I have read this and want it (required): FALSE")
		bob.types("/field1 on")
		bob.reads("[field1] I have read this and want it (required): TRUE")
		bob.types("/form submit")
		if !s.privileged || s.kind == testbed.Ejabberd {
			// The request opens a conversation with the component, and Profanity
			// shows the command's answer there.
			bob.reads("Received authorization request from " + component)
			bob.types("/win %s", component)
			bob.reads("Please accept, or you will be shown as offline.")
			bob.types("/sub allow")
		}
		bob.reads("enable completed")
		bob.reads("Done.")
		alice := s.login("alice", "desk")
		s.watch(alice, "bob")
		s.sees(alice, "bob", "online 3500", converge)
		bob.types("/status set away")
		s.sees(alice, "bob", "away 15500", converge)
	})
}
