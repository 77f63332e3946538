package check

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presenced/config"
	"presenced/internal/admin"
	"presenced/internal/store/boltstore"
	"presenced/internal/testbed"
)

// write puts a configuration for a server into a directory of its own and
// returns the file.
func write(t *testing.T, address, secret, extra string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "presenced.toml")
	text := fmt.Sprintf(`[store]
path = %q
[http]
listen = ""
[admin]
socket = %q
[component]
domain = "presence.example.localhost"
address = %q
secret = %q
hosts = ["example.localhost"]
%s`, filepath.Join(dir, "store"), filepath.Join(dir, "admin.sock"), address, secret, extra)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func fake(t *testing.T, o testbed.ComponentOptions) *testbed.ComponentServer {
	t.Helper()
	s, err := testbed.NewComponentServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// step returns the one step of that name.
func (r *Report) step(t *testing.T, name string) Step {
	t.Helper()
	for _, s := range r.Steps {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no step %q in %+v", name, r.Steps)
	return Step{}
}

func TestCheck_FindsWhatTheServerGrants(t *testing.T) {
	for _, c := range []struct {
		name    string
		dialect testbed.Dialect
		result  Result
		found   string
		paste   bool
	}{
		{"privileged", testbed.ProsodyDialect, OK, "presence and rosters are read", false},
		{"first version", testbed.EjabberdDialect, OK, "asked for a subscription", false},
		{"plain", testbed.PlainServer, Warn, "it announces no privilege", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, testbed.ComponentOptions{Dialect: c.dialect})
			r := Run(t.Context(), Options{Config: write(t, s.Addr, "s3cret", "")})
			host := r.step(t, "host example.localhost")
			if host.Result != c.result || !strings.Contains(host.Found, c.found) || (len(host.Snippets) > 0) != c.paste {
				t.Errorf("host: %+v, want %s with %q, lines to paste: %t", host, c.result, c.found, c.paste)
			}
			if link := r.step(t, "link"); link.Result != OK {
				t.Errorf("link: %+v", link)
			}
			if r.Failed != 0 {
				t.Errorf("%d steps failed: %+v", r.Failed, r.Steps)
			}
		})
	}
}

func TestCheck_TellsWhyTheServerRefuses(t *testing.T) {
	for _, c := range []struct {
		fault  testbed.AttachFault
		secret string
		do     string
	}{
		{testbed.NoFault, "wrong", "the secret is wrong"},
		{testbed.HostUnknown, "s3cret", "does not know component.domain"},
		{testbed.Conflict, "s3cret", "another program holds this name"},
		{testbed.ResetHandshake, "s3cret", "see the server's log"},
	} {
		t.Run(string(c.fault)+c.secret, func(t *testing.T) {
			s := fake(t, testbed.ComponentOptions{Attach: testbed.Always(c.fault)})
			r := Run(t.Context(), Options{Config: write(t, s.Addr, c.secret, "")})
			link := r.step(t, "link")
			if link.Result != Fail || !strings.Contains(link.Do, c.do) {
				t.Errorf("link: %+v, want a failure that says %q", link, c.do)
			}
		})
	}
}

// TestCheck_NamesTheKeyOfAnotherPort: where clients or browsers are answered, it is
// the address that is wrong, not the server.
func TestCheck_NamesTheKeyOfAnotherPort(t *testing.T) {
	for _, said := range []string{
		"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='x'>",
		"HTTP/1.1 400 Bad Request\r\n\r\n",
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = io.WriteString(c, said)
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			}
		}()
		r := Run(t.Context(), Options{Config: write(t, l.Addr().String(), "s3cret", "")})
		if link := r.step(t, "link"); link.Result != Fail || !strings.Contains(link.Do, "component.address") {
			t.Errorf("%.20s: %+v, want that component.address is named", said, link)
		}
	}
}

