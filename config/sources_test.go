package config

import (
	"strings"
	"testing"
)

// sourceLines are minimal with one source, whose kind is well with keys.
func sourceLines(kind, more string) string {
	good := map[string]string{
		"ews":    "url = \"https://mail.example.org/EWS/Exchange.asmx\"\nusername = 'CORP\\presenced'\npassword = \"tops3cret\"\n",
		"graph":  "tenant = \"example.onmicrosoft.com\"\nusername = \"0f6c\"\npassword = \"tops3cret\"\n",
		"google": "key = \"tops3cret\"\n",
		"caldav": "url = \"https://dav.example.org/{user}/\"\n",
	}[kind]
	var kept []string // what more sets stands there once
	for line := range strings.Lines(good) {
		name, _, _ := strings.Cut(line, " ")
		if !strings.Contains("\n"+more, "\n"+name+" ") {
			kept = append(kept, line)
		}
	}
	return minimal + "[[calendar.sources]]\nname = \"a\"\nkind = \"" + kind + "\"\n" + strings.Join(kept, "") + more + "\n"
}

func TestSources_EachKindIsWellWithFewKeys(t *testing.T) {
	for _, c := range []struct{ kind, more string }{
		{"ews", ""}, {"graph", ""}, {"google", ""}, {"caldav", "in_flight = 2\nca_file = \"/ca.pem\""},
		{"ews", "url = \"\"\ndiscover_as = \"presenced@example.org\"\ntrust = [\"mail.example.net\"]\nbatch = 100"},
		{"ews", "auth = \"basic\"\nurl = \"http://127.0.0.1:8080/EWS\"\nimpersonate = \"*\"\nautomatic_replies = \"note\""},
		{"ews", "auth = \"oauth\"\ntoken_url = \"https://adfs.example.org/token\"\nscope = \"https://mail.example.org/.default\""},
		{"ews", "mailbox = \"{user}@corp.example\"\nca_file = \"/ca.pem\"\nin_flight = 4"},
		{"graph", "url = \"https://graph.microsoft.us\"\nas = \"presenced@corp.example\"\nmailbox = \"{jid}\"\nlogin_url = \"http://localhost\""},
		{"google", "subject = \"*\"\nevents = true\nautomatic_replies = \"period\""},
	} {
		text := sourceLines(c.kind, c.more)
		conf, warnings, err := parse(text, Overrides{}, map[string]string{"/ca.pem": "pem"})
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s\n%v %v", text, err, warnings)
			continue
		}
		if inert := conf.Inert(); inert != nil {
			t.Errorf("%s\nnothing acts on %v", text, inert)
		}
	}
}

// Each source has one mistake, which is told once, with what to write and without
// the secret.
func TestSources_OneMistake(t *testing.T) {
	for _, c := range []struct{ kind, more, want string }{
		{"ews", `url = ""`, "url: is missing; write url = \"https://mail.example.org/EWS/Exchange.asmx\", or discover_as"},
		{"ews", `username = ""`, "username: is missing"},
		{"ews", `password = ""`, "password: is missing; name a file that holds it with password_file"},
		{"ews", `auth = "kerberos"`, "not a value of this key"},
		{"ews", "auth = \"oauth\"\nscope = \"s\"", `token_url: is missing beside auth = "oauth"; write token_url = `},
		{"ews", "auth = \"oauth\"\ntoken_url = \"https://t.example\"", `scope: is missing beside auth`},
		{"ews", "auth = \"oauth\"\nscope = \"s\"\ntoken_url = \"http://t.example\"", "is not encrypted, and a secret is sent there"},
		{"ews", "auth = \"basic\"\nurl = \"http://mail.example.org/EWS\"", "is not encrypted"},
		{"ews", `url = "https://mail.example.org/{user}"`, "holds a placeholder, but the server is the same for everybody"},
		{"ews", `mailbox = "presenced@example.org"`, "not an address for each user"},
		{"ews", `mailbox = "{user}"`, "not an address for each user"},
		{"ews", `mailbox = "{jid}@example.org"`, "not an address for each user"},
		{"ews", `mailbox = "{email}"`, "names the address in directory.file, which is not set"},
		{"ews", `impersonate = "all"`, "not an address"},
		{"ews", "url = \"\"\ndiscover_as = \"example.org\"", "not an address"},
		{"ews", `batch = 101`, "is too large; write 0 to 100"},
		{"ews", `in_flight = 33`, "is too large"},
		{"ews", `ca_file = "/none.pem"`, "there is no such file; write the authorities into it, in PEM"},
		{"ews", `automatic_replies = "on"`, "not a value of this key"},
		{"graph", `tenant = ""`, `tenant: is missing beside kind = "graph"; write tenant = `},
		{"graph", `username = ""`, "write the id of the application"},
		{"graph", `url = "http://graph.example.org"`, "is not encrypted"},
		{"graph", `notify_url = "http://p.example.org/x"`, "not an address Microsoft calls"},
		{"graph", "notify_url = \"https://p.example.org/x\"\n[http]\nlisten = \"\"", "leads nowhere while http.listen is empty"},
		{"google", `key = ""`, "key: is missing; write key_file"},
		{"google", `batch = 51`, "Google takes 50 calendars"},
		{"google", `automatic_replies = "note"`, "needs to stand for each user"},
		{"google", `subject = "all"`, "not an address"},
	} {
		text := sourceLines(c.kind, c.more)
		got := lines(text, Overrides{})
		if len(got) != 1 || !strings.Contains(got[0], c.want) {
			t.Errorf("%s\n\tgives %q\n\twant %q", text, got, c.want)
		}
		if strings.Contains(strings.Join(got, ""), "tops3cret") {
			t.Errorf("%s\n\ttells the secret: %q", text, got)
		}
	}
}

func TestSources_WarnOfKeysOfOtherKinds(t *testing.T) {
	for _, c := range []struct {
		kind, more string
		want       []string
	}{
		{"caldav", "auth = \"ntlm\"", []string{"auth: has no effect with kind caldav; leave it out; it is of kind ews"}},
		{"google", "scope = \"x\"\ntenant = \"y\"", []string{"scope: has no effect with kind google", "tenant: has no effect with kind google"}},
		{"google", "username = \"y\"", []string{"username: has no effect with kind google"}},
		{"graph", "events = true", []string{"events: has no effect with kind graph; leave it out; it is of kind google"}},
	} {
		_, warnings, err := parse(sourceLines(c.kind, c.more), Overrides{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range warnings {
			got = append(got, w.String())
		}
		for _, want := range c.want {
			if len(got) != len(c.want) || !strings.Contains(strings.Join(got, "\n"), want) {
				t.Errorf("%s with %s: warned %q, want %q", c.kind, c.more, got, c.want)
			}
		}
	}
}
