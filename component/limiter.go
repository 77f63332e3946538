package component

import (
	"math"
	"sync"
	"time"
)

// rates are how much is answered a second, and at once, to one sender and in all.
type rates struct {
	each, burst       float64
	total, totalBurst float64
	senders           int // remembered at most; full buckets are forgotten first
}

// What is answered, in messages, presences, requests. Queries are as fast as over
// HTTP; a telephone system refreshes the claims of 30,000 people in five minutes.
var (
	bounceRates = rates{each: 2, burst: 20, total: 20, totalBurst: 200, senders: 1024}
	queryRates  = rates{each: 2000, burst: 6500, total: math.Inf(1), totalBurst: math.Inf(1), senders: 16384}
	claimRates  = rates{each: 100, burst: 1000, total: math.Inf(1), totalBurst: math.Inf(1), senders: 16384}
	// Two programs that answer each other are not kept going.
	talkRates = rates{each: 0.5, burst: 20, total: math.Inf(1), totalBurst: math.Inf(1), senders: 16384}
	// An account's devices are asked what clients they are: all at once, then seldom.
	askRates     = rates{each: 0.1, burst: 2 * maxListeners, total: math.Inf(1), totalBurst: math.Inf(1), senders: 16384}
	commandRates = rates{each: 5, burst: 100, total: math.Inf(1), totalBurst: math.Inf(1), senders: 16384}
)

// bucket is a token bucket.
type bucket struct {
	tokens float64
	at     time.Time
}

// refill brings the bucket to now.
func (b *bucket) refill(now time.Time, rate, burst float64) {
	if math.IsInf(burst, 1) {
		b.tokens = burst
		return
	}
	b.tokens = min(burst, b.tokens+max(0, now.Sub(b.at).Seconds())*rate)
	b.at = now
}

// limiter bounds answers per sender and in all. What a sender is depends on what is
// answered: an account, or a whole domain.
type limiter struct {
	rates
	mu     sync.Mutex // guards all below
	all    bucket
	of     map[string]*bucket
	others bucket // shared by the senders beyond rates.senders
	swept  time.Time
}

func newLimiter(r rates) *limiter {
	return &limiter{rates: r, all: bucket{tokens: r.totalBurst}, others: bucket{tokens: r.burst}, of: map[string]*bucket{}}
}

// take reports whether n more may be answered to the sender.
func (l *limiter) take(sender string, n int, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(sender, now)
	b.refill(now, l.each, l.burst)
	l.all.refill(now, l.total, l.totalBurst)
	cost := float64(n)
	if b.tokens < cost || l.all.tokens < cost {
		return false
	}
	b.tokens -= cost
	l.all.tokens -= cost
	return true
}

// sweepEvery is how often full buckets are looked for, which costs as much as there are
// buckets.
const sweepEvery = time.Second

// bucket returns the sender's bucket, a new one where there is room.
func (l *limiter) bucket(sender string, now time.Time) *bucket {
	if b := l.of[sender]; b != nil {
		return b
	}
	if len(l.of) >= l.senders && now.Sub(l.swept) >= sweepEvery {
		l.swept = now
		for s, b := range l.of {
			if b.refill(now, l.each, l.burst); b.tokens == l.burst {
				delete(l.of, s)
			}
		}
	}
	if len(l.of) >= l.senders {
		return &l.others
	}
	b := &bucket{tokens: l.burst, at: now}
	l.of[sender] = b
	return b
}
