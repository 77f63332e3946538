package component

import (
	"sync"
	"time"

	"presenced/component/commands"
	"presenced/component/privilege"
	"presenced/component/stream"
)

// message takes a message: adverts of a served host, and what people write to
// a mirror or the component, which is answered with an error (S14).
func (r *router) message(frame []byte, from *sender, to *target) {
	typ := string(r.s.Type)
	if h := r.host(from); h != nil && !to.mirror {
		if typ != "error" {
			r.advert(frame, h)
		}
		return
	}
	switch typ {
	case "error", "headline", "groupchat":
		return
	}
	if !hasBody(frame) {
		return
	}
	if !r.c.bounces.allow(from.jid.Addr.Domain(), time.Now()) {
		r.drop("message-rate")
		return
	}
	r.bounce(from, to)
}

// advert takes what a host announces.
func (r *router) advert(frame []byte, h *hostLink) {
	a, err := privilege.ParseAdvert(frame)
	if err != nil || a.Grant == nil && a.Delegated == nil {
		return
	}
	r.l.advertised(h, a)
}

// bounce tells the sender of a message that nobody reads it here.
func (r *router) bounce(from *sender, to *target) {
	e := commands.StanzaError{Type: "cancel", Condition: "service-unavailable", Text: noReader(to), Lang: "en"}
	id := string(r.s.ID)
	r.l.send(func(dst []byte) []byte {
		dst = append(dst, "<message type='error'"...)
		dst = appendAttribute(dst, "id", id)
		dst = appendAttribute(dst, "from", to.addressed())
		dst = appendAttribute(dst, "to", from.jid.Full())
		dst = e.Append(append(dst, '>'))
		return append(dst, "</message>"...)
	})
}

// noReader says where to write instead: to the address that the JID itself
// encodes, whoever that is.
func noReader(to *target) string {
	switch {
	case !to.mirror:
		return "Nobody reads messages here. Use the commands of this address instead."
	case to.shown == "":
		return "This address shows presence only."
	}
	return "This address shows presence only. Write to " + to.shown + " instead."
}

// hasBody reports whether a message has a body of its own with text in it.
func hasBody(frame []byte) bool {
	var x struct {
		Body []string `xml:"body"`
	}
	if stream.Decode(frame, &x) != nil {
		return false
	}
	for _, b := range x.Body {
		if b != "" {
			return true
		}
	}
	return false
}

// Rates of bounced messages, in messages per second and at once.
const (
	domainRate  = 2
	domainBurst = 20
	totalRate   = 20
	totalBurst  = 200
	// maxBuckets bounds the domains remembered; full ones are forgotten first.
	maxBuckets = 1024
)

// bucket is a token bucket.
type bucket struct {
	tokens float64
	at     time.Time
}

// refill brings the bucket to now.
func (b *bucket) refill(now time.Time, rate, burst float64) {
	b.tokens = min(burst, b.tokens+max(0, now.Sub(b.at).Seconds())*rate)
	b.at = now
}

// limiter bounds answers per sender's domain and in all.
type limiter struct {
	mu      sync.Mutex // guards all below
	total   bucket
	domains map[string]*bucket
	others  bucket // shared by the domains beyond maxBuckets
}

func newLimiter() *limiter {
	return &limiter{total: bucket{tokens: totalBurst}, others: bucket{tokens: domainBurst}, domains: map[string]*bucket{}}
}

// allow reports whether one more message of the domain may be answered.
func (l *limiter) allow(domain string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(domain, now)
	b.refill(now, domainRate, domainBurst)
	l.total.refill(now, totalRate, totalBurst)
	if b.tokens < 1 || l.total.tokens < 1 {
		return false
	}
	b.tokens--
	l.total.tokens--
	return true
}

// bucket returns the domain's bucket, a new one where there is room.
func (l *limiter) bucket(domain string, now time.Time) *bucket {
	if b := l.domains[domain]; b != nil {
		return b
	}
	if len(l.domains) >= maxBuckets {
		for d, b := range l.domains {
			if b.refill(now, domainRate, domainBurst); b.tokens == domainBurst {
				delete(l.domains, d)
			}
		}
	}
	if len(l.domains) >= maxBuckets {
		return &l.others
	}
	b := &bucket{tokens: domainBurst, at: now}
	l.domains[domain] = b
	return b
}
