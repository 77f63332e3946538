package component

import (
	"context"
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
		if err := d.l.w.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		d.conn.mu.Lock()
		defer d.conn.mu.Unlock()
		out := d.conn.out.String()
		d.conn.out.Reset()
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
