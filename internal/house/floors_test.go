package house

import (
	"slices"
	"strings"
	"testing"
)

// floors are the rooms from the roof down. A room imports rooms of lower floors
// only: never its own floor, so that neighbours do not know each other.
var floors = [][]string{
	{"cmd/presenced"},
	{"internal/daemon", "internal/check"},
	{"internal/sites"},
	{"config"},
	{"internal/polling"},
	{
		"component", "internal/admin", "internal/web",
		"internal/store/boltstore", "internal/store/redisstore", "internal/serverlists",
		"aggregation/calendar/sources/ics", "aggregation/calendar/sources/caldav",
		"aggregation/calendar/sources/ews", "aggregation/calendar/sources/graph", "aggregation/calendar/sources/google",
	},
	{"aggregation/calendar/sources/bearer"},
	{
		"component/commands", "component/outbox", "component/privilege", "internal/store/queue", "internal/answer", "internal/token", "internal/audit",
		"aggregation/calendar/sources/outbound", "aggregation/calendar/sources/batch",
		"aggregation/calendar/sources/away", "aggregation/calendar/sources/exchange",
	},
	{"component/stream", "internal/explain", "aggregation/calendar/sources"},
	{"internal/engine", "internal/scenario"},
	{"internal/engine/eval"},
	{"aggregation", "privacy", "roster", "internal/text", "internal/directory"},
	{"aggregation/calendar"},
	{"internal/presence", "internal/intern", "internal/seal", "client"},
}

// narrow names the rooms that may import less than their floor allows.
var narrow = map[string][]string{
	"config":               {},
	"component/stream":     {},
	"component/privilege":  {"component/stream"},
	"internal/presence":    {},
	"internal/seal":        {},
	"internal/intern":      {},
	"client":               {}, // for programs of others
	"internal/text":        {"internal/presence"},
	"internal/directory":   {"internal/presence"},
	"roster":               {"internal/presence", "internal/intern"},
	"privacy":              {"internal/presence"},
	"aggregation":          {"aggregation/calendar", "internal/presence"},
	"aggregation/calendar": {"internal/presence"},
	// The engine knows neither the wire nor a store's file.
	"internal/store/boltstore":  {"internal/engine", "internal/store/queue"},
	"internal/store/redisstore": {"internal/engine", "internal/store/queue"},
	"internal/store/queue":      {"internal/engine"},
	"internal/polling": {"aggregation/calendar", "aggregation/calendar/sources", "aggregation/calendar/sources/caldav",
		"aggregation/calendar/sources/ics", "aggregation/calendar/sources/outbound", "internal/engine", "internal/presence"},
	"internal/audit": {"internal/engine", "internal/presence"},
	"internal/sites": {"aggregation/calendar/sources", "aggregation/calendar/sources/caldav", "aggregation/calendar/sources/ics",
		"aggregation/calendar/sources/ews", "aggregation/calendar/sources/graph", "aggregation/calendar/sources/google",
		"aggregation/calendar/sources/away", "aggregation/calendar/sources/bearer", "aggregation/calendar/sources/outbound",
		"config", "internal/directory", "internal/polling", "internal/presence"},
	"internal/serverlists": {"internal/engine", "internal/presence", "privacy"},
	// What fetches calendars knows no user, rule or store.
	"aggregation/calendar/sources":          {"aggregation/calendar", "internal/presence"},
	"aggregation/calendar/sources/outbound": {"aggregation/calendar/sources"},
	"aggregation/calendar/sources/ics":      {"aggregation/calendar", "aggregation/calendar/sources", "aggregation/calendar/sources/outbound"},
	"aggregation/calendar/sources/caldav":   {"aggregation/calendar", "aggregation/calendar/sources", "aggregation/calendar/sources/outbound", "internal/presence"},
	"aggregation/calendar/sources/batch":    {"aggregation/calendar/sources"},
	"aggregation/calendar/sources/exchange": {"aggregation/calendar/sources"},
	"aggregation/calendar/sources/away":     {"internal/presence"},
	"aggregation/calendar/sources/bearer":   {"aggregation/calendar/sources", "aggregation/calendar/sources/outbound"},
	"aggregation/calendar/sources/ews":      enterprise,
	"aggregation/calendar/sources/graph":    enterprise,
	"aggregation/calendar/sources/google":   enterprise,
}

// enterprise is what the sources of Exchange, Microsoft 365 and Google share.
var enterprise = []string{
	"aggregation/calendar", "aggregation/calendar/sources", "aggregation/calendar/sources/outbound", "aggregation/calendar/sources/batch",
	"aggregation/calendar/sources/away", "aggregation/calendar/sources/bearer", "aggregation/calendar/sources/exchange", "internal/presence",
}

// tools are built around the house: tests, the demo, the benchmarks. No room
// may import one, and the first two see the product from outside only.
var (
	outside = []string{"internal/testbed", "internal/testbed/calendars", "internal/acceptance"}
	tools   = append([]string{
		"internal/bench", "internal/demo", "internal/house", "internal/mutants", "internal/store/storetest",
		"aggregation/calendar/sources/sourcetest",
	}, outside...)
)

// floorOf returns the index of a room in floors, or -1.
func floorOf(room string) int {
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, room) })
}

func TestImports_PointDownwards(t *testing.T) {
	for _, p := range load(t).own() {
		floor := floorOf(p.room())
		if slices.Contains(tools, p.room()) {
			continue
		}
		if floor < 0 {
			t.Errorf("%s stands on no floor: give it a place in floors_test.go", p.room())
			continue
		}
		for _, to := range p.rooms() {
			switch {
			case slices.Contains(tools, to):
				t.Errorf("%s imports %s, which is no part of the product", p.room(), to)
			case floorOf(to) <= floor:
				t.Errorf("%s imports %s, which is not below it", p.room(), to)
			}
		}
		if may, ok := narrow[p.room()]; ok {
			for _, to := range p.rooms() {
				if !slices.Contains(may, to) {
					t.Errorf("%s imports %s; it may import only [%s]", p.room(), to, strings.Join(may, " "))
				}
			}
		}
	}
}

func TestImports_TestbedJudgesFromOutside(t *testing.T) {
	for _, p := range load(t).own() {
		if !slices.Contains(outside, p.room()) {
			continue
		}
		for _, to := range p.rooms() {
			if !slices.Contains(tools, to) {
				t.Errorf("%s imports %s; it sees the product through its binary only", p.room(), to)
			}
		}
	}
}
