package component

// cacheSize bounds one generation of a cache: enough for the devices of a
// large server at 5 MB. What does not fit is parsed again, which costs about a
// microsecond.
const cacheSize = 16 << 10

// maxCachedKey keeps giant addresses out of the cache.
const maxCachedKey = 512

// sample is one in how many are kept while hardly anything is found again.
const sample = 8

// cache maps the raw bytes of an address to what was made of them, in two
// generations: when the young one is full it becomes the old one, and what is
// used again is young again. Where more senders take turns than fit, none would ever
// be found, and each would be put in for nothing: then only a sample is, until more
// are found again. Only the reader uses it.
type cache[V any] struct {
	young, old map[string]V
	found      int // since the last time it was judged
	missed     int
	crowded    bool // hardly anything was, last time
}

// get returns the value for raw. It does not allocate for a young one.
func (c *cache[V]) get(raw []byte) (V, bool) {
	v, ok := c.young[string(raw)]
	if ok {
		c.found++
		return v, true
	}
	if v, ok = c.old[string(raw)]; ok {
		c.found++
		c.keep(string(raw), v)
	}
	return v, ok
}

// put takes in what get did not find.
func (c *cache[V]) put(raw string, v V) {
	if c.missed++; c.missed >= cacheSize {
		c.crowded = c.found < c.missed/sample
		c.found, c.missed = 0, 0
	}
	if !c.crowded || c.missed%sample == 0 {
		c.keep(raw, v)
	}
}

func (c *cache[V]) keep(raw string, v V) {
	if len(raw) > maxCachedKey {
		return
	}
	if c.young == nil || len(c.young) >= cacheSize {
		c.young, c.old = map[string]V{}, c.young
	}
	c.young[raw] = v
}
