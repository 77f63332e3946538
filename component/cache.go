package component

// cacheSize bounds one generation of a cache: enough for the devices of a
// large server at 5 MB. What does not fit is parsed again, which costs about a
// microsecond.
const cacheSize = 16 << 10

// maxCachedKey keeps giant addresses out of the cache.
const maxCachedKey = 512

// cache maps the raw bytes of an address to what was made of them, in two
// generations: when the young one is full it becomes the old one, and what is
// used again is young again. Only the reader uses it.
type cache[V any] struct {
	young, old map[string]V
}

// get returns the value for raw. It does not allocate for a young one.
func (c *cache[V]) get(raw []byte) (V, bool) {
	v, ok := c.young[string(raw)]
	if ok {
		return v, true
	}
	if v, ok = c.old[string(raw)]; ok {
		c.put(string(raw), v)
	}
	return v, ok
}

func (c *cache[V]) put(raw string, v V) {
	if len(raw) > maxCachedKey {
		return
	}
	if c.young == nil || len(c.young) >= cacheSize {
		c.young, c.old = map[string]V{}, c.young
	}
	c.young[raw] = v
}
