package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"presenced/internal/testbed"
)

// listed is how many users a batch has.
const listed = 200

// batch measures row batch: how long a list of 200 users takes, over HTTP and as a
// query over the stream, from the write of the question to the last byte of the
// answer, one after the other.
func batch(ctx context.Context, l *lab) (_ []figure, err error) {
	s, err := l.answering(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	tokens, err := s.tokens(ctx, askers, testbed.DefaultHost)
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx, s.daemon.HTTPAddr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	over := &lister{site: s, tokens: tokens, conn: c, in: bufio.NewReader(c)}
	kinds := []struct {
		name string
		ask  func(context.Context, int) (time.Duration, error)
	}{{"POST /v1/presence", over.post}, {"the query IQ", over.query}}
	var figures []figure
	for _, k := range kinds {
		var runs []float64
		var beside []map[string]float64
		for run := range l.size.runs {
			p99, also, err := s.lists(ctx, k.ask, run*l.size.batches, l.size.batches)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k.name, err)
			}
			runs, beside = append(runs, p99), append(beside, also)
		}
		g := goal{rowBatch, fmt.Sprintf("%s for %d users, p99", k.name, listed), "ms", atMost, 5, none()}
		figures = append(figures, g.figure(runs, medians(beside)))
	}
	return figures, s.healthy(ctx)
}

// lists asks for n lists, from the first on.
func (s *site) lists(ctx context.Context, ask func(context.Context, int) (time.Duration, error), first, n int) (p99 float64, also map[string]float64, err error) {
	took := make([]float64, n)
	before, err := used()
	if err != nil {
		return 0, nil, err
	}
	cpu, err := spent(s.daemon.PID(), func() error {
		for i := range took {
			d, err := ask(ctx, first+i)
			if err != nil {
				return err
			}
			took[i] = millis(d)
		}
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	after, err := used()
	if err != nil {
		return 0, nil, err
	}
	slices.Sort(took)
	return quantile(took, 0.99), map[string]float64{
		"p50 ms": quantile(took, 0.5), "max ms": took[n-1], "daemon ms CPU/list": millis(cpu) / float64(n),
		"cores busy with other programs": others(before, after, cpu.Seconds()),
	}, nil
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// lister asks for lists of users, each another list than the last.
type lister struct {
	site   *site
	tokens []string
	conn   net.Conn
	in     *bufio.Reader
}

// users are those of the n-th list.
func (b *lister) users(n int) []string {
	out := make([]string, listed)
	for i := range out {
		out[i] = testbed.Bare(jidOf((n*listed+i)*stride%b.site.all(), desk))
	}
	return out
}

// post asks over HTTP.
func (b *lister) post(_ context.Context, n int) (time.Duration, error) {
	body, err := json.Marshal(map[string][]string{"users": b.users(n)})
	if err != nil {
		return 0, err
	}
	question := fmt.Appendf(nil, "POST /v1/presence HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", b.tokens[n%len(b.tokens)], len(body), body)
	if err := b.conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return 0, err
	}
	var answer bytes.Buffer
	start := time.Now()
	if _, err := b.conn.Write(question); err != nil {
		return 0, err
	}
	if err := readAnswer(b.in, &answer); err != nil {
		return 0, err
	}
	took := time.Since(start)
	if got := bytes.Count(answer.Bytes(), []byte(`"status":"here"`)); got != listed {
		return 0, fmt.Errorf("%d of %d users were answered: %.300s", got, listed, answer.Bytes())
	}
	return took, nil
}

// query asks over the stream. That the answer is parsed here is not counted.
func (b *lister) query(ctx context.Context, n int) (time.Duration, error) {
	text := []byte("<query xmlns='urn:presenced:1'>")
	for _, u := range b.users(n) {
		text = fmt.Appendf(text, "<presence jid='%s'/>", u)
	}
	text = append(text, "</query>"...)
	from := fmt.Sprintf("bot%d@%s/x", n%askers, testbed.DefaultHost)
	start := time.Now()
	answer, err := b.site.link.IQ(ctx, "get", from, testbed.DefaultComponent, string(text))
	if err != nil {
		return 0, err
	}
	var came time.Time
	b.site.meter.read(func(m *meter) { came = m.last })
	if got := bytes.Count([]byte(answer.Raw), []byte("<status>here</status>")); got != listed {
		return 0, fmt.Errorf("%d of %d users were answered: %.300s", got, listed, answer.Raw)
	}
	return came.Sub(start), nil
}
