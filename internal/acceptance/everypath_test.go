//go:build integration

package acceptance

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

// requests is every way to ask over HTTP; USER is who is asked about. Names are of
// one length, so that the lengths in the heads can be compared as well.
var requests = []struct{ name, method, path, body string }{
	{"GET", "GET", "/v1/presence/USER@HOST", ""},
	{"HEAD", "HEAD", "/v1/presence/USER@HOST", ""},
	{"GET mirror", "GET", `/v1/presence/USER%5C40HOST@COMPONENT`, ""},
	{"GET e-mail", "GET", "/v1/presence/USER@corp.example", ""},
	{"POST", "POST", "/v1/presence", `{"users":["USER@HOST","USER@corp.example"]}`},
	{"Graph", "GET", "/graph/v1.0/users/USER@HOST/presence", ""},
	{"Graph list", "POST", "/graph/v1.0/communications/getPresencesByUserId", `{"ids":["USER@HOST"]}`},
	{"stream HEAD", "HEAD", "/v1/stream?user=USER@HOST", ""},
	{"stream", "STREAM", "/v1/stream?user=USER@HOST", ""},
}

// streamID is drawn at random for each asker.
var streamID = regexp.MustCompile(`id: [0-9a-f]+-\d+\n`)

// overHTTP asks everything about a user and returns the whole answers, her name,
// the clock and what is made of her name aside.
func (s *site) overHTTP(token, user string) map[string]string {
	s.Helper()
	named := strings.NewReplacer("USER", user, "HOST", host, "COMPONENT", component)
	out := map[string]string{}
	for _, q := range requests {
		method := q.method
		if method == "STREAM" {
			method = http.MethodGet
		}
		r, err := http.NewRequestWithContext(s.Context(), method, "http://"+s.d.HTTPAddr+named.Replace(q.path), strings.NewReader(named.Replace(q.body)))
		s.must(err)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		s.must(err)
		var text string
		if q.method == "STREAM" {
			text = s.firstEvent(res.Body)
		} else {
			all, err := io.ReadAll(res.Body)
			s.must(err)
			text = string(all)
		}
		_ = res.Body.Close()
		res.Header.Del("Date")
		res.Header.Del("Etag") // a keyed digest of the answer, with the name in it
		var head strings.Builder
		s.must(res.Header.Write(&head))
		out[q.name] = strings.ReplaceAll(fmt.Sprintf("%d\n%s\n%s", res.StatusCode, head.String(), text), user, "USER!")
	}
	return out
}

// firstEvent reads a stream to the end of its first message.
func (s *site) firstEvent(body io.Reader) string {
	s.Helper()
	in := bufio.NewReader(body)
	var b strings.Builder
	for !strings.Contains(b.String(), "data: ") || !strings.HasSuffix(b.String(), "\n\n") {
		line, err := in.ReadString('\n')
		s.must(err)
		b.WriteString(line)
	}
	return streamID.ReplaceAllString(b.String(), "id: ID\n")
}

// badges are the whole answers about a handle, the handle aside.
func (s *site) badges(handle string) string {
	s.Helper()
	var b strings.Builder
	for _, kind := range []string{".svg", ".json", ".txt"} {
		b.WriteString(s.told("", "/badge/"+handle+kind, handle))
	}
	_, head, body := s.open("", "/badge/stream?handle="+handle)
	head.Del("Date")
	s.must(head.Write(&b))
	b.WriteString(strings.ReplaceAll(s.firstEvent(body), handle, "USER!"))
	return b.String()
}

// everything is what somebody learns of a user on all paths.
func (s *site) everything(c *testbed.Client, token, user string) map[string]string {
	s.Helper()
	out := s.answers(c, user)
	for name, answer := range s.overHTTP(token, user) {
		out["HTTP "+name] = answer
	}
	return out
}

func (s *site) alike(what string, a, b map[string]string) {
	s.Helper()
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if a[name] != b[name] {
			s.Errorf("%s: %s tells them apart:\n  %s\nand\n  %s", what, name, a[name], b[name])
		}
	}
	if len(a) != len(b) || len(a) < len(questions)+len(requests) || a["query"] == "" || a["last"] == "" || a["command"] == "" {
		s.Errorf("%s: something was not answered: %d and %d answers\n%q", what, len(a), len(b), a)
	}
}

