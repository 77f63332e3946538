package component

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// The examples of XEP-0115 §5.2 and §5.3.
const (
	simpleInfo = `<identity category='client' type='pc' name='Exodus 0.9.1'/>` + fourFeatures
	fullInfo   = `<identity xml:lang='en' category='client' type='pc' name='Psi 0.11'/><identity xml:lang='el' category='client' type='pc' name='Ψ 0.11'/>` + fourFeatures +
		`<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>` +
		`<field var='ip_version'><value>ipv6</value><value>ipv4</value></field><field var='os'><value>Mac</value></field><field var='os_version'><value>10.5.1</value></field>` +
		`<field var='software'><value>Psi</value></field><field var='software_version'><value>0.11</value></field></x>`
	fourFeatures = `<feature var='http://jabber.org/protocol/muc'/><feature var='http://jabber.org/protocol/disco#items'/>` +
		`<feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#info'/>`
	askingInfo = simpleInfo + `<feature var='http://jabber.org/protocol/activity+notify'/>`
)

func infoFrame(info string) []byte {
	return []byte("<iq xmlns='jabber:component:accept' type='result' id='x'><query xmlns='http://jabber.org/protocol/disco#info'>" + info + "</query></iq>")
}

func verOfInfo(t *testing.T, info string) string {
	t.Helper()
	var c capabilities
	if err := stream.Decode(infoFrame(info), &c); err != nil {
		t.Fatal(err)
	}
	return verOf(c.text())
}

func TestCapabilities_VerIsThatOfTheExamples(t *testing.T) {
	for info, want := range map[string]string{simpleInfo: "QgayPKawpkPSDYmwT/WM94uAlu0=", fullInfo: "q07IKJEyjvHSyhy//CH0CxmKi8w="} {
		if got := verOfInfo(t, info); got != want {
			t.Errorf("got %s, want %s for %s", got, want, info)
		}
		asks, verified := asksFor(infoFrame(info), want, "http://jabber.org/protocol/muc")
		if !asks || !verified {
			t.Errorf("asks %t, verified %t, want both", asks, verified)
		}
	}
	if asks, verified := asksFor(infoFrame(simpleInfo), "other", nsActivity+"+notify"); asks || verified {
		t.Error("an answer that the string does not stand for counts")
	}
}

// audience is a desk with one watcher, bob, whose presence comes with capabilities.
type audience struct {
	*testing.T
	*desk
	ver string
}

const (
	bobBare = "bob@" + testHost
	bobDesk = bobBare + "/desk"
	shownAt = "alice@" + testDomain
)

func newAudience(t *testing.T, info string) *audience {
	a := &audience{T: t, desk: newDesk(t), ver: verOfInfo(t, info)}
	a.c.activities.attached()
	return a
}

// online tells that a device of bob's is, and returns what that leads to.
func (a *audience) online(full string) string {
	a.Helper()
	return a.ask(a.T, fmt.Sprintf("<presence from='%s' to='%s'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:x' ver='%s'/></presence>", full, testDomain, a.ver))
}

// answers has a device answer the question in sent.
func (a *audience) answers(sent, full, info string) string {
	a.Helper()
	_, id, asked := strings.Cut(sent, "<iq type='get' id='")
	id, _, _ = strings.Cut(id, "'")
	if !asked || !strings.Contains(sent, "to='"+full+"'") || !strings.Contains(sent, "node='urn:x#"+a.ver+"'") {
		a.Fatalf("%s is not asked what it can do: %q", full, sent)
	}
	return a.ask(a.T, fmt.Sprintf("<iq type='result' id='%s' from='%s' to='%s'><query xmlns='http://jabber.org/protocol/disco#info'>%s</query></iq>", id, full, testDomain, info))
}

// sees has bob shown a view and returns what is sent.
func (a *audience) sees(to string, number presence.Availability, token presence.Activity, status string) string {
	a.Helper()
	v := presence.View{Availability: number, Activity: token}
	v.Text[presence.FieldNotePersonal] = status
	a.c.Present(a.c.Render(nil, &v, "en"), []engine.Target{{To: to, From: shownAt}})
	out := a.sent(a.T)
	wellFormed(a.T, out)
	return out
}

func event(to, activity string) string {
	return "<message type='headline' from='" + shownAt + "' to='" + to + "'><event xmlns='http://jabber.org/protocol/pubsub#event'>" +
		"<items node='http://jabber.org/protocol/activity'><item id='current'><activity xmlns='http://jabber.org/protocol/activity'" + activity + "</item></items></event></message>"
}

var (
	meetingEvent = event(bobDesk, "><working><in_a_meeting/></working></activity>")
	noEvent      = event(bobDesk, "/>")
)

