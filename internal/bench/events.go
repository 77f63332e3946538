package main

import (
	"fmt"
	"strconv"
	"strings"

	"presenced/internal/testbed"
)

// The resources of a user's devices.
const (
	desk  = "desk"  // always there, always the one that is shown
	phone = "phone" // there and away in row 6
	robot = "robot" // with a negative priority, in row 6
)

// jidOf is a user's device.
func jidOf(user int, resource string) string {
	return "u" + strconv.Itoa(user) + "@" + testbed.DefaultHost + "/" + resource
}

// mirrorOf is what a user's watchers subscribe to.
func mirrorOf(user int) string { return "u" + strconv.Itoa(user) + "@" + testbed.DefaultComponent }

// userOf is the number of a user's JID.
func userOf(jid string) (user int, ok bool) {
	local, _, _ := strings.Cut(jid, "@")
	if !strings.HasPrefix(local, "u") {
		return 0, false
	}
	user, err := strconv.Atoi(local[1:])
	return user, err == nil
}

// inner is the content of a presence as a current client sends it.
func inner(show, status string, priority int) string {
	return innerWith(show, status, priority, "q07IKJEyjvHSyhy//CH0CxmKi8w=")
}

func innerWith(show, status string, priority int, caps string) string {
	if show != "" {
		show = "<show>" + show + "</show>"
	}
	return fmt.Sprintf("%s<status>%s</status><priority>%d</priority>"+
		"<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='%s'/>"+
		"<x xmlns='vcard-temp:x:update'><photo>0123456789abcdef0123456789abcdef01234567</photo></x>",
		show, status, priority, caps)
}

// available is a presence that the server forwards to the component.
func available(user int, resource, inner string) []byte {
	return fmt.Appendf(nil, "<presence xml:lang='en' from='%s' to='%s'>%s</presence>", jidOf(user, resource), testbed.DefaultComponent, inner)
}

func unavailable(user int, resource string) []byte {
	return fmt.Appendf(nil, "<presence type='unavailable' from='%s' to='%s'/>", jidOf(user, resource), testbed.DefaultComponent)
}

// series are events with numbers in a row, rendered beforehand.
type series struct {
	first, count int
	bytes        [][]byte
}

// mark is the status that bears a number.
func mark(n int) string { return "s" + strconv.Itoa(n) }

// next takes a number for an event.
func (s *site) next() int {
	s.number++
	return s.number
}

// numbered changes the status of count users from first on, each to a number.
func (s *site) numbered(first, count int) series {
	r := series{first: s.number + 1, count: count}
	for i := range count {
		r.bytes = append(r.bytes, s.change(first+i))
	}
	return r
}

// change gives a user's desk a numbered status.
func (s *site) change(user int) []byte {
	s.status[user] = mark(s.next())
	return available(user, desk, inner("", s.status[user], 5))
}

// batches joins stanzas into pieces of some 64 KiB, as a busy server writes.
func batches(stanzas [][]byte) [][]byte {
	var out [][]byte
	var b []byte
	for _, s := range stanzas {
		b = append(b, s...)
		if len(b) >= 64<<10 {
			out, b = append(out, b), nil
		}
	}
	if len(b) > 0 {
		out = append(out, b)
	}
	return out
}
