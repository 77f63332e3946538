package component

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/testbed"
)

func TestAttach_LearnsWhatTheHostAllows(t *testing.T) {
	tests := []struct {
		name    string
		dialect testbed.Dialect
		want    engine.Host
		mode    string
	}{
		{"privilege 2", testbed.ProsodyDialect,
			engine.Host{Name: testHost, Managed: true, Reports: true, Roster: true, Sets: true, Complete: true, Publishes: true}, "privilege"},
		{"privilege 1", testbed.EjabberdDialect, engine.Host{Name: testHost, Managed: true, Roster: true, Sets: true, Consent: true}, "supplement"},
		{"no privilege", testbed.PlainServer, engine.Host{Name: testHost, Consent: true, Reports: true}, "consent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, testbed.ComponentOptions{Dialect: tt.dialect})
			b.server.SetPresence("alice@"+testHost+"/r1", "<show>dnd</show>")
			b.run(t)
			synced := b.door.wait(t, 0, "synced "+testHost)
			ready := b.door.wait(t, 0, "ready")
			events := b.door.all()
			if events[0] != "attached" || events[ready] != fmt.Sprintf("ready %+v", tt.want) || synced < ready {
				t.Errorf("events:\n%s", strings.Join(events, "\n"))
			}
			device := slices.IndexFunc(events, func(e string) bool { return strings.HasPrefix(e, "device alice@") })
			if tt.want.Complete && (device < 0 || device > synced) {
				t.Errorf("the state came after synced:\n%s", strings.Join(events, "\n"))
			}
			s := b.c.State()
			if s.Phase != PhaseAttached || s.Hosts[0].Mode != tt.mode || !s.Hosts[0].Synced || !s.Hosts[0].Answers {
				t.Errorf("state %+v", s)
			}
		})
	}
}

func TestAttach_SilentHostIsPlain(t *testing.T) {
	b := newBench(t, testbed.ComponentOptions{Hosts: []string{testHost, "silent.localhost"},
		OnIQ: func(s testbed.Stanza) (testbed.IQReply, bool) {
			return testbed.IQReply{Silent: true}, s.To == "silent.localhost"
		}})
	l := b.attach(t)
	b.door.wait(t, 0, fmt.Sprintf("ready %+v", engine.Host{Name: "silent.localhost", Consent: true, Reports: true, Hidden: true}))
	b.door.wait(t, 0, "synced silent.localhost")
	if err := l.Err(); err != nil {
		t.Errorf("the link was lost: %v", err)
	}
}

// TestAttach_AHostOfNobodyDoesNotAnswer: what the server says in place of a host it
// does not have is not that host's answer.
func TestAttach_AHostOfNobodyDoesNotAnswer(t *testing.T) {
	for condition, want := range map[string]bool{
		"remote-server-not-found": false, "remote-server-timeout": false, "service-unavailable": true,
	} {
		b := newBench(t, testbed.ComponentOptions{Hosts: []string{testHost, "typo.localhost"},
			OnIQ: func(s testbed.Stanza) (testbed.IQReply, bool) {
				return testbed.IQReply{Condition: condition}, s.To == "typo.localhost"
			}})
		b.attach(t)
		b.door.wait(t, 0, "synced typo.localhost")
		if h := b.c.State().Hosts; !h[0].Answers || h[1].Answers != want {
			t.Errorf("%s: %+v, want that the second answers: %t", condition, h, want)
		}
	}
}

func TestAdvert_MayComeLate(t *testing.T) {
	b := newBench(t, testbed.ComponentOptions{})
	l := b.attach(t)
	from := b.door.wait(t, 0, "synced")
	b.say(t, l, "<message from='"+testHost+"' to='"+testDomain+"'><privilege xmlns='urn:xmpp:privilege:2'>"+
		"<perm access='presence' type='managed_entity'/></privilege></message>")
	at := b.door.wait(t, from, "ready")
	want := fmt.Sprintf("ready %+v", engine.Host{Name: testHost, Managed: true, Reports: true, Complete: true})
	if got := b.door.all()[at]; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	b.door.wait(t, at, "synced")
}

