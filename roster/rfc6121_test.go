package roster

import (
	"slices"
	"strings"
	"testing"
)

// The subscription tables of RFC 6121, appendix A, row by row: the second
// evaluation of Step. A row is "state: next"; where nothing follows the colon the
// state stays, and a "!" says that the stanza must not be routed (A.2) or delivered
// (A.3). The states are written None, Out, In, OutIn (None with what is pending),
// To, ToIn, From, FromOut and Both.
var (
	// A.2: what a user sends.
	outbound = map[Event]string{
		Subscribe:    "None:Out Out: In:OutIn OutIn: To: ToIn: From:FromOut FromOut: Both:",
		Unsubscribe:  "None: Out:None In: OutIn:In To:None ToIn:In From: FromOut:From Both:From",
		Subscribed:   "None:! Out:! In:From OutIn:FromOut To:! ToIn:Both From:! FromOut:! Both:!",
		Unsubscribed: "None:! Out:! In:None OutIn:Out To:! ToIn:To From:None FromOut:Out Both:To",
	}
	// A.3: what reaches a user.
	inbound = map[Event]string{
		Subscribe:    "None:In Out:OutIn In:! OutIn:! To:ToIn ToIn:! From:! FromOut:! Both:!",
		Unsubscribe:  "None:! Out:! In:None OutIn:Out To:! ToIn:To From:None FromOut:Out Both:To",
		Subscribed:   "None:! Out:To In:! OutIn:ToIn To:! ToIn:! From:! FromOut:Both Both:!",
		Unsubscribed: "None:! Out:None In:! OutIn:In To:None ToIn:In From:! FromOut:From Both:From",
	}
	rfcStates   = []string{"None", "Out", "In", "OutIn", "To", "ToIn", "From", "FromOut", "Both"}
	rfcStanzas  = []Event{Subscribe, Unsubscribe, Subscribed, Unsubscribed}
	rfcSees     = []string{"To", "ToIn", "Both"}       // the user sees the contact
	rfcSeen     = []string{"From", "FromOut", "Both"}  // the contact sees the user
	rfcAsks     = []string{"Out", "OutIn", "FromOut"}  // the user has asked
	rfcIsAsked  = []string{"In", "OutIn", "ToIn"}      // the contact has asked
	rfcUnsigned = map[string]string{"!": "", "": "ok"} // what a row without a next state says
)

// rfcRow reads a table: the next state, and whether the stanza passes.
func rfcRow(t *testing.T, table, state string) (next string, passes bool) {
	t.Helper()
	for field := range strings.FieldsSeq(table) {
		name, to, _ := strings.Cut(field, ":")
		if name != state {
			continue
		}
		if ok, same := rfcUnsigned[to]; same {
			return state, ok != ""
		}
		return to, true
	}
	t.Fatalf("no row for %s in %s", state, table)
	return "", false
}

// TestRFC6121_TheTablesAgreeWithEachOther: a user and a contact who both keep to
// the tables never disagree about who sees whom, whatever they send. That holds the
// tables above to what they are about.
func TestRFC6121_TheTablesAgreeWithEachOther(t *testing.T) {
	type pair struct{ user, contact string }
	reached, queue := map[pair]bool{{"None", "None"}: true}, []pair{{"None", "None"}}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for _, e := range rfcStanzas {
			next := p
			var passes bool
			if next.user, passes = rfcRow(t, outbound[e], p.user); passes {
				next.contact, _ = rfcRow(t, inbound[e], p.contact)
			}
			for _, n := range []pair{next, {next.contact, next.user}} { // either may be the sender
				if slices.Contains(rfcSees, n.user) != slices.Contains(rfcSeen, n.contact) ||
					slices.Contains(rfcAsks, n.user) != slices.Contains(rfcIsAsked, n.contact) {
					t.Fatalf("%+v: %s leads to %+v", p, e, n)
				}
				if !reached[n] {
					reached[n] = true
					queue = append(queue, n)
				}
			}
		}
	}
	users := map[string]bool{}
	for p := range reached {
		users[p.user] = true
	}
	for _, state := range rfcStates {
		if !users[state] {
			t.Errorf("nobody ever is in %s", state)
		}
	}
}

