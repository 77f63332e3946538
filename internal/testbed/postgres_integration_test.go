//go:build integration

package testbed

import "testing"

func TestPostgres_KeepsDataOverRestartAndKill(t *testing.T) {
	ctx := testContext(t)
	p := RunPostgres(t)
	say := func(want, text string) {
		t.Helper()
		got, err := p.SQL(ctx, "postgres", text)
		must(t, err)
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	say("", "CREATE TABLE kept (n int)")
	say("", "INSERT INTO kept VALUES (1)")
	must(t, p.Restart(ctx))
	say("1", "SELECT n FROM kept")
	family := append(descendants(p.PID()), procID{p.PID(), startOf(t, p.PID())})
	must(t, p.Kill())
	for _, id := range family {
		if id.running() {
			t.Errorf("process %d outlived Kill", id.pid)
		}
	}
	must(t, p.Start(ctx))
	say("1|2", "SELECT n, 2 FROM kept")
	if _, err := p.SQL(ctx, "postgres", "SELECT nonsense"); err == nil {
		t.Error("a wrong statement gave no error")
	}
}
