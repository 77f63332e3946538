package component

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"presenced/component/privilege"
	"presenced/component/stream"
	"presenced/internal/directory"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// cardIn wraps the content of a vCard as the answer of a server.
func cardIn(content string) []byte {
	return []byte("<iq type='result' id='1' from='alice@" + testHost + "' to='" + testDomain + "'><vCard xmlns='vcard-temp'>" + content + "</vCard></iq>")
}

// said lists what a card says, by the names of the fields.
func said(p *presence.Profile) map[string]string {
	out := map[string]string{}
	if p == nil {
		return out
	}
	for f, v := range p.Text {
		if v != "" {
			out[presence.Field(f).String()] = v
		}
	}
	return out
}

func TestCard_Says(t *testing.T) {
	hash := mustPicture(t, portrait).Hash
	encoded := base64.StdEncoding.EncodeToString(portrait)
	for _, tt := range []struct{ name, content, want string }{
		{"nothing", "", "map[]"},
		{"all of it", "<FN> Alice Adams </FN><TITLE>Auditor</TITLE><ORG><ORGNAME>Corp</ORGNAME><ORGUNIT>Books</ORGUNIT></ORG>" +
			"<EMAIL><INTERNET/><USERID>a@corp.example</USERID></EMAIL><ADR><WORK/><LOCALITY>Berlin</LOCALITY></ADR>" +
			"<TEL><WORK/><VOICE/><NUMBER>1</NUMBER></TEL><TEL><CELL/><NUMBER>2</NUMBER></TEL><TEL><HOME/><NUMBER>3</NUMBER></TEL><TEL><NUMBER>4</NUMBER></TEL>",
			"map[company:Corp email:a@corp.example homePhone:3 location:Berlin mobilePhone:2 name:Alice Adams otherPhone:4 title:Auditor workPhone:1]"},
		{"one of each", "<FN>A</FN><FN>B</FN><TEL><WORK/><NUMBER>1</NUMBER></TEL><TEL><WORK/><NUMBER>2</NUMBER></TEL>", "map[name:B workPhone:1]"},
		{"at home", "<EMAIL><HOME/><USERID>private@x</USERID></EMAIL><ADR><HOME/><LOCALITY>Potsdam</LOCALITY></ADR><TEL><HOME/><WORK/><NUMBER>3</NUMBER></TEL>", "map[homePhone:3]"},
		{"both", "<EMAIL><HOME/><WORK/><USERID>a@x</USERID></EMAIL><TEL><WORK/><CELL/><NUMBER>2</NUMBER></TEL>", "map[email:a@x mobilePhone:2]"},
		{"no voice", "<TEL><WORK/><FAX/><NUMBER>1</NUMBER></TEL><TEL><PAGER/><NUMBER>2</NUMBER></TEL>", "map[]"},
		{"what cannot be shown", "<FN>" + strings.Repeat("ä", 257) + "</FN><TITLE>a\nb</TITLE><ORG><ORGNAME> </ORGNAME></ORG>", "map[]"},
		{"photo", "<PHOTO><TYPE>image/jpeg</TYPE><BINVAL>" + encoded[:76] + "\n " + encoded[76:] + "</BINVAL></PHOTO>", "map[photo:" + hash + "]"},
		{"photo too large", "<PHOTO><BINVAL>" + base64.StdEncoding.EncodeToString(append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, directory.MaxPicture)...)) + "</BINVAL></PHOTO>", "map[]"},
		{"no photo at all", "<PHOTO><EXTVAL>http://x/</EXTVAL></PHOTO><PHOTO><BINVAL>!</BINVAL></PHOTO><PHOTO><BINVAL>" + base64.StdEncoding.EncodeToString([]byte("<svg/>")) + "</BINVAL></PHOTO>", "map[]"},
	} {
		card, err := parseCard(cardIn(tt.content), nil)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		p, pic := card.profile()
		if got := fmt.Sprint(said(p)); got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
		if (p == nil) != (tt.want == "map[]") || (pic.Hash != "") != strings.Contains(tt.want, "photo") {
			t.Errorf("%s: profile %v, photo %q", tt.name, p, pic.Hash)
		}
	}
}

