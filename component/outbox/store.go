package outbox

// A storm makes places and bodies by the hundred thousand; made one by one they
// would cost more than what they hold.
const (
	slabPlaces = 64
	slabNames  = 1024 // watchers of casts
	// chunkBytes is small since one body that still waits keeps its whole
	// chunk: some 25 bodies.
	chunkBytes = 4 << 10
)

// store makes places and mirrors and keeps bodies. Its zero value is ready.
type store struct {
	free    *place  // released ones, by next
	slab    []place // not used yet
	spare   []*mirror
	mirrors []mirror // not used yet
	names   []string // not used yet
	chunk   []byte
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
	if len(s.mirrors) == 0 {
		s.mirrors = make([]mirror, slabPlaces)
	}
	m := &s.mirrors[0]
	s.mirrors = s.mirrors[1:]
	m.from, m.casts = from, m.first[:0]
	return m
}

// room returns old emptied, or a new one, with room for n watchers.
func (s *store) room(old []string, n int) []string {
	if cap(old) >= n {
		return old[:0]
	}
	if len(s.names) < n {
		s.names = make([]string, max(n, slabNames))
	}
	room := s.names[:0:n]
	s.names = s.names[n:]
	return room
}

// forget takes a mirror back of which nothing is held.
func (s *store) forget(m *mirror) {
	clear(m.casts[:cap(m.casts)])
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