// TestS3_ActivityGoesToWhoAsks: what the presence shows is told, once, and is taken
// back before the presence that does not show it.
func TestS3_ActivityGoesToWhoAsks(t *testing.T) {
	a := newAudience(t, askingInfo)
	a.answers(a.online(bobDesk), bobDesk, askingInfo)
	if again := a.online(bobBare + "/phone"); strings.Contains(again, "<iq") {
		t.Errorf("a client of a kind that is known is asked: %s", again)
	}
	a.ask(t, "<presence type='unavailable' from='"+bobBare+"/phone' to='"+testDomain+"'/>")
	for _, step := range []struct {
		number presence.Availability
		token  presence.Activity
		status string
		first  string // what comes before the presence
		then   string // and after it
	}{
		{3500, "", "", "", ""},
		{6500, presence.InAMeeting, "", "", meetingEvent},
		{6500, presence.InAMeeting, "Room 412", "", ""},
		{6500, presence.OnThePhone, "", "", event(bobDesk, "><talking><on_the_phone/></talking></activity>")},
		{15500, presence.OutOfOfficeA, "", "", event(bobDesk, "><inactive/></activity>")},
		{3500, presence.FreeForChat, "", "", noEvent},
		{6500, "", "activity='in-a-meeting'>&<enhanced xmlns='urn:presenced:1' activity='in-a-meeting'/>", "", ""},
		{6500, presence.InAMeeting, "", "", meetingEvent},
		{18500, "", "", noEvent, ""},
		{18500, presence.OutOfOfficeA, "", "", ""},
		{6500, presence.InAMeeting, "", "", meetingEvent},
	} {
		got := a.sees(bobBare, step.number, step.token, step.status)
		before, rest, ok := strings.Cut(got, "<presence ")
		_, after, closed := strings.Cut(rest, "</presence>")
		if !closed {
			_, after, closed = strings.Cut(rest, "/>")
		}
		if !ok || !closed || before != step.first || after != step.then {
			t.Errorf("%d %s: %q before and %q behind the presence, want %q and %q", step.number, step.token, before, after, step.first, step.then)
		}
	}
}

func TestS3_ActivityIsToldWhenItIsKnownWhoAsks(t *testing.T) {
	a := newAudience(t, askingInfo)
	asked := a.online(bobDesk)
	if got := a.sees(bobDesk, 6500, presence.InAMeeting, ""); strings.Contains(got, "<message") {
		t.Errorf("told before it is known whether the client asks: %s", got)
	}
	if got := a.answers(asked, bobDesk, askingInfo); got != meetingEvent {
		t.Errorf("then got %s, want %s", got, meetingEvent)
	}
	// On another link it is known still, and what was told is not told again.
	a.c.activities.detached()
	a.c.activities.attached()
	a.online(bobDesk)
	if got := a.sees(bobBare, 6500, presence.InAMeeting, ""); strings.Contains(got, "<message") {
		t.Errorf("told again: %s", got)
	}
	if got := a.sees(bobBare, 3500, "", ""); !strings.HasSuffix(got, noEvent) {
		t.Errorf("not taken back: %s", got)
	}
}

func TestS3_ActivityIsNotForOthers(t *testing.T) {
	silent := func(a *audience, when string) {
		a.Helper()
		if got := a.sees(bobBare, 6500, presence.InAMeeting, ""); strings.Contains(got, "<message") {
			a.Errorf("%s: told %s", when, got)
		}
		if n := a.c.activities.some.Load(); n != 0 {
			a.Errorf("%s: %d devices are kept", when, n)
		}
	}
	for when, info := range map[string]string{"a client that does not ask": simpleInfo, "one that says other things than its kind": askingInfo + "<feature var='x'/>"} {
		a := newAudience(t, askingInfo)
		if info == simpleInfo {
			a.ver = verOfInfo(t, simpleInfo)
		}
		a.answers(a.online(bobDesk), bobDesk, info)
		silent(a, when)
	}
	a := newAudience(t, askingInfo)
	a.answers(a.online(bobDesk), bobDesk, askingInfo)
	a.ask(t, "<presence type='unavailable' from='"+bobDesk+"' to='"+testDomain+"'/>")
	silent(a, "a device that is gone")

	a.online(bobDesk)
	a.ask(t, "<presence from='"+bobDesk+"' to='"+testDomain+"'/>")
	silent(a, "a device that tells nothing of itself any more")

	a.online(bobDesk)
	a.door.known = func(presence.Addr) bool { return false }
	a.ask(t, "<presence from='"+bobDesk+"' to='"+testDomain+"'/>")
	silent(a, "somebody who is not enrolled any more")

	a.online(bobDesk)
	silent(a, "nor ever was")

	a = newAudience(t, askingInfo)
	a.online(bobDesk) // and nobody answers
	a.l.tracker.expire(time.Now().Add(time.Hour), 0, 0)
	silent(a, "a client that does not answer")
}

