package daemon

import (
	"context"
	"testing"
	"time"

	"presenced/internal/admin"
	"presenced/internal/engine"
	"presenced/internal/token"
)

func TestTokens_OutliveARestartButNotTheirPrincipal(t *testing.T) {
	w := build(t, "")
	w.link()
	w.ready()
	client := admin.NewClient(w.config.Admin.Socket)
	texts := map[string]string{}
	for _, as := range []string{alice, bob} {
		made, err := client.CreateToken(t.Context(), admin.TokenRequest{As: as, Scopes: []token.Scope{token.Read}, ExpiresIn: 3600})
		if err != nil {
			t.Fatal(err)
		}
		texts[as] = made.Token
	}
	if _, err := client.Enable(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.link()
	w.ready()
	for as, text := range texts {
		if h, ok := w.tokens.Check(text, time.Now()); !ok || h.As != as {
			t.Fatalf("after a restart the token of %s is %+v", as, h)
		}
	}
	if _, err := client.Erase(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.tokens.Check(texts[alice], time.Now()); ok {
		t.Error("alice was erased, her token was not")
	}
	list, err := client.Tokens(t.Context())
	if err != nil || len(list) != 1 || list[0].As != bob {
		t.Fatalf("listed are %+v, %v", list, err)
	}
	if err := client.RevokeToken(t.Context(), list[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.tokens.Check(texts[bob], time.Now()); ok {
		t.Error("a revoked token counts")
	}
	if err := client.RevokeToken(t.Context(), list[0].ID); err == nil {
		t.Error("a token was revoked twice")
	}
}

func TestBadge_IsGivenAndTakenOverTheSocket(t *testing.T) {
	w := build(t, "")
	w.link()
	w.ready()
	client := admin.NewClient(w.config.Admin.Socket)
	if err := client.SetBadge(t.Context(), alice, true); err == nil {
		t.Error("somebody who is not enrolled has a badge")
	}
	if _, err := client.Enable(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	for _, on := range []bool{true, false} {
		if err := client.SetBadge(t.Context(), alice, on); err != nil {
			t.Fatal(err)
		}
		if b, err := client.Badge(t.Context(), alice); err != nil || (b.Handle != "") != on {
			t.Errorf("on=%v: %+v, %v", on, b, err)
		}
	}
}

func TestExport_HoldsTheTokens(t *testing.T) {
	w := build(t, "")
	w.link()
	w.ready()
	if _, _, err := w.tokens.Create(t.Context(), token.Request{As: bob, Scopes: []token.Scope{token.Read}, Life: time.Hour}, time.Now()); err != nil {
		t.Fatal(err)
	}
	found := 0
	if err := w.export(context.Background(), func(s engine.Saved) error {
		if s.User == token.User {
			found += len(s.Docs)
		}
		return nil
	}); err != nil || found != 1 {
		t.Errorf("exported %d tokens, %v", found, err)
	}
}
