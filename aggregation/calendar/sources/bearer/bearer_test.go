package bearer

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/outbound"
	"presenced/internal/testbed/calendars"
)

func key(t *testing.T, g *calendars.Google) Key {
	t.Helper()
	raw, err := g.KeyFile()
	if err != nil {
		t.Fatal(err)
	}
	k, err := ParseKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func google(t *testing.T) (*calendars.Google, *outbound.Client) {
	t.Helper()
	g, err := calendars.NewGoogle(calendars.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	g.Put("a", calendars.Mailbox{})
	client := outbound.New(outbound.Options{Anywhere: true, Timeout: 2 * time.Second})
	t.Cleanup(client.Close)
	return g, client
}

func TestDo_OneRenewalForAllWhoWait(t *testing.T) {
	g, client := google(t)
	tokens := ServiceAccount(client, key(t, g), "", "scope-a", "scope-b")
	ask := func() {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				resp, err := tokens.Do(t.Context(), outbound.Request{URL: g.URL + "/gmail/v1/users/me/settings/vacation"})
				if err != nil || resp.Status != http.StatusOK {
					t.Errorf("got %v, %v", resp, err)
				}
			})
		}
		all.Wait()
	}
	ask()
	if got := g.Issued(); got != 1 {
		t.Errorf("%d tokens for 8 requests at once", got)
	}
	if got := g.Scope(); got != "scope-a scope-b" {
		t.Errorf("asked for %q", got)
	}
	g.ExpireAll()
	ask()
	if got := g.Issued(); got != 2 {
		t.Errorf("%d tokens, want one renewal", got)
	}
}

func TestServiceAccount_RefusalsAreToldApart(t *testing.T) {
	tests := []struct {
		name   string
		set    func(g *calendars.Google, k *Key)
		sub    string
		remedy string
	}{
		{"our clock is behind", func(g *calendars.Google, _ *Key) { g.Skew = 2 * time.Hour }, "", "clock"},
		{"our clock is ahead", func(g *calendars.Google, _ *Key) { g.Skew = -time.Hour }, "", "clock"},
		{"no delegation", func(g *calendars.Google, _ *Key) { g.Delegated = map[string]bool{} }, "alice@corp.example", "domain-wide delegation"},
		{"a deleted account", func(_ *calendars.Google, k *Key) { k.Email = "gone@project.example" }, "", "deleted"},
	}
	for _, tt := range tests {
		g, client := google(t)
		k := key(t, g)
		tt.set(g, &k)
		_, err := ServiceAccount(client, k, tt.sub, "s").Do(t.Context(), outbound.Request{URL: g.URL + "/calendar/v3/calendars/a/events"})
		f, ok := err.(*sources.Fault)
		if !ok || f.Kind != sources.Unauthorized || !strings.Contains(f.Remedy, tt.remedy) {
			t.Errorf("%s: got %v: %+v", tt.name, err, f)
			continue
		}
		if text := fmt.Sprintf("%v %+v", f, *f); strings.Contains(text, k.PrivateKey[60:90]) {
			t.Errorf("%s: the key is in %s", tt.name, text)
		}
	}
}

func TestGet_ObeysTheContext(t *testing.T) {
	g, client := google(t)
	g.Play(calendars.Fault{Path: "/token", Trouble: calendars.Hang})
	tokens := ServiceAccount(client, key(t, g), "", "s")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	var all sync.WaitGroup
	for range 3 { // one asks, two wait for it
		all.Go(func() {
			if _, err := tokens.Do(ctx, outbound.Request{URL: g.URL}); err == nil {
				t.Error("no token, and no error")
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > 1900*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

func TestParseKey_SaysWhatIsWrong(t *testing.T) {
	for name, file := range map[string]string{
		"nothing":           "",
		"not JSON":          "-----BEGIN PRIVATE KEY-----",
		"a client's":        `{"installed":{"client_id":"x"}}`,
		"another type":      `{"type":"authorized_user","client_email":"a","private_key":"s3cret"}`,
		"no key":            `{"type":"service_account","client_email":"a"}`,
		"a key that is not": `{"type":"service_account","client_email":"a","private_key":"s3cret"}`,
	} {
		if _, err := ParseKey([]byte(file)); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
