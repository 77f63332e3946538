package main

import (
	"fmt"
	"io"
	"strings"
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
Then the four add her mirror. In the table, each cell is what that person's own client received last:
the state, and after a colon the status text. "out" is out of office.
  >  before a cell: the mirror has just sent this
  |  before a cell: nothing was sent, so the client still shows what came earlier
`

// invitation tells how to attach an own client.
func (s *stage) invitation() string {
	port := s.server.C2SAddr[strings.LastIndexByte(s.server.C2SAddr, ':')+1:]
	return fmt.Sprintf(`
Now with a client of your own. It all runs on this machine, without encryption: allow plaintext.

  server    127.0.0.1, port %[1]s
  watch     log in as carol@%[2]s, password %[3]s; add the contact %[4]s
  be Alice  log in as alice@%[2]s, password %[3]s; change your status, or run a command of
            the contact %[5]s (in Gajim: Execute Command). What bob sees is printed here.

  Profanity  /connect carol@%[2]s server 127.0.0.1 port %[1]s tls disable
             /roster add %[4]s   and   /sub request %[4]s
  Gajim      add the account with Advanced Settings: host 127.0.0.1, port %[1]s, type Plain
  Psi        account, Connection: host 127.0.0.1, port %[1]s, never encrypt, plaintext login always
  Dino       cannot: it never logs in without TLS, which this demo leaves out

Ctrl-C ends the demo and removes everything.
`, port, home, password, mirror, component)
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
	for _, word := range strings.Fields(text) {
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
