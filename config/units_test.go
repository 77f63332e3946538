package config

import (
	"math"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]struct {
		d    time.Duration
		back string
	}{
		"5m":      {5 * time.Minute, "5m"},
		"60s":     {time.Minute, "60s"},
		"1m":      {time.Minute, "60s"},
		"90s":     {90 * time.Second, "90s"},
		"1h30m":   {90 * time.Minute, "90m"},
		"1s":      {time.Second, "1s"},
		"250ms":   {250 * time.Millisecond, "250ms"},
		"24h":     {24 * time.Hour, "24h"},
		"1d":      {24 * time.Hour, "24h"},
		"90d":     {90 * 24 * time.Hour, "90d"},
		"1d12h":   {36 * time.Hour, "36h"},
		"480m":    {8 * time.Hour, "8h"},
		"0s":      {0, "0s"},
		"106751d": {106751 * 24 * time.Hour, "106751d"},
	} {
		got, err := ParseDuration(text)
		if err != nil || got.Std() != want.d || got.String() != want.back {
			t.Errorf("ParseDuration(%q) = %v (%d), %v, want %d written %s", text, got, got, err, want.d, want.back)
		}
		if again, err := ParseDuration(got.String()); err != nil || again != got {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v again", got.String(), again, err, got)
		}
	}
	for _, text := range []string{"", "5", "m", "5x", "-5m", "1.5h", " 5m", "5m ", "5 m", "106752d", "99999999999999999999d", "106751d24h", "5µs", "5mm"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]struct {
		size int64
		back string
	}{
		"256KiB": {256 << 10, "256KiB"}, "1024KiB": {1 << 20, "1MiB"}, "2GiB": {2 << 30, "2GiB"},
		"10kB": {10_000, "10kB"}, "1MB": {1_000_000, "1MB"}, "12B": {12, "12B"}, "1 MiB": {1 << 20, "1MiB"},
		"0B": {0, "0B"}, "9223372036854775807B": {math.MaxInt64, "9223372036854775807B"},
	} {
		got, err := ParseSize(text)
		if err != nil || got.Bytes() != want.size || got.String() != want.back {
			t.Errorf("ParseSize(%q) = %v (%d), %v, want %d written %s", text, got, got, err, want.size, want.back)
		}
	}
	for _, text := range []string{"", "256", "KiB", "-1B", "1.5MiB", "1TiB", "1KiB2", "9223372036854775807KiB"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %v, want an error", text, got)
		}
	}
}
