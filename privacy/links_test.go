package privacy

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"presenced/internal/presence"
)

func TestS9_LinksAreFound(t *testing.T) {
	for _, c := range []struct {
		text string
		want string // the links, joined by spaces
	}{
		{"see http://a.example/x now", "http://a.example/x"},
		{"(https://a.example) <HTTPS://B.example>", "https://a.example) HTTPS://B.example"},
		{"www.a.example WWW2.b.example", "www.a.example WWW2.b.example"},
		{"ftp.a.example ftp:x file:///etc gopher:x", "ftp.a.example ftp:x file:///etc gopher:x"},
		{"callto:1 tel:1 sip:a@b sips:a@b telnet:x ldap:x news:x nntp:x mailto:a@b", "callto:1 tel:1 sip:a@b sips:a@b telnet:x ldap:x news:x nntp:x mailto:a@b"},
		{"href=javascript:x", "href=javascript:x"},
		{"Working on the audit: file it", ""},
		{"breaking news: we moved", ""},
		{"hotel:x xhttp://a _http://a", ""},
		{"ärgernews:x", ""},
		{"www", ""},
	} {
		got := strings.Join((&Links{}).Apply(c.text).Links, " ")
		if got != c.want {
			t.Errorf("%q: links %q, want %q", c.text, got, c.want)
		}
	}
}

func TestS9_LinkModes(t *testing.T) {
	text := "at http://a.example or www.b.example"
	for _, c := range []struct {
		links   Links
		text    string
		want    string
		refused bool
	}{
		{Links{Mode: LinksWarn}, text, text, false},
		{Links{Mode: LinksNeutralise}, text, "at _http://a.example or _www.b.example", false},
		{Links{Mode: LinksNeutralise}, "http://a.example", "_http://a.example", false},
		{Links{Mode: LinksNeutralise}, "http://www.a.example", "_http://_www.a.example", false},
		{Links{Mode: LinksBlock}, text, "", true},
		{Links{Mode: LinksBlock, Intranet: []string{"corp.example"}}, "http://corp.example/?to=http://evil.example", "", true},
		{Links{Mode: LinksBlock}, "plain", "plain", false},
		{Links{Mode: LinksBlock, Intranet: []string{"wiki.corp.example"}}, "http://wiki.corp.example/x", "http://wiki.corp.example/x", false},
		{Links{Mode: LinksBlock, Intranet: []string{"*.corp.example"}}, "https://user@Wiki.Corp.example:8443/x", "https://user@Wiki.Corp.example:8443/x", false},
		{Links{Mode: LinksBlock, Intranet: []string{"*.corp.example"}}, "http://corp.example", "", true},
		{Links{Mode: LinksBlock, Intranet: []string{"corp.example"}}, "http://corp.example.evil.example", "", true},
		{Links{Mode: LinksBlock, Intranet: []string{"corp.example"}}, "http://corp.example@evil.example", "", true},
		{Links{Mode: LinksBlock, Intranet: []string{"corp.example"}}, `http://evil.example\@corp.example`, "", true},
		{Links{Mode: LinksNeutralise, Intranet: []string{"corp.example"}}, "http://corp.example http://x.example", "http://corp.example _http://x.example", false},
		{Links{Mode: LinksWarn, Extensions: []string{".exe", "bat"}}, "http://a.example/x.EXE?y=1", "", true},
		{Links{Mode: LinksWarn, Extensions: []string{"bat"}}, "(http://a.example/x.bat)", "", true},
		{Links{Mode: LinksWarn, Extensions: []string{"exe"}}, "http://a.example/x.html", "http://a.example/x.html", false},
		{Links{Mode: LinksWarn, Extensions: []string{"exe"}, Intranet: []string{"corp.example"}}, "http://corp.example/x.exe", "http://corp.example/x.exe", false},
	} {
		got := c.links.Apply(c.text)
		if got.Text != c.want || got.Refused != c.refused {
			t.Errorf("%+v on %q: %+v", c.links, c.text, got)
		}
	}
}

func TestS9_NeutralisingTwiceChangesNothing(t *testing.T) {
	part := rapid.SampledFrom([]string{"http:", "www.", "a", "_", " ", "(", "ä", "href", "ftp.x", "/", "\n", "http://a.example"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(part).Draw(t, "text"), "")
		l := Links{Mode: LinksNeutralise}
		once := l.Apply(text)
		twice := l.Apply(once.Text)
		if twice.Text != once.Text || len(twice.Links) > 0 {
			t.Fatalf("%q, then %q, then %q (%q)", text, once.Text, twice.Text, twice.Links)
		}
	})
}

func TestS9_Notes(t *testing.T) {
	long := strings.Repeat("ä", presence.MaxNote)
	for text, ok := range map[string]bool{"": true, "two\nlines\there": true, long: true, long + "x": false, "a\x00b": false, "\x1b[31m": false, "a\xff": false} {
		if err := CheckNote(text); (err == nil) != ok {
			t.Errorf("%.20q: %v, want accepted %v", text, err, ok)
		}
	}
	for in, want := range map[string]string{"plain": "plain", long + "tail": long, "a\x00b\xff": "ab"} {
		if got := ClipStatus(in); got != want || CheckNote(got) != nil {
			t.Errorf("%.20q clips to %.20q, want %.20q", in, got, want)
		}
	}
}

func TestOperator_NamesRoundTrip(t *testing.T) {
	for m := range LastActiveExact + 1 {
		if got, ok := ParseLastActive(m.String()); !ok || got != m {
			t.Errorf("last_active %q", m)
		}
	}
	for m := range PhotoAll + 1 {
		if got, ok := ParsePhoto(m.String()); !ok || got != m {
			t.Errorf("photo %q", m)
		}
	}
	for m := range OfflineAll + 1 {
		if got, ok := ParseOfflineDetails(m.String()); !ok || got != m {
			t.Errorf("offline_details %q", m)
		}
	}
	for m := range LinksBlock + 1 {
		if got, ok := ParseLinkMode(m.String()); !ok || got != m {
			t.Errorf("links %q", m)
		}
	}
	for s := range StateStale + 1 {
		if got, ok := ParseLoadState(s.String()); !ok || got != s {
			t.Errorf("state %q", s)
		}
	}
	if _, ok := ParseLoadState("nonsense"); ok {
		t.Error("nonsense is a state")
	}
}
