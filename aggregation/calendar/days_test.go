package calendar

import (
	"testing"
	"time"
)

func TestWholeDays(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	beirut, err := time.LoadLocation("Asia/Beirut") // skips midnight in spring
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	tests := []struct {
		name, start, end string
		zone             *time.Location
		want             bool
	}{
		{"a day in Berlin, winter", "2026-11-24T23:00:00Z", "2026-11-25T23:00:00Z", berlin, true},
		{"the same seen from UTC", "2026-11-24T23:00:00Z", "2026-11-25T23:00:00Z", nil, false},
		{"the day of 25 hours", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", berlin, true},
		{"a day from noon to noon", "2026-11-24T11:00:00Z", "2026-11-25T11:00:00Z", berlin, false},
		{"an evening until midnight", "2026-11-24T20:00:00Z", "2026-11-24T23:00:00Z", berlin, false},
		{"nothing", "2026-11-24T23:00:00Z", "2026-11-24T23:00:00Z", berlin, false},
		{"a day that begins at one", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z", beirut, true},
	}
	for _, tt := range tests {
		if got := WholeDays(at(tt.start), at(tt.end), tt.zone); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}
