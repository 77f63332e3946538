package stream

import "errors"

// errShrunk reports a render function that did not return an extended slice.
var errShrunk = errors.New("stream: render returned a shorter slice")

// Buffer takes stanzas under the lock of a Writer; see Writer.Batch.
type Buffer struct {
	w *Writer

	// The last from and its escaped form: a presence goes to many watchers.
	from    string
	escaped []byte
}

// Raw appends one rendered stanza. It returns ErrQueueFull, or the error that
// ended the Writer; the stanza was not taken then.
func (b *Buffer) Raw(stanza []byte) error {
	last, err := b.open()
	if err != nil {
		return err
	}
	return b.commit(last, append(last.bytes, stanza...))
}

// Append lets render append one stanza to dst. Errors are those of Raw.
func (b *Buffer) Append(render func(dst []byte) []byte) error {
	last, err := b.open()
	if err != nil {
		return err
	}
	return b.commit(last, render(last.bytes))
}

// Addressed appends the stanza <name to='…' from='…' and then rest, which is
// what was rendered once for all recipients: further attributes with a blank
// before each, ">" and everything after it. The addresses are escaped; name
// and rest are copied as they are, and so is tail behind from: the slash and the
// resource that all stanzas of one kind are sent from, or nothing. Errors are those
// of Raw.
func (b *Buffer) Addressed(name, to, from string, tail, rest []byte) error {
	last, err := b.open()
	if err != nil {
		return err
	}
	dst := append(last.bytes, '<')
	dst = append(dst, name...)
	dst = append(dst, " to='"...)
	dst = AppendAttr(dst, to)
	dst = append(dst, "' from='"...)
	if from != b.from {
		b.from, b.escaped = from, AppendAttr(b.escaped[:0], from)
	}
	dst = append(append(dst, b.escaped...), tail...)
	dst = append(dst, '\'')
	return b.commit(last, append(dst, rest...))
}

// open returns the batch being filled. It must be followed by commit without
// anything in between that touches the queue.
func (b *Buffer) open() (*batch, error) {
	w := b.w
	if w.err != nil {
		return nil, w.err
	}
	if w.sealed {
		return nil, ErrClosed
	}
	if w.pending() >= w.options.MaxQueue {
		return nil, ErrQueueFull
	}
	n := len(w.queue)
	full := w.options.MaxBatch - min(batchSlack, w.options.MaxBatch/8)
	if n == 0 || len(w.queue[n-1].bytes) > full {
		w.queue = append(w.queue, batch{bytes: w.empty()})
		n++
	}
	return &w.queue[n-1], nil
}

// empty returns the memory for a new batch.
func (w *Writer) empty() []byte {
	if n := len(w.spare); n > 0 {
		p := w.spare[n-1]
		w.spare = w.spare[:n-1]
		return p
	}
	return make([]byte, 0, w.options.MaxBatch)
}

// commit makes the stanza at the end of extended part of the batch.
func (b *Buffer) commit(last *batch, extended []byte) error {
	w := b.w
	n := len(extended) - len(last.bytes)
	var err error
	switch {
	case n < 0:
		err = errShrunk
	case w.pending()+n > w.options.MaxQueue:
		err = ErrQueueFull
	case n > 0:
		last.bytes = extended
		last.stanzas++
		w.appended += uint64(n)
	}
	if last.stanzas == 0 { // nothing to write: do not leave an empty batch
		w.keep(last.bytes)
		w.queue = w.queue[:len(w.queue)-1]
	}
	return err
}

// keep puts the memory of a batch aside for the next one.
func (w *Writer) keep(p []byte) {
	if len(w.spare) < maxSpare && cap(p) <= 2*w.options.MaxBatch {
		w.spare = append(w.spare, p[:0])
	}
}
