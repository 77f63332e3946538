package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/internal/audit"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/token"
)

// quiet is a store that keeps nothing and acknowledges everything.
type quiet struct{ engine.Store }

func (quiet) Save(_ engine.Write, done func(error)) { done(nil) }

// audited runs a server with a trail.
func audited(t *testing.T, d *door, on *bool) *Client {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	trail := audit.Open(audit.Options{Dir: filepath.Join(t.TempDir(), "audit"), Retention: time.Hour, Log: log, Registerer: prometheus.NewRegistry()})
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(Options{
		Door: d, Ready: func() bool { return true }, Language: "en", Log: log, Trail: trail, Audited: func() bool { return *on },
		Status: func() Status { return Status{Domain: "presence.example.org"} },
		Tokens: token.New(token.Options{Store: quiet{}, Domain: presence.MustAddr("presence.example.org"), Log: log, Rate: 1, Burst: 1}),
	})
	s.Serve(l)
	t.Cleanup(func() {
		if err := errors.Join(s.Close(context.Background()), trail.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return NewClient(path)
}

// entries are what the client is told, in short.
func entries(t *testing.T, c *Client, user string, since time.Time) (out []string) {
	t.Helper()
	err := c.Audit(t.Context(), user, since, func(line []byte) error {
		var e audit.Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		if e.UID == nil || *e.UID != uint32(os.Getuid()) || e.Who != audit.Operator || e.Way != "admin" {
			t.Errorf("not the operator's: %s", line)
		}
		out = append(out, fmt.Sprintf("%s %s%s", e.What, e.User, e.Outcome))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return out
}

func TestAudit_WhatTheOperatorDoesIsTold(t *testing.T) {
	on := true
	d := &door{
		users: func() ([]engine.UserSummary, error) { return nil, nil },
		saved: []engine.Saved{{User: presence.MustAddr("alice@example.org").Key(), Docs: map[string][]byte{"enrol": []byte(`{}`)}}},
	}
	client := audited(t, d, &on)
	made, err := client.CreateToken(t.Context(), TokenRequest{As: "bob@example.org", Scopes: []token.Scope{token.Read}, ExpiresIn: 3600})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateToken(t.Context(), TokenRequest{As: "bob@example.org"}); err == nil {
		t.Error("a token without a life was made")
	}
	_, listed := client.Users(t.Context())
	_, status := client.Status(t.Context())
	none := func([]byte) error { return nil }
	if err := errors.Join(listed, status, client.Export(t.Context(), "", none), client.Export(t.Context(), "alice@example.org", none),
		client.RevokeToken(t.Context(), made.ID)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"token bob@example.org", "token bob@example.orgrefused", "list ", "export ", "export alice@example.org",
		"revoke-token bob@example.org", "audit ",
	}
	if got := entries(t, client, "", time.Time{}); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := entries(t, client, "Alice@example.org", time.Time{}); !slices.Equal(got, []string{"export alice@example.org", "audit alice@example.org"}) {
		t.Errorf("of alice: %q", got)
	}
	if got := entries(t, client, "", time.Now().Add(time.Minute)); got != nil {
		t.Errorf("of the future: %q", got)
	}
	on = false
	if _, err := client.Users(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, client, "", time.Time{}); slices.Contains(got[len(want):], "list ") {
		t.Errorf("off: %q", got)
	}
}

func TestAudit_RefusesWhatCannotBeUnderstood(t *testing.T) {
	on := true
	client := audited(t, &door{}, &on)
	if err := client.Audit(t.Context(), "@", time.Time{}, nil); !isProblem(err, 400, "user") {
		t.Errorf("a user that is none: %v", err)
	}
	err := client.lines(t.Context(), "audit", map[string][]string{"since": {"yesterday"}}, nil)
	if !isProblem(err, 400, "since") {
		t.Errorf("an instant that is none: %v", err)
	}
	without, _, _ := serve(t, &door{})
	if err := without.Audit(t.Context(), "", time.Time{}, nil); !isProblem(err, 404, "") {
		t.Errorf("without a trail: %v", err)
	}
}

func isProblem(err error, status int, field string) bool {
	p, ok := errors.AsType[*ProblemError](err)
	return ok && p.Status == status && p.Field == field
}
