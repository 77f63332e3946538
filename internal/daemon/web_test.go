package daemon

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"presenced/internal/admin"
	"presenced/internal/token"
)

// hear asks the HTTP listener as bob and returns the body of the answer.
func (w *world) hear(addr, text, path string) io.Reader {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+text)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = res.Body.Close() })
	return res.Body
}

// freePort returns an address nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestWeb_AnswersAndTellsUntilTheDaemonStops(t *testing.T) {
	addr := freePort(t)
	w := build(t, "")
	w.link()
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.config.HTTP.Listen = addr
	w.start()
	l := w.link()
	w.ready()
	w.showAliceToBob(l)
	made, err := admin.NewClient(w.config.Admin.Socket).CreateToken(t.Context(), admin.TokenRequest{As: bob, Scopes: []token.Scope{token.Read}, ExpiresIn: 3600})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{alice, mirror, strings.ToUpper(alice)} {
		got, err := io.ReadAll(w.hear(addr, made.Token, "/v1/presence/"+strings.ReplaceAll(name, `\`, "%5C")))
		if err != nil || !strings.Contains(string(got), `"availability":9500,"show":"dnd"`) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	stream := w.hear(addr, made.Token, "/v1/stream?user="+alice)
	until := func(want string) {
		t.Helper()
		for got := ""; !strings.Contains(got, want); {
			b := make([]byte, 4096)
			n, err := stream.Read(b)
			if got += string(b[:n]); err != nil {
				t.Fatalf("%v before %s in %s", err, want, got)
			}
		}
	}
	until(`"show":"dnd"`)
	w.server.SetPresence(alice+"/desk", "<show>away</show>")
	until(`"show":"away"`)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	start := time.Now()
	if err := w.Stop(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > StopWithin/2 {
		t.Errorf("an open stream held the stop up for %v", took)
	}
	if rest, err := io.ReadAll(stream); err != nil {
		t.Errorf("the stream ended badly: %v after %s", err, rest)
	}
}

func TestWeb_AnAddressThatIsTakenIsASetupError(t *testing.T) {
	w := build(t, "")
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.config.HTTP.Listen = "203.0.113.1:1"
	d, err := New(w.config, Options{Log: w.log})
	if err != nil {
		t.Fatal(err)
	}
	if setup, ok := errors.AsType[*SetupError](d.Start(t.Context())); !ok || setup.Remedy == "" || !strings.Contains(setup.Error(), "http.listen") {
		t.Errorf("Start gave %v, want a SetupError that names http.listen", setup)
	}
}
