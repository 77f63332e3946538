package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const sent = `<iq type='get' id='1' from='presence.example.localhost' to='example.localhost'><ping xmlns='urn:xmpp:ping'/></iq>` +
	`<presence to='w0001@example.localhost' from='u7@presence.example.localhost' type='subscribed'/>` +
	`<presence to='w0001@example.localhost' from='u7@presence.example.localhost'><status>s12</status><enhanced a='b'/></presence>` +
	`<presence to='w0002@example.localhost' from='u7@presence.example.localhost'><status>s12</status><enhanced a='b'/></presence>` +
	`<presence to='w0002@example.localhost' from='u7@presence.example.localhost'><status>s12</status><enhanced a='b'/></presence>` +
	`<presence to='w0001@example.localhost' from='u3@presence.example.localhost'><show>dnd</show><status>s13</status></presence>` +
	`<presence to='w0001@example.localhost' from='u3@presence.example.localhost' type='unavailable'/>` +
	`<presence to='w0001@example.localhost' from='u3@presence.example.localhost' type='unsubscribed'/>`

func TestMeter_CountsHoweverTheBytesAreCut(t *testing.T) {
	for size := 1; size <= len(sent); size++ {
		m := newMeter(10)
		m.expect(12, 2, 2)
		for chunk := range slices.Chunk([]byte(sent), size) {
			m.feed(chunk)
		}
		if m.presences != 5 || m.accepted != 1 || m.other != 1 {
			t.Fatalf("in pieces of %d: %d presences, %d accepted, %d others; want 5, 1, 1", size, m.presences, m.accepted, m.other)
		}
		if m.byUser[7] != 3 || m.byUser[3] != 2 {
			t.Fatalf("in pieces of %d: %d of u7 and %d of u3; want 3 and 2", size, m.byUser[7], m.byUser[3])
		}
		if m.done != 1 || m.excess != 1 || m.complete[0] == 0 || m.complete[1] != 0 {
			t.Fatalf("in pieces of %d: %d events done, %d presences too many; want s12 done, one too many, s13 open", size, m.done, m.excess)
		}
	}
}

func TestMeter_WaitTellsWhatIsMissing(t *testing.T) {
	m := newMeter(1)
	m.expect(1, 3, 2)
	err := m.all(t.Context(), time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "0 of 3 events complete") {
		t.Errorf("got %v, want an error that counts the events", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.all(ctx, time.Minute); err == nil {
		t.Error("a wait that was given up has no error")
	}
}

func TestGoal_Figure(t *testing.T) {
	for _, c := range []struct {
		name    string
		compare direction
		must    float64
		runs    []float64
		value   float64
		reached bool
	}{
		{"the median counts", atMost, 1, []float64{9, 0.5, 0.7}, 0.7, true},
		{"the median is over", atMost, 1, []float64{9, 0.5, 1.1}, 1.1, false},
		{"the limit itself is allowed", atMost, 1, []float64{1, 1, 1}, 1, true},
		{"exactly", exactly, 0, []float64{0, 0, 0}, 0, true},
		{"exactly means every run", exactly, 0, []float64{0, 0, 1}, 0, false},
		{"exactly, from below", exactly, 1, []float64{1, 0.99, 1}, 1, false},
		{"not a number reaches nothing", atMost, 1, []float64{math.NaN()}, math.NaN(), false},
	} {
		f := goal{compare: c.compare, must: c.must, stretch: none()}.figure(c.runs, nil)
		if f.Reached != c.reached || f.Value != c.value && !math.IsNaN(c.value) {
			t.Errorf("%s: %v gives %v, reached %v; want %v, %v", c.name, c.runs, f.Value, f.Reached, c.value, c.reached)
		}
	}
}

func TestReport_JSONIsWhatOthersRead(t *testing.T) {
	g := goal{8, "p99", "ms", atMost, 1, 0.3}
	text, err := json.Marshal(newReport([]figure{g.figure([]float64{2.00004, 3, 1}, nil)}, false))
	if err != nil {
		t.Fatal(err)
	}
	want := `"rows":[{"row":8,"name":"p99","value":2,"unit":"ms","compare":"at most","must":1,"stretch":0.3,` +
		`"reached":false,"min":1,"max":3,"runs":[2,3,1]}]}`
	if !strings.HasSuffix(string(text), want) {
		t.Errorf("got  %s\nwant …%s", text, want)
	}
}

func TestReport_RowsWithNamesAreNamed(t *testing.T) {
	g := goal{rowHTTP, "throughput", "ratio", atLeast, 0.5, none()}
	r := newReport([]figure{g.figure([]float64{0.6}, nil)}, false)
	text, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(text), `"rows":[{"row":"http","name":"throughput",`) {
		t.Errorf("got %s, %v", text, err)
	}
	var out strings.Builder
	if r.print(&out); !strings.Contains(out.String(), "\n http  throughput, ratio") {
		t.Errorf("printed as\n%s", out.String())
	}
}

func TestReadAnswer_TakesOneAnswerAndNoMore(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 3\r\n\r\n"
	for _, c := range []struct {
		name, in, body, rest, wrong string
	}{
		{"one", ok + "abc", "abc", "", ""},
		{"what follows is left", ok + "abcHTTP/1.1", "abc", "HTTP/1.1", ""},
		{"cut short", ok + "ab", "ab", "", "EOF"},
		{"refused", "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", "", "", "429"},
		{"of unknown length", "HTTP/1.1 200 OK\r\n\r\n", "", "", "unknown length"},
	} {
		var body strings.Builder
		in := bufio.NewReader(strings.NewReader(c.in))
		err := readAnswer(in, &body)
		if body.String() != c.body || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: got %q, %v", c.name, body.String(), err)
			continue
		}
		if rest, _ := io.ReadAll(in); err == nil && string(rest) != c.rest {
			t.Errorf("%s: %q is left, want %q", c.name, rest, c.rest)
		}
	}
}

