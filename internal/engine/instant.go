package engine

import "time"

// instant is a moment in nanoseconds since the engine was made, 0 for none: a
// third of a time.Time, of which a user has many. Like that it keeps to the
// monotonic clock when the machine's is set.
type instant int64

// minInstant is before everything.
const minInstant instant = -1 << 63

func (e *Engine) instant(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	if d := t.Sub(e.born); d != 0 {
		return instant(d)
	}
	return 1
}

// come reports whether the instant is one, and has come.
func (i instant) come(now instant) bool { return i != 0 && now >= i }

// in returns the instant that lies d after now.
func (u *user) in(d time.Duration, now time.Time) instant { return u.sh.e.instant(now.Add(d)) }

// seconds is an instant in whole seconds, from which ages are told, for 136 years
// of running; 0 for never.
type seconds uint32

func (i instant) seconds() seconds { return seconds(max(i, 0)/instant(time.Second)) + 1 }

// age is how long ago it was, to the second.
func (s seconds) age(now instant) time.Duration {
	return time.Duration(now - instant(s-1)*instant(time.Second))
}

// unixTime is the time of unix nanoseconds, UTC; none for 0.
func unixTime(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds).UTC()
}

// stamp is an instant rounded up to 2^24 ns, some 17 ms; 0 for never. After two
// years of running a sending has the last stamp, which is after everything: then
// something may be sent again in vain.
type stamp uint32

const (
	stampBits       = 24
	lastStamp stamp = 1<<32 - 1
)

func (i instant) stamp() stamp {
	return stamp(min(max(i, 0)>>stampBits+1, instant(lastStamp)))
}

// after reports whether the stamped moment may lie after i.
func (s stamp) after(i instant) bool { return s == lastStamp || instant(s) > i>>stampBits }
