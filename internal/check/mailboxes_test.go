package check

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presenced/config"
	"presenced/internal/testbed/calendars"
)

const she = "alice@example.localhost"

// meeting is a mailbox with one.
func meeting() calendars.Mailbox {
	now := time.Now()
	return calendars.Mailbox{Events: []calendars.Event{{Start: now, End: now.Add(time.Hour), Kind: "busy", Subject: "tops3cret"}}}
}

// trusted is the line that trusts a fake's certificate; empty without one.
func trusted(t *testing.T, server interface{ Certificate() *x509.Certificate }) string {
	t.Helper()
	cert := server.Certificate()
	if cert == nil {
		return ""
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("ca_file = %q\n", path)
}

func exchangeOf(t *testing.T, o calendars.Options, spoil func(*calendars.Exchange)) string {
	t.Helper()
	e, err := calendars.NewExchange(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	e.Put(she, meeting())
	spoil(e)
	more := fmt.Sprintf("auth = %q\nusername = %q\npassword = \"pa55-Exchange!\"\n", e.Auth, e.Username) + trusted(t, e)
	if e.Auth == calendars.OAuth {
		more += fmt.Sprintf("token_url = %q\nscope = \"x\"\nimpersonate = %q\n", e.URL+"/token", she)
	}
	return sourceOf("ews", e.URL+"/EWS/Exchange.asmx", more)
}

func graphOf(t *testing.T, o calendars.Options, spoil func(*calendars.Graph)) string {
	t.Helper()
	g, err := calendars.NewGraph(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	g.Put(she, meeting())
	spoil(g)
	return sourceOf("graph", g.URL, fmt.Sprintf("login_url = %q\ntenant = \"contoso.example\"\nusername = \"0f6cfb6a-app\"\npassword = \"s3cret~Graph\"\n", g.URL)+trusted(t, g))
}

func googleOf(t *testing.T, o calendars.Options, more string, spoil func(*calendars.Google)) string {
	t.Helper()
	g, err := calendars.NewGoogle(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	g.Put(she, meeting())
	spoil(g)
	key, err := g.KeyFile()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, key, 0o600); err != nil {
		t.Fatal(err)
	}
	return sourceOf("google", g.URL, fmt.Sprintf("key_file = %q\n", path)+trusted(t, g)+more)
}

// TestCalendars_TellsTheTroublesOfServersForManyApart: each in one sentence, with
// what to do, whichever of the three it is.
func TestCalendars_TellsTheTroublesOfServersForManyApart(t *testing.T) {
	expired, other, tls := calendars.Options{Expired: true}, calendars.Options{WrongName: true}, calendars.Options{TLS: true}
	login := calendars.Fault{Trouble: calendars.Login}
	ex := func(o calendars.Options, spoil func(*calendars.Exchange)) func(*testing.T) string {
		return func(t *testing.T) string { return exchangeOf(t, o, spoil) }
	}
	gr := func(o calendars.Options, spoil func(*calendars.Graph)) func(*testing.T) string {
		return func(t *testing.T) string { return graphOf(t, o, spoil) }
	}
	gg := func(o calendars.Options, more string, spoil func(*calendars.Google)) func(*testing.T) string {
		return func(t *testing.T) string { return googleOf(t, o, more, spoil) }
	}
	const moved, page = "is at another server, or on its way to one: ", ": a login page came instead of data, with status 200"
	for name, c := range map[string]struct {
		source func(*testing.T) string
		result Result
		found  string
		do     string
	}{
		"exchange, well": {ex(tls, func(*calendars.Exchange) {}), OK, "signed in, and the calendar of " + she + " can be read: 1 event up to", ""},
		"exchange, NTLM": {ex(tls, func(e *calendars.Exchange) { e.Auth = calendars.NTLM }), OK, "signed in, and the calendar of " + she, ""},
		"exchange, OAuth": {ex(tls, func(e *calendars.Exchange) {
			e.Auth, e.NeedImpersonation = calendars.OAuth, true
		}), OK, "signed in, and the calendar of " + she, ""},
		"exchange, other scheme": {ex(tls, func(e *calendars.Exchange) {
			e.Play(calendars.Fault{Path: "/EWS/", Status: 401, Header: map[string]string{"WWW-Authenticate": "Negotiate"}})
		}), Fail, "the sign-in failed", "set auth to one of these"},
		"exchange, moved": {ex(tls, func(e *calendars.Exchange) {
			e.Put(she, calendars.Mailbox{Error: "ErrorMailboxMoveInProgress"})
		}), Fail, moved + "exchange says ErrorMailboxMoveInProgress", "being moved; wait"},
		"exchange, blocked": {ex(tls, func(e *calendars.Exchange) { e.Play(calendars.Fault{Status: 403}) }), Fail, "the server blocks this account, although it knows it: ", "kind graph"},
		"exchange, no right": {ex(tls, func(e *calendars.Exchange) {
			e.Put(she, calendars.Mailbox{Error: "ErrorNoFreeBusyAccess"})
		}), Fail, "no right to the calendar of " + she, "let the account see"},
		"exchange, expired":    {ex(expired, func(*calendars.Exchange) {}), Fail, "TLS: 127.0.0.1: its certificate is not valid today", "renew it"},
		"exchange, other name": {ex(other, func(*calendars.Exchange) {}), Fail, "TLS: 127.0.0.1: its certificate is for another name", "use mail.elsewhere.example"},
		"exchange, page":       {ex(tls, func(e *calendars.Exchange) { e.Play(login) }), Fail, page, "without pre-authentication"},
		"exchange, to a login": {ex(tls, func(e *calendars.Exchange) {
			e.Play(calendars.Fault{Status: 302, Header: map[string]string{"Location": "https://adfs.corp.example/adfs/ls/?wa=wsignin1.0"}})
		}), Fail, "it redirects to a login page at adfs.corp.example", "without pre-authentication"},
		"exchange, elsewhere": {ex(tls, func(e *calendars.Exchange) {
			e.Play(calendars.Fault{Status: 302, Header: map[string]string{"Location": "https://mail2.corp.example/EWS/Exchange.asmx"}})
		}), Fail, "the server is not at that url: 127.0.0.1", "give the address there"},
		"exchange, wrong path": {ex(tls, func(e *calendars.Exchange) { e.Play(calendars.Fault{Status: 404}) }), Fail, "the server is not at that url: 127.0.0.1", "/EWS/Exchange.asmx"},
		"exchange, password":   {ex(tls, func(e *calendars.Exchange) { e.Password = "changed" }), Fail, "the sign-in failed", "user name"},

		"graph, well":        {gr(tls, func(*calendars.Graph) {}), OK, "signed in, and the calendar of " + she, ""},
		"graph, moved":       {gr(tls, func(g *calendars.Graph) { g.Put(she, calendars.Mailbox{Moved: "x@y"}) }), Fail, moved, "give it to a source of kind ews"},
		"graph, blocked":     {gr(tls, func(g *calendars.Graph) { g.Blocked = map[string]bool{she: true} }), Fail, "the tenant blocks this application, although it knows it: ", "add it to the policy's group"},
		"graph, no access":   {gr(tls, func(g *calendars.Graph) { g.Play(policy("AADSTS53003")) }), Fail, "the tenant blocks this application, although it knows it: ", "conditional access policy"},
		"graph, no consent":  {gr(tls, func(g *calendars.Graph) { g.Play(policy("AADSTS65001")) }), Fail, "the tenant blocks this application, although it knows it: ", "as an administrator"},
		"graph, expired":     {gr(expired, func(*calendars.Graph) {}), Fail, "its certificate is not valid today", "renew it"},
		"graph, page":        {gr(tls, func(g *calendars.Graph) { g.Play(calendars.Fault{Path: "/v1.0/", Trouble: calendars.Login}) }), Fail, page, "let this machine past it"},
		"graph, token page":  {gr(tls, func(g *calendars.Graph) { g.Play(login) }), Fail, page, "see the token URL"},
		"graph, secret":      {gr(tls, func(g *calendars.Graph) { g.Secret = "changed" }), Fail, "the sign-in failed", "give its value, not its id"},
		"google, well":       {gg(tls, "", func(*calendars.Google) {}), OK, "signed in, and the calendar of " + she, ""},
		"google, not there":  {gg(tls, "", func(g *calendars.Google) { g.Drop(she) }), Warn, "no calendar of " + she, "shared with the service account"},
		"google, blocked":    {gg(tls, "", func(g *calendars.Google) { g.Play(calendars.GoogleError(403, "accessNotConfigured")) }), Fail, "Google blocks this account, although it knows it: ", "enable the Google Calendar API"},
		"google, expired":    {gg(expired, "", func(*calendars.Google) {}), Fail, "its certificate is not valid today", "renew it"},
		"google, page":       {gg(tls, "", func(g *calendars.Google) { g.Play(calendars.Fault{Path: "/calendar/", Trouble: calendars.Login}) }), Fail, page, "let this machine past it"},
		"google, delegation": {gg(tls, "subject = \"*\"\n", func(g *calendars.Google) { g.Delegated = map[string]bool{} }), Fail, "the sign-in failed", "domain-wide delegation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := looked(t, c.source(t))
			k.calendars(t.Context())
			steps := k.steps("calendar groupware")
			told := 0
			for _, s := range steps {
				if s.Result != OK {
					told++
				}
				if strings.HasPrefix(s.Found, "signed in, and") || s.Result != OK {
					if s.Result != c.result || !strings.Contains(s.Found, c.found) || !strings.Contains(s.Do, c.do) || strings.Contains(s.Found, "\n") {
						t.Errorf("got %s %q -> %q; want %s %q -> %q", s.Result, s.Found, s.Do, c.result, c.found, c.do)
					}
				}
			}
			if want := map[Result]int{OK: 0, Warn: 1, Fail: 1}[c.result]; told != want {
				t.Errorf("%d steps tell of trouble, want %d: %+v", told, want, steps)
			}
			for _, secret := range []string{"tops3cret", "pa55-Exchange!", "s3cret~Graph", "PRIVATE KEY"} {
				if strings.Contains(fmt.Sprintf("%+v", k.Report), secret) {
					t.Errorf("%q is shown: %+v", secret, k.Report)
				}
			}
		})
	}
}

// policy is a refusal of Microsoft's identity platform.
func policy(code string) calendars.Fault {
	return calendars.Fault{Path: "/contoso.example/", Status: 400, Header: map[string]string{"Content-Type": "application/json"},
		Body: `{"error":"invalid_grant","error_description":"` + code + `: as documented"}`}
}

func TestCalendars_TriesManyMailboxesAtOnce(t *testing.T) {
	var users []string
	text := exchangeOf(t, calendars.Options{}, func(e *calendars.Exchange) {
		for i := range 12 {
			user := fmt.Sprintf("u%02d@example.localhost", i)
			users = append(users, user)
			box := meeting()
			if i%2 == 1 {
				box.Error = "ErrorNoFreeBusyAccess"
			}
			box.Reply = &calendars.Reply{Internal: "away"}
			e.Put(user, box)
		}
	})
	text = strings.Replace(text, "users = [\"alice@example.localhost\"]", "users = [\"example.localhost\"]\nautomatic_replies = \"period\"", 1)
	k := looked(t, text)
	k.walk(t.Context(), "x", &k.config.Calendar.Sources[0], users)
	var fails []string
	good, replies := false, false
	for _, s := range k.steps("x") {
		good = good || strings.Contains(s.Found, "of 12 mailboxes that were tried 6 can be read")
		replies = replies || strings.Contains(s.Found, "automatic replies can be asked for: 6 of")
		if s.Result != OK && strings.Contains(s.Found, "u0") || strings.Contains(s.Found, "cannot be read") {
			fails = append(fails, s.Found)
		}
	}
	if !good || !replies || len(fails) != maxTold+1 || !strings.Contains(fails[0], "u01@example.localhost") ||
		!strings.Contains(fails[maxTold], "6 of the 12 mailboxes that were tried cannot be read") {
		t.Errorf("told: %q in %+v", fails, k.Report)
	}
}

func TestCalendars_FollowsAutodiscover(t *testing.T) {
	k := looked(t, "[[calendar.sources]]\nname = \"found\"\nkind = \"ews\"\ndiscover_as = \"presenced@nowhere.invalid\"\nusername = \"x\"\npassword = \"tops3cret\"\n")
	k.calendars(t.Context())
	s := k.step(t, "calendar found")
	if s.Result != Fail || !strings.Contains(s.Found, "autodiscover found no server for nowhere.invalid") ||
		!strings.Contains(s.Found, "\nasked https://autodiscover.nowhere.invalid/") || !strings.Contains(s.Do, "url of Exchange Web Services") {
		t.Errorf("got %+v", s)
	}
}

func TestCalendars_AutodiscoverLeadsToTheServer(t *testing.T) {
	k := looked(t, exchangeOf(t, calendars.Options{TLS: true}, func(*calendars.Exchange) {}))
	s := &k.config.Calendar.Sources[0]
	where := s.URL.Reveal()
	s.DiscoverAs = "presenced@" + strings.TrimSuffix(strings.TrimPrefix(where, "https://"), "/EWS/Exchange.asmx")
	s.URL = config.SecretURL{}
	k.calendars(t.Context())
	steps := k.steps("calendar groupware")
	if len(steps) != 5 || !strings.Contains(steps[0].Found, "autodiscover leads to "+where+"\nasked https://") || !strings.Contains(steps[3].Found, "can be read: 1 event up to") {
		t.Errorf("got %+v", steps)
	}
}

func TestCalendars_ASourceThatCannotBeMadeIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, []byte(`{"type":"authorized_user","private_key":"tops3cret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	k := looked(t, "[[calendar.sources]]\nname = \"g\"\nkind = \"google\"\nkey_file = \""+path+"\"\n")
	k.calendars(t.Context())
	if s := k.step(t, "calendar g"); s.Result != Fail || !strings.Contains(s.Found, "not of a service account") || strings.Contains(s.Found, "tops3cret") {
		t.Errorf("got %+v", s)
	}
}

func TestCalendars_TriesTheAddressOfNotices(t *testing.T) {
	roots := x509.NewCertPool()
	answer := func(status int, echo bool) string {
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(status)
			if echo {
				_, _ = w.Write([]byte(r.URL.Query().Get("validationToken")))
			}
		}))
		t.Cleanup(s.Close)
		roots.AddCert(s.Certificate())
		return s.URL + "/v1/notices/graph"
	}
	for _, c := range []struct {
		where  string
		result Result
		found  string
	}{
		{answer(200, true), OK, "this daemon answers"},
		{answer(200, false), Warn, "something else than this daemon answers"},
		{answer(404, true), Warn, "status 404"},
	} {
		k := &checker{}
		k.notices(t.Context(), "x", c.where, roots)
		if s := k.step(t, "x"); s.Result != c.result || !strings.Contains(s.Found, c.found) {
			t.Errorf("got %+v, want %s with %q", s, c.result, c.found)
		}
	}
}
