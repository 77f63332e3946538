package testbed

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// Browser is a headless Chromium with one page, told what to do over two pipes in
// the Chrome DevTools Protocol. Its methods are for one goroutine.
type Browser struct {
	proc *process
	to   *os.File      // commands, each ended by a zero byte
	from *os.File      // answers and events, likewise
	read *bufio.Reader // of from
	ids  int
	page string // the session of the page
}

// browserLimit bounds a command whose context has no deadline.
const browserLimit = 30 * time.Second

// RunBrowser starts a browser for the duration of a test. It fails the test where
// Chromium is missing, and skips as NeedServers does.
func RunBrowser(t TB) *Browser {
	t.Helper()
	NeedServers(t)
	b, err := startBrowser(t.Context(), t.TempDir())
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if err := b.close(); err != nil {
			t.Errorf("%v", err)
		}
	})
	return b
}

func startBrowser(ctx context.Context, dir string) (*Browser, error) {
	program, err := exec.LookPath("chromium")
	if err != nil {
		return nil, fmt.Errorf("testbed: %w; install it with: make deps", err)
	}
	theirIn, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = theirIn.Close() }()
	from, theirOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, to.Close())
	}
	defer func() { _ = theirOut.Close() }()
	b := &Browser{to: to, from: from, read: bufio.NewReader(from)}
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+dir, "--window-size=760,520", "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // which it knows as 3 and 4
	if b.proc, err = startProcess(cmd, nil); err != nil {
		return nil, errors.Join(err, to.Close(), from.Close())
	}
	if err := b.attach(ctx); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// attach finds the page the browser began with.
func (b *Browser) attach(ctx context.Context) error {
	var targets struct {
		TargetInfos []struct{ TargetID, Type string }
	}
	for { // it may not be there at once
		if err := b.do(ctx, "Target.getTargets", nil, &targets); err != nil {
			return err
		}
		for _, one := range targets.TargetInfos {
			if one.Type != "page" {
				continue
			}
			var attached struct{ SessionID string }
			err := b.do(ctx, "Target.attachToTarget", map[string]any{"targetId": one.TargetID, "flatten": true}, &attached)
			b.page = attached.SessionID
			return err
		}
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Open goes to an address.
func (b *Browser) Open(ctx context.Context, url string) error {
	var went struct{ ErrorText string }
	if err := b.do(ctx, "Page.navigate", map[string]any{"url": url}, &went); err != nil {
		return err
	}
	if went.ErrorText != "" {
		return fmt.Errorf("testbed: %s: %s", url, went.ErrorText)
	}
	return nil
}

// Eval runs a JavaScript expression in the page and decodes its value, a promise's
// when it is one, into a Go value.
func (b *Browser) Eval(ctx context.Context, expression string, into any) error {
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Text string }
	}
	in := map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}
	if err := b.do(ctx, "Runtime.evaluate", in, &out); err != nil {
		return err
	}
	if out.ExceptionDetails != nil {
		return fmt.Errorf("testbed: %s: %s", expression, out.ExceptionDetails.Text)
	}
	return json.Unmarshal(out.Result.Value, into)
}

// Prefer has the page find its reader to prefer something, as the CSS media feature
// of that name has it, instead of what was preferred before.
func (b *Browser) Prefer(ctx context.Context, feature, value string) error {
	features := []map[string]string{{"name": feature, "value": value}}
	return b.do(ctx, "Emulation.setEmulatedMedia", map[string]any{"features": features}, &struct{}{})
}

// Screenshot writes a PNG of what the page shows now.
func (b *Browser) Screenshot(ctx context.Context, file string) error {
	var out struct{ Data []byte }
	if err := b.do(ctx, "Page.captureScreenshot", map[string]any{"format": "png"}, &out); err != nil {
		return err
	}
	return os.WriteFile(file, out.Data, 0o600)
}

// do sends one command and waits for its answer; events are left out.
func (b *Browser) do(ctx context.Context, method string, params, into any) error {
	limit, ok := ctx.Deadline()
	if !ok {
		limit = time.Now().Add(browserLimit)
	}
	b.ids++
	command := map[string]any{"id": b.ids, "method": method}
	if params != nil {
		command["params"] = params
	}
	if b.page != "" {
		command["sessionId"] = b.page
	}
	raw, err := json.Marshal(command)
	if err != nil {
		return err
	}
	if err := errors.Join(b.to.SetWriteDeadline(limit), b.from.SetReadDeadline(limit)); err != nil {
		return err
	}
	if _, err := b.to.Write(append(raw, 0)); err != nil {
		return fmt.Errorf("testbed: the browser takes no %s: %w", method, err)
	}
	for {
		raw, err := b.read.ReadBytes(0)
		if err != nil {
			return fmt.Errorf("testbed: the browser does not answer %s: %w", method, err)
		}
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		switch err := json.Unmarshal(raw[:len(raw)-1], &answer); {
		case err != nil:
			return err
		case answer.ID != b.ids:
		case answer.Error != nil:
			return fmt.Errorf("testbed: %s: %s", method, answer.Error.Message)
		default:
			return json.Unmarshal(answer.Result, into)
		}
	}
}

func (b *Browser) close() error {
	return errors.Join(b.proc.end(false), b.to.Close(), b.from.Close())
}
