package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Defaults of WriterOptions.
const (
	// DefaultMaxBatch is the size of one write call. Beyond 64 KiB the cost
	// per stanza no longer falls, while the cache misses begin.
	DefaultMaxBatch = 64 << 10
	// DefaultWriteTimeout is how long the peer may take to accept one batch. A
	// stalled peer is found by its pings, sooner; this ends a write for good.
	DefaultWriteTimeout = 60 * time.Second
	// DefaultMaxQueue is how many bytes may wait: some 40 000 presences.
	DefaultMaxQueue = 8 << 20

	// batchSlack is the free room below which a batch is closed, so that the
	// next stanza rarely makes its buffer grow.
	batchSlack = 1 << 10
	// maxSpare is the number of empty batches kept for reuse, 1 MiB.
	maxSpare = 16
)

// Errors of a Writer.
var (
	// ErrQueueFull says that the stanza was not taken, because MaxQueue bytes
	// wait for a slow peer. The stream is intact; the caller decides.
	ErrQueueFull = errors.New("stream: write queue full")
	// ErrClosed says that Close was called.
	ErrClosed = errors.New("stream: writer closed")
)

// Conn is the part of net.Conn that a Writer needs.
type Conn interface {
	io.WriteCloser
	SetWriteDeadline(t time.Time) error
}

// WriterOptions are the options of a Writer. Zero and negative values mean the
// default.
type WriterOptions struct {
	// MaxBatch is the number of bytes gathered for one write call. A single
	// longer stanza makes a longer batch.
	MaxBatch int
	// WriteTimeout bounds each write call.
	WriteTimeout time.Duration
	// MaxQueue bounds the bytes appended and not yet accepted by the kernel.
	MaxQueue int
	// BeforeFlush, if set, is called before every write call on the Writer's
	// goroutine. Its error ends the stream without writing the batch. It must
	// not call Close.
	BeforeFlush func() error
}

// Stats counts what a Writer has written since it began.
type Stats struct {
	Stanzas, Bytes, Writes uint64
}

// batch is a row of whole stanzas, the payload of one write call.
type batch struct {
	bytes   []byte
	stanzas int
}

// flushWaiter is one call of Flush.
type flushWaiter struct {
	target uint64
	done   chan struct{}
}

// Writer gathers stanzas and writes them in batches from one goroutine: a lone
// stanza leaves at once, and what is appended during a write call leaves
// together with the next. Stanzas leave in the order in which they were
// appended, each whole, and no write call ends within one. All methods may be
// called from any goroutine.
//
// The first write error, a timeout included, ends the Writer, because half an
// element may be on the wire: the conn is closed and what waits is dropped.
type Writer struct {
	conn    Conn
	options WriterOptions
	done    chan struct{} // closed with the first error or Close
	running sync.WaitGroup

	mu       sync.Mutex // guards all below
	wake     sync.Cond  // the goroutine waits here while the queue is empty
	idle     bool       // the goroutine waits
	queue    []batch    // the last one is being filled
	spare    [][]byte
	appended uint64 // bytes taken
	written  uint64 // bytes accepted by the kernel
	waiters  []flushWaiter
	buffer   Buffer // the one Batch hands out: a new one would be garbage each time
	err      error
	sealed   bool // Seal was called
	stats    Stats
}

// NewWriter returns a Writer over conn and starts its goroutine, which ends
// with Close or the first error. The Writer owns the writing side of conn and
// closes conn at the end.
func NewWriter(conn Conn, options WriterOptions) *Writer {
	if options.MaxBatch <= 0 {
		options.MaxBatch = DefaultMaxBatch
	}
	if options.WriteTimeout <= 0 {
		options.WriteTimeout = DefaultWriteTimeout
	}
	if options.MaxQueue <= 0 {
		options.MaxQueue = DefaultMaxQueue
	}
	w := &Writer{conn: conn, options: options, done: make(chan struct{})}
	w.buffer.w = w
	w.wake.L = &w.mu
	w.running.Go(w.run)
	return w
}

// WriteStanza appends one rendered stanza. The bytes are copied. It returns
// ErrQueueFull, or the error that ended the Writer.
func (w *Writer) WriteStanza(stanza []byte) error {
	w.mu.Lock()
	defer w.unlock()
	b := Buffer{w: w}
	return b.Raw(stanza)
}

// Seal appends the last bytes of the stream. What is appended afterwards is
// refused with ErrClosed: it must not follow the end of the stream, and writing
// it to a half-closed conn would reset what the peer has not read yet.
func (w *Writer) Seal(last []byte) error {
	w.mu.Lock()
	defer w.unlock()
	b := Buffer{w: w}
	err := b.Raw(last)
	w.sealed = true
	return err
}

// Append lets render append one stanza to dst and return the longer slice, as
// the append functions do. render runs under the Writer's lock: it must be
// short and must not call the Writer.
func (w *Writer) Append(render func(dst []byte) []byte) error {
	w.mu.Lock()
	defer w.unlock()
	b := Buffer{w: w}
	return b.Append(render)
}

