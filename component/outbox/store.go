package outbox

import "presenced/internal/engine"

// A storm makes entries and bodies by the hundred thousand; made one by one they
// would cost more than what they hold.
const (
	slabEntries = 256
	// chunkBytes is small since one body that still waits keeps its whole
	// chunk: some 25 bodies.
	chunkBytes = 4 << 10
)

// store makes entries and keeps bodies. Its zero value is ready.
type store struct {
	free  *entry  // released ones, by next
	slab  []entry // not used yet
	chunk []byte
}

// entry returns an empty entry for a pair.
func (s *store) entry(key engine.Target) *entry {
	e := s.free
	switch {
	case e != nil:
		s.free = e.next
	default:
		if len(s.slab) == 0 {
			s.slab = make([]entry, slabEntries)
		}
		e = &s.slab[0]
		s.slab = s.slab[1:]
	}
	*e = entry{pair: key}
	e.ops = e.first[:0]
	return e
}

// reuse takes an entry back that nothing refers to any more.
func (s *store) reuse(e *entry) {
	*e = entry{next: s.free}
	s.free = e
}

// body returns a copy that lives as long as somebody holds it.
func (s *store) body(b []byte) []byte {
	if cap(s.chunk)-len(s.chunk) < len(b) {
		s.chunk = make([]byte, 0, max(chunkBytes, len(b)))
	}
	start := len(s.chunk)
	s.chunk = append(s.chunk, b...)
	return s.chunk[start:len(s.chunk):len(s.chunk)]
}