// TestI2_HiddenIsOfflineIsUnknown names I2, S8, S13 and S14: on a real server, on
// every path of the component, and byte for byte, a user who hides from a watcher,
// one who is offline and, to who is not subscribed, one who does not exist.
func TestI2_HiddenIsOfflineIsUnknown(t *testing.T) {
	s := open(t, topology{testbed.Prosody, true}, lay(refreshed, people(t, "alice", "carol")))
	alice, carol := s.login("alice", "desk"), s.login("carol", "desk")
	bob, dave := s.login("bob", "home"), s.login("dave", "home")
	s.enable(alice)
	s.enable(carol)
	s.watch(bob, "alice")
	s.watch(bob, "carol")
	s.sees(bob, "alice", "online 3500", converge)
	s.run(alice, "note", "text", "secret note")
	s.run(alice, "profile", "timezone", "Europe/Berlin", "hours", "Mo-Fr 09:00-17:00", "location", "Room 4")
	bobs, daves := s.token(bob.Bare()), s.token(dave.Bare())
	badge, carols := s.badge(alice), s.badge(carol)
	shown := s.everything(bob, bobs, "alice")
	s.must(carol.Close())
	s.sees(bob, "carol", "offline", converge)
	offline := s.everything(bob, bobs, "carol")
	for _, name := range []string{"query", "vcard", "probe", "batch", "email", "HTTP GET", "HTTP POST", "HTTP Graph", "HTTP stream"} {
		if shown[name] == offline[name] {
			s.Errorf("%s does not tell somebody who is shown from somebody offline: the test sees nothing", name)
		}
	}

	list := func(items string) string {
		return "<query xmlns='jabber:iq:privacy'><list name='l'>" + items + "</list></query>"
	}
	for _, way := range []struct {
		name       string
		hide, show func()
	}{
		{"a rule of hers", func() { s.run(alice, "block", "jid", bob.Bare()) }, func() { s.run(alice, "unblock", "jid", bob.Bare()) }},
		{"level 0", func() {
			s.run(alice, "levels", "action", "put", "type", "user", "value", bob.Bare(), "container", "0")
		}, func() { s.run(alice, "levels", "action", "remove", "rules", "0 user "+bob.Bare()) }},
		{"a level that shows nothing", func() {
			s.run(alice, "levels", "action", "cells", "container", "200", "category", "state", "shown", "hide")
		}, func() {
			s.run(alice, "levels", "action", "cells", "container", "200", "category", "state", "shown", "table")
		}},
		{"her server's block list", func() { s.blocks(alice, "block", bob.Bare()) }, func() { s.blocks(alice, "unblock", bob.Bare()) }},
		{"her default privacy list", func() {
			s.sets(alice, list("<item order='1' action='deny' type='jid' value='"+bob.Bare()+"'><presence-out/></item>"))
			s.sets(alice, "<query xmlns='jabber:iq:privacy'><default name='l'/></query>")
		}, func() { s.sets(alice, "<query xmlns='jabber:iq:privacy'><default/></query>"); s.sets(alice, list("")) }},
		{"appearing offline", func() { s.run(alice, "set-state", "state", "appear-offline") }, func() { s.run(alice, "clear-state") }},
	} {
		way.hide()
		s.sees(bob, "alice", "offline", converge)
		s.alike("hidden by "+way.name+", and offline", s.everything(bob, bobs, "alice"), offline)
		way.show()
		s.sees(bob, "alice", "online 3500", converge)
	}

	// dave does not watch anybody.
	s.run(alice, "block", "jid", dave.Bare())
	nobody := s.everything(dave, daves, "nobod")
	s.alike("hidden, and unknown", s.everything(dave, daves, "alice"), nobody)
	s.alike("offline, and unknown", s.everything(dave, daves, "carol"), nobody)

	// A badge shows anybody the same of somebody offline, hidden from all, and nobody.
	s.blocks(alice, "block", component)
	s.sees(bob, "alice", "offline", converge)
	none := s.badges(strings.Repeat("a", len(badge)))
	for who, handle := range map[string]string{"hidden from everybody": badge, "offline": carols} {
		if got := s.badges(handle); got != none {
			s.Errorf("the badge of somebody %s:\n%s\nof nobody:\n%s", who, got, none)
		}
	}
}
