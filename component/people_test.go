package component

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presenced/internal/directory"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

var portrait = append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{0, 0xff, '<'}, 10_000)...)

// book is a directory with alice and her portrait.
func book(t *testing.T) *directory.Book {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string]string{
		"a.png": string(portrait), "people.csv": "jid,email,photo\nalice@" + testHost + ",Alice.Adams@corp.example,a.png\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := directory.Load(filepath.Join(dir, "people.csv"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVCard_PhotoIsThatOfTheGrantedHash names S3 and S14: the bytes follow the
// view, never the person.
func TestVCard_PhotoIsThatOfTheGrantedHash(t *testing.T) {
	d := newDesk(t)
	b := book(t)
	v := presence.View{Availability: presence.Available}
	d.door.look = func(context.Context, engine.Principal, []addr) []presence.View { return []presence.View{v} }
	card := func() string { return d.ask(t, iq("get", mirrorA, "<vCard xmlns='vcard-temp'/>")) }
	empty := resultOf(mirrorA, "<vCard xmlns='vcard-temp'/>")
	if got := card(); got != empty {
		t.Errorf("nothing granted: %s", got)
	}
	v.Text[presence.FieldPhoto] = b.Profile(presence.MustAddr("alice@" + testHost)).Text[presence.FieldPhoto]
	d.c.SetDirectory(b)
	got := card()
	var x struct {
		Photo struct {
			Type   string `xml:"TYPE"`
			Binval string `xml:"BINVAL"`
		} `xml:"vcard-temp vCard>PHOTO"`
	}
	if err := xml.Unmarshal([]byte(got), &x); err != nil {
		t.Fatal(err)
	}
	if data, err := base64.StdEncoding.DecodeString(x.Photo.Binval); err != nil || !bytes.Equal(data, portrait) || x.Photo.Type != "image/png" {
		t.Errorf("photo of type %q, %d bytes (%v), want %d", x.Photo.Type, len(data), err, len(portrait))
	}
	v.Text[presence.FieldPhoto] = "" // the policy shows none
	if got := card(); got != empty {
		t.Errorf("withheld again: %s", got)
	}
}

// TestBatch_ByEmail: the directory's address finds the person, and the answer never
// names her.
func TestBatch_ByEmail(t *testing.T) {
	d := newDesk(t)
	var asked []addr
	known := true // the asker may know her address
	d.door.look = func(_ context.Context, _ engine.Principal, users []addr) []presence.View {
		asked = users
		return []presence.View{{Availability: presence.Busy, ByEmail: known}, presence.OfflineView(0)}
	}
	query := iq("get", testDomain, "<query xmlns='urn:presenced:1'><presence email='ALICE.adams@corp.example'/><presence email='eve@corp.example'/></query>")
	d.c.SetDirectory(book(t))
	got := d.ask(t, query)
	if len(asked) != 2 || asked[0] != presence.MustAddr("alice@"+testHost) || asked[1] != nobody {
		t.Errorf("looked at %v", asked)
	}
	if !strings.Contains(got, "<presence email='ALICE.adams@corp.example' availability='6500'") ||
		!strings.Contains(got, "<presence email='eve@corp.example' availability='18500'") || strings.Contains(got, "alice@"+testHost) {
		t.Errorf("answered %s", got)
	}
	known = false
	if got := d.ask(t, query); !strings.Contains(got, "<presence email='ALICE.adams@corp.example' availability='18500' show='unavailable' interrupt='false'/>") {
		t.Errorf("who may not know whose address it is was answered %s", got)
	}
	d.c.SetDirectory(nil)
	if d.ask(t, query); asked[0] != nobody {
		t.Errorf("without a directory looked at %v", asked)
	}
}

// TestFind_NamesAJIDAMirrorOrAnEMail, in this order.
func TestFind_NamesAJIDAMirrorOrAnEMail(t *testing.T) {
	d := newDesk(t)
	d.c.SetDirectory(book(t))
	alice := presence.MustAddr("alice@" + testHost)
	for name, want := range map[string]presence.Addr{
		"alice@" + testHost: alice, mirrorA: alice, "alice.adams@CORP.example": alice,
		"bob@corp.example": presence.MustAddr("bob@corp.example"), "@": nobody,
	} {
		if got, byEmail := d.c.Find(name); got != want || byEmail != (name == "alice.adams@CORP.example") {
			t.Errorf("Find(%q): %s (by e-mail: %v), want %s", name, got, byEmail, want)
		}
	}
}
