package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// lineWidth is where sentences are wrapped, in characters.
const lineWidth = 100

const introduction = `presenced: one presence per watcher, on a real XMPP server.

Alice works at example.localhost, at a desk and with a phone. Four people have her mirror, the contact
` + mirror + `, in their contact lists. Her devices, her commands and her rules become
one presence for each of them:

  bob      a colleague, level 200: her state, what she is doing, her notes
  boss     of her workgroup, level 300: the same, and he may interrupt her do-not-disturb
  fred     at partner.localhost, another company, level 100: her state only
  mallory  blocked by one of her rules: Alice is offline, whatever she does
`

const legend = `
Then the four add her mirror, and she starts her day. Events with a colon, such as "block: fred", are
commands she runs; the others happen on her devices. Each cell is what that person's own client
received last: the state, and after a colon the status text ("out" is out of office).

  >  before a cell: the mirror has just sent this, once
  |  before a cell: nothing was sent, so the client still shows what came before

Alice's calendar is a file; the operator names its place in the configuration and reloads it when
her meeting has begun. Nothing is read again when it ends: "until its end" stands for the time of
day that her colleagues are told.

A line is printed when all four clients show what they should and nothing more is on its way. Some
take two seconds, because the mirror sends at most five changes at once and then one every two
seconds. At "kill -9" the daemon dies in the middle of a change, misses the next and is started
again; to be safe it then tells everybody anew.
`

// invitation tells how to attach an own client.
func (s *stage) invitation(d time.Duration) string {
	ending := "Ctrl-C ends the demo and removes everything."
	if d >= 0 {
		ending = fmt.Sprintf("The demo ends by itself in %v (%s), or with Ctrl-C.", d, secondsEnv)
	}
	port := s.server.C2SAddr[strings.LastIndexByte(s.server.C2SAddr, ':')+1:]
	return fmt.Sprintf(`
Now with a client of your own. It all runs on this machine, without encryption: allow plaintext.

  server    127.0.0.1, port %[1]s
  watch     log in as carol@%[2]s, password %[3]s; add the contact
            %[4]s, and you see Alice as a colleague does
  be Alice  log in as alice@%[2]s, password %[3]s; change your status, or run a
            command of %[5]s; each change is printed here

  Profanity /connect carol@%[2]s server 127.0.0.1 port %[1]s tls disable
            /roster add %[4]s, then /sub request %[4]s;
            as Alice: /cmd exec note %[5]s
  Gajim     Add Account, Advanced Settings: hostname 127.0.0.1, port %[1]s, type PLAIN
  Psi       Account, Connection: host 127.0.0.1, port %[1]s, encryption never, plaintext login always
  Dino      cannot: it never logs in without TLS, which this demo leaves out

%[6]s
`, port, home, password, mirror, component, ending)
}

// tell prints what a command answered, beside its name.
func tell(out io.Writer, name, note string) {
	const indent = 24
	lines := wrap(note, lineWidth-indent)
	say(out, "  %s%s", pad(name, indent-2), lines[0])
	for _, l := range lines[1:] {
		say(out, "%s%s", strings.Repeat(" ", indent), l)
	}
}

// wrap breaks text at blanks into lines of at most width characters; a longer
// word gets a line of its own. There is always one line.
func wrap(text string, width int) []string {
	lines := []string{""}
	for word := range strings.FieldsSeq(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len([]rune(*last))+1+len([]rune(word)) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}
