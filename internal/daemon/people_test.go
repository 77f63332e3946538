package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// seenByHerself is a field as alice sees it of herself.
func (w *world) seenByHerself(f presence.Field) string {
	who := presence.MustAddr(alice)
	return w.engine.Look(w.t.Context(), engine.Principal{Addr: who, JID: alice}, []presence.Addr{who})[0].Text[f]
}

// eventuallySees waits until alice sees a field of herself so: a reload reaches the
// owners through their mailboxes.
func (w *world) eventuallySees(f presence.Field, want string) {
	w.t.Helper()
	limit := time.Now().Add(patience)
	for w.seenByHerself(f) != want {
		if time.Now().After(limit) {
			w.t.Fatalf("%s is %q, want %q", f, w.seenByHerself(f), want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestReload_DirectoryIsReadAgainAllOrNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.csv")
	people := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	people("jid,name\n" + alice + ",Alice Adams\n")
	w := build(t, fmt.Sprintf("[directory]\nfile = %q\n[presence]\ntimezone = \"Europe/Berlin\"\n", path))
	l := w.link()
	w.ready()
	w.showAliceToBob(l)
	w.eventuallySees(presence.FieldName, "Alice Adams")
	w.eventuallySees(presence.FieldTimezone, "Europe/Berlin")

	people("jid,name\n" + alice + ",Alice Bell\nnobody,Nobody\n")
	next := *w.config
	next.Presence.Timezone = "Asia/Tokyo"
	err := w.Reload(&next)
	if _, ok := errors.AsType[*SetupError](err); !ok || !strings.Contains(err.Error(), path+":3: jid:") {
		t.Errorf("a bad directory: %v, want line 3", err)
	}
	if got := w.seenByHerself(presence.FieldName); got != "Alice Adams" {
		t.Errorf("a refused reload shows %q", got)
	}
	if got := w.seenByHerself(presence.FieldTimezone); got != "Europe/Berlin" {
		t.Errorf("a refused reload took the zone: %q", got)
	}

	people("jid,name\n" + alice + ",Alice Bell\n")
	if err := w.Reload(&next); err != nil {
		t.Fatal(err)
	}
	w.eventuallySees(presence.FieldName, "Alice Bell")
	w.eventuallySees(presence.FieldTimezone, "Asia/Tokyo")

	none := next
	none.Directory.File = ""
	if err := w.Reload(&none); err != nil {
		t.Fatal(err)
	}
	w.eventuallySees(presence.FieldName, "")
}

func TestNew_DirectoryThatCannotBeReadIsASetupError(t *testing.T) {
	c := loaded(t, "[directory]\nfile = \"/nonexistent/people.csv\"\n")
	c.Store.Path = t.TempDir()
	_, err := New(c, Options{Log: slog.New(slog.DiscardHandler)})
	setup, ok := errors.AsType[*SetupError](err)
	if !ok || setup.Remedy == "" || !strings.Contains(err.Error(), "there is no such file") {
		t.Errorf("got %v, want a SetupError with a remedy", err)
	}
}
