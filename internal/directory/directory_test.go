package directory

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"presenced/internal/presence"
)

var png = append([]byte("\x89PNG\r\n\x1a\n"), "the rest"...)

// write puts files into a directory of their own and returns the path of the
// first, the book's.
func write(t testing.TB, csv string, photos map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range photos {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "people.csv")
	if err := os.WriteFile(path, []byte(csv), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad_ReadsPeopleWithTheirPhotos(t *testing.T) {
	path := write(t, "\ufeff# our people\nName, JID ,email,workPhone,photo\n"+
		"\"Adams, \"\"Ali\"\" Alice\",alice@example.org, Alice.Adams@Example.org ,+49 30 1,a.png\n\n"+
		"Bob,BOB@example.org,,,\n", map[string][]byte{"a.png": png})
	b, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.Len() != 2 || b.Photos() != 1 {
		t.Errorf("%d people, %d photos, want 2 and 1", b.Len(), b.Photos())
	}
	alice := b.Profile(presence.MustAddr("alice@example.org"))
	if alice == nil || alice.Text[presence.FieldName] != `Adams, "Ali" Alice` || alice.Text[presence.FieldEmail] != "Alice.Adams@Example.org" ||
		alice.Text[presence.FieldWorkPhone] != "+49 30 1" || alice.PhotoSource != presence.DirectoryPhoto {
		t.Fatalf("alice is %+v", alice)
	}
	pic, ok := b.Picture(alice.Text[presence.FieldPhoto])
	if !ok || pic.Type != "image/png" || !bytes.Equal(pic.Data, png) {
		t.Errorf("her photo is %v %q", ok, pic.Type)
	}
	bob := b.Profile(presence.MustAddr("bob@example.org"))
	if bob == nil || bob.PhotoSource != presence.NoPhoto || bob.Text[presence.FieldPhoto] != "" {
		t.Errorf("bob is %+v", bob)
	}
	for email, want := range map[string]bool{"alice.adams@example.org": true, "ALICE.ADAMS@EXAMPLE.ORG": true, "bob@example.org": false, "": false, "x": false} {
		if a, ok := b.ByEmail(email); ok != want || ok && a != presence.MustAddr("alice@example.org") {
			t.Errorf("ByEmail(%q) = %v, %v", email, a, ok)
		}
	}
	if got := b.Strangers([]string{"example.com"}, 1); len(got) != 1 || got[0] != presence.MustAddr("alice@example.org") {
		t.Errorf("strangers %v", got)
	}
}

func TestLoad_GroupsAreTheOperators(t *testing.T) {
	path := write(t, "jid,groups\na@b, Sales ;;R&D / EU;Sales\nc@d,\ne@f,Staff\n", nil)
	b, err := Load(path)
	if err != nil || !b.HasGroups() {
		t.Fatalf("groups %v, %v", b.HasGroups(), err)
	}
	for jid, want := range map[string][]string{"A@b": {"R&D / EU", "Sales"}, "c@d": nil, "e@f": {"Staff"}, "x@y": nil} {
		if got := b.Groups(presence.MustAddr(jid)); !slices.Equal(got, want) {
			t.Errorf("%s is in %q, want %q", jid, got, want)
		}
	}
	for name, want := range map[string]bool{"Staff": true, "R&D / EU": true, "staff": false, "": false} {
		if b.HasGroup(name) != want {
			t.Errorf("anybody in %q: %v, want %v", name, !want, want)
		}
	}
	without, err := Load(write(t, "jid\na@b\n", nil))
	if err != nil || without.HasGroups() || without.Groups(presence.MustAddr("a@b")) != nil {
		t.Errorf("without the column: %v, %v", without.HasGroups(), err)
	}
}

func TestBook_NoneIsEmpty(t *testing.T) {
	b, err := Load("")
	if err != nil || b.Len() != 0 || b.Photos() != 0 || b.Profile(presence.MustAddr("a@b")) != nil || b.Strangers(nil, 1) != nil {
		t.Errorf("an empty path gives %+v, %v", b, err)
	}
	if b.HasGroups() || b.HasGroup("x") || b.Groups(presence.MustAddr("a@b")) != nil {
		t.Error("an empty book has groups")
	}
	if _, ok := b.ByEmail("a@b"); ok {
		t.Error("an empty book knows an e-mail address")
	}
	if _, ok := b.Picture("x"); ok {
		t.Error("an empty book has a photo")
	}
}

// TestPicture_ChangedFileIsNotShown: what was checked is shown, nothing else.
func TestPicture_ChangedFileIsNotShown(t *testing.T) {
	path := write(t, "jid,photo\na@b,a.png\n", map[string][]byte{"a.png": png})
	b, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	hash := b.Profile(presence.MustAddr("a@b")).Text[presence.FieldPhoto]
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "a.png"), append(bytes.Clone(png), '!'), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Picture(hash); ok {
		t.Error("a changed photo is shown under the old hash")
	}
}

func TestLoad_TellsEachMistakeWithLineAndRemedy(t *testing.T) {
	big := append(bytes.Clone(png), make([]byte, MaxPicture)...)
	photos := map[string][]byte{"a.png": png, "big.png": big, "text.png": []byte("hello")}
	for name, tt := range map[string]struct{ csv, want string }{
		"empty":            {"", ":1: there is no header; begin with"},
		"only comments":    {"# x\n", ":1: there is no header; begin with"},
		"semicolons":       {"jid;name\n", ":1: the header is not separated by commas; separate"},
		"unknown column":   {"jid,fax\n", `:1: "fax" is no column; the columns are jid, name, email`},
		"column twice":     {"jid,name,Name\n", ":1: Name: stands there twice; remove"},
		"no jid column":    {"name,email\n", ":1: there is no column jid; add one"},
		"no jid":           {"jid,name\n,Bob\n", ":2: jid: is empty; write"},
		"bad jid":          {"jid\na@@b\n", ":2: jid: not a JID:"},
		"domain":           {"jid\nexample.org\n", ":2: jid: \"example.org\" is not the address of one person; write"},
		"full jid":         {"jid\na@b/c\n", ":2: jid: \"a@b/c\" is not the address of one person; write"},
		"jid twice":        {"jid\na@b\nc@d\nA@B\n", ":4: jid: \"A@B\" stands on line 2 already; remove"},
		"bad email":        {"jid,email\na@b,nobody\n", ":2: email: \"nobody\" is no e-mail address; write"},
		"email twice":      {"jid,email\na@b,x@y\n\n# c\nc@d,X@Y\n", ":5: email: \"X@Y\" stands on line 2 already; leave"},
		"too few cells":    {"jid,name\na@b\n", ":2: does not have as many cells as the header; quote"},
		"too many cells":   {"jid,name\na@b,Smith, John\n", ":2: does not have as many cells as the header; quote"},
		"stray quote":      {"jid,name\na@b,a \"b\" c\n", ":2: has a quotation mark in the wrong place; quote"},
		"open quote":       {"jid,name\na@b,\"a\nc@d,e\n", ": has a quotation mark in the wrong place; quote"},
		"too long":         {"jid,name\na@b," + strings.Repeat("ä", 257) + "\n", ":2: name: has 257 characters; shorten it to 256"},
		"latin-1":          {"jid,name\na@b,J\xfcrgen\n", ":2: name: is not UTF-8; save"},
		"line break":       {"jid,name,title\na@b,c,\"x\ny\"\n", ":2: title: holds a line break"},
		"photo missing":    {"jid,photo\na@b,none.png\n", "none.png: there is no such file; correct the path"},
		"photo too large":  {"jid,photo\na@b,big.png\n", "big.png: is larger than 30 KiB; make"},
		"photo of no type": {"jid,photo\na@b,text.png\n", "text.png: is no PNG, JPEG or GIF image; convert"},
		"photo a folder":   {"jid,photo\na@b,.\n", ": is no plain file; name"},
	} {
		b, err := Load(write(t, tt.csv, photos))
		if err == nil || b != nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if !strings.Contains(err.Error(), "people.csv"+tt.want) && !(strings.Contains(err.Error(), "people.csv:2: photo: ") && strings.Contains(err.Error(), tt.want)) &&
			!(name == "open quote" && strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v\nwant it to tell %q", name, err, tt.want)
		}
	}
}

func TestLoad_TellsAllMistakesAtOnceAndFewEnough(t *testing.T) {
	csv := "jid,email\n"
	for range 25 {
		csv += "x,y\n"
	}
	_, err := Load(write(t, csv, nil))
	if err == nil {
		t.Fatal("accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxTold+1 || !strings.HasSuffix(lines[maxTold], "and 5 more") {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestLoad_FileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "there is no such file; write it, or leave directory.file out",
		dir:                        "is no plain file; name a CSV file",
		pipe:                       "is no plain file; name a CSV file",
	} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// FuzzLoad: whatever an operator's file holds, reading it ends in a book or in
// words, and a book keeps its promises.
func FuzzLoad(f *testing.F) {
	f.Add("jid,name,email,photo\na@b,\"A, B\",x@y,a.png\n")
	f.Add("\ufeffjid\n#\n\"a@b\"\n")
	f.Add("jid;name\n")
	f.Add("name,jid\n\"a\nb\",c@d\n")
	f.Fuzz(func(t *testing.T, csv string) {
		b, err := Load(write(t, csv, map[string][]byte{"a.png": png}))
		if (b == nil) == (err == nil) {
			t.Fatalf("book %v, error %v", b, err)
		}
		if err != nil {
			if len(strings.Split(err.Error(), "people.csv:")) > maxTold+2 {
				t.Fatalf("too much told: %v", err)
			}
			return
		}
		for a, p := range b.people {
			if a.Local() == "" {
				t.Errorf("%v is nobody", a)
			}
			for field, v := range p.Text {
				if !utf8.ValidString(v) || utf8.RuneCountInString(v) > maxValue || strings.ContainsAny(v, "\n\x00") {
					t.Errorf("%s of %v is %q", presence.Field(field), a, v)
				}
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	var csv strings.Builder
	csv.WriteString("jid,name,email,title,company,office,workPhone\n")
	for i := range 10_000 {
		fmt.Fprintf(&csv, "user%d@example.org,User %d,user%d@example.org,Clerk,Example,1.%d,+49 30 %d\n", i, i, i, i, i)
	}
	path := write(b, csv.String(), nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(path); err != nil {
			b.Fatal(err)
		}
	}
}
