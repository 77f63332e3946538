package component

import (
	"testing"

	"presenced/component/privilege"
	"presenced/internal/engine"
	"presenced/privacy"
)

func TestListPayload(t *testing.T) {
	const open, end = "<query xmlns='jabber:iq:privacy'>", "</query>"
	for _, c := range []struct {
		step engine.ListStep
		ns   string
		want string
	}{
		{engine.ListStep{Verb: engine.DefaultList, Name: "a'b&c"}, nsPrivacy, open + "<default name='a&apos;b&amp;c'/>" + end},
		{engine.ListStep{Verb: engine.DefaultList}, nsPrivacy, open + "<default/>" + end},
		{engine.ListStep{Verb: engine.RemoveList, Name: "x"}, nsPrivacy, open + "<list name='x'/>" + end},
		{engine.ListStep{Verb: engine.BlockJID, Name: "b'ob@x"}, nsBlocking, "<block xmlns='urn:xmpp:blocking'><item jid='b&apos;ob@x'/></block>"},
		{engine.ListStep{Verb: engine.UnblockJID, Name: "bob@x"}, nsBlocking, "<unblock xmlns='urn:xmpp:blocking'><item jid='bob@x'/></unblock>"},
		{engine.ListStep{Verb: engine.PutList, List: privacy.List{Name: "w<", Items: []privacy.Item{
			{Order: "1", Action: "allow", Type: "group", Value: "R&D", Stanzas: []string{"message", "presence-out"}}, {Order: "2", Action: "deny"},
		}}}, nsPrivacy, open + "<list name='w&lt;'><item order='1' action='allow' type='group' value='R&amp;D'><message/><presence-out/></item>" +
			"<item order='2' action='deny'></item></list>" + end},
	} {
		if ns, got := listPayload(&c.step); ns != c.ns || string(got) != c.want {
			t.Errorf("%+v:\n%s %s, want\n%s %s", c.step, ns, got, c.ns, c.want)
		}
	}
}

// TestHost_WritesWhatItMay: only where it is granted, the host has it, and it said so.
func TestHost_WritesWhatItMay(t *testing.T) {
	both := []string{nsPrivacy, nsBlocking}
	all := listAccess{block: true, privacy: true, told: true}
	for _, c := range []struct {
		name           string
		grant          *privilege.Grant
		has            listAccess
		privacy, block bool
	}{
		{"nothing granted", nil, all, false, false},
		{"reading", &privilege.Grant{IQ: both}, all, false, false},
		{"both", &privilege.Grant{IQ: both, IQSet: both}, all, true, true},
		{"block lists", &privilege.Grant{IQ: both, IQSet: []string{nsBlocking}}, all, false, true},
		{"no privacy lists there", &privilege.Grant{IQ: both, IQSet: both}, listAccess{block: true, told: true}, false, true},
		{"it did not say", &privilege.Grant{IQ: both, IQSet: both}, listAccess{block: true, privacy: true}, false, false},
	} {
		h := &hostLink{has: c.has}
		h.advert.Grant = c.grant
		var want engine.Host
		h.readable(&want)
		if want.Writes != c.privacy || want.Blocks != c.block {
			t.Errorf("%s: writes %v, blocks %v", c.name, want.Writes, want.Blocks)
		}
	}
}
