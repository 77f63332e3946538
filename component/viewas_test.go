package component

import (
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/aggregation"
	"presenced/aggregation/calendar"
	"presenced/component/commands"
	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/engine/eval"
	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

const lady = "alice@" + testHost

// replying is the edge, whose questions to the server are answered at once.
type replying struct {
	*Component
	e        *engine.Engine
	contacts []presence.Contact
}

func (a *replying) ReadRoster(user presence.Addr, _ string) { a.e.RosterRead(user, a.contacts, nil) }
func (a *replying) ReadCard(user presence.Addr, _ string) bool {
	a.e.CardRead(user, nil, nil)
	return true
}
func (a *replying) Settle(string) {}

// nowhere is a store that forgets.
type nowhere struct{}

func (nowhere) Load(context.Context, func(engine.Saved) error) error { return nil }
func (nowhere) Save(_ engine.Write, done func(error))                { done(nil) }
func (nowhere) SavePresence(string, []byte)                          {}
func (nowhere) Flush(context.Context) error                          { return nil }
func (nowhere) Healthy() error                                       { return nil }
func (nowhere) Close(context.Context) error                          { return nil }

// whole is an edge with its engine and commands, from stanzas in to stanzas out.
type whole struct {
	*desk
	t     *testing.T
	r     *rand.Rand
	e     *engine.Engine
	rules *engine.Rules
	count int
}

func newWhole(t *testing.T, r *rand.Rand) *whole {
	w := &whole{desk: newDesk(t), t: t, r: r}
	site, err := privacy.NewSite(privacy.SiteOptions{Component: testDomain,
		Networks:   privacy.Networks{Enterprise: []string{testHost}, Federated: []string{"partner.example"}},
		Containers: map[presence.ContainerID]presence.ContainerID{250: presence.External}})
	if err != nil {
		t.Fatal(err)
	}
	w.rules = &engine.Rules{System: eval.System{Aggregation: aggregation.Default(), Operator: privacy.DefaultOperator(), Site: site},
		Refresh: time.Minute, MaxStale: time.Hour, Limits: roster.Limits{Watchers: 100, Requests: 100}}
	card := &presence.Profile{PhotoSource: presence.UserPhoto}
	for f := range card.Text {
		card.Text[f] = "of " + presence.Field(f).String()
	}
	w.rules.Directory = func(presence.Addr) *presence.Profile { return card }
	edge := &replying{Component: w.c}
	for jid, sub := range map[string]presence.Subscription{"bob@" + testHost: presence.SubBoth, "fred@partner.example": presence.SubFrom} {
		edge.contacts = append(edge.contacts, presence.Contact{Addr: presence.MustAddr(jid), Subscription: sub, Groups: []string{"Team"}})
	}
	w.e, err = engine.New(engine.Options{Domain: testDomain, Hosts: []string{testHost}, Language: "en", Liveness: time.Minute,
		Store: nowhere{}, Sender: edge, Registerer: prometheus.NewRegistry(), Shards: 1, Log: w.c.log}, w.rules)
	if err != nil {
		t.Fatal(err)
	}
	edge.e = w.e
	endless := math.Inf(1) // she asks faster than anybody may
	w.c.changes = newLimiter(rates{each: 1, burst: endless, total: endless, totalBurst: endless, senders: 1})
	w.c.SetDoor(w.e)
	w.c.SetCommands(commands.New(w.e, commands.Options{Domain: testDomain, Hosts: []string{testHost}}))
	if err := w.e.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.e.Start()
	t.Cleanup(func() { w.e.Stop(context.Background()) })
	w.e.Attached(time.Now())
	w.e.HostReady(engine.Host{Name: testHost, Managed: true, Reports: true, Roster: true, Complete: true})
	w.e.HostSynced(testHost)
	w.apply(engine.Enable{})
	return w
}

// apply makes a change, which may be refused.
func (w *whole) apply(c engine.Change) {
	who := mustJID(lady)
	_, _ = w.e.Apply(w.t.Context(), engine.Principal{Addr: who.Addr, JID: lady}, who, c)
}

// act does one random thing to alice.
func (w *whole) act(watchers []string) {
	r := w.r
	who := watchers[r.IntN(len(watchers))]
	switch r.IntN(12) {
	case 0, 1, 2:
		d := engine.Device{User: mustJID(fmt.Sprint(lady, "/", r.IntN(3))), Gone: r.IntN(4) == 0, Show: presence.Show(r.IntN(5)), Status: []string{"", "here"}[r.IntN(2)]}
		if r.IntN(2) == 0 {
			d.IdleSince = time.Now().Add(-time.Duration(r.IntN(1200)) * time.Second)
		}
		w.e.Device(d)
	case 3:
		w.apply(engine.SetState{Availability: []presence.Availability{3500, 6500, 9500, 12500, 15500, 18500}[r.IntN(6)],
			Activity: append(presence.Activities(), "")[r.IntN(len(presence.Activities())+1)]})
	case 4:
		w.apply(engine.ClearState{})
	case 5:
		w.apply(engine.SetNote{Text: []string{"", "one <b>", "zwei"}[r.IntN(3)]})
	case 6:
		period := &presence.OutOfOffice{End: time.Now().Add(time.Duration(1+r.IntN(100)) * time.Hour), Note: "away & gone"}
		w.apply(engine.SetOutOfOffice{Period: []*presence.OutOfOffice{nil, period}[r.IntN(2)]})
	case 7:
		w.apply(engine.PutRule{Rule: privacy.Rule{Container: []presence.ContainerID{0, 100, 200, 250, 300, 400, 32000}[r.IntN(7)], Type: privacy.RuleUser, Value: who}})
		if r.IntN(2) == 0 {
			w.apply(engine.Unblock{JID: who})
		}
	case 8:
		w.apply(engine.SetProfile{Profile: engine.Profile{Timezone: []string{"", "Europe/Berlin"}[r.IntN(2)], Location: []string{"", "Home"}[r.IntN(2)]}})
		w.apply(engine.SetPrivacyMode{On: r.IntN(3) == 0})
	case 9:
		rules := *w.rules
		o := &rules.System.Operator
		o.LastActive, o.Photo = privacy.LastActiveMode(r.IntN(3)), privacy.PhotoMode(r.IntN(3))
		o.OfflineDetails, o.Until = privacy.OfflineDetails(r.IntN(3)), r.IntN(3) > 0
		w.e.Reload(&rules)
	case 10:
		w.apply(engine.SetPriority{JID: who, On: r.IntN(2) == 0})
	case 11:
		w.plans()
	}
}

// plans has her calendar say something else: nothing, or a meeting that runs or comes.
func (w *whole) plans() {
	now := time.Now()
	start := now.Add(time.Duration(w.r.IntN(4)-2) * time.Hour)
	events := []presence.Event{{Start: start, End: start.Add(150 * time.Minute), Kind: presence.EventBusy, Subject: "Merger", Location: "Room 4", Private: w.r.IntN(3) == 0}}
	w.e.CalendarRead(presence.MustAddr(lady), engine.SiteCalendar("groupware"), engine.CalendarReading{
		Packed: calendar.Pack(events[:w.r.IntN(2)]), FetchedAt: now, Reach: now.Add(48 * time.Hour)})
	w.apply(engine.ClearState{}) // goes through the same mailbox
}

// find routes a stanza and returns the first element that is answered to the address.
func (w *whole) find(raw, to string) string {
	w.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	got := w.ask(w.t, raw)
	for {
		for _, part := range strings.SplitAfter(got, ">") {
			if strings.Contains(part, " to='"+to+"'") {
				return got[strings.Index(got, part):]
			}
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s\nis not answered to %s in\n%s", raw, to, got)
		}
		time.Sleep(50 * time.Microsecond) // the owner answers in its own goroutine
		got += w.ask(w.t, "<presence type='error' from='x@y.example' to='"+mirrorA+"'/>")
	}
}

// session is a fresh full JID, so that its answer is told from what is pushed.
func (w *whole) session(who string) string { w.count++; return fmt.Sprint(who, "/s", w.count) }

// wire is what a watcher is sent: the items of his presence or of a query's answer.
type wire struct {
	Type     string   `xml:"type,attr"`
	Show     string   `xml:"show"`
	ShowAttr string   `xml:"show,attr"`
	Status   string   `xml:"status"`
	Num      string   `xml:"availability,attr"`
	Activity string   `xml:"activity,attr"`
	Until    string   `xml:"until,attr"`
	May      string   `xml:"interrupt,attr"`
	Fields   []wField `xml:"field"`
	Idle     struct {
		Since string `xml:"since,attr"`
	} `xml:"idle"`
	Enhanced *struct {
		Num      string `xml:"availability,attr"`
		Activity string `xml:"activity,attr"`
		Until    string `xml:"until,attr"`
	} `xml:"enhanced"`
}

type wField struct {
	Name  string `xml:"name,attr"`
	Value string `xml:",chardata"`
}

// queried is the answer to a query, item by item, under the keys of view-as.
func (w *whole) queried(who, lang string) map[string]string {
	from := w.session(who)
	raw := w.find("<iq type='get' id='q' from='"+from+"' to='"+mirrorA+"' xml:lang='"+lang+"'><query xmlns='"+stream.NSOwn+"'/></iq>", from)
	var x struct {
		P wire `xml:"query>presence"`
	}
	w.parse(raw, &x)
	out := map[string]string{"availability": x.P.Num, "show": x.P.ShowAttr, "status": x.P.Status, "activity": x.P.Activity, "until": x.P.Until, "interrupt": x.P.May}
	for _, f := range x.P.Fields {
		out[f.Name] = f.Value
	}
	out["idle"] = out["lastActive"]
	out["lastActive"] = ""
	return full(out)
}

// probed is the presence a probe is answered with; nil for a stranger.
func (w *whole) probed(who string) map[string]string {
	from := w.session(who)
	var x wire
	w.parse(w.find("<presence type='probe' from='"+from+"' to='"+mirrorA+"'/>", from), &x)
	switch {
	case x.Type == "unsubscribed":
		return nil
	case x.Enhanced == nil:
		return map[string]string{"availability": "18500", "show": "unavailable"}
	}
	if x.Type != "" {
		x.Show = x.Type
	}
	return full(map[string]string{"availability": x.Enhanced.Num, "show": x.Show, "status": x.Status,
		"activity": x.Enhanced.Activity, "until": x.Enhanced.Until, "idle": x.Idle.Since})
}

// viewed is what alice's command view-as shows.
func (w *whole) viewed(who string) map[string]string {
	from := w.session(lady)
	raw := w.find("<iq type='set' id='v' from='"+from+"' to='"+testDomain+"'><command xmlns='"+commands.NSCommands+"' node='view-as'>"+
		"<x xmlns='"+commands.NSForms+"' type='submit'><field var='jid'><value>"+who+"</value></field></x></command></iq>", from)
	var x struct {
		Items []struct {
			Fields []struct {
				Var   string `xml:"var,attr"`
				Value string `xml:"value"`
			} `xml:"field"`
		} `xml:"command>x>item"`
	}
	w.parse(raw, &x)
	out := map[string]string{}
	for _, it := range x.Items {
		cells := map[string]string{}
		for _, f := range it.Fields {
			cells[f.Var] = f.Value
		}
		out[cells["key"]] = cells["value"]
	}
	return full(out)
}

func (w *whole) parse(raw string, into any) {
	w.t.Helper()
	if err := xml.NewDecoder(strings.NewReader(raw)).Decode(into); err != nil {
		w.t.Fatalf("%v in %s", err, raw)
	}
}

// full drops what is empty.
func full(m map[string]string) map[string]string {
	maps.DeleteFunc(m, func(_, v string) bool { return v == "" })
	return m
}

// TestS12_ViewAsShowsWhatTheWireShows: for many random states and watchers, what
// alice's view-as lists is, byte for byte, what the watcher's own question and
// probe are answered, no item more or less.
func TestS12_ViewAsShowsWhatTheWireShows(t *testing.T) {
	w := newWhole(t, rand.New(rand.NewPCG(12, 4)))
	langs := map[string]string{"bob@" + testHost: "de", "fred@partner.example": "en", "boss@" + testHost: "de", "zed@nowhere.example": "en", lady: "en"}
	watchers := []string{"bob@" + testHost, "fred@partner.example", "boss@" + testHost, "zed@nowhere.example", lady}
	for _, who := range watchers[:4] {
		w.ask(t, "<presence type='subscribe' from='"+who+"' to='"+mirrorA+"' xml:lang='"+langs[who]+"'/>")
	}
	shown := map[string]int{}
	for range 200 {
		w.act(watchers)
		for _, who := range watchers {
			viewed := w.viewed(who)
			if asked := w.queried(who, langs[who]); !maps.Equal(viewed, asked) {
				t.Fatalf("%s\nview-as shows %v\nhe is answered %v", who, viewed, asked)
			}
			for key := range viewed {
				shown[key]++
			}
			probed := w.probed(who)
			if probed == nil {
				continue
			}
			presented := maps.Clone(viewed)
			maps.DeleteFunc(presented, func(key, _ string) bool {
				_, field := presence.ParseField(key)
				return field || key == "interrupt" || key == "idle" && viewed["show"] == "unavailable"
			})
			if !maps.Equal(presented, probed) {
				t.Fatalf("%s\nview-as shows %v\nhis probe is answered %v", who, presented, probed)
			}
		}
	}
	for _, key := range []string{"availability", "show", "status", "activity", "until", "idle", "interrupt", "name", "photo", "location", "notePersonal", "noteOOF", "homePhone", "freeBusy", "meetingSubject"} {
		if shown[key] == 0 {
			t.Errorf("no history shows %s: the comparison proves nothing of it", key)
		}
	}
}
