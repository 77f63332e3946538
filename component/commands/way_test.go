package commands

import (
	"slices"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

func TestAudit_FormsAndChatsNameTheirWay(t *testing.T) {
	d := has(settled())
	var ways []string
	d.apply = func(who engine.Principal, _ presence.JID, _ engine.Change) (engine.Result, error) {
		ways = append(ways, who.Way.String())
		return engine.Result{}, nil
	}
	ask(t, newServer(d), "en", payload("block", "", "execute", "jid", "zed@nowhere.example"))
	chat(t, d, "en", "block zed@nowhere.example")
	if want := []string{"command", "chat"}; !slices.Equal(ways, want) {
		t.Errorf("made by %q, want %q", ways, want)
	}
}
