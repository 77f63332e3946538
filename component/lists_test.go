package component

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"presenced/component/privilege"
	"presenced/internal/presence"
	"presenced/privacy"
)

// ofServer is the answer of a server to a question about alice's lists.
func ofServer(payload string) []byte {
	return []byte("<iq type='result' id='x' from='alice@example.org' to='presence.example.org'>" +
		"<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>" +
		"<iq xmlns='jabber:client' type='result' id='y' to='alice@example.org'>" + payload + "</iq></forwarded></privilege></iq>")
}

func oneList(items string) []byte {
	return ofServer("<query xmlns='jabber:iq:privacy'><list name='work'>" + items + "</list></query>")
}

// hides reports whether a policy with what was read shows bob nothing.
func hides(t *testing.T, r *listReading) bool {
	t.Helper()
	site, err := privacy.NewSite(privacy.SiteOptions{Component: "presence.example.org",
		Networks: privacy.Networks{Enterprise: []string{"example.org"}}})
	if err != nil {
		t.Fatal(err)
	}
	s := privacy.Settings{Owner: presence.MustAddr("alice@example.org"), State: privacy.StateOK, RosterReadable: true, Default: r.out.Default}
	if r.out.Block != nil {
		s.Block = *r.out.Block
	}
	p := privacy.NewPolicy(site, s)
	return p.Place(privacy.Watcher{Addr: presence.MustAddr("bob@example.org")}).Container == presence.Blocked
}

// TestS8_5_AListThatIsNotUnderstoodHides whom it would not concern.
func TestS8_5_AListThatIsNotUnderstoodHides(t *testing.T) {
	const fine = "<item order='1' action='deny' type='jid' value='carol@example.org'/>"
	for name, c := range map[string]struct {
		items string
		want  bool
	}{
		"nothing":                  {"", false},
		"an item about carol":      {fine, false},
		"one order twice":          {fine + "<item order='1' action='allow'/>", true},
		"the same number twice":    {fine + "<item order='01' action='allow'/>", true},
		"no order":                 {"<item action='allow'/>", true},
		"a negative order":         {"<item order='-1' action='allow'/>", true},
		"an order beyond 32 bits":  {"<item order='4294967296' action='allow'/>", true},
		"no action":                {"<item order='1'/>", true},
		"an unknown action":        {"<item order='1' action='DENY'/>", true},
		"an unknown type":          {fine + "<item order='2' action='allow' type='vcard' value='x'/>", true},
		"a value without a type":   {"<item order='1' action='allow' value='bob@example.org'/>", true},
		"a type without a value":   {"<item order='1' action='allow' type='jid'/>", true},
		"no address":               {"<item order='1' action='allow' type='jid' value='a@b@c'/>", true},
		"an address of two":        {"<item order='1' action='allow' type='jid' value='🄰lice@example.org'/>", true},
		"an unknown subscription":  {"<item order='1' action='allow' type='subscription' value='mutual'/>", true},
		"an unknown kind":          {"<item order='1' action='allow'><presence/></item>", true},
		"a kind of another space":  {"<item order='1' action='allow'><presence-out xmlns='x'/></item>", true},
		"an item of another space": {"<item xmlns='x' order='1' action='allow'/>", true},
		"something else":           {"<entry order='1' action='allow'/>", true},
		"a fault behind a match":   {"<item order='1' action='allow'/><item order='2' action='maybe'/>", true},
		"an unseen character":      {"<item order='1' action='deny' type='jid' value='b\u00adob@example.org'/>", true},
		"full width":               {"<item order='1' action='deny' type='jid' value='ＢＯＢ@ｅxample。org'/>", true},
		"a resource":               {"<item order='1' action='deny' type='jid' value='bob@example.org/x'/>", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &listReading{which: "work"}
			if err := r.takeList("work", oneList(c.items)); err != nil {
				t.Fatal(err)
			}
			if got := hides(t, r); got != c.want {
				t.Errorf("%s: hides %t, want %t", c.items, got, c.want)
			}
		})
	}
}

// TestS8_1_ABlockListThatIsNotUnderstoodHides.
func TestS8_1_ABlockListThatIsNotUnderstoodHides(t *testing.T) {
	for items, want := range map[string]bool{
		"":                                 false,
		"<item jid='carol@example.org'/>":  false,
		"<item/>":                          true,
		"<item jid=''/>":                   true,
		"<item jid='a@b@c'/>":              true,
		"<entry jid='carol@example.org'/>": true,
		"<item xmlns='x' jid='carol@example.org'/>":             true,
		"<item jid='B\u00adOB@example.org/x'/>":                 true,
		"<item jid='ＢＯＢ@example。org'/>":                         true,
		"<item jid='EXAMPLE.org'/>":                             true,
		strings.Repeat("<item jid='c@x.org'/>", maxListItems+1): true,
	} {
		r := &listReading{}
		if err := r.takeBlock(ofServer("<blocklist xmlns='urn:xmpp:blocking'>" + items + "</blocklist>")); err != nil {
			t.Fatal(err)
		}
		if got := hides(t, r); got != want {
			t.Errorf("%.60s: hides %t, want %t", items, got, want)
		}
	}
}

// TestTakeList_TenThousandItems are read, one more makes the list unreadable.
func TestTakeList_TenThousandItems(t *testing.T) {
	var items strings.Builder
	for i := range maxListItems {
		fmt.Fprintf(&items, "<item order='%d' action='deny' type='jid' value='u%d@example.net'/>", i, i)
	}
	r := &listReading{which: "work"}
	if err := r.takeList("work", oneList(items.String())); err != nil || len(r.out.Default.Items) != maxListItems || hides(t, r) {
		t.Errorf("%v, %d items, hides bob: %t", err, len(r.out.Default.Items), hides(t, r))
	}
	fmt.Fprintf(&items, "<item order='%d' action='allow'/>", maxListItems)
	if err := r.takeList("work", oneList(items.String())); err != nil || len(r.out.Default.Items) != 0 || !hides(t, r) {
		t.Errorf("one more: %v, %d items, hides bob: %t", err, len(r.out.Default.Items), hides(t, r))
	}
}

// TestNoLists: an answer that is not understood is not the same as none.
func TestNoLists(t *testing.T) {
	lists := strings.Repeat("<list name='x'/>", maxLists+1)
	r := &listReading{}
	for name, err := range map[string]error{
		"larger than a stanza": errUnread,
		"too many lists":       r.takeNames(ofServer("<query xmlns='jabber:iq:privacy'>" + lists + "</query>")),
		"no names":             r.takeNames(ofServer("<query xmlns='other'/>")),
		"nothing":              r.takeBlock(ofServer("")),
		"not wrapped":          r.takeBlock([]byte("<iq type='result'><blocklist xmlns='urn:xmpp:blocking'/></iq>")),
		"another list":         r.takeList("other", oneList("")),
	} {
		if !noLists(err) {
			t.Errorf("%s: %v does not count as an answer", name, err)
		}
	}
	for _, err := range []error{nil, errTimeout, errForbidden, &StanzaError{Condition: "internal-server-error"},
		fmt.Errorf("lists: %w", &privilege.InnerError{}), errors.Join(errTimeout)} {
		if noLists(err) {
			t.Errorf("%v counts as an answer", err)
		}
	}
	if err := r.takeNames(ofServer("<query xmlns='jabber:iq:privacy'><default name='a'/>" + strings.Repeat("<list name='a'/>", maxLists) + "</query>")); err != nil || len(r.names) != 1 {
		t.Errorf("one name many times: %q, %v", r.names, err)
	}
}
