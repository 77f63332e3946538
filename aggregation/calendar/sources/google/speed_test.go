package google

import (
	"testing"
	"time"

	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/testbed/calendars"
)

func TestSpeed_TenThousandUsersOverFourDomains(t *testing.T) {
	tests := []struct {
		name string
		set  func(o *Options)
		pace sourcetest.Pace
	}{
		{"free/busy", func(*Options) {}, sourcetest.Pace{Users: 10_000, Latency: 100 * time.Millisecond, Scale: 1}},
		// One request per user and one for her token, which is signed for her: what
		// 400 take, 25 times.
		{"events", func(o *Options) { o.Events, o.Subject = true, EachUser }, sourcetest.Pace{Users: 400, Latency: 100 * time.Millisecond, Scale: 25}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rigs := make([]*sourcetest.Rig, 4)
			for i := range rigs {
				g := google(t, calendars.Options{})
				o := options(t, g, sourcetest.NewClock())
				tt.set(&o)
				o.InFlight, o.Timeout = 8, 30*time.Second
				rigs[i] = &sourcetest.Rig{Source: source(t, o), Server: fake(g), InFlight: o.InFlight}
			}
			sourcetest.Speed(t, rigs, tt.pace)
		})
	}
}
