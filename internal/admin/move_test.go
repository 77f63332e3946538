package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// exportLines collects an export.
func exportLines(t *testing.T, c *Client, user string) ([]string, error) {
	t.Helper()
	var out []string
	err := c.Export(t.Context(), user, func(line []byte) error {
		out = append(out, string(line))
		return nil
	})
	return out, err
}

func TestExport_IsAHeaderAndALineForEachUser(t *testing.T) {
	client, _, log := serve(t, &door{saved: []engine.Saved{
		{User: "alice@example.org", Presence: []byte("secret"), Docs: map[string][]byte{
			"rules": []byte(`{"v":1,"rules":[]}`), "note": []byte(`{"v":1,"text":"R\u0026D"}`)}},
		{User: "d'artagnan@example.org", Docs: map[string][]byte{"enrol": []byte(`{"v":1}`)}},
	}})
	got, err := exportLines(t, client, "")
	if err != nil || len(got) != 3 {
		t.Fatalf("%q, %v", got, err)
	}
	h, err := ParseHeader([]byte(got[0]))
	if err != nil || h.Version != 1 || h.Exported.IsZero() {
		t.Errorf("header %s: %+v, %v", got[0], h, err)
	}
	want := []string{
		`{"jid":"alice@example.org","settings":{"note":{"v":1,"text":"R\u0026D"},"rules":{"v":1,"rules":[]}}}`,
		`{"jid":"d\\27artagnan@example.org","settings":{"enrol":{"v":1}}}`,
	}
	if got[1] != want[0] || got[2] != want[1] {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got[1:], "\n"), strings.Join(want, "\n"))
	}
	if one, err := exportLines(t, client, `d\27artagnan@EXAMPLE.org`); err != nil || len(one) != 2 || one[1] != want[1] {
		t.Errorf("alone: %q, %v", one, err)
	}
	for user, status := range map[string]int{"bob@example.org": 404, "@": 400, "alice": 400} {
		_, err := exportLines(t, client, user)
		if p, ok := errors.AsType[*ProblemError](err); !ok || p.Status != status || p.Detail == "" {
			t.Errorf("%s: %v", user, err)
		}
	}
	if strings.Contains(log.String(), "alice") || strings.Contains(log.String(), "artagnan") {
		t.Errorf("the log names users:\n%s", log)
	}
}

// breaking is a door whose export fails after some users.
type breaking struct {
	door
	after int
}

func (b *breaking) Export(_ context.Context, each func(engine.Saved) error) error {
	for i := range b.after {
		u := engine.Saved{User: fmt.Sprintf("u%d@example.org", i), Docs: map[string][]byte{"note": []byte(`"` + strings.Repeat("x", 1<<10) + `"`)}}
		if err := each(u); err != nil {
			return err
		}
	}
	return &engine.RefusedError{Kind: engine.Unavailable, Reason: "the daemon is stopping"}
}

func TestExport_ThatBreaksOffIsNotTakenForWhole(t *testing.T) {
	b := &breaking{}
	client, _, _ := serveDoor(t, b)
	_, err := exportLines(t, client, "")
	if p, ok := errors.AsType[*ProblemError](err); !ok || p.Status != 503 {
		t.Errorf("before the first bytes: %v, want a problem", err)
	}
	b.after = 1000
	got, err := exportLines(t, client, "")
	if err == nil || !strings.Contains(err.Error(), "broke off") || len(got) < 2 {
		t.Errorf("after %d lines: %v", len(got), err)
	}
	enough := errors.New("enough")
	if err := client.Export(t.Context(), "", func([]byte) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("a reader who stops: %v", err)
	}
}

