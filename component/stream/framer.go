package stream

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Defaults of Limits.
const (
	// DefaultMaxBytes is the size of the largest element, 256 KiB: the value
	// both servers use for client stanzas, several avatars wide.
	DefaultMaxBytes = 256 << 10
	// DefaultMaxDepth is the deepest nesting, the element itself being 1. The
	// deepest legal stanza seen (a delegated, forwarded data form) has 9.
	DefaultMaxDepth = 64
	// DefaultMaxTime is the longest time from the first byte of an element to
	// its last.
	DefaultMaxTime = 30 * time.Second

	// maxHead is the longest root start tag kept of a skipped element: three
	// JIDs of 3071 bytes do not fit, every honest one does.
	maxHead = 4 << 10
	// maxHeader is the longest stream header.
	maxHeader = 8 << 10
	// firstBuffer is what one read can bring at once under load.
	firstBuffer = 64 << 10
	// minRead is the least free room offered to a read.
	minRead = 4 << 10
	// maxEmptyReads is the number of reads without bytes or error in a row
	// after which the reader is called broken, as bufio does.
	maxEmptyReads = 100
)

// Limits bounds what a Framer accepts. Zero and negative values mean the
// default, except for Idle.
type Limits struct {
	// MaxBytes is the size of the largest element in bytes.
	MaxBytes int
	// MaxDepth is the deepest nesting; the top-level element has depth 1.
	MaxDepth int
	// MaxTime is how long one element may take once its first byte came. It
	// holds only where the reader is a Deadliner.
	MaxTime time.Duration
	// Idle is how long the stream may be silent between two elements,
	// whitespace counting as sound. Zero means for ever.
	Idle time.Duration
}

func (l Limits) withDefaults() Limits {
	if l.MaxBytes <= 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	if l.MaxDepth <= 0 {
		l.MaxDepth = DefaultMaxDepth
	}
	if l.MaxTime <= 0 {
		l.MaxTime = DefaultMaxTime
	}
	return l
}

// Deadliner is the part of net.Conn by which a Framer bounds its reads.
type Deadliner interface {
	SetReadDeadline(t time.Time) error
}

// Errors that end a stream; each is wrapped with what was seen. After one of
// them Next returns it for ever.
var (
	// ErrBroken says that the end of the present element can no longer be told
	// from its inside, so the next one cannot be found: an end tag at top
	// level that is not the stream's, "<" inside a tag, or an endless top-level
	// end tag. Nothing else is fatal: tags that do not match by name, unknown
	// entities and bad characters are left for Scan to refuse.
	ErrBroken = errors.New("stream: broken markup")
	// ErrSlow says that an element was not complete within Limits.MaxTime.
	ErrSlow = errors.New("stream: element took too long")
)

// Reason says why an element was skipped.
type Reason uint8

// The reasons for skipping an element.
const (
	// ReasonSize means more than Limits.MaxBytes bytes.
	ReasonSize Reason = iota + 1
	// ReasonDepth means deeper nesting than Limits.MaxDepth.
	ReasonDepth
)

// String returns a word for logs and metric labels.
func (r Reason) String() string {
	switch r {
	case ReasonSize:
		return "size"
	case ReasonDepth:
		return "depth"
	}
	return "none"
}

// SkippedError reports an element that was read to its end and thrown away.
// The stream is intact; the caller goes on with Next.
type SkippedError struct {
	// Reason is the limit that was passed first.
	Reason Reason
	// Bytes is the length of the whole element.
	Bytes int64
	// Head is the root start tag made into an empty element, so that Scan
	// reads it and an IQ can be answered with an error. It is nil if the tag
	// alone was longer than 4 KiB or Limits.MaxBytes. The caller owns it.
	Head []byte
}

// Error describes the element without its content.
func (e *SkippedError) Error() string {
	return fmt.Sprintf("stream: element of %d bytes skipped: too much %s", e.Bytes, e.Reason)
}

// Framer cuts the top-level elements out of a stream. It owns the reader and
// every byte in it from the first on. It is not safe for concurrent use.
type Framer struct {
	r      io.Reader
	conn   Deadliner
	limits Limits

	buf             []byte
	start, pos, end int // buf[start:pos] is scanned, buf[pos:end] is not
	rerr            error
	fatal           error

	machine
	inHeader bool
	headEnd  int // length of the root start tag, 0 while unknown
	name     []byte

	skip    Reason // 0 while the element is kept
	skipped int64  // bytes of the element already thrown away
	head    []byte

	timed   bool // the deadline on conn is that of the present element
	limited bool // some deadline stands on conn
}

// NewFramer returns a Framer over r. If r is a Deadliner, as a net.Conn is,
// the Framer sets its read deadlines from Limits.MaxTime and Limits.Idle and
// replaces any that the caller had set.
func NewFramer(r io.Reader, limits Limits) *Framer {
	f := &Framer{r: r, limits: limits.withDefaults(), buf: make([]byte, firstBuffer)}
	f.conn, _ = r.(Deadliner)
	return f
}

// Next returns the next complete top-level element. The bytes are valid until
// the following call. Whitespace, other text, comments and processing
// instructions between elements are passed over.
//
// It returns io.EOF after the end tag of the stream or when the reader ends
// between two elements, io.ErrUnexpectedEOF when the reader ends within one,
// a *SkippedError for an element beyond the limits, ErrBroken or ErrSlow
// wrapped, or the error of the reader. After a reader's error at the boundary
// (an idle deadline, say) Next may be called again. If Header was not called,
// Next calls it.
func (f *Framer) Next() ([]byte, error) {
	if f.name == nil && f.fatal == nil {
		if _, err := f.Header(); err != nil {
			return nil, err
		}
	}
	f.begin()
	for {
		if f.fatal != nil {
			return nil, f.fatal
		}
		switch f.advance() {
		case evElement:
			return f.take()
		case evEnd:
			f.fatal = f.streamEnd()
		case evBroken:
			f.fatal = fmt.Errorf("%w: \"<\" inside a tag", ErrBroken)
		case evMore:
			if err := f.fill(); err != nil {
				return nil, err
			}
		}
	}
}

