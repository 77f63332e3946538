package component

import (
	"strings"
	"testing"
	"time"

	"presenced/component/privilege"
	"presenced/internal/presence"
)

// TestPublishActivity_OnlyWhereItIsGranted: on behalf of the user, in her own account,
// and what the server answers is told.
func TestPublishActivity_OnlyWhereItIsGranted(t *testing.T) {
	d := newDesk(t)
	alice := presence.MustAddr("alice@" + testHost)
	publish := func(a presence.Activity) string {
		d.c.PublishActivity(alice, "alice@"+testHost, a)
		out := d.sent(t)
		wellFormed(t, out)
		return out
	}
	last := func() string { all := d.door.all(); return all[len(all)-1] }
	for _, g := range []*privilege.Grant{nil, {Version: 2}, {Version: 2, IQ: []string{nsPubsub}}} {
		d.l.hosts[0].advert.Grant = g
		if got := publish(presence.InAMeeting); got != "" || !strings.Contains(last(), "permission") {
			t.Errorf("with %+v: sent %q, told %q", g, got, last())
		}
	}
	d.l.hosts[0].advert.Grant = &privilege.Grant{Version: 2, IQ: []string{nsPubsub}, IQSet: []string{nsPubsub}}
	got := publish(presence.InAMeeting)
	for _, want := range []string{"to='alice@" + testHost + "'", "type='set'", "<publish node='http://jabber.org/protocol/activity'>",
		"<item id='current'><activity xmlns='http://jabber.org/protocol/activity'><working><in_a_meeting/></working></activity></item>"} {
		if !strings.Contains(got, want) {
			t.Errorf("sent %s, without %s", got, want)
		}
	}
	// Whom the node tells, her own clients may have said: it must be her contacts only.
	const contacts = "<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>" +
		"<field var='pubsub#access_model'><value>presence</value></field></x></publish-options>"
	if !strings.Contains(got, "</publish>"+contacts+"</pubsub>") {
		t.Errorf("published to whom the node lets: %s", got)
	}
	if got := publish(presence.NoActivity); strings.Contains(got, "publish-options") {
		t.Errorf("it cannot be taken back where the node lets others: %s", got)
	}
	if got := publish(presence.FreeForChat); !strings.Contains(got, "<activity xmlns='http://jabber.org/protocol/activity'/>") {
		t.Errorf("what is no activity is published as %s", got)
	}
	d.l.tracker.expire(time.Now().Add(time.Hour), 0, 0)
	if !strings.Contains(last(), "published alice@"+testHost+" err=component: publish") {
		t.Errorf("without an answer: %q", last())
	}
	d.c.link.Store(nil)
	if publish(presence.InAMeeting); !strings.Contains(last(), "not attached") {
		t.Errorf("without a link: %q", last())
	}
}
