package audit

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// written is everything in the directory.
func (w *world) everything() []byte {
	w.Helper()
	var all []byte
	found, err := os.ReadDir(w.dir)
	if err != nil {
		w.Fatal(err)
	}
	for _, e := range found {
		raw, err := os.ReadFile(filepath.Join(w.dir, e.Name()))
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, raw...)
	}
	return all
}

// past has alice in the files of two days: as who is asked about, as who asks, and
// in others' rules.
func (w *world) past() {
	w.ask(bob, 200, alice, carol)
	w.ask(alice, 200, bob)
	w.ask(alice, 200, bob) // counted
	time.Sleep(24 * time.Hour)
	level := presence.ContainerID(300)
	w.Noted(engine.Deed{
		Who: engine.Principal{Addr: bob, Way: engine.WayCommand}, What: "level", User: bob, Change: true,
		Rules: []engine.RuleChange{{Type: "user", Value: "alice@example.org", New: &level}, {Type: "user", Value: "carol@example.org", New: &level}},
	})
	w.Noted(engine.Deed{Who: engine.Principal{Addr: alice, Way: engine.WayCommand}, What: "block", User: alice, About: "bob@example.org", Change: true})
	w.Noted(engine.Deed{Who: engine.Principal{Addr: bob, Way: engine.WayCommand}, What: "approve", User: bob, About: "alice@example.org", Change: true})
	w.ask(presence.MustAddr("malice@example.org"), 0, bob) // her name is in this one
	synctest.Wait()
}

var afterwards = []string{
	asked("bob", "carol", `,"level":200`),
	`{"what":"presence","who":"(erased)","way":"query","user":"bob@example.org","level":200}`,
	`{"what":"presence","who":"(erased)","way":"query","user":"bob@example.org","level":200,"times":1,"since":"2000-01-01T00:00:00.000Z"}`,
	`{"what":"level","who":"bob@example.org","way":"command","user":"bob@example.org","rules":[{"type":"user","value":"(erased)","new":300},{"type":"user","value":"carol@example.org","new":300}]}`,
	`{"what":"approve","who":"bob@example.org","way":"command","user":"bob@example.org","about":"(erased)"}`,
	asked("malice", "bob", `,"level":0`),
}

func TestErase_TakesAPersonOutOfEveryFile(t *testing.T) {
	trail(t, func(w *world) {
		w.past()
		if err := w.Erase(alice.Key()); err != nil {
			w.Fatal(err)
		}
		w.Noted(engine.Deed{Who: engine.Principal{Addr: alice, Way: engine.WayCommand}, What: "erase", User: alice, Change: true})
		synctest.Wait()
		w.expect(Filter{}, append(afterwards, `{"what":"erase","who":"(erased)","way":"command","user":"(erased)"}`)...)
		if all := w.everything(); bytes.Contains(all, []byte(`"alice@`)) {
			w.Errorf("she is still there:\n%s", all)
		}
		w.ask(carol, 200, bob) // and writing goes on
		if got := w.told(Filter{User: carol}); len(got) != 3 {
			w.Errorf("%q", got)
		}
	})
}

// TestErase_OutlivesACrash: who was to be taken out when the daemon died is taken
// out at the next start, even where the trail is not written any more.
func TestErase_OutlivesACrash(t *testing.T) {
	trail(t, func(w *world) {
		w.past()
		w.stop()
		if err := os.WriteFile(filepath.Join(w.dir, dueName), []byte(`["`+alice.Key()+`"]`), 0o600); err != nil {
			w.Fatal(err)
		}
		w.start()
		w.expect(Filter{}, afterwards...)
		if all := w.everything(); bytes.Contains(all, []byte(`"alice@`)) {
			w.Errorf("she is still there:\n%s", all)
		}
	})
}

// TestErase_IsTriedAgain: a file that cannot be rewritten is a matter of time.
func TestErase_IsTriedAgain(t *testing.T) {
	trail(t, func(w *world) {
		w.past()
		obstacle := filepath.Join(w.dir, "2000-01-01.jsonl.new")
		if err := os.MkdirAll(filepath.Join(obstacle, "x"), 0o700); err != nil {
			w.Fatal(err)
		}
		if err := w.Erase(alice.Key()); err != nil {
			w.Fatal(err)
		}
		synctest.Wait()
		if !w.owes() || !bytes.Contains(w.log.Bytes(), []byte("it is tried again")) {
			w.Errorf("owes %v:\n%s", w.owes(), w.log.String())
		}
		if err := os.RemoveAll(obstacle); err != nil {
			w.Fatal(err)
		}
		time.Sleep(2 * sweepEvery)
		if w.owes() || bytes.Contains(w.everything(), []byte(`"alice@`)) {
			w.Errorf("owes %v", w.owes())
		}
	})
}

func TestErase_OfNobodyWritesNothing(t *testing.T) {
	trail(t, func(w *world) {
		if err := w.Erase(alice.Key()); err != nil {
			w.Fatal(err)
		}
		if _, err := os.Stat(w.dir); err == nil {
			w.Error("a directory was made")
		}
	})
}

// TestErase_BeforeAnythingIsInAFile: what was told a moment before is on its way to a
// directory that is not there yet.
func TestErase_BeforeAnythingIsInAFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := make(chan struct{})
		tr := Open(Options{
			Dir: filepath.Join(t.TempDir(), "audit"), Retention: time.Hour, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
			Exempt: func(presence.Addr) bool { <-on; return false },
		})
		tr.Looked(engine.Principal{Addr: bob}, []presence.Addr{alice}, make([]presence.View, 1))
		synctest.Wait() // the writer has it in hand
		if err := tr.Erase(alice.Key()); err != nil {
			t.Fatal(err)
		}
		close(on)
		synctest.Wait()
		err := tr.Read(t.Context(), Filter{}, func(line []byte) error {
			t.Errorf("of somebody who was erased there is still %s", line)
			return nil
		})
		if err := errors.Join(err, tr.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
	})
}