func TestAdvert_OnlyFromTheHostItself(t *testing.T) {
	b := newBench(t, testbed.ComponentOptions{})
	l := b.attach(t)
	const advert = "<privilege xmlns='urn:xmpp:privilege:2'><perm access='presence' type='managed_entity'/></privilege></message>"
	for _, from := range []string{"mallory@" + testHost, testHost + "/x", "evil.localhost", testDomain} {
		b.say(t, l, "<message from='"+from+"' to='"+testDomain+"'>"+advert)
	}
	b.say(t, l, "<message from='"+testHost+"' to='alice@"+testDomain+"'>"+advert)
	at := b.door.wait(t, 0, "ready")
	if got := b.door.all()[at]; strings.Contains(got, "Managed:true") {
		t.Errorf("believed: %s", got)
	}
}

func TestRun_RefusedBeforeFirstAttachEnds(t *testing.T) {
	for _, fault := range []testbed.AttachFault{testbed.NotAuthorized, testbed.HostUnknown} {
		t.Run(string(fault), func(t *testing.T) {
			b := newBench(t, testbed.ComponentOptions{Attach: testbed.Always(fault)})
			b.run(t)
			err := <-b.ended
			refused, ok := errors.AsType[*RefusedError](err)
			if !ok || refused.Condition != string(fault) || !strings.Contains(err.Error(), "component.") {
				t.Errorf("got %v", err)
			}
			b.ended <- nil
		})
	}
}

func TestRun_FaultsOfTheAttachAreRetried(t *testing.T) {
	faults := []testbed.AttachFault{testbed.Conflict, testbed.ResetHandshake, testbed.FINHandshake, testbed.SilentHandshake, testbed.SilentHeader}
	b := newBench(t, testbed.ComponentOptions{Attach: testbed.First(faults...)})
	b.c.timing.handshake = 300 * time.Millisecond
	b.attach(t)
	b.door.wait(t, 0, "attached")
	if n := b.server.Connections(); n != len(faults)+1 {
		t.Errorf("%d connections, want %d", n, len(faults)+1)
	}
}

func TestRun_RefusedAfterAttachIsRetried(t *testing.T) {
	b := newBench(t, testbed.ComponentOptions{Attach: func(n int) testbed.AttachFault {
		if n == 2 {
			return testbed.NotAuthorized
		}
		return testbed.NoFault
	}})
	l := b.attach(t)
	from := b.door.wait(t, 0, "synced")
	l.Reset()
	b.door.wait(t, from, "attached")
	if s := b.c.State(); s.Phase != PhaseAttached || s.LastError != "" {
		t.Errorf("state %+v", s)
	}
}

func TestLink_LostAndBack(t *testing.T) {
	tests := []struct {
		name string
		do   func(l *testbed.Link)
	}{
		{"reset", func(l *testbed.Link) { l.Reset() }},
		{"FIN", func(l *testbed.Link) { _ = l.FIN() }},
		{"end of stream", func(l *testbed.Link) { _ = l.CloseStream() }},
		{"stream error", func(l *testbed.Link) { _ = l.StreamError("system-shutdown") }},
		{"conflict", func(l *testbed.Link) { _ = l.StreamError("conflict") }},
		{"stalled", func(l *testbed.Link) { l.StallReading() }},
		{"half an element", func(l *testbed.Link) { _ = l.Send("<presence from='"); _ = l.FIN() }},
		{"broken markup", func(l *testbed.Link) { _ = l.Send("<presence <") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
			l := b.attach(t)
			at := b.door.wait(t, 0, "synced")
			tt.do(l)
			at = b.door.wait(t, at, "detached")
			l.ResumeReading()
			at = b.door.wait(t, at, "attached")
			b.door.wait(t, at, "synced")
		})
	}
}

