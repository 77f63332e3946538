package check

import (
	"strings"
	"testing"

	"presenced/config"
	"presenced/internal/engine"
)

// TestRawPresence names S8.7's self-test: what it says of each state, and what to do.
func TestRawPresence(t *testing.T) {
	reached := engine.RawReport{Host: "example.org", Users: 5, Reached: 2, Contacts: 9}
	with := func(change func(r *engine.RawReport)) engine.RawReport {
		r := reached
		change(&r)
		return r
	}
	for _, c := range []struct {
		name   string
		report engine.RawReport
		result Result
		found  string
		do     string
	}{
		{"nothing reached", engine.RawReport{Host: "example.org", Users: 5, Closed: 5}, OK, "sends no presence of its 5 enabled users", ""},
		{"not wanted", reached, Warn, "the presence of 2 of 5 users to 9 contacts", `privacy.egress = "managed"`},
		{"no permission", with(func(r *engine.RawReport) { r.Wanted = true }), Fail, "may not write privacy lists", "paste the lines"},
		{"harmful", with(func(r *engine.RawReport) { r.Wanted, r.Writes = true, true }), Fail, "writes nothing", "presenced_lists"},
		{"refused", with(func(r *engine.RawReport) { r.Wanted, r.Writes, r.Spares, r.Refused = true, true, true, 1 }), Warn, "refused the items for 1 users", "at each login"},
		{"not yet", with(func(r *engine.RawReport) { r.Wanted, r.Writes, r.Spares = true, true, true }), Warn, "not online since", "next login"},
		{"rosters unread", engine.RawReport{Host: "example.org", Unknown: 4}, Warn, "of 4 users of example.org it is not known", "grant"},
		{"something left", engine.RawReport{Host: "example.org", Left: 3}, Warn, "lists of 3 users of example.org still hold", "next login"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &checker{config: config.Default()}
			k.rawOf(&c.report)
			got := k.Steps[0]
			if got.Name != "raw presence" || got.Result != c.result || !strings.Contains(got.Found, c.found) || !strings.Contains(got.Do, c.do) {
				t.Errorf("got %+v, want %v with %q, %q", got, c.result, c.found, c.do)
			}
		})
	}
}
