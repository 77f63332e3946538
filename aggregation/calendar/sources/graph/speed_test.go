package graph

import (
	"testing"
	"time"

	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/testbed/calendars"
)

func TestSpeed_TenThousandUsersOverFourTenants(t *testing.T) {
	rigs := make([]*sourcetest.Rig, 4)
	for i := range rigs {
		g := graph(t, calendars.Options{})
		o := options(g, sourcetest.NewClock())
		o.InFlight, o.Timeout = 8, 30*time.Second
		rigs[i] = &sourcetest.Rig{Source: source(t, o), Server: fake(g), InFlight: o.InFlight}
	}
	sourcetest.Speed(t, rigs, sourcetest.Pace{Users: 10_000, Latency: 100 * time.Millisecond, Scale: 1})
}