func TestLink_ConfirmedByAnsweredPings(t *testing.T) {
	b := newBench(t, testbed.ComponentOptions{})
	l := b.attach(t)
	b.door.wait(t, 0, "synced")
	l.Reset()
	at := b.door.wait(t, 0, "detached")
	if got := b.door.all()[at]; got != "detached confirmed=true" {
		t.Error(got)
	}
}

func TestLink_SlowServersAreServed(t *testing.T) {
	for name, so := range map[string]testbed.ComponentOptions{
		"one byte at a time": {Dialect: testbed.ProsodyDialect, ChunkSize: 1},
		"latency":            {Dialect: testbed.ProsodyDialect, Latency: 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, so)
			b.c.timing.answer = 10 * time.Second
			l := b.attach(t)
			b.door.wait(t, 0, "synced")
			b.say(t, l, "<presence from='a@"+testHost+"/1' to='"+testDomain+"'/>")
			b.door.wait(t, 0, "device a@")
			if n := b.server.Connections(); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

func TestStop_EverythingArrivesThenTheStreamEnds(t *testing.T) {
	b := newBench(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	l := b.attach(t)
	b.door.wait(t, 0, "synced")
	for i := range 2000 {
		b.c.Present(unavailable, []engine.Target{{To: fmt.Sprintf("w%d@%s", i, testHost), From: "alice@" + testDomain}})
	}
	if err := b.c.Stop(b.ctx(t)); err != nil {
		t.Fatal(err)
	}
	if err := <-b.ended; err != nil {
		t.Errorf("Run returned %v", err)
	}
	<-l.Done()
	if n := l.Traffic().Presences; n != 2000 {
		t.Errorf("%d of 2000 arrived", n)
	}
	if err := l.Err(); !strings.Contains(fmt.Sprint(err), "stream closed by the peer") {
		t.Errorf("the stream was not closed politely: %v", err)
	}
	b.ended <- nil
}

func TestStop_WithoutALinkEndsRun(t *testing.T) {
	b := newBench(t, testbed.ComponentOptions{Attach: testbed.Always(testbed.Conflict)})
	b.c.timing.conflictMin = time.Hour
	b.c.timing.backoffMax = time.Hour
	b.run(t)
	for ctx := b.ctx(t); b.c.State().LastError == ""; time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("no attempt was made")
		}
	}
	if err := b.c.Stop(b.ctx(t)); err != nil {
		t.Fatal(err)
	}
	if err := <-b.ended; err != nil {
		t.Errorf("Run returned %v", err)
	}
	b.ended <- nil
}

func TestSender_WithoutALinkDrops(t *testing.T) {
	b := newBench(t, testbed.ComponentOptions{})
	b.c.Present(unavailable, []engine.Target{{To: "a@b", From: "c@d"}})
	b.c.Ask("a@b")
	b.c.Ping("a@b/c")
	b.c.ReadRoster(nobody, "a@b")
	b.c.Settle(testHost)
	if err := b.c.Drain(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestRoster(t *testing.T) {
	reply := map[string]testbed.IQReply{
		"good": {Payload: "<query xmlns='jabber:iq:roster'><item subscription='both' name='Bob &amp; co' jid='bob@x'><group>Friends</group></item>" +
			"<item jid='carol@x' ask='subscribe'/></query>"},
		"baditem":   {Payload: "<query xmlns='jabber:iq:roster'><item jid='bob@x'/><item jid='@'/></query>"},
		"badsub":    {Payload: "<query xmlns='jabber:iq:roster'><item jid='bob@x' subscription='all'/></query>"},
		"norost":    {Payload: "<query xmlns='jabber:iq:private'/>"},
		"long":      {Payload: "<query xmlns='jabber:iq:roster'>" + strings.Repeat("<item jid='bob@x'/>", 4001) + "</query>"},
		"huge":      {Payload: "<query xmlns='jabber:iq:roster'>" + strings.Repeat("<item jid='bob@x'/>", 20000) + "</query>"},
		"forbidden": {Condition: "forbidden"},
		"silent":    {Silent: true},
	}
	want := map[string]string{
		"good":      "contacts=[{bob@x Bob & co both [Friends] []} {carol@x  none [] []}] err=<nil>",
		"baditem":   "contacts=[] err=component: roster: item 1:",
		"badsub":    "contacts=[] err=component: roster: item 0: unknown subscription",
		"norost":    "contacts=[] err=component: roster: an answer without",
		"long":      "contacts=[] err=component: roster: 4001 contacts",
		"huge":      "contacts=[] err=component: the answer was too large",
		"forbidden": "contacts=[] err=component: answered with error forbidden",
		"silent":    "contacts=[] err=component: no answer in time",
	}
	b := newBench(t, testbed.ComponentOptions{OnIQ: func(s testbed.Stanza) (testbed.IQReply, bool) {
		user, _, _ := strings.Cut(s.To, "@")
		r, ok := reply[user]
		return r, ok
	}})
	b.attach(t)
	b.door.wait(t, 0, "synced")
	for user := range reply {
		j := mustJID(user + "@" + testHost)
		b.c.ReadRoster(j.Addr, j.Bare)
		b.c.ReadRoster(j.Addr, j.Bare) // waits already
	}
	for user, exp := range want {
		b.door.wait(t, 0, "roster "+user+"@"+testHost+" "+exp)
	}
	count := 0
	for _, e := range b.door.all() {
		if strings.HasPrefix(e, "roster ") {
			count++
		}
	}
	if count > len(reply)+1 { // a second reading of one that had been answered already is right
		t.Errorf("%d answers to %d users", count, len(reply))
	}
}

func TestRoster_ManyAtOnceAllAnswered(t *testing.T) {
	b := newBench(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	b.c.timing.roster = 10 * time.Second
	b.attach(t)
	b.door.wait(t, 0, "synced")
	for i := range 500 {
		j := mustJID(fmt.Sprintf("u%d@%s", i, testHost))
		b.c.ReadRoster(j.Addr, j.Bare)
	}
	for i := range 500 {
		b.door.wait(t, 0, fmt.Sprintf("roster u%d@%s contacts=[] err=<nil>", i, testHost))
	}
}

func TestPing_OnlyTheServersWordMakesADeviceGone(t *testing.T) {
	device := func(name string) string { return name + "@" + testHost + "/r" }
	b := newBench(t, testbed.ComponentOptions{OnIQ: func(s testbed.Stanza) (testbed.IQReply, bool) {
		user, _, _ := strings.Cut(s.To, "@")
		switch user {
		case "gone":
			return testbed.IQReply{Condition: "item-not-found"}, true
		case "client":
			return testbed.IQReply{Condition: "service-unavailable"}, true
		case "alive":
			return testbed.IQReply{}, true
		case "text", "forged":
			return testbed.IQReply{Silent: true}, true
		}
		return testbed.IQReply{}, false
	}})
	l := b.attach(t)
	b.door.wait(t, 0, "synced")
	answer := func(name, from string) {
		b.c.Ping(device(name))
		s, err := l.WaitFor(b.ctx(t), func(s testbed.Stanza) bool { return s.To == device(name) })
		if err != nil {
			t.Fatal(err)
		}
		b.say(t, l, "<iq type='error' id='"+s.ID+"' from='"+from+"' to='"+testDomain+"'><error type='cancel'>"+
			"<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>User session not found</text></error></iq>")
	}
	b.c.Ping(device("alive"))
	b.c.Ping(device("client"))
	answer("forged", "mallory@"+testHost+"/r")
	answer("forged", "forged@"+testHost+"/other")
	answer("text", device("text"))
	b.c.Ping(device("gone"))
	b.door.wait(t, 0, "device "+device("gone")+" gone=true")
	b.door.wait(t, 0, "device "+device("text")+" gone=true")
	for _, e := range b.door.all() {
		if strings.HasPrefix(e, "device") && !strings.Contains(e, "gone@") && !strings.Contains(e, "text@") {
			t.Errorf("unexpected %s", e)
		}
	}
}