// begin forgets the element returned last.
func (f *Framer) begin() {
	if f.atBoundary() {
		f.start, f.headEnd = f.pos, 0
	}
}

// atBoundary reports whether no element has begun.
func (f *Framer) atBoundary() bool { return f.depth == 0 && f.state == stText }

// betweenElements reports whether the next byte belongs to no element: it is
// text, a comment or the like at top level.
func (f *Framer) betweenElements() bool {
	return f.depth == 0 && (f.state == stText || f.state >= stBang)
}

// take hands out the element that ends at pos, or reports it as skipped.
func (f *Framer) take() ([]byte, error) {
	frame := f.buf[f.start:f.pos:f.pos]
	total := f.skipped + int64(len(frame))
	if f.skip == 0 && total > int64(f.limits.MaxBytes) {
		f.beginSkip(ReasonSize)
	}
	reason, head := f.skip, f.head
	f.skip, f.skipped, f.head, f.timed = 0, 0, nil, false
	if reason != 0 {
		f.start = f.pos
		return nil, &SkippedError{Reason: reason, Bytes: total, Head: head}
	}
	return frame, nil
}

// beginSkip decides to throw the present element away and saves its head.
func (f *Framer) beginSkip(why Reason) {
	f.skip = why
	if f.headEnd == 0 || f.headEnd > min(maxHead, f.limits.MaxBytes) {
		return
	}
	tag := f.buf[f.start : f.start+f.headEnd]
	f.head = append(make([]byte, 0, len(tag)+1), tag[:len(tag)-1]...)
	if f.head[len(f.head)-1] != '/' {
		f.head = append(f.head, '/')
	}
	f.head = append(f.head, '>')
}

// fill makes room and reads once. All of the buffer has been scanned.
func (f *Framer) fill() error {
	if err := f.discard(); err != nil {
		return err
	}
	f.makeRoom()
	for range maxEmptyReads {
		if f.rerr != nil {
			return f.readError()
		}
		if err := f.setDeadline(); err != nil {
			return err
		}
		n, err := f.r.Read(f.buf[f.end:])
		f.end += n
		f.rerr = err
		if n > 0 {
			return nil
		}
	}
	return io.ErrNoProgress
}

// discard drops scanned bytes that nothing will look at again, which bounds
// the memory of skipped elements and of junk between elements.
func (f *Framer) discard() error {
	held := f.end - f.start
	switch {
	case f.inHeader:
		if held > maxHeader {
			f.fatal = fmt.Errorf("%w: header of more than %d bytes", ErrHeader, maxHeader)
			return f.fatal
		}
		return nil
	case f.betweenElements():
	case f.skip != 0:
		f.skipped += int64(held)
	case held <= f.limits.MaxBytes:
		return nil
	case f.depth == 0 && f.state == stEndTag:
		f.fatal = fmt.Errorf("%w: endless end tag", ErrBroken)
		return f.fatal
	default:
		f.beginSkip(ReasonSize)
		f.skipped = int64(held)
	}
	f.start, f.pos, f.end = 0, 0, 0
	return nil
}

// makeRoom leaves at least minRead bytes for the next read. The buffer grows
// to MaxBytes and a read at most, because discard bounds what is held.
func (f *Framer) makeRoom() {
	if len(f.buf)-f.end >= minRead {
		return
	}
	held := f.end - f.start
	to := f.buf
	if len(f.buf)-held < minRead {
		to = make([]byte, min(2*len(f.buf), max(f.limits.MaxBytes, maxHeader)+2*minRead))
	}
	copy(to, f.buf[f.start:f.end])
	f.buf, f.pos, f.start, f.end = to, f.pos-f.start, 0, held
}

// setDeadline arms the time limit of the element that has begun, once, or the
// idle limit between two elements.
func (f *Framer) setDeadline() error {
	if f.conn == nil {
		return nil
	}
	var at time.Time
	switch inside := f.inHeader || !f.atBoundary(); {
	case inside && f.timed:
		return nil
	case inside:
		f.timed, f.limited = true, true
		at = time.Now().Add(f.limits.MaxTime)
	case f.limits.Idle > 0:
		f.timed, f.limited = false, true
		at = time.Now().Add(f.limits.Idle)
	case f.limited:
		f.timed, f.limited = false, false
	default:
		return nil
	}
	if err := f.conn.SetReadDeadline(at); err != nil {
		return fmt.Errorf("stream: read deadline: %w", err)
	}
	return nil
}

// readError turns the reader's error into the one of Next, and forgets it
// unless it ends the stream.
func (f *Framer) readError() error {
	err := f.rerr
	f.rerr = nil
	inside := f.inHeader || !f.atBoundary()
	switch {
	case errors.Is(err, io.EOF) && inside:
		f.fatal = io.ErrUnexpectedEOF
	case errors.Is(err, io.EOF):
		f.fatal = io.EOF
	case inside && f.timed && errors.Is(err, os.ErrDeadlineExceeded):
		f.fatal = fmt.Errorf("%w: more than %v: %w", ErrSlow, f.limits.MaxTime, err)
	default:
		return err
	}
	return f.fatal
}
