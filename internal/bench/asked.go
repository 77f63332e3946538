package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"presenced/internal/admin"
	"presenced/internal/testbed"
	"presenced/internal/token"
)

// askers is how many tokens ask in turns: one may ask for 2000 presences a second,
// and 6500 at once, and the limit is not what is measured.
const askers = 64

// conns is how many connections ask at once in row http.
const conns = 8

// answers is the site of the rows about HTTP: users whom nobody watches.
func (l *lab) answers() plan { return plan{alone: l.size.asked, watchers: 1, pool: 1, on: onFile} }

// answering opens it, with all that is known of the users in memory.
func (l *lab) answering(ctx context.Context) (*site, error) {
	s, err := l.open(ctx, l.answers())
	if err != nil {
		return nil, err
	}
	if err := s.rostersRead(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// tokens has tokens made that may read, for bots of the served host: colleagues, as
// everybody begins (S2.3).
func (s *site) tokens(ctx context.Context, n int, host string) (texts []string, err error) {
	c := admin.NewClient(s.daemon.Socket)
	for i := range n {
		t, err := c.CreateToken(ctx, admin.TokenRequest{
			As: fmt.Sprintf("bot%d@%s", i, host), Scopes: []token.Scope{token.Read}, ExpiresIn: 3600,
		})
		if err != nil {
			return nil, err
		}
		texts = append(texts, t.Token)
	}
	return texts, nil
}

// throughput measures row http: answers a second of GET /v1/presence, and of a
// handler that always says the same, in turns. That one has a process of its own,
// too.
func throughput(ctx context.Context, l *lab) (_ []figure, err error) {
	s, err := l.answering(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	questions, err := s.questions(ctx)
	if err != nil {
		return nil, err
	}
	body, err := sample(ctx, s.daemon.HTTPAddr, questions[0])
	if err != nil {
		return nil, err
	}
	static, err := startStatic(ctx, body)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, static.close()) }()
	var runs []float64
	var beside []map[string]float64
	for range l.size.runs {
		ours, cpu, err := rate(ctx, s.daemon.HTTPAddr, s.daemon.PID(), questions, l.size.requests)
		if err != nil {
			return nil, err
		}
		theirs, theirCPU, err := rate(ctx, static.addr, static.pid(), questions, l.size.requests)
		if err != nil {
			return nil, err
		}
		runs = append(runs, ours/theirs)
		beside = append(beside, map[string]float64{
			"k answers/s": ours / 1000, "k static answers/s": theirs / 1000, "us CPU/answer": cpu, "us CPU/static answer": theirCPU,
		})
	}
	g := goal{rowHTTP, "answers/s of GET /v1/presence / of a static JSON handler of net/http", "ratio", atLeast, 0.5, none()}
	return []figure{g.figure(runs, medians(beside))}, s.healthy(ctx)
}

// questions asks for every user once.
func (s *site) questions(ctx context.Context) ([][]byte, error) {
	tokens, err := s.tokens(ctx, askers, testbed.DefaultHost)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, s.all())
	for i := range out {
		out[i] = fmt.Appendf(nil, "GET /v1/presence/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
			testbed.Bare(jidOf(i, desk)), tokens[i%len(tokens)])
	}
	return out, nil
}

// sample asks once, and holds the answer to what it must be: the user as she is.
func sample(ctx context.Context, addr string, question []byte) ([]byte, error) {
	c, err := dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write(question); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if err := readAnswer(bufio.NewReader(c), &body); err != nil {
		return nil, err
	}
	if !bytes.Contains(body.Bytes(), []byte(`"availability":3500`)) || !bytes.Contains(body.Bytes(), []byte(`"status":"here"`)) {
		return nil, fmt.Errorf("the answer is not the user's presence: %s", body.Bytes())
	}
	return body.Bytes(), nil
}

// rate asks n questions over kept connections, each the next when it has the answer,
// and returns the answers a second and the CPU time of a process for each in
// microseconds.
func rate(ctx context.Context, addr string, pid int, questions [][]byte, n int) (perSecond, cpu float64, err error) {
	var took time.Duration
	used, err := spent(pid, func() error {
		start := time.Now()
		errs := make([]error, conns)
		var work sync.WaitGroup
		for k := range conns {
			work.Go(func() { errs[k] = askOn(ctx, addr, questions, k, n) })
		}
		work.Wait()
		took = time.Since(start)
		return errors.Join(errs...)
	})
	return float64(n) / took.Seconds(), micros(used, n), err
}

// askOn asks every question of n whose turn it is on connection k.
func askOn(ctx context.Context, addr string, questions [][]byte, k, n int) error {
	c, err := dial(ctx, addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	for i := k; i < n; i += conns {
		if _, err := c.Write(questions[i%len(questions)]); err != nil {
			return err
		}
		if err := readAnswer(in, io.Discard); err != nil {
			return err
		}
	}
	return nil
}

// dial connects, for no longer than anything may take here.
func dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(answerLimit))
}

var (
	statusOK      = []byte("HTTP/1.1 200 ")
	contentLength = []byte("Content-Length: ")
)

// readAnswer takes one answer of a known length. It does no more than it must: what
// the generator takes of a shared machine is the same for both that are compared,
// and brings them closer together than they are.
func readAnswer(in *bufio.Reader, body io.Writer) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, statusOK) {
		return fmt.Errorf("answered with %q", bytes.TrimSpace(line))
	}
	length := -1
	for len(bytes.TrimSpace(line)) > 0 {
		if line, err = in.ReadSlice('\n'); err != nil {
			return err
		}
		if value, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("an answer of unknown length")
	}
	_, err = io.CopyN(body, in, int64(length))
	return err
}