func TestCheck_NobodyListens(t *testing.T) {
	s := fake(t, testbed.ComponentOptions{})
	if err := s.Refuse(); err != nil {
		t.Fatal(err)
	}
	r := Run(t.Context(), Options{Config: write(t, s.Addr, "s3cret", "")})
	if server := r.step(t, "server"); server.Result != Fail || len(server.Snippets) != 2 {
		t.Errorf("server: %+v, want a failure with the lines for both servers", server)
	}
}

func TestCheck_UnusableConfigurationEndsItWithEveryProblem(t *testing.T) {
	r := Run(t.Context(), Options{Config: write(t, "127.0.0.1:5347", "x", "[presence]\nidle_after = \"x\"\nlanguage = \"xx\"\n")})
	step := r.step(t, "configuration")
	if !r.Unusable || r.Failed != 1 || len(r.Steps) != 1 || strings.Count(step.Found, "\n") != 1 {
		t.Errorf("got %+v, want one failed step with two lines", r)
	}
}

func TestCheck_NeverMakesAStoreNorAttachesBesideAHeldOne(t *testing.T) {
	s := fake(t, testbed.ComponentOptions{})
	file := write(t, s.Addr, "s3cret", "")
	store := filepath.Join(filepath.Dir(file), "store")
	Run(t.Context(), Options{Config: file})
	if _, err := os.Stat(store); err == nil {
		t.Error("the check made the store")
	}
	before := s.Connections()
	held, err := boltstore.Open(boltstore.Options{Dir: store})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close(t.Context()) }()
	r := Run(t.Context(), Options{Config: file})
	if step := r.step(t, "store"); step.Result != Fail || !strings.Contains(step.Do, "--socket") {
		t.Errorf("store: %+v, want a failure that names --socket", step)
	}
	if step := r.step(t, "link"); step.Result != Warn {
		t.Errorf("link: %+v, want a warning that it was not looked at", step)
	}
	if after := s.Connections(); after > before+1 { // the port was tried, nothing said
		t.Errorf("%d new connections beside a held store", after-before)
	}
}

func TestCheck_PrivacyNotices(t *testing.T) {
	s := fake(t, testbed.ComponentOptions{})
	r := Run(t.Context(), Options{Config: write(t, s.Addr, "s3cret", "[privacy]\noffline_details = \"all\"\nserver_lists = \"require\"\n")})
	for name, want := range map[string]string{
		"lists": "known once a daemon is attached", "offline": "a block can be told", "raw presence": "native contacts",
	} {
		if step := r.step(t, name); step.Result != Warn || !strings.Contains(step.Found, want) || step.Do == "" {
			t.Errorf("%s: %+v, want a warning with %q and a remedy", name, step, want)
		}
	}
}

func TestLists_AreToldPerHost(t *testing.T) {
	for _, c := range []struct {
		host    admin.Host
		require bool
		want    Result
		words   string
	}{
		{admin.Host{Synced: true}, true, OK, "keeps no block"},
		{admin.Host{Synced: true, Block: true, Privacy: true}, true, OK, "read and obeyed"},
		{admin.Host{Synced: true, Block: true, Hidden: true}, false, Warn, "containers alone decide"},
		{admin.Host{Synced: true, Hidden: true}, true, Fail, "shown to nobody"},
		{admin.Host{}, true, Warn, "not been heard"},
	} {
		k := checker{config: config.Default(), status: &admin.Status{Hosts: []admin.Host{c.host}}}
		if c.require {
			k.config.Privacy.ServerLists = "require"
		}
		k.lists()
		if got := k.Steps[0]; got.Result != c.want || !strings.Contains(got.Found, c.words) {
			t.Errorf("%+v: %+v, want %s and %q", c.host, got, c.want, c.words)
		}
	}
}