// Batch calls fill once, under one acquisition of the lock, so that a change
// reaches thousands of watchers in a row. fill must be short, must not call
// the Writer and must not keep the Buffer. The Buffer's methods say of each
// stanza whether it was taken; Batch returns the error that ended the Writer
// before, without calling fill.
func (w *Writer) Batch(fill func(b *Buffer)) error {
	w.mu.Lock()
	defer w.unlock()
	if w.err != nil {
		return w.err
	}
	fill(&w.buffer)
	return nil
}

// unlock releases the lock and wakes the goroutine if there is work.
func (w *Writer) unlock() {
	if w.idle && len(w.queue) > 0 {
		w.idle = false
		w.wake.Signal()
	}
	w.mu.Unlock()
}

// Pending returns the bytes appended and not yet accepted by the kernel.
func (w *Writer) Pending() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pending()
}

func (w *Writer) pending() int { return int(w.appended - w.written) }

// Stats returns the counters.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stats
}

// Done is closed when the Writer has ended; Err says why.
func (w *Writer) Done() <-chan struct{} { return w.done }

// Err returns the error that ended the Writer, ErrClosed after Close, or nil.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Flush waits until everything appended before the call has been accepted by
// the kernel. It returns the error that ended the Writer before that, or the
// one of ctx.
func (w *Writer) Flush(ctx context.Context) error {
	w.mu.Lock()
	if w.written == w.appended || w.err != nil {
		err := w.err
		if w.written == w.appended {
			err = nil
		}
		w.mu.Unlock()
		return err
	}
	me := flushWaiter{target: w.appended, done: make(chan struct{})}
	w.waiters = append(w.waiters, me)
	w.mu.Unlock()

	select {
	case <-me.done:
		return nil
	case <-ctx.Done():
	case <-w.done:
	}
	return w.giveUp(ctx, me)
}

// giveUp ends a Flush that was not answered, unless it was answered meanwhile.
func (w *Writer) giveUp(ctx context.Context, me flushWaiter) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.written >= me.target {
		return nil
	}
	for i := range w.waiters {
		if w.waiters[i].done == me.done {
			w.waiters = append(w.waiters[:i], w.waiters[i+1:]...)
			break
		}
	}
	if w.err != nil {
		return w.err
	}
	return fmt.Errorf("stream: flush: %w", ctx.Err())
}

// Close ends the Writer, closes the conn at once, interrupting a write call,
// and waits for the goroutine. What has not been written is dropped: call
// Flush before. It may be called more than once.
func (w *Writer) Close() error {
	w.end(ErrClosed)
	w.running.Wait()
	return nil
}

// end makes err the Writer's error, unless it has one, and closes the conn.
func (w *Writer) end(err error) {
	w.mu.Lock()
	first := w.err == nil
	if first {
		w.err = err
		w.queue, w.spare = nil, nil
		close(w.done)
		w.wake.Signal()
	}
	w.mu.Unlock()
	if first {
		// Its error adds nothing: the stream is over either way.
		_ = w.conn.Close()
	}
}

// run writes batches until the Writer ends.
func (w *Writer) run() {
	var last batch
	for {
		next, ok := w.take(last)
		if !ok {
			return
		}
		if err := w.write(next.bytes); err != nil {
			w.end(err)
			return
		}
		last = next
	}
}

// take accounts for the batch written last and waits for the next one.
func (w *Writer) take(last batch) (batch, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last.stanzas > 0 {
		w.account(last)
	}
	for len(w.queue) == 0 && w.err == nil {
		w.idle = true
		w.wake.Wait()
	}
	w.idle = false
	if w.err != nil {
		return batch{}, false
	}
	next := w.queue[0]
	n := copy(w.queue, w.queue[1:])
	w.queue[n] = batch{}
	w.queue = w.queue[:n]
	return next, true
}

// account counts a written batch, keeps its memory and answers Flush.
func (w *Writer) account(b batch) {
	w.written += uint64(len(b.bytes))
	w.stats.Bytes += uint64(len(b.bytes))
	w.stats.Stanzas += uint64(b.stanzas)
	w.stats.Writes++
	w.keep(b.bytes)
	for len(w.waiters) > 0 && w.waiters[0].target <= w.written {
		close(w.waiters[0].done)
		w.waiters = append(w.waiters[:0], w.waiters[1:]...)
	}
}

// write writes one batch.
func (w *Writer) write(p []byte) error {
	if w.options.BeforeFlush != nil {
		if err := w.options.BeforeFlush(); err != nil {
			return fmt.Errorf("stream: refused before flush: %w", err)
		}
	}
	if err := w.conn.SetWriteDeadline(time.Now().Add(w.options.WriteTimeout)); err != nil {
		return fmt.Errorf("stream: write deadline: %w", err)
	}
	n, err := w.conn.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("stream: write: %w", err)
	}
	return nil
}
