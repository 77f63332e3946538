package outbox

// A storm makes places and bodies by the hundred thousand; made one by one they
// would cost more than what they hold.
const (
	slabPlaces = 64
	// chunkBytes is small since one body that still waits keeps its whole
	// chunk: some 25 bodies.
	chunkBytes = 4 << 10
)

// store makes places and mirrors and keeps bodies. Its zero value is ready.
type store struct {
	free  *place  // released ones, by next
	slab  []place // not used yet
	spare []*mirror
	chunk []byte
}

// place returns an empty place for something of m.
func (s *store) place(m *mirror) *place {
	p := s.free
	switch {
	case p != nil:
		s.free = p.next
		*p = place{m: m, to: p.to[:0]}
	default:
		if len(s.slab) == 0 {
			s.slab = make([]place, slabPlaces)
		}
		p = &s.slab[0]
		s.slab = s.slab[1:]
		p.m = m
	}
	return p
}

// reuse takes a place back that nothing refers to any more.
func (s *store) reuse(p *place) {
	clear(p.to)
	*p = place{next: s.free, to: p.to[:0]}
	s.free = p
}

// mirror returns an empty mirror.
func (s *store) mirror(from string) *mirror {
	if n := len(s.spare); n > 0 {
		m := s.spare[n-1]
		s.spare = s.spare[:n-1]
		m.from = from
		return m
	}
	return &mirror{from: from}
}

// forget takes a mirror back of which nothing is held.
func (s *store) forget(m *mirror) {
	*m = mirror{casts: m.casts[:0]}
	s.spare = append(s.spare, m)
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
