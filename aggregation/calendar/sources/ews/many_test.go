package ews

import (
	"testing"

	"go.uber.org/goleak"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/testbed/calendars"
)

// Servers come and go with a reload: a source that was closed leaves nothing.
func TestClose_LeavesNothingBehind(t *testing.T) {
	for _, auth := range []string{calendars.Basic, calendars.NTLM, calendars.OAuth} {
		before := goleak.IgnoreCurrent()
		for range 20 {
			e, err := calendars.NewExchange(calendars.Options{})
			if err != nil {
				t.Fatal(err)
			}
			e.Auth = auth
			e.Put(alice, calendars.Mailbox{})
			s, err := New(options(e, sourcetest.NewClock()))
			if err != nil {
				t.Fatal(err)
			}
			if r := one(t, s, sources.Mailbox{Address: alice}); r.Err != nil {
				t.Errorf("%s: %v", auth, r.Err)
			}
			s.Close()
			e.Close()
		}
		if err := goleak.Find(before); err != nil {
			t.Errorf("%s: %v", auth, err)
		}
	}
}
