//go:build integration

package main

import (
	"bytes"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

func TestDemo_RunsToTheEnd(t *testing.T) {
	testbed.NeedServers(t)
	t.Setenv(secondsEnv, "1")
	var out, errOut bytes.Buffer
	if code := run(t.Context(), &out, &errOut); code != exitFine {
		t.Fatalf("exit code %d\n%s\n%s", code, out.String(), errOut.String())
	}
	for _, st := range steps {
		if !strings.Contains(out.String(), st.event) {
			t.Errorf("no line for %q in\n%s", st.event, out.String())
		}
	}
}

func TestDemo_BadSecondsAreRefused(t *testing.T) {
	t.Setenv(secondsEnv, "long")
	var out, errOut bytes.Buffer
	if code := run(t.Context(), &out, &errOut); code != exitCannotRun || !strings.Contains(errOut.String(), "DEMO_SECONDS=30") {
		t.Errorf("exit code %d, said %q", code, errOut.String())
	}
}
