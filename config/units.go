package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

var (
	errDuration = errors.New(`not a duration; write a number and a unit, such as "5m" (units: ms, s, m, h, d)`)
	errSize     = errors.New(`not a size; write a number and a unit, such as "256KiB" (units: B, KiB, MiB, GiB, kB, MB, GB)`)
)

// Duration is a length of time, never negative. In text it is a sequence of
// whole numbers and units: ms, s, m, h, d ("90d", "1h30m").
type Duration time.Duration

// Std returns d as the standard library's duration.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// unit is one unit of measure and how many base units it is worth.
type unit struct {
	name  string
	worth int64
}

// durationUnits runs from long to short: String picks the first that divides.
var durationUnits = []unit{
	{"d", int64(24 * time.Hour)},
	{"h", int64(time.Hour)},
	{"m", int64(time.Minute)},
	{"s", int64(time.Second)},
	{"ms", int64(time.Millisecond)},
}

// ParseDuration reads "5m", "90d" or "1h30m". The error says what to write and
// does not repeat the text.
func ParseDuration(s string) (Duration, error) {
	if s == "" {
		return 0, errDuration
	}
	var total int64
	for s != "" {
		n, name, rest, ok := leadingQuantity(s)
		if !ok {
			return 0, errDuration
		}
		worth, ok := unitWorth(durationUnits, name)
		if !ok || (n != 0 && worth > (math.MaxInt64-total)/n) {
			return 0, errDuration
		}
		total += n * worth
		s = rest
	}
	return Duration(total), nil
}

// leadingQuantity cuts one whole number and the letters behind it off s.
func leadingQuantity(s string) (n int64, name, rest string, ok bool) {
	digits := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if digits <= 0 {
		return 0, "", "", false
	}
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	if err != nil {
		return 0, "", "", false
	}
	s = s[digits:]
	letters := strings.IndexFunc(s, func(r rune) bool { return r >= '0' && r <= '9' })
	if letters < 0 {
		letters = len(s)
	}
	return n, s[:letters], s[letters:], true
}

func unitWorth(units []unit, name string) (int64, bool) {
	for _, u := range units {
		if u.name == name {
			return u.worth, true
		}
	}
	return 0, false
}

// String writes d as an operator would: "60s", "5m", "24h", "90d", "1h30m".
// A unit is used alone from two of it on, so a minute stays "60s" and a day
// stays "24h".
func (d Duration) String() string {
	n := int64(d)
	if n == 0 {
		return "0s"
	}
	for _, u := range durationUnits {
		alone := u.name == "h" || u.name == "ms" || n/u.worth >= 2
		if n%u.worth == 0 && (alone || n == int64(time.Second)) && n >= u.worth {
			return strconv.FormatInt(n/u.worth, 10) + u.name
		}
	}
	return d.Std().String() // finer than a millisecond: never read from a file
}

// MarshalText writes d in the form that ParseDuration reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Size is a number of bytes. In text it is a whole number and a unit: B, KiB,
// MiB, GiB (powers of 1024), kB, MB, GB (powers of 1000).
type Size int64

// Bytes returns s as a plain number of bytes.
func (s Size) Bytes() int64 { return int64(s) }

var sizeUnits = []unit{
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"GB", 1e9},
	{"MB", 1e6},
	{"kB", 1e3},
	{"KB", 1e3},
	{"B", 1},
}

// ParseSize reads "256KiB". The error says what to write and does not repeat
// the text.
func ParseSize(s string) (Size, error) {
	n, name, rest, ok := leadingQuantity(s)
	if !ok || rest != "" {
		return 0, errSize
	}
	worth, ok := unitWorth(sizeUnits, strings.TrimSpace(name))
	if !ok || n > math.MaxInt64/worth {
		return 0, errSize
	}
	return Size(n * worth), nil
}

// String writes s with the largest unit that leaves a whole number.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && int64(s)%u.worth == 0 {
			return strconv.FormatInt(int64(s)/u.worth, 10) + u.name
		}
	}
	return "0B"
}

// MarshalText writes s in the form that ParseSize reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