// stands are the states of the RFC that a mirror's account may be in for each of
// our standings. A mirror never subscribes to anybody, so that To, Both and what is
// pending out do not come up. Who is silent is in None or has an unanswered request,
// and nobody can tell which.
var stands = map[Standing][]string{
	None: {"None", "In"}, Pending: {"In"}, Withdrawn: {"None", "In"}, Refused: {"None", "In"}, Accepted: {"From"},
}

// TestRFC6121_TheMirrorKeepsToTheTables: for every standing, every state of the RFC
// that it may stand for, every stanza that arrives, every decision and all facts,
// what the mirror sends is what the tables let an account send, and where it stands
// afterwards is where they put it.
func TestRFC6121_TheMirrorKeepsToTheTables(t *testing.T) {
	each(func(s Standing, e Event, f Facts) {
		out := Step(s, e, f)
		for _, state := range stands[s] {
			at := state
			if table, arrives := inbound[e]; arrives {
				at, _ = rfcRow(t, table, state)
			}
			if out.Subscribed {
				next, may := rfcRow(t, outbound[Subscribed], at)
				// §3.1.3: a request by somebody who is subscribed already is answered
				// for the account. The mirror of one's own needs no request to approve.
				if !may && (at != "From" || e != Subscribe) {
					t.Errorf("%s as %s, %s %+v: subscribed must not be sent", s, state, e, f)
				}
				at = next
			}
			if out.Unsubscribed {
				next, may := rfcRow(t, outbound[Unsubscribed], at)
				// §4.3.2: a probe by somebody without a subscription is answered so.
				if !may && e != Probe {
					t.Errorf("%s as %s, %s %+v: unsubscribed must not be sent", s, state, e, f)
				}
				if e != Probe { // it tells, and changes nothing
					at = next
				}
			}
			if !slices.Contains(stands[out.Next], at) {
				t.Errorf("%s as %s, %s %+v: the tables say %s, the mirror is %s", s, state, e, f, at, out.Next)
			}
		}
	})
}

// TestRFC6121_TheWatcherAgreesWithTheMirror: a watcher whose server keeps to the
// tables sees himself subscribed exactly while the mirror has him as accepted,
// whatever he sends, whatever is decided and whatever the facts are at each moment.
func TestRFC6121_TheWatcherAgreesWithTheMirror(t *testing.T) {
	type pair struct {
		watcher string
		mirror  Standing
	}
	reached, queue := map[pair]bool{{"None", None}: true}, []pair{{"None", None}}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		each(func(s Standing, e Event, f Facts) {
			if s != p.mirror {
				return
			}
			// §4.3.1: a server probes for those who are subscribed.
			next, sent := pair{p.watcher, s}, e != Probe || p.watcher == "To"
			if table, his := outbound[e]; his {
				next.watcher, sent = rfcRow(t, table, p.watcher)
			}
			if !sent {
				return
			}
			out := Step(s, e, f)
			next.mirror = out.Next
			if out.Subscribed {
				next.watcher, _ = rfcRow(t, inbound[Subscribed], next.watcher)
			}
			if out.Unsubscribed {
				next.watcher, _ = rfcRow(t, inbound[Unsubscribed], next.watcher)
			}
			if (next.watcher == "To") != (next.mirror == Accepted) {
				t.Errorf("%+v: %s %+v leads to %+v", p, e, f, next)
				return
			}
			if !reached[next] {
				reached[next] = true
				queue = append(queue, next)
			}
		})
		if t.Failed() {
			return
		}
	}
	for s := range numStandings {
		if !slices.ContainsFunc([]string{"None", "Out", "To"}, func(w string) bool { return reached[pair{w, s}] }) {
			t.Errorf("nobody ever is %s: %v", s, reached)
		}
	}
}
