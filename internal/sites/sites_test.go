package sites

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presenced/config"
	"presenced/internal/directory"
	"presenced/internal/polling"
	"presenced/internal/presence"
)

const alice, bob = "alice@example.org", "Bob@example.org"

// loaded is a configuration with these sources.
func loaded(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "presenced.toml")
	text = "[component]\ndomain = \"presence.example.org\"\nsecret = \"x\"\nhosts = [\"example.org\"]\n" + text
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := config.Load(path, config.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// people is a directory in which alice has an address, and bob none.
func people(t *testing.T) *directory.Book {
	t.Helper()
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte("jid,email\n"+alice+",A.Adams@corp.example\n"+bob+",\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	book, err := directory.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func of(t *testing.T, c *config.Config, book *directory.Book) []polling.Site {
	t.Helper()
	all, err := Of(c, func() *directory.Book { return book })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func exchangeWith(more string) string {
	return "[directory]\nfile = \"/none.csv\"\n[[calendar.sources]]\nname = \"a\"\nkind = \"ews\"\nurl = \"https://mail.example.org/EWS/Exchange.asmx\"\nusername = \"u\"\npassword = \"p\"\n" + more
}

func TestOf_MailboxesByTheDirectoryOrAPattern(t *testing.T) {
	book := people(t)
	for _, c := range []struct{ more, alice, bob string }{
		{"", "A.Adams@corp.example", "Bob@example.org"},
		{`mailbox = "{email}"`, "A.Adams@corp.example", ""},
		{`mailbox = "{jid}"`, "alice@example.org", "Bob@example.org"},
		{`mailbox = "{user}@corp.example"`, "alice@corp.example", "Bob@corp.example"},
		{`users = ["alice@example.org"]`, "A.Adams@corp.example", ""},
		{`users = ["bob@example.org", "*"]`, "A.Adams@corp.example", "Bob@example.org"},
	} {
		site := of(t, loaded(t, exchangeWith(c.more)), book)[0]
		for user, want := range map[string]string{alice: c.alice, bob: c.bob} {
			box, ok := site.Mailbox(presence.MustAddr(user), user)
			if ok != (want != "") || ok && box.Address != want {
				t.Errorf("with %s %s is at %q (%v), want %q", c.more, user, box.Address, ok, want)
			}
		}
	}
	site := of(t, loaded(t, "[[calendar.sources]]\nname = \"a\"\nkind = \"ics\"\nurl = \"/srv/{user}.ics\"\n"), book)[0]
	if box, ok := site.Mailbox(presence.MustAddr(alice), alice); !ok || box.Address != "/srv/{user}.ics" {
		t.Errorf("a file is at %q (%v), want the template", box.Address, ok)
	}
}

// A changed secret or authority makes another source, a changed place in the file
// does not.
func TestOf_VersionsTellChangesApart(t *testing.T) {
	version := func(more string) string { return of(t, loaded(t, exchangeWith(more)), nil)[0].Version }
	same := version("")
	if version("") != same {
		t.Error("the same source has another version")
	}
	seen := map[string]string{same: "nothing"}
	for _, more := range []string{`auth = "basic"`, `batch = 5`, `in_flight = 2`, `mailbox = "{jid}"`, `automatic_replies = "note"`, `users = ["example.org"]`, `impersonate = "*"`} {
		v := version(more)
		if was, known := seen[v]; known {
			t.Errorf("with %s the version is that with %s", more, was)
		}
		seen[v] = more
	}
	a, b := loaded(t, exchangeWith("")), loaded(t, exchangeWith(""))
	b.Calendar.Sources[0].Password = config.NewSecret("other")
	if of(t, a, nil)[0].Version == of(t, b, nil)[0].Version {
		t.Error("with another password the version is the same")
	}
}

func TestOpen_EveryKindWithItsBatch(t *testing.T) {
	key := `{"type":"service_account","client_email":"a@b","private_key":"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}`
	c := loaded(t, exchangeWith("")+"[[calendar.sources]]\nname = \"b\"\nkind = \"graph\"\ntenant = \"t\"\nusername = \"u\"\npassword = \"p\"\n"+
		"[[calendar.sources]]\nname = \"c\"\nkind = \"google\"\nkey = '''"+key+"'''\n"+
		"[[calendar.sources]]\nname = \"d\"\nkind = \"google\"\nsubject = \"*\"\nin_flight = 3\nkey = '''"+key+"'''\n"+
		"[[calendar.sources]]\nname = \"e\"\nkind = \"caldav\"\nurl = \"https://dav.example.org/{user}/\"\n"+
		"[[calendar.sources]]\nname = \"f\"\nkind = \"graph\"\ntenant = \"t\"\nbatch = 7\nusername = \"u\"\npassword = \"p\"\n")
	var got []string
	for _, s := range of(t, c, nil) {
		got = append(got, fmt.Sprintf("%s %d", s.Name, s.Source.Batch()))
	}
	if text := strings.Join(got, ", "); text != "a 100, b 20, c 50, d 3, e 1, f 7" {
		t.Errorf("batches are %s", text)
	}
}

func TestOf_SaysWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(file, []byte("tops3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		exchangeWith("ca_file = \"" + file + "\""):                                                                                                        "calendar.sources[0]: ca_file = \"" + file + "\" holds no certificate: write",
		"[[calendar.sources]]\nname = \"c\"\nkind = \"google\"\nkey_file = \"" + file + "\"\n":                                                            "download the key of the service account",
		"[[calendar.sources]]\nname = \"c\"\nkind = \"caldav\"\nurl = \"https://{user}.example.org/\"\n":                                                  "put {user} or {jid} into the path",
		"[[calendar.sources]]\nname = \"c\"\nkind = \"graph\"\ntenant = \"t\"\nusername = \"u\"\npassword = \"p\"\nurl = \"https://graph.example.org\"\n": "write its login URL",
	} {
		_, err := Of(loaded(t, text), func() *directory.Book { return nil })
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "tops3cret") {
			t.Errorf("%s\ngives %v, want %q", text, err, want)
		}
	}
}