func TestImport_GoesThroughTheDoorAndTellsOfEachUser(t *testing.T) {
	var mu sync.Mutex // guards made
	made := map[string]engine.Import{}
	client, _, log := serve(t, &door{apply: func(who engine.Principal, user presence.JID, c engine.Change) (engine.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		made[user.Bare] = c.(engine.Import)
		switch {
		case !who.Operator:
			t.Errorf("applied as %+v", who)
		case user.Bare == "bad@example.org":
			return engine.Result{}, &engine.RefusedError{Kind: engine.Invalid, Field: "rules", Reason: "document rules: no"}
		case user.Bare == "fault@example.org":
			return engine.Result{}, errors.New("secret details")
		}
		return engine.Result{Advice: []engine.Advice{engine.AdviceConsent}}, nil
	}})
	lines := [][]byte{
		[]byte(`{"jid":"alice@example.org","settings":{"note":{"v":1,"text":"Room 412"}}}`),
		[]byte(`{"jid":"bad@example.org","settings":{}}`),
		[]byte(`{"jid":"fault@example.org","settings":{}}`),
		[]byte(`{"jid":"Alice@Example.org","settings":{}}`),
		[]byte(`{"jid":"@","settings":{}}`),
		[]byte(`{"jid":"carol@example.org","presence":1,"settings":{}}`),
		[]byte(`{"jid":"carol@example.org","settings":{}} {}`),
		[]byte(`[]`),
	}
	header := []byte(`{"presenced_export":1,"domain":"Presence.Example.org"}`)
	got, err := client.Import(t.Context(), header, lines, ImportOptions{Replace: true, DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		jid, problem, field string
		imported            bool
	}{
		{"alice@example.org", "", "", true}, {"bad@example.org", "document rules: no", "rules", false},
		{"fault@example.org", "the daemon's log says what", "", false}, {"Alice@Example.org", "named twice", "", false},
		{"", "write an address", "", false}, {"", "unknown field", "", false}, {"", "a line of her own", "", false}, {"", "cannot be read", "", false},
	} {
		g := got[i]
		if g.JID != want.jid || g.Imported != want.imported || g.Field != want.field || !strings.Contains(g.Problem, want.problem) || want.problem == "" && g.Problem != "" {
			t.Errorf("line %d: %+v, want %+v", i, g, want)
		}
	}
	if c := made["alice@example.org"]; !c.Replace || !c.Check || string(c.Docs["note"]) != `{"v":1,"text":"Room 412"}` || len(made) != 3 {
		t.Errorf("made %+v", made)
	}
	if strings.Contains(log.String(), "alice") || strings.Contains(log.String(), "Room") || !strings.Contains(log.String(), "imported=1 refused=7 dry_run=true") {
		t.Errorf("the log:\n%s", log)
	}
}

func TestImport_RequestsAreBoundedAndFitTheComponent(t *testing.T) {
	client, socket, _ := serve(t, &door{})
	header := []byte(`{"presenced_export":1,"domain":"presence.example.org"}`)
	for _, c := range []struct {
		header, says string
		lines        [][]byte
		status       int
	}{
		{`{"jid":"alice@example.org"}`, "not the header", nil, 400},
		{``, "not the header", nil, 400},
		{`{"presenced_export":2}`, "a newer presenced", nil, 400},
		{`{"presenced_export":1}`, `"presence.example.org"`, nil, 400},
		{`{"presenced_export":1,"domain":"presence.elsewhere.org"}`, "cannot move", nil, 400},
		{string(header), "256 users", bytes.Split(bytes.Repeat([]byte("{},"), MaxImportUsers), []byte(",")), 413},
		{string(header), "8 MiB", [][]byte{bytes.Repeat([]byte("x"), MaxImportBody)}, 413},
	} {
		if c.status == 413 && c.says == "256 users" {
			c.lines[MaxImportUsers] = []byte("{}")
		}
		_, err := client.Import(t.Context(), []byte(c.header), c.lines, ImportOptions{})
		if p, ok := errors.AsType[*ProblemError](err); !ok || p.Status != c.status || !strings.Contains(p.Detail, c.says) {
			t.Errorf("%.60s, %d lines: %v, want %d and %q", c.header, len(c.lines), err, c.status, c.says)
		}
	}
	if got, err := client.Import(t.Context(), header, nil, ImportOptions{}); err != nil || len(got) != 0 {
		t.Errorf("nobody: %v, %v", got, err)
	}
	body := string(header) + "\n"
	for query, want := range map[string]int{"": 200, "?replace=1": 200, "?dry_run=perhaps": 400} {
		status, _ := send(t, socket, fmt.Sprintf("POST /v1/admin/import%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", query, len(body), body))
		if status != want {
			t.Errorf("%q: %d, want %d", query, status, want)
		}
	}
}

// FuzzImportLine: a line somebody wrote is a user with documents or refused, and
// what was read is written back as a line that reads the same.
func FuzzImportLine(f *testing.F) {
	f.Add([]byte(`{"jid":"alice@example.org","settings":{"note":{"v":1,"text":"<R&D>"}}}`))
	f.Add([]byte(`{"jid":"d\\27artagnan@example.org","settings":{"note":null}}`))
	f.Add([]byte(`{"jid":"x@y/z"} 1`))
	f.Add([]byte(`{"jid":"x@y","policies":["sales"]}`))
	f.Add([]byte(`{"group":"Sales","policies":["sales"]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		u, err := readLine(line)
		if err != nil || u.Group != "" {
			return
		}
		docs := u.docs
		again, err := lineOf(&engine.Saved{User: u.user.Addr.Key(), Docs: docs},
			&granted{users: map[string][]string{u.user.Addr.String(): u.Policies}, told: map[string]bool{}})
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		back, err := readLine(again)
		docs2 := back.docs
		if err != nil || back.user.Addr != u.user.Addr || len(docs2) != len(docs) || !slices.Equal(back.Policies, u.Policies) {
			t.Fatalf("%q became %q: %+v, %v", line, again, back, err)
		}
		for name := range docs2 {
			if !json.Valid(docs2[name]) {
				t.Fatalf("%q: %s", name, docs2[name])
			}
		}
	})
}
