package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	alice = presence.MustAddr("alice@example.org")
	bob   = presence.MustAddr("bob@example.org")
	carol = presence.MustAddr("carol@example.org")
)

// world is a trail in a directory, in a bubble where time is the test's.
type world struct {
	*testing.T
	*Trail
	dir    string
	opener opener
	log    bytes.Buffer

	registry *prometheus.Registry
}

// trail runs a story with a trail that keeps a week.
func trail(t *testing.T, story func(w *world)) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "audit")
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, dir: dir, opener: openFile}
		w.start()
		story(w)
		w.stop()
	})
}

func (w *world) start() {
	w.registry = prometheus.NewRegistry()
	w.Trail = begin(Options{
		Dir: w.dir, Retention: 7 * 24 * time.Hour, Log: slog.New(slog.NewTextHandler(&w.log, nil)), Registerer: w.registry,
	}, w.opener)
	synctest.Wait()
}

// metric is the value of a counter.
func (w *world) metric(name string) float64 {
	w.Helper()
	all, err := w.registry.Gather()
	if err != nil {
		w.Fatal(err)
	}
	for _, m := range all {
		if m.GetName() == name {
			return m.GetMetric()[0].GetCounter().GetValue()
		}
	}
	w.Fatalf("there is no %s", name)
	return 0
}

func (w *world) stop() {
	w.Helper()
	if err := w.Close(context.Background()); err != nil {
		w.Error(err)
	}
}

// ask has somebody ask for presence, answered by a level.
func (w *world) ask(who presence.Addr, level presence.ContainerID, users ...presence.Addr) {
	views := make([]presence.View, len(users))
	for i := range views {
		views[i].Container = level
	}
	w.Looked(engine.Principal{Addr: who, Way: engine.WayQuery}, users, views)
	synctest.Wait()
}

// told is what is in the trail for somebody, or for everybody, in lines without
// their instants.
func (w *world) told(f Filter) []string {
	w.Helper()
	out := []string{}
	err := w.Read(context.Background(), f, func(line []byte) error {
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			w.Errorf("%s: %v", line, err)
		}
		if _, err := time.Parse(stamp, e.At); err != nil {
			w.Error(err)
		}
		_, rest, _ := strings.Cut(string(line), ",")
		out = append(out, "{"+rest)
		return nil
	})
	if err != nil {
		w.Error(err)
	}
	return out
}