func mustPicture(t *testing.T, data []byte) directory.Picture {
	t.Helper()
	p, err := directory.NewPicture(data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// request waits for what the component sends and returns it with its id.
func (d *desk) request(t *testing.T) (raw, id string) {
	t.Helper()
	limit := time.Now().Add(10 * time.Second)
	for {
		raw = d.sent(t)
		if m := regexp.MustCompile(`id='([^']+)'`).FindStringSubmatch(raw); m != nil {
			return raw, m[1]
		}
		if time.Now().After(limit) {
			t.Fatal("nothing was sent")
		}
		time.Sleep(time.Millisecond) // the pause of a poll
	}
}

// TestReadCard_AsksAsHerselfWhereItMay names XEP-0356: else as any stranger. The
// engine is told of a card, of none, and of no answer.
func TestReadCard_AsksAsHerselfWhereItMay(t *testing.T) {
	const user = "alice@" + testHost
	granted := &privilege.Grant{Version: 2, IQ: []string{nsVCard}}
	const card = "<vCard xmlns='vcard-temp'><FN>Alice</FN></vCard>"
	result := func(payload string) string {
		return "<iq type='result' id='ID' from='" + user + "' to='" + testDomain + "'>" + payload + "</iq>"
	}
	inner := func(typ, payload string) string {
		return result("<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='" + typ +
			"' id='ID' to='" + user + "'>" + payload + "</iq></forwarded></privilege>")
	}
	failure := "<iq type='error' id='ID' from='" + user + "' to='" + testDomain + "'><error type='cancel'><item-not-found xmlns='" + nsStanzas + "'/></error></iq>"
	for _, tt := range []struct {
		name   string
		grant  *privilege.Grant
		answer string
		called string // what she is then known as
	}{
		{"wrapped", granted, inner("result", card), "Alice"},
		{"wrapped, none", granted, inner("result", ""), ""},
		{"wrapped, refused inside", granted, inner("error", "<error type='cancel'><item-not-found xmlns='"+nsStanzas+"'/></error>"), ""},
		{"wrapped, a plain answer", granted, result(card), ""},
		{"plain", nil, result(card), "Alice"},
		{"plain, none", nil, result(""), ""},
		{"plain, a wrapped answer", nil, inner("result", card), ""},
		{"refused", nil, failure, ""},
		{"rosters only", &privilege.Grant{Version: 2, ReadsList: true}, result(card), "Alice"},
	} {
		d := newDesk(t)
		d.l.hosts[0].advert.Grant = tt.grant
		ctx, cancel := context.WithCancel(t.Context())
		go d.l.readCards(ctx)
		d.c.ReadCard(presence.MustAddr(user), user)
		raw, id := d.request(t)
		if wrapped := strings.Contains(raw, "privileged_iq"); wrapped != tt.grant.MayIQ(nsVCard) || !strings.Contains(raw, "to='"+user+"'") {
			t.Errorf("%s: asked %s", tt.name, raw)
		}
		// Nobody else can answer for her.
		d.ask(t, strings.ReplaceAll(strings.ReplaceAll(result(card), "ID", id), "from='"+user, "from='mallory@x"))
		d.ask(t, strings.ReplaceAll(tt.answer, "ID", id))
		d.door.wait(t, 0, "card ")
		cancel()
		got := d.door.all()
		told := got[len(got)-1]
		want := "card " + user + " found=<nil> err=<nil>"
		if tt.called != "" {
			want = "card " + user + " found=&{Text:[" + tt.called + " "
		}
		if len(got) != 1 || !strings.HasPrefix(told, want) {
			t.Errorf("%s: told %q, want %q", tt.name, got, want)
		}
	}
}

// TestVCard_PhotoOfTheUserIsFetched for who may see it, and for nobody else.
func TestVCard_PhotoOfTheUserIsFetched(t *testing.T) {
	d := newDesk(t)
	v := presence.View{Availability: presence.Available}
	d.door.look = func(context.Context, engine.Principal, []addr) []presence.View { return []presence.View{v} }
	request := iq("get", mirrorA, "<vCard xmlns='vcard-temp'/>")
	if got := d.ask(t, request); got != resultOf(mirrorA, "<vCard xmlns='vcard-temp'/>") {
		t.Errorf("without the grant: %s", got)
	}
	v.Text[presence.FieldPhoto] = strings.Repeat("0", 40) // an older one
	if err := d.r.route([]byte(request)); err != nil {
		t.Fatal(err)
	}
	_, id := d.request(t)
	answer := strings.Replace(string(cardIn("<FN>Alice</FN><PHOTO><BINVAL>"+base64.StdEncoding.EncodeToString(portrait)+"</BINVAL></PHOTO>")), "id='1'", "id='"+id+"'", 1)
	got := d.ask(t, answer)
	if !strings.Contains(got, "<TYPE>image/png</TYPE><BINVAL>"+base64.StdEncoding.EncodeToString(portrait)+"</BINVAL>") || strings.Contains(got, "<FN>") {
		t.Errorf("answered %.300s, want the photo and nothing that was not granted", got)
	}
	d.door.wait(t, 0, "card alice@"+testHost+" found=&{Text:[Alice")
}

// FuzzCard: what a user puts into her vCard never harms, and what comes of it can be
// shown.
func FuzzCard(f *testing.F) {
	f.Add("<FN>Alice</FN><TEL><WORK/><NUMBER>1</NUMBER></TEL><PHOTO><BINVAL>iVBORw0KGgo=</BINVAL></PHOTO>")
	f.Add("<EMAIL><HOME/><USERID>a\x00</USERID></EMAIL><ORG/>")
	f.Add("</vCard></iq><x>")
	f.Fuzz(func(t *testing.T, content string) {
		card, err := parseCard(cardIn(content), nil)
		if err != nil {
			return
		}
		p, pic := card.profile()
		if p == nil {
			return
		}
		for field, v := range p.Text {
			if !showable(v) || v != strings.TrimSpace(v) {
				t.Errorf("%s is %q", presence.Field(field), v)
			}
		}
		if len(pic.Data) > directory.MaxPicture || (pic.Hash != "") != (p.PhotoSource == presence.UserPhoto) {
			t.Errorf("photo of %d bytes, source %v", len(pic.Data), p.PhotoSource)
		}
		var view presence.View
		copy(view.Text[:], p.Text[:])
		wellFormed(t, string(appendVCard(nil, &view, nil)))
		if err := stream.Scan([]byte("<iq type='result'>"+string(appendVCard(nil, &view, nil))+"</iq>"), new(stream.Stanza)); err != nil {
			t.Error(err)
		}
	})
}
