package ews

import (
	"testing"
	"time"

	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/testbed/calendars"
)

func TestSpeed_TenThousandUsersOverFourServers(t *testing.T) {
	for _, auth := range []string{calendars.Basic, calendars.NTLM} {
		rigs := make([]*sourcetest.Rig, 4)
		for i := range rigs {
			e := server(t, auth, calendars.Options{})
			o := options(e, sourcetest.NewClock())
			o.InFlight, o.Timeout = 8, 30*time.Second
			rigs[i] = &sourcetest.Rig{Source: source(t, o), Server: fake(e), InFlight: o.InFlight}
		}
		sourcetest.Speed(t, rigs, sourcetest.Pace{Users: 10_000, Latency: 100 * time.Millisecond, Scale: 1})
	}
}