func TestActivity_IsBounded(t *testing.T) {
	a := newAudience(t, askingInfo)
	a.answers(a.online(bobDesk), bobDesk, askingInfo)
	for i := range 100 {
		a.online(fmt.Sprintf("%s/r%d", bobBare, i))
	}
	if n := a.c.activities.some.Load(); n != maxListeners {
		t.Errorf("%d devices of one account are told, want %d", n, maxListeners)
	}
	for i := range 2 * maxClientKinds {
		a.ver = fmt.Sprintf("v%d", i)
		a.online(fmt.Sprintf("carol%d@%s/desk", i, testHost))
	}
	if n := len(a.c.activities.clients); n > maxClientKinds {
		t.Errorf("%d kinds of clients are kept, want at most %d", n, maxClientKinds)
	}
	a.ver = strings.Repeat("x", maxVer+1)
	if got := a.online("dave@" + testHost + "/desk"); got != "" {
		t.Errorf("an endless verification string is taken: %s", got)
	}
}

// TestActivity_NobodySpeaksForOthers: who says that he is of a kind of clients, and
// does not answer for it, keeps nothing from those who are.
func TestActivity_NobodySpeaksForOthers(t *testing.T) {
	const eve = "eve@" + testHost + "/x"
	for what, info := range map[string]string{
		"another": simpleInfo, "a broken one": "<identity",
		"one that hides what it asks for in a name": strings.Replace(strings.NewReplacer("<feature var='", "&lt;", "'/>", "").Replace(
			"<feature var='http://jabber.org/protocol/activity+notify'/><feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#info'/>"+
				"<feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/>"), "", "<identity category='client' type='pc' name='Exodus 0.9.1", 1) + "'/>",
		"one that hides it in a form": `<identity category='client' type='pc' name='Exodus 0.9.1'/><x xmlns='jabber:x:data' type='result'>` +
			`<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/activity+notify</value></field><field var='http://jabber.org/protocol/caps'>` +
			`<value>http://jabber.org/protocol/disco#info</value><value>http://jabber.org/protocol/disco#items</value><value>http://jabber.org/protocol/muc</value></field></x>`,
		"one that hides it in another identity": simpleInfo + `<identity category='http:/' type='jabber.org' xml:lang='protocol' name='activity+notify'/>`,
		"none":                                  "",
	} {
		a := newAudience(t, askingInfo)
		if strings.Contains(what, "hides") {
			if smuggled := verOfInfo(t, info); smuggled != a.ver {
				t.Fatalf("%s does not have the string of the kind", what)
			}
		}
		asked := a.online(eve)
		if waits := a.online(bobDesk); waits != "" {
			t.Errorf("two of a kind are asked at once: %s", waits)
		}
		var next string
		switch what {
		case "none":
			a.l.tracker.expire(time.Now().Add(time.Hour), 0, 0)
			next = a.sees(bobBare, 3500, "", "")
		case "a broken one":
			next = a.answers(asked, eve, "<identity/>")
		default:
			next = a.answers(asked, eve, info)
		}
		a.answers(next, bobDesk, askingInfo)
		if got := a.sees(bobBare, 6500, presence.InAMeeting, ""); !strings.HasSuffix(got, meetingEvent) {
			t.Errorf("after an answer that is %s, bob gets %s", what, got)
		}
		if got := a.online(eve); got != "" {
			t.Errorf("after an answer that is %s, the same device is asked again: %s", what, got)
		}
	}
	a := newAudience(t, askingInfo)
	a.answers(a.online(eve), eve, simpleInfo)
	a.answers(a.online(bobDesk), bobDesk, askingInfo) // at once
}

// TestActivity_AKindThatNeverProvesItselfIsLeftAlone: clients whose string is never
// what they answer are not asked one after the other, for ever.
func TestActivity_AKindThatNeverProvesItselfIsLeftAlone(t *testing.T) {
	a := newAudience(t, askingInfo)
	who := func(i int) string { return fmt.Sprintf("user%d@%s/x", i, testHost) }
	sent := a.online(who(0))
	asked := 0
	for i := range 100 {
		if strings.Contains(sent, "<iq type='get'") {
			asked++
			sent = a.answers(sent, who(i), simpleInfo)
		}
		sent += a.online(who(i + 1))
	}
	if asked != maxWrong {
		t.Errorf("%d of a hundred were asked, want %d", asked, maxWrong)
	}
	a.c.activities.clients[a.ver].again = time.Now().Add(-time.Second)
	a.answers(a.online(bobDesk), bobDesk, askingInfo) // later one is asked anew
}

// TestActivity_OneAccountAsksForLittle: presences with ever new strings do not fill
// what all questions to the server share.
func TestActivity_OneAccountAsksForLittle(t *testing.T) {
	a := newAudience(t, askingInfo)
	good := a.ver
	for i := range 1000 {
		a.ver = fmt.Sprintf("v%d", i)
		a.online("eve@" + testHost + "/x")
	}
	if n := a.l.tracker.size(); n > 2*maxListeners {
		t.Errorf("%d questions wait for one account", n)
	}
	a.ver = good
	sent := a.online(bobDesk)
	for i := range 1000 { // of his kind too, which costs nobody anything
		a.online(fmt.Sprintf("user%d@%s/x", i, testHost))
	}
	if n := len(a.c.asks.of); n != 2 {
		t.Errorf("the questions to %d accounts are counted, want 2", n)
	}
	a.answers(sent, bobDesk, askingInfo)
}
