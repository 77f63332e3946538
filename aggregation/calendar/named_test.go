package calendar

import (
	"testing"
	"time"
)

func TestNamed(t *testing.T) {
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		want int // seconds east of UTC in July
		ok   bool
	}{
		{"Europe/Berlin", 7200, true},
		{"W. Europe Standard Time", 7200, true},
		{"w. europe standard time", 7200, true},
		{"Pacific Standard Time", -7 * 3600, true},
		{"India Standard Time", 19800, true},
		{"UTC", 0, true},
		{"tzone://Microsoft/Utc", 0, true},
		{"UTC+02:00", 7200, true},
		{"(UTC+01:00) Amsterdam, Berlin", 3600, true},
		{"tzone://Microsoft/Custom", 0, false},
		{"Customized Time Zone", 0, false},
		{"Local", 0, false},
		{"../../etc/passwd", 0, false},
		{"", 0, false},
	}
	for _, tt := range tests {
		zone, ok := Named(tt.name, time.LoadLocation)
		if ok != tt.ok {
			t.Errorf("Named(%q) found = %v, want %v", tt.name, ok, tt.ok)
			continue
		}
		if !ok {
			continue
		}
		if _, got := at.In(zone).Zone(); got != tt.want {
			t.Errorf("Named(%q) is %d s east in July, want %d", tt.name, got, tt.want)
		}
	}
}