// TestListener_CountsWhatItMustBeTold: the state at first, then each change once.
func TestListener_CountsWhatItMustBeTold(t *testing.T) {
	c := &audience{sent: make([]atomic.Int64, 3), failed: make(chan error, 1)}
	c.first.Store(10)
	sees := &listener{of: c, last: map[int]int{}, initial: 1}
	for _, n := range []int{9, 10, 12} {
		sees.take(1, n, true, time.Now())
	}
	if c.ready.Load() != 1 || c.told.Load() != 2 || len(sees.took) != 2 {
		t.Errorf("%d ready, %d told; want 1 and 2", c.ready.Load(), c.told.Load())
	}
	sees.take(1, 12, true, time.Now())
	if len(c.failed) != 1 {
		t.Error("a change told twice is not noticed")
	}
	blind := &listener{of: c, blind: true, last: map[int]int{}}
	blind.take(1, 0, false, time.Now())
	blind.take(1, 11, true, time.Now())
	if c.leaks.Load() != 1 {
		t.Errorf("%d leaks, want 1", c.leaks.Load())
	}
}

func TestParseMetrics_SumsSeriesOfOneName(t *testing.T) {
	got := parseMetrics("# HELP a x\n# TYPE a counter\na{k=\"v 1\"} 2\na{k=\"w\"} 3e2\nb 7\n")
	if got["a"] != 302 || got["b"] != 7 || len(got) != 2 {
		t.Errorf("got %v, want a 302 and b 7", got)
	}
}

func TestQuantile_IsAMeasuredValue(t *testing.T) {
	values := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for q, want := range map[float64]float64{0: 1, 0.5: 5, 0.9: 9, 0.99: 10, 1: 10} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %g is %g, want %g", q, got, want)
		}
	}
}

func TestRound_KeepsFourDigits(t *testing.T) {
	for v, want := range map[float64]float64{0: 0, 12: 12, 0.0044321: 0.004432, 12345.6: 12350, -1.23456: -1.235} {
		if got := round(v); got != want {
			t.Errorf("round(%g) = %g, want %g", v, got, want)
		}
	}
}

func TestParseFlags(t *testing.T) {
	f, err := parseFlags([]string{"-rows", "6, 8 http", "-quick"}, io.Discard)
	if err != nil || !slices.Equal(f.rows, []int{6, 8, rowHTTP}) || !f.quick {
		t.Errorf("got %+v, %v", f, err)
	}
	for _, args := range [][]string{{"-rows", "99"}, {"-rows", "101"}, {"-rows", "six"}, {"more"}} {
		if _, err := parseFlags(args, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

// TestRun_QuickRow14 goes the whole way but for the daemon.
func TestRun_QuickRow14(t *testing.T) {
	var out, errOut bytes.Buffer
	path := t.TempDir() + "/figures.json"
	code := run(t.Context(), []string{"-quick", "-rows", "14", "-out", path}, &out, &errOut)
	if code != exitReached && code != exitMissed || !strings.Contains(out.String(), "encoding/xml") {
		t.Errorf("exit code %d\n%s%s", code, out.String(), errOut.String())
	}
}

func TestOthers_TakesOffWhatIsOurs(t *testing.T) {
	before, err := used()
	if err != nil {
		t.Fatal(err)
	}
	after := usage{at: before.at.Add(10 * time.Second), machine: before.machine + 12, bench: before.bench + 3}
	if got := others(before, after, 4); math.Abs(got-0.5) > 1e-6 {
		t.Errorf("12 s of the machine less 3 and 4 of ours, in 10 s: got %g cores, want 0.5", got)
	}
}