func (w *world) expect(f Filter, want ...string) {
	w.Helper()
	if got := w.told(f); !slices.Equal(got, append([]string{}, want...)) {
		w.Errorf("told:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func asked(who, of, more string) string {
	return `{"what":"presence","who":"` + who + `@example.org","way":"query","user":"` + of + `@example.org"` + more + `}`
}

func TestTrail_TellsWhoAskedAndWhoChanged(t *testing.T) {
	trail(t, func(w *world) {
		w.ask(bob, 200, alice, carol)
		w.ask(carol, 32000, alice)
		old, fresh := presence.ContainerID(200), presence.ContainerID(32000)
		w.Noted(engine.Deed{
			Who: engine.Principal{Operator: true, UID: 1000, Way: engine.WayAdmin}, What: "rule", User: alice, Change: true,
			Rules: []engine.RuleChange{{Type: "user", Value: "bob@example.org", Old: &old, New: &fresh, Until: time.Now()}},
		})
		w.Noted(engine.Deed{Who: engine.Principal{Operator: true, UID: engine.NoUID, Way: engine.WayAdmin}, What: "explain", User: alice, Eyes: bob})
		w.Noted(engine.Deed{Who: engine.Principal{Addr: anonymous, Way: engine.WayBadge}, What: "badge", User: anonymous})
		everything := []string{
			asked("bob", "alice", `,"level":200`), asked("bob", "carol", `,"level":200`), asked("carol", "alice", `,"level":32000`),
			`{"what":"rule","who":"operator","uid":1000,"way":"admin","user":"alice@example.org","rules":[{"type":"user","value":"bob@example.org","old":200,"new":32000,"until":"2000-01-01T00:00:00.000Z"}]}`,
			`{"what":"explain","who":"operator","way":"admin","user":"alice@example.org","as":"bob@example.org"}`,
			`{"what":"badge","who":"anybody","way":"badge","user":"nobody"}`,
		}
		w.expect(Filter{}, everything...)
		w.expect(Filter{User: carol}, everything[1], everything[2])
		w.expect(Filter{User: bob}, everything[0], everything[1], everything[3], everything[4])
		w.expect(Filter{Since: time.Now().Add(time.Second)})
	})
}

// TestTrail_NamesWhoActsUnasked: whatever it was, it was nobody who has an address.
func TestTrail_NamesWhoActsUnasked(t *testing.T) {
	trail(t, func(w *world) {
		var want []string
		for way, who := range map[engine.Way]string{
			engine.WayDaemon: Daemon, engine.WayClock: Daemon, engine.WayProvisioning: Daemon, engine.WayEgress: Daemon, engine.WayServer: Server,
		} {
			w.Noted(engine.Deed{Who: engine.Principal{Way: way}, What: "level-ended", User: alice, Change: true})
			want = append(want, `{"what":"level-ended","who":"`+who+`","way":"`+way.String()+`","user":"alice@example.org"}`)
		}
		w.expect(Filter{}, want...)
		if daemon, named := engine.WayOther.String(), engine.WayServer.String(); named == daemon {
			w.Error("the last way has no word")
		}
	})
}

func TestTrail_IsForItsOwnerAlone(t *testing.T) {
	trail(t, func(w *world) {
		w.ask(bob, 200, alice)
		if err := errors.Join(os.Chmod(w.dir, 0o755), os.Chmod(filepath.Join(w.dir, "2000-01-01.jsonl"), 0o644)); err != nil {
			w.Fatal(err)
		}
		w.stop()
		w.start() // corrects what somebody else made of them
		w.ask(carol, 200, alice)
		for name, want := range map[string]fs.FileMode{"": 0o700, "2000-01-01.jsonl": 0o600} {
			if info, err := os.Stat(filepath.Join(w.dir, name)); err != nil || info.Mode().Perm() != want {
				w.Errorf("%s has mode %v, %v", name, info.Mode(), err)
			}
		}
	})
}

// TestTrail_NothingForgesALine: what others wrote neither begins a line, nor moves a
// terminal, nor turns the direction of a text; and it is bounded.
func TestTrail_NothingForgesALine(t *testing.T) {
	nasty := []string{
		"x\n{\"at\":\"2000-01-01T00:00:00.000Z\",\"what\":\"forged\"}\n", "a\r\nb", "\x1b[2J\a\x00", "\u0085\u009b2J\u007f",
		"\u2028\u2029", "\u202egnp\u2066", "\xff\xfe", "\U000e0041", `"},{"what":"forged"}`, strings.Repeat("ä", 5000),
	}
	trail(t, func(w *world) {
		for _, s := range nasty {
			w.Noted(engine.Deed{
				Who: engine.Principal{Addr: bob, Way: engine.WayCommand}, What: "rule", User: alice, About: s, Group: s, Outcome: s, Change: true,
				Rules: []engine.RuleChange{{Type: s, Value: s}},
			})
		}
		if got := w.told(Filter{}); len(got) != len(nasty) {
			w.Errorf("%d entries, want %d", len(got), len(nasty))
		}
		raw, err := os.ReadFile(filepath.Join(w.dir, "2000-01-01.jsonl"))
		if err != nil {
			w.Fatal(err)
		}
		if bytes.Count(raw, []byte("\n")) != len(nasty) {
			w.Errorf("not one line each:\n%s", raw)
		}
		for _, r := range string(raw) {
			if r != '\n' && (r < ' ' || r == 0x7f || r == 0x202e || r == 0x2028 || r >= 0x80 && r < 0xa0 || r == 0xfffd || r > 0xffff) {
				w.Errorf("%U stands in the file", r)
			}
		}
		if len(raw) > len(nasty)*5*(maxText+200) {
			w.Errorf("%d bytes", len(raw))
		}
		first := nasty[0]
		found := false
		if err := w.Read(context.Background(), Filter{}, func(line []byte) error {
			var e Entry
			err := json.Unmarshal(line, &e)
			found = found || e.About == first
			return err
		}); err != nil || !found {
			w.Errorf("what was written does not come back: %v", err)
		}
	})
}

func TestTrail_ARepetitionIsCounted(t *testing.T) {
	trail(t, func(w *world) {
		once := asked("bob", "alice", `,"level":200`)
		for range 10 {
			w.ask(bob, 200, alice)
			time.Sleep(time.Minute)
		}
		w.ask(bob, 32000, alice) // she blocked him: another answer
		counted := asked("bob", "alice", `,"level":200,"times":9,"since":"2000-01-01T00:01:00.000Z"`)
		raw, err := os.ReadFile(filepath.Join(w.dir, "2000-01-01.jsonl"))
		if err != nil || bytes.Count(raw, []byte("\n")) != 2 {
			w.Errorf("%s, %v", raw, err)
		}
		w.expect(Filter{}, once, asked("bob", "alice", `,"level":32000`), counted) // whoever reads is told all
		time.Sleep(2*window + 2*sweepEvery)                                        // nothing more came
		w.ask(bob, 200, alice)
		w.expect(Filter{}, once, asked("bob", "alice", `,"level":32000`), counted, once)
		w.ask(bob, 200, alice)
		w.stop()
		w.start()
		got := w.told(Filter{})
		if want := asked("bob", "alice", `,"level":200,"times":1,"since":"2000-01-01T02:12:00.000Z"`); got[len(got)-1] != want {
			w.Errorf("at the end %s", got[len(got)-1])
		}
	})
}

func TestTrail_WhatIsOlderThanTheRetentionVanishes(t *testing.T) {
	trail(t, func(w *world) {
		time.Sleep(12 * time.Hour)
		w.ask(bob, 200, alice)
		for range 7 {
			time.Sleep(24 * time.Hour)
			w.ask(carol, 200, alice)
		}
		files, err := list(w.dir)
		if err != nil || len(files) != 8 || len(w.told(Filter{User: bob})) != 1 {
			w.Errorf("after a week: %v, %v", files, err)
		}
		time.Sleep(time.Second)
		w.expect(Filter{User: bob}) // not told, though its day is not over
		time.Sleep(14 * time.Hour)
		if files, err = list(w.dir); err != nil || files[0] != "2000-01-02" {
			w.Errorf("a week after its end there still is %v, %v", files, err)
		}
		w.SetRetention(48 * time.Hour)
		time.Sleep(expireEvery + time.Minute)
		if files, err = list(w.dir); err != nil || len(files) != 2 || len(w.told(Filter{})) != 2 {
			w.Errorf("with another retention there is %v, %v", files, err)
		}
		time.Sleep(100 * 24 * time.Hour)
		if files, err = list(w.dir); err != nil || len(files) != 0 {
			w.Errorf("at last there is %v, %v", files, err)
		}
	})
}

// TestTrail_ATornLineCostsItself: what a crash left is ended, and skipped.
func TestTrail_ATornLineCostsItself(t *testing.T) {
	trail(t, func(w *world) {
		w.ask(bob, 200, alice)
		w.stop()
		path := filepath.Join(w.dir, "2000-01-01.jsonl")
		whole, err := os.ReadFile(path)
		if err != nil {
			w.Fatal(err)
		}
		if err := os.WriteFile(path, append(whole, whole[:40]...), 0o600); err != nil {
			w.Fatal(err)
		}
		w.start()
		w.ask(carol, 200, alice)
		w.expect(Filter{}, asked("bob", "alice", `,"level":200`), asked("carol", "alice", `,"level":200`))
	})
}

func TestTrail_WhoIsExemptIsNotInItButTheOperatorIs(t *testing.T) {
	trail(t, func(w *world) {
		w.o.Exempt = func(a presence.Addr) bool { return a == alice }
		w.ask(bob, 200, alice, carol)
		w.Noted(engine.Deed{Who: engine.Principal{Addr: alice, Way: engine.WayCommand}, What: "block", User: alice, About: "bob@example.org", Change: true})
		w.Noted(engine.Deed{Who: engine.Principal{Operator: true, UID: engine.NoUID, Way: engine.WayAdmin}, What: "grant", User: alice, About: "quiet", Change: true})
		w.expect(Filter{}, asked("bob", "carol", `,"level":200`), `{"what":"grant","who":"operator","way":"admin","user":"alice@example.org","about":"quiet"}`)
	})
}

func TestTrail_ManyRulesGoOnInTheNextLine(t *testing.T) {
	trail(t, func(w *world) {
		level := presence.ContainerID(200)
		w.Noted(engine.Deed{What: "import", User: alice, Change: true, Rules: slices.Repeat([]engine.RuleChange{{Type: "group", Value: "a", New: &level}}, 2*maxRules+1)})
		all := w.told(Filter{})
		if len(all) != 3 || strings.Count(strings.Join(all, ""), `"type":"group"`) != 2*maxRules+1 || w.waiting.Load() != 0 {
			w.Errorf("%d lines, %d wait", len(all), w.waiting.Load())
		}
	})
}

func TestTrail_ReadsNothingAfterItsEnd(t *testing.T) {
	trail(t, func(w *world) {
		w.expect(Filter{}) // nothing was ever written
		w.stop()
		if err := w.Read(context.Background(), Filter{}, func([]byte) error { return nil }); !errors.Is(err, ErrClosed) {
			w.Errorf("read: %v", err)
		}
		if _, err := os.Stat(w.dir); !errors.Is(err, fs.ErrNotExist) {
			w.Errorf("a directory was made for nothing: %v", err)
		}
	})
}