func TestClock_YearsNobodyLivesIn(t *testing.T) {
	for year, want := range map[int]Result{1970: Fail, 2024: Fail, 2200: Fail} {
		var c checker
		c.clock(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		if got := c.Steps[0]; got.Result != want || got.Do == "" {
			t.Errorf("%d: %+v, want %s", year, got, want)
		}
	}
}

func TestReadiness_OfTheDaemonIsTold(t *testing.T) {
	for _, c := range []struct {
		status string
		want   Result
	}{{"degraded", Warn}, {"unready", Fail}} {
		k := checker{status: &admin.Status{Status: c.status, Reasons: []admin.Reason{{Name: "store", Remedy: "make room"}}}}
		k.readiness()
		if got := k.Steps[0]; got.Result != c.want || got.Do != "make room" {
			t.Errorf("%s: %+v, want %s", c.status, got, c.want)
		}
	}
}

func TestReport_ShowsEveryStepOnceAndNoSecret(t *testing.T) {
	s := fake(t, testbed.ComponentOptions{})
	r := Run(t.Context(), Options{Config: write(t, s.Addr, "tops3cret", ""), Overrides: config.Overrides{}})
	var text strings.Builder
	if err := r.Print(&text); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Steps {
		if !strings.Contains(text.String(), s.Name) {
			t.Errorf("the text lacks %s", s.Name)
		}
	}
	if both := text.String() + string(asJSON); strings.Contains(both, "tops3cret") {
		t.Errorf("the secret is shown:\n%s", both)
	}
	if n := strings.Count(text.String(), "VirtualHost \"example.localhost\""); n != 1 {
		t.Errorf("the lines for Prosody are there %d times:\n%s", n, text.String())
	}
	if sum := fmt.Sprintf("%d ok, %d to know, %d failed", r.Passed, r.Warned, r.Failed); !strings.Contains(text.String(), sum) {
		t.Errorf("the text lacks %q", sum)
	}
	if r.Passed+r.Warned+r.Failed != len(r.Steps) {
		t.Errorf("%d+%d+%d is not %d", r.Passed, r.Warned, r.Failed, len(r.Steps))
	}
}

// TestSnippets_SayWhatPublishingNeeds, and do not ask for it unasked: with it the
// component may write into everybody's personal eventing.
func TestSnippets_SayWhatPublishingNeeds(t *testing.T) {
	c := checker{config: config.Default()}
	c.config.Component.Domain, c.config.Component.Hosts = "presence.example.org", []string{"example.org"}
	said := false
	for line := range strings.Lines(c.snippets()[0].Text) {
		if !strings.Contains(line, `["http://jabber.org/protocol/pubsub"] = "set"`) {
			continue
		}
		if said = true; !strings.HasPrefix(strings.TrimSpace(line), "--") {
			t.Errorf("asked for unasked: %s", line)
		}
	}
	if !said {
		t.Error("what publishing needs is nowhere in the lines for Prosody")
	}
}

// TestSnippets_NameTheFileOfTheSecret, where it is in one, and where the lines go.
func TestSnippets_NameTheFileOfTheSecret(t *testing.T) {
	for file, want := range map[string]string{"": "the text of component.secret", "/etc/presenced/secret": "the text of /etc/presenced/secret"} {
		c := checker{config: config.Default()}
		c.config.Component.Domain, c.config.Component.SecretFile = "presence.example.org", file
		for _, s := range c.snippets() {
			if !strings.Contains(s.Text, want) {
				t.Errorf("want %q in\n%s", want, s.Text)
			}
		}
		if told := c.snippets()[1].Server; !strings.Contains(told, "include_config_file") {
			t.Errorf("a second \"listen:\" in one file breaks it, and nothing says so: %q", told)
		}
	}
}

func TestSnippets_PortAndInterfaceOnlyWhereTheyDiffer(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:5347":        "",
		"localhost:5347":        "",
		"127.0.0.1:5348":        "component_ports = { 5348 }\ncomponent_interfaces = { \"127.0.0.1\" }",
		"[::1]:5347":            "component_interfaces = { \"::1\" }",
		"xmpp.example.org:5347": "component_interfaces = { \"the address of xmpp.example.org\" }",
	} {
		c := checker{config: config.Default()}
		c.config.Component.Domain, c.config.Component.Address = "presence.example.org", address
		text := c.snippets()[0].Text
		if want == "" && strings.Contains(text, "component_ports") || !strings.Contains(text, want) {
			t.Errorf("%s: want %q in\n%s", address, want, text)
		}
	}
}
