package daemon

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"presenced/config"
)

func TestMerge_KeepsWhatNeedsARestartAndTellsIt(t *testing.T) {
	old := loaded(t, "")
	next := loaded(t, `
[presence]
idle_after = "1m"
language = "de"
liveness = "30s"
[limits]
contacts = 5
watchers = 6
max_stanza = "1MiB"
[http]
metrics_listen = "127.0.0.1:1"
[log]
level = "debug"
format = "json"
`)
	next.Component.Domain, next.Component.Secret = "other.example.org", config.NewSecret("y")
	m := merge(old, next)
	if m.Component.Domain != old.Component.Domain || m.Presence.Language != "en" || m.Presence.Liveness != old.Presence.Liveness ||
		m.Limits.Contacts != old.Limits.Contacts || m.HTTP != old.HTTP || m.Log.Format != "text" {
		t.Errorf("something that needs a restart changed: %+v", m)
	}
	if m.Component.Secret.Reveal() != "y" || m.Presence.IdleAfter != next.Presence.IdleAfter || m.Limits.Watchers != 6 || m.Log.Level != "debug" {
		t.Errorf("something that can be reloaded did not: %+v", m)
	}
	got := config.NeedsRestart(config.Diff(old, next))
	want := []string{"component.domain", "presence.liveness", "presence.language", "limits.contacts", "limits.max_stanza", "http.metrics_listen", "log.format"}
	if !cmp.Equal(got, want) {
		t.Errorf("told to need a restart: %v, want %v", got, want)
	}
	if left := config.NeedsRestart(config.Diff(old, m)); len(left) > 0 {
		t.Errorf("in force although they need a restart: %v", left)
	}
}

func TestLog_FormatLevelAndNoTimeUnderAJournal(t *testing.T) {
	var out bytes.Buffer
	log, level := NewLog(&out, config.Log{Level: "warn", Format: "json"}, false)
	log.Info("quiet")
	level.Set(slog.LevelInfo)
	log.Info("heard")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["msg"] != "heard" || line["time"] == nil {
		t.Errorf("got %s (%v)", out.String(), err)
	}
	out.Reset()
	log, _ = NewLog(&out, config.Log{Level: "info", Format: "text"}, true)
	log.Info("stamped by the journal")
	if s := out.String(); strings.HasPrefix(s, "time=") || !strings.Contains(s, "level=INFO") {
		t.Errorf("under a journal: %s", s)
	}
}
