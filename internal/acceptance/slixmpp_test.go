//go:build integration

package acceptance

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

// portraitHash is the SHA-1 of portrait, by which clients know it (XEP-0153).
const portraitHash = "799ccde6b3ae8bc5baad74c9b157652798701b35"

// debianPython is the interpreter that finds Debian's modules.
const debianPython = "/usr/bin/python3"

// TestSlixmpp_EnrolsAndSetsDoNotDisturb: a program that knows XMPP's own protocols and
// nothing of presenced finds the commands, enrols its user by the form, sees a mirror
// with its capabilities and its picture, and sets do-not-disturb.
func TestSlixmpp_EnrolsAndSetsDoNotDisturb(t *testing.T) {
	testbed.NeedServers(t)
	if out, err := exec.Command(debianPython, "-c", "import slixmpp").CombinedOutput(); err != nil {
		t.Fatalf("%v: install it with: apt-get install -y python3-slixmpp\n%s", err, out)
	}
	s := open(t, topology{testbed.Prosody, true}, lay(map[string]any{"component": map[string]any{"resource": "presence"}}, people(t, "alice")))
	alice := s.login("alice", "desk")
	s.enable(alice)
	s.run(alice, "set-state", "state", "in-a-meeting")
	s.must(testbed.Barrier(s.Context(), component, alice))

	said, leave := s.slixmpp("bob", mirrorOf("alice"))
	want := []string{
		"is component/presence/presenced",
		"registered False",
		"offers enable set-state",
		"enable asks I have read this and want it",
		"Done. Whoever adds bob@" + component + " to their contacts now sees what their level shows.",
		"sees dnd In a meeting from presence",
		"capabilities True",
		"card The alice " + portraitHash,
		"set-state asks Show me as",
		`You are now shown as "Do not disturb". This ends by itself after 24 hours.`,
		"reads Right now you are: Do not disturb.",
	}
	var got []string
	for range want {
		if !said.Scan() {
			break
		}
		got = append(got, said.Text())
	}
	if !slices.Equal(got, want) {
		t.Errorf("slixmpp tells\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	s.watch(alice, "bob")
	s.sees(alice, "bob", "dnd 9500/presence", converge)
	leave()
	s.sees(alice, "bob", "offline/presence", converge)
}

// slixmpp starts the program of a user and returns what it tells; leave ends it.
func (s *site) slixmpp(user, mirror string) (said *bufio.Scanner, leave func()) {
	s.Helper()
	addr, port, err := net.SplitHostPort(s.srv.C2SAddr)
	s.must(err)
	ctx, cancel := context.WithTimeout(s.Context(), 2*converge)
	s.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, debianPython, "testdata/slixmpp_person.py", user+"@"+host, "pw", addr, port, component, mirror)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	s.must(err)
	out, err := cmd.StdoutPipe()
	s.must(err)
	s.must(cmd.Start())
	leave = func() {
		s.Helper()
		s.must(in.Close())
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			s.Fatalf("slixmpp: %v\n%s\ndaemon:\n%s", err, &complaints, s.d.LogTail())
		}
	}
	return bufio.NewScanner(out), leave
}
