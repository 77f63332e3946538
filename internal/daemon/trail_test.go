package daemon

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/config"
	"presenced/internal/admin"
	"presenced/internal/audit"
	"presenced/internal/presence"
)

// trailed is what the trail says, in short.
func (w *world) trailed(c *admin.Client) (out []string) {
	w.t.Helper()
	err := c.Audit(w.t.Context(), "", time.Time{}, func(line []byte) error {
		var e audit.Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		out = append(out, strings.Join(strings.Fields(strings.Join([]string{e.Way, e.What, e.User, e.About, e.Outcome}, " ")), " "))
		return nil
	})
	if err != nil {
		w.t.Error(err)
	}
	return out
}

// TestTrail_IsOnOrOffByReload: what was written while it was on is read, and forgets
// who is erased, while it is off.
func TestTrail_IsOnOrOffByReload(t *testing.T) {
	w := build(t, "[audit]\nenabled = true\n")
	w.link()
	w.ready()
	client := admin.NewClient(w.config.Admin.Socket)
	if _, err := client.Enable(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Presence(t.Context(), alice, bob); err != nil {
		t.Fatal(err)
	}
	want := []string{"config start", "admin enable " + alice, "admin presence " + alice, "admin audit"}
	if got := w.trailed(client); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	off := *w.config
	off.Audit = config.Audit{Retention: w.config.Audit.Retention}
	if err := w.Reload(&off); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Presence(t.Context(), alice, bob); err != nil {
		t.Fatal(err)
	}
	want = append(want, "config reload audit.enabled")
	if got := w.trailed(client); !slices.Equal(got, want) {
		t.Errorf("off: got  %q\nwant %q", got, want)
	}
	if _, err := client.Erase(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	limit := time.Now().Add(patience)
	for got := w.trailed(client); ; got = w.trailed(client) {
		if slices.Equal(got, []string{"config start", "admin audit", "config reload audit.enabled"}) {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("after her erasure: %q", got)
		}
		time.Sleep(10 * time.Millisecond) // the pause of a poll
	}
}

// TestTrail_APolicyKeepsAUserOutOfIt but never what the operator does.
func TestTrail_APolicyKeepsAUserOutOfIt(t *testing.T) {
	w := build(t, "[audit]\nenabled = true\n[[policies]]\nname = \"discreet\"\nusers = [\""+alice+"\"]\naudit = false\n")
	w.link()
	w.ready()
	if !w.engine.Unaudited(presence.MustAddr(alice)) || w.engine.Unaudited(presence.MustAddr(bob)) {
		t.Error("the policy does not reach the trail")
	}
}
