package component

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// passedOn is a request of XEP-0012 as a host passes it on; to is an attribute or
// nothing.
func passedOn(host, from, to, payload string) string {
	return "<iq type='set' id='n' from='" + host + "' to='" + testDomain + "'><delegation xmlns='urn:xmpp:delegation:2'>" +
		"<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='get' id='l' from='" + from + "'" + to + ">" +
		payload + "</iq></forwarded></delegation></iq>"
}

const lastQuery = "<query xmlns='jabber:iq:last'/>"

// wrapped is the answer to it.
func wrapped(host, typ, from, to, payload string) string {
	return "<iq type='result' id='n' from='" + testDomain + "' to='" + host + "'><delegation xmlns='urn:xmpp:delegation:2'>" +
		"<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='" + typ + "' id='l' from='" + from + "' to='" + to + "'>" +
		payload + "</iq></forwarded></delegation></iq>"
}

func refusal(typ, condition string) string {
	return "<error type='" + typ + "'><" + condition + " xmlns='" + nsStanzas + "'/></error>"
}

// newLastDesk grants last activity, two hours ago, to two askers of alice.
func newLastDesk(t *testing.T) *desk {
	d := newDesk(t, testHost, "other.localhost")
	granted := []string{"bob@" + testHost, "alice@" + testHost}
	d.door.look = func(_ context.Context, who engine.Principal, users []addr) []presence.View {
		views := make([]presence.View, len(users))
		for i, u := range users {
			views[i] = presence.OfflineView(presence.DefaultContainer)
			if u == presence.MustAddr("alice@"+testHost) && slices.Contains(granted, who.Addr.String()) && !who.Operator {
				views[i].LastActive = time.Now().Add(-2 * time.Hour)
			}
		}
		return views
	}
	return d
}

// TestDelegation_AnswersWhatTheContainerAllows names S9 and XEP-0355: the asker is
// whom the host names, and nothing tells a hidden user from an unknown one.
func TestDelegation_AnswersWhatTheContainerAllows(t *testing.T) {
	d := newLastDesk(t)
	const alice, bob, other = "alice@" + testHost, "bob@" + testHost + "/r", "other.localhost"
	const seconds = "<query xmlns='jabber:iq:last' seconds='7200'/>"
	none := refusal("cancel", "service-unavailable")
	for _, tt := range []struct{ name, in, want string }{
		{"granted", passedOn(testHost, bob, " to='"+alice+"'", lastQuery), wrapped(testHost, "result", alice, bob, seconds)},
		{"her own, no recipient", passedOn(testHost, alice+"/r", "", lastQuery), wrapped(testHost, "result", alice, alice+"/r", seconds)},
		{"her own, named", passedOn(testHost, alice+"/r", " to='"+alice+"'", lastQuery), wrapped(testHost, "result", alice, alice+"/r", seconds)},
		{"another spelling", passedOn(testHost, bob, " to='Alice@"+testHost+"'", lastQuery), wrapped(testHost, "result", "Alice@"+testHost, bob, seconds)},
		{"hidden", passedOn(testHost, "mallory@x/r", " to='"+alice+"'", lastQuery), wrapped(testHost, "error", alice, "mallory@x/r", none)},
		{"unknown", passedOn(testHost, bob, " to='nobody@"+testHost+"'", lastQuery), wrapped(testHost, "error", "nobody@"+testHost, bob, none)},
		{"the host itself", passedOn(testHost, bob, " to='"+testHost+"'", lastQuery), wrapped(testHost, "error", testHost, bob, none)},
		{"a device", passedOn(testHost, bob, " to='"+alice+"/r'", lastQuery), wrapped(testHost, "error", alice+"/r", bob, none)},
		{"no asker", passedOn(testHost, "@", " to='"+alice+"'", lastQuery), wrapped(testHost, "error", alice, "@", none)},
		{"a user of another host", passedOn(other, bob, " to='"+alice+"'", lastQuery), wrapped(other, "error", alice, bob, none)},
		{"another payload", passedOn(testHost, bob, " to='"+alice+"'", "<query xmlns='jabber:iq:version'/>"), wrapped(testHost, "error", alice, bob, none)},
		{"two payloads", passedOn(testHost, bob, " to='"+alice+"'", lastQuery+lastQuery), wrapped(testHost, "error", alice, bob, none)},
		{"a set", strings.Replace(passedOn(testHost, bob, " to='"+alice+"'", lastQuery), "type='get'", "type='set'", 1), wrapped(testHost, "error", alice, bob, none)},
	} {
		if got := d.ask(t, tt.in); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// TestDelegation_BusyIsAnsweredWrapped: one server passes an outer error to nobody.
func TestDelegation_BusyIsAnsweredWrapped(t *testing.T) {
	d := newDesk(t)
	release := make(chan struct{})
	d.door.look = func(context.Context, engine.Principal, []addr) []presence.View { <-release; return nil }
	const alice, bob = "alice@" + testHost, "bob@" + testHost + "/r"
	request := passedOn(testHost, bob, " to='"+alice+"'", lastQuery)
	for range maxJobsEach + 1 {
		if err := d.r.route([]byte(request)); err != nil {
			t.Fatal(err)
		}
	}
	// Another asker through the same host is not held up by the first.
	if err := d.r.route([]byte(passedOn(testHost, "carol@"+testHost+"/r", " to='"+alice+"'", lastQuery))); err != nil {
		t.Fatal(err)
	}
	close(release)
	d.idle(t)
	all := d.ask(t, "<iq type='get' id='z' from='"+asker+"' to='"+testDomain+"'><ping xmlns='urn:xmpp:ping'/></iq>")
	busy := wrapped(testHost, "error", alice, bob, refusal("wait", "resource-constraint"))
	if n := strings.Count(all, busy); n != 1 {
		t.Errorf("%d answers say busy, want 1:\n%s", n, all)
	}
	if n := strings.Count(all, wrapped(testHost, "error", alice, bob, refusal("cancel", "service-unavailable"))); n != maxJobsEach {
		t.Errorf("%d requests were answered, want %d", n, maxJobsEach)
	}
	if !strings.Contains(all, "to='carol@"+testHost+"/r'><error type='cancel'>") {
		t.Errorf("another asker was refused:\n%s", all)
	}
}
