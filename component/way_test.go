package component

import (
	"context"
	"slices"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// TestAudit_EachQuestionNamesItsWay: the auditor is told by what the engine is told.
func TestAudit_EachQuestionNamesItsWay(t *testing.T) {
	d := newDesk(t)
	var ways []string
	d.door.look = func(_ context.Context, who engine.Principal, users []presence.Addr) []presence.View {
		ways = append(ways, who.Way.String()) // the desk asks one thing at a time
		return make([]presence.View, len(users))
	}
	for _, question := range []string{
		iq("get", mirrorA, "<query xmlns='urn:presenced:1'/>"),
		iq("get", testDomain, "<query xmlns='urn:presenced:1'><presence jid='alice@"+testHost+"'/></query>"),
		iq("get", mirrorA, "<vCard xmlns='vcard-temp'/>"),
		iq("get", mirrorA, lastQuery),
		passedOn(testHost, asker, " to='alice@"+testHost+"'", lastQuery),
	} {
		d.ask(t, question)
	}
	if want := []string{"query", "batch", "vcard", "last-activity", "last-activity"}; !slices.Equal(ways, want) {
		t.Errorf("asked by %q, want %q", ways, want)
	}
}
