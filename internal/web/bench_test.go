package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/token"
)

// benchSite is a server over a real engine with alice online, and bob's token.
func benchSite(b *testing.B) (s *Server, e *engine.Engine, text string) {
	b.Helper()
	e = newEngine(b)
	for _, user := range []string{alice, bob} {
		j, _ := presence.ParseJID(user)
		if _, err := e.Apply(b.Context(), engine.Principal{Operator: true}, j, engine.Enable{}); err != nil {
			b.Fatal(err)
		}
		e.Device(engine.Device{User: presence.JID{Addr: j.Addr, Bare: user, Resource: "desk"}})
	}
	keep := newKeep(1e9, 1e9)
	_, text, err := keep.Create(b.Context(), token.Request{As: bob, Scopes: []token.Scope{token.Read}, Life: time.Hour}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	s = New(Options{
		Door: e, Follow: e, Tokens: keep, Find: find, Ready: func() bool { return true },
		Language: "en", Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	return s, e, text
}

func benchListen(b *testing.B) net.Listener {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// rate asks n times over kept connections, four at once, and returns questions a
// second.
func rate(b *testing.B, addr, text string, n int) float64 {
	b.Helper()
	const clients = 4
	start := time.Now()
	var work sync.WaitGroup
	for range clients {
		work.Go(func() {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			ask := []byte("GET /v1/presence/" + alice + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + text + "\r\n\r\n")
			for range n / clients {
				if _, err := conn.Write(ask); err != nil {
					b.Error(err)
					return
				}
				res, err := http.ReadResponse(in, nil)
				if err != nil || res.StatusCode != 200 {
					b.Error(err, res)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	work.Wait()
	return float64(n) / time.Since(start).Seconds()
}

// BenchmarkGet_AgainstAStaticHandler asks net/http for the same bytes in turn:
// the limit is half of its pace.
func BenchmarkGet_AgainstAStaticHandler(b *testing.B) {
	s, _, text := benchSite(b)
	l := benchListen(b)
	s.Serve(l)
	defer s.Close(context.Background())
	fixed := []byte(`{"user":"alice@example.org","availability":3500,"interrupt":true,"fields":{}}`)
	static := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(fixed)
	})}
	sl := benchListen(b)
	go static.Serve(sl)
	defer static.Close()
	var ours, theirs float64
	for b.Loop() {
		ours += rate(b, l.Addr().String(), text, 4000)
		theirs += rate(b, sl.Addr().String(), text, 4000)
	}
	b.ReportMetric(ours/theirs, "ratio")
	b.ReportMetric(ours/float64(b.N), "questions/s")
}

// BenchmarkStreams opens many streams of one asker, changes the user, and
// measures what a stream costs and how long all take to hear.
func BenchmarkStreams(b *testing.B) {
	const streams = 5000 // two files each: here both ends are ours
	s, e, text := benchSite(b)
	l := benchListen(b)
	s.Serve(l)
	defer s.Close(context.Background())
	before := memory()
	conns := make([]net.Conn, streams)
	for i := range conns {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		if _, err := fmt.Fprintf(c, "GET /v1/stream?user=%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", alice, text); err != nil {
			b.Fatal(err)
		}
		conns[i] = c
	}
	hear := func(what string) {
		buf := make([]byte, 4096)
		for _, c := range conns {
			for got := ""; !strings.Contains(got, what); {
				_ = c.SetReadDeadline(time.Now().Add(patience))
				n, err := c.Read(buf)
				if got += string(buf[:n]); err != nil {
					b.Fatal(err, got)
				}
			}
		}
	}
	hear(`"user"`)
	each := float64(memory()-before) / streams / 1024
	j, _ := presence.ParseJID(alice)
	i := 0
	for b.Loop() {
		b.StopTimer()
		time.Sleep(2100 * time.Millisecond) // beyond the pace of S10
		i++
		note := fmt.Sprintf("note %d.", i)
		b.StartTimer()
		if _, err := e.Apply(b.Context(), engine.Principal{Operator: true}, j, engine.SetNote{Text: note}); err != nil {
			b.Fatal(err)
		}
		hear(note)
	}
	b.ReportMetric(each, "KiB/stream")
}

// memory is what the process has from the system for heap and stacks.
func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
