package calendars

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Trouble is what a server does instead of answering.
type Trouble uint8

// The values of Trouble.
const (
	Answer   Trouble = iota // nothing; Status and Body are the answer
	Hang                    // no answer until the client goes
	Drip                    // a byte now and then
	Reset                   // the connection ends
	Truncate                // the right answer, cut in the middle
	Huge                    // 100 MiB of an answer
	Login                   // 200 with a page to log in on
	Refuse                  // the answer is withheld; what was asked counts all the same
)

// LoginPage is what Login answers, as a single-sign-on proxy does.
const LoginPage = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form action=\"/owa/auth.owa\" method=\"POST\">" +
	"<input name=\"username\"><input name=\"password\" type=\"password\"></form></body></html>"

// Fault is what goes wrong, and when.
type Fault struct {
	Path    string // of the requests it strikes: a prefix; empty: all
	Skip    int    // how many of them are let through first
	Times   int    // how many it strikes then; 0: every one until Clear
	Trouble Trouble
	Status  int // with Answer
	Header  map[string]string
	Body    string

	seen int
}

// Options of every server.
type Options struct {
	// TLS makes the server speak https; Expired and WrongName spoil its certificate.
	TLS, Expired, WrongName bool
}

// server is what the three have in common.
type server struct {
	// URL is where it listens, without a slash at the end.
	URL  string
	http *httptest.Server
	life context.Context //nolint:containedctx // ends with the server
	end  context.CancelFunc
	ca   *x509.CertPool

	mu      sync.Mutex // guards the rest
	faults  []*Fault
	delay   time.Duration
	hits    map[string]int
	struck  map[string]int
	flying  int
	most    int
	conns   int
	headers []http.Header
}

// conn is what the server remembers of one connection: NTLM belongs to it.
type conn struct {
	mu        sync.Mutex // guards the rest
	challenge []byte
	user      string
}

type connKey struct{}

func (s *server) start(o Options, handler http.Handler) error {
	s.life, s.end = context.WithCancel(context.Background())
	s.hits, s.struck = map[string]int{}, map[string]int{}
	s.http = httptest.NewUnstartedServer(s.wrap(handler))
	s.http.Config.ReadHeaderTimeout = time.Minute
	s.http.Config.ErrorLog = quiet
	s.http.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns++
		return context.WithValue(ctx, connKey{}, &conn{})
	}
	if o.TLS || o.Expired || o.WrongName {
		cert, pool, err := certificate(o)
		if err != nil {
			return err
		}
		s.ca = pool
		s.http.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
		s.http.StartTLS()
	} else {
		s.http.Start()
	}
	s.URL = s.http.URL
	return nil
}

// Close ends the server and its connections.
func (s *server) Close() {
	s.end()
	s.http.CloseClientConnections()
	s.http.Close()
}

// CA returns the pool that trusts the server's certificate; nil without TLS.
func (s *server) CA() *x509.CertPool { return s.ca }

// Certificate returns the server's own; nil without TLS.
func (s *server) Certificate() *x509.Certificate {
	if s.http.TLS == nil {
		return nil
	}
	return s.http.Certificate()
}

// Play adds a fault.
func (s *server) Play(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Clear ends all faults.
func (s *server) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Delay makes every answer take that long.
func (s *server) Delay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Hits returns how many requests went to paths that begin so.
func (s *server) Hits(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := 0
	for p, n := range s.hits {
		if strings.HasPrefix(p, path) {
			sum += n
		}
	}
	return sum
}

// Struck returns how many requests to such paths a fault took the place of.
func (s *server) Struck(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := 0
	for p, n := range s.struck {
		if strings.HasPrefix(p, path) {
			sum += n
		}
	}
	return sum
}

// Most returns how many requests were in flight at once at most.
func (s *server) Most() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// Connections returns how many connections were opened.
func (s *server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// LastHeader returns the header of the last request.
func (s *server) LastHeader() http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.headers) == 0 {
		return http.Header{}
	}
	return s.headers[0]
}

func (s *server) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, delay := s.enter(r)
		defer s.leave()
		// With the body read, the server sees the client go. Close ends what hangs.
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		r.Body = io.NopCloser(bytes.NewReader(body))
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(s.life, cancel)()
		r = r.WithContext(ctx)
		if !wait(r.Context(), delay) {
			return
		}
		if fault == nil {
			s.answer(w, r, next)
			return
		}
		fault.play(w, r, next)
	})
}

func (s *server) enter(r *http.Request) (*Fault, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hits[r.URL.Path]++
	s.headers = []http.Header{r.Header.Clone()}
	s.flying++
	s.most = max(s.most, s.flying)
	for _, f := range s.faults {
		if !strings.HasPrefix(r.URL.Path, f.Path) {
			continue
		}
		f.seen++
		if f.seen > f.Skip && (f.Times == 0 || f.seen <= f.Skip+f.Times) {
			s.struck[r.URL.Path]++
			return f, s.delay
		}
	}
	return nil, s.delay
}

func (s *server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying--
}

// answer compresses for those who take it, as the real ones do.
func (s *server) answer(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || r.Header.Get("Authorization") == "" {
		next.ServeHTTP(w, r)
		return
	}
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	maps.Copy(w.Header(), rec.Header())
	w.Header().Set("Content-Encoding", "gzip")
	w.WriteHeader(rec.Code)
	zip := gzip.NewWriter(w)
	_, _ = zip.Write(rec.Body.Bytes())
	_ = zip.Close()
}

func (f *Fault) play(w http.ResponseWriter, r *http.Request, next http.Handler) {
	for k, v := range f.Header {
		w.Header().Set(k, v)
	}
	switch f.Trouble {
	case Answer:
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body))
	case Login:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(LoginPage))
	case Hang:
		<-r.Context().Done()
	case Drip:
		w.Header().Set("Content-Type", "application/json")
		for wait(r.Context(), 20*time.Millisecond) {
			_, _ = w.Write([]byte(" "))
			_ = http.NewResponseController(w).Flush()
		}
	case Huge:
		chunk := []byte(strings.Repeat(" ", 64<<10))
		for range 100 << 20 / len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	case Truncate:
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		maps.Copy(w.Header(), rec.Header())
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
	case Refuse:
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case Reset:
		panic(http.ErrAbortHandler)
	}
}

// wait reports whether d went by before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
