package component

import (
	"regexp"
	"strings"
	"testing"
)

var messageID = regexp.MustCompile(` id='[A-Z2-7]{26}'`)

func TestChat(t *testing.T) {
	const head = " id='m' xml:lang='de' from='" + asker + "' to='" + testDomain + "'>"
	answer := func(typ, said, more string) string {
		return "<message" + typ + " from='" + testDomain + "' to='" + asker + "'><body>" + said + "</body>" + more + "</message>"
	}
	const chat = " type='chat'"
	secret := answer(chat, "cannot read de", "")
	for name, c := range map[string]struct{ in, want string }{
		"chat":                  {"<message type='chat'" + head + "<body>dnd &lt;2h</body></message>", answer(chat, "you said dnd &lt;2h in de", "")},
		"normal":                {"<message" + head + "<body>help</body></message>", answer("", "you said help in de", "")},
		"a thread":              {"<message type='chat'" + head + "<body>help</body><thread>t&amp;1</thread></message>", answer(chat, "you said help in de", "<thread>t&amp;1</thread>")},
		"a body's own language": {"<message type='chat'" + head + "<body/><body xml:lang='en'>help</body></message>", answer(chat, "you said help in en", "")},
		"OMEMO":                 {"<message type='chat'" + head + "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>x</payload></encrypted><body>I sent you an OMEMO message</body></message>", secret},
		"OMEMO, no body":        {"<message type='chat'" + head + "<encrypted xmlns='urn:xmpp:omemo:2'><header/><payload>x</payload></encrypted></message>", secret},
		"OMEMO, keys only":      {"<message type='chat'" + head + "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted></message>", ""},
		"OX":                    {"<message type='chat'" + head + "<openpgp xmlns='urn:xmpp:openpgp:0'>x</openpgp></message>", secret},
		"PGP":                   {"<message type='chat'" + head + "<x xmlns='jabber:x:encrypted'>x</x><body>encrypted</body></message>", secret},
		"OTR":                   {"<message type='chat'" + head + "<body>?OTRv23? wants to talk privately</body></message>", secret},
		"no body":               {"<message type='chat'" + head + "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>", ""},
		"a body of blanks":      {"<message type='chat'" + head + "<body>  </body></message>", ""},
		"an error":              {"<message type='error'" + head + "<body>help</body></message>", ""},
		"a headline":            {"<message type='headline'" + head + "<body>help</body></message>", ""},
		"groupchat":             {"<message type='groupchat'" + head + "<body>help</body></message>", ""},
	} {
		d := newDesk(t)
		d.c.SetCommands(fakeCommands{})
		got := d.ask(t, c.in)
		wellFormed(t, got)
		if c.want != "" && !messageID.MatchString(got) {
			t.Errorf("%s: no id in %s", name, got)
		}
		if name == "a body of blanks" && strings.Contains(got, "service-unavailable") {
			continue // it is no command, and is answered as before
		}
		if got := messageID.ReplaceAllString(got, ""); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

// TestChat_OnlyWithTheComponentAndOnlyUsers: a mirror takes no commands (S14), and
// nobody else is told that there are any.
func TestChat_OnlyWithTheComponentAndOnlyUsers(t *testing.T) {
	d := newDesk(t)
	d.c.SetCommands(fakeCommands{})
	for name, in := range map[string]string{
		"a mirror":         "<message type='chat' from='" + asker + "' to='" + mirrorA + "'><body>help</body></message>",
		"her own mirror":   "<message type='chat' from='alice@" + testHost + "/r' to='" + mirrorA + "'><body>help</body></message>",
		"somebody else":    "<message type='chat' from='x@elsewhere.example/r' to='" + testDomain + "'><body>help</body></message>",
		"secretly, to it":  "<message type='chat' from='" + asker + "' to='" + mirrorA + "'><openpgp xmlns='urn:xmpp:openpgp:0'>x</openpgp><body>x</body></message>",
		"secretly, by him": "<message type='chat' from='x@elsewhere.example/r' to='" + testDomain + "'><openpgp xmlns='urn:xmpp:openpgp:0'>x</openpgp><body>x</body></message>",
	} {
		if got := d.ask(t, in); !strings.Contains(got, "<service-unavailable") || strings.Contains(got, "you said") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestChat_RateLimited(t *testing.T) {
	d := newDesk(t)
	d.c.SetCommands(fakeCommands{})
	n := 0
	for range 200 {
		n += strings.Count(d.ask(t, "<message type='chat' from='"+asker+"' to='"+testDomain+"'><body>hi</body></message>"), "<message")
	}
	if burst := int(talkRates.burst); n < burst || n > burst+5 {
		t.Errorf("%d of 200 answered, want about %d", n, burst)
	}
	if got := d.ask(t, "<message type='chat' from='carol@"+testHost+"/r' to='"+testDomain+"'><body>hi</body></message>"); !strings.Contains(got, "you said") {
		t.Errorf("somebody else: %s", got)
	}
}
