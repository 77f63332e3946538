package component

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// watching is a watcher and the column of S3 that he has in a whole history; rule
// is what puts him there.
type watching struct {
	watcher string
	sees    presence.ContainerID
}

// standings is who watches. In 32000 he has watched before he was blocked.
var standings = []watching{
	{proofBob, 200}, {proofBob, 100}, {proofBob, 300}, {proofBob, 400}, {proofBob, 32000},
	{proofFred, 100}, {proofFred, 200}, {proofFred, 300}, {proofFred, 32000}, {proofZed, 0},
}

// script is what happens in a history, the same in both worlds but for the hidden
// acts, which only one of them has.
type script struct {
	watching
	began time.Duration // into the day
	steps []proofStep
	subs  bool // he subscribes
	asks  bool // he is enrolled, and his client asks for activities
}

type proofStep struct {
	wait   time.Duration
	hidden bool
	name   string
	seed   uint64
	do     func(p *proofPlay, r *rand.Rand)
}

// proofPlay is one world and what the acts know of it.
type proofPlay struct {
	*proofWorld
	script  *script
	devices map[string]proofDevice
	manual  engine.SetState
	claims  map[string]proofClaim
	events  []presence.Event
}

type proofDevice struct {
	show   string
	since  time.Time // idle since; zero: active
	status string
}

type proofAct struct {
	name   string
	hidden func(c presence.ContainerID) bool // of an act that one world has alone
	do     func(p *proofPlay, r *rand.Rand)
}

// ending is when something ends that is to last so long: on a whole second, where no
// act is. Of what comes at one instant from a timer and from somebody nobody can say
// which is first, nor whether that is one change or two.
func ending(after time.Duration) time.Time { return time.Now().Add(after).Truncate(time.Second) }

// besides keeps acts off the whole seconds.
const besides = 77 * time.Microsecond

func oneOf[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// device tells what a device of somebody's says.
func (p *proofPlay) device(full string, d proofDevice) {
	p.devices[full] = d
	var b strings.Builder
	if d.show != "" {
		b.WriteString("<show>" + d.show + "</show>")
	}
	if d.status != "" {
		b.WriteString("<status>" + d.status + "</status>")
	}
	if !d.since.IsZero() {
		b.WriteString("<idle xmlns='urn:xmpp:idle:1' since='" + d.since.UTC().Format(time.RFC3339) + "'/>")
	}
	p.say(fmt.Sprintf("<presence from='%s' to='%s'>%s</presence>", full, proofDomain, b.String()))
}

func (p *proofPlay) gone(full string) {
	delete(p.devices, full)
	p.say(fmt.Sprintf("<presence type='unavailable' from='%s' to='%s'/>", full, proofDomain))
}

// anyDevice lets one of the devices say something.
func anyDevice(user string, names ...string) func(p *proofPlay, r *rand.Rand) {
	return func(p *proofPlay, r *rand.Rand) {
		full := user + "/" + oneOf(r, names...)
		d := proofDevice{show: oneOf(r, "", "", "away", "dnd", "xa", "chat"), status: oneOf(r, "", "here")}
		if idle := r.IntN(900); r.IntN(2) == 0 {
			d.since = time.Now().Add(-time.Duration(idle) * time.Second).Truncate(time.Second)
		}
		if r.IntN(5) == 0 {
			p.gone(full)
		} else {
			p.device(full, d)
		}
	}
}

// setState always names the end: a later act within the class can then be hidden.
func setState(p *proofPlay, r *rand.Rand) {
	p.manual = engine.SetState{
		Availability: oneOf[presence.Availability](r, 3500, 6500, 9500, 12500, 15500, 18500),
		Activity:     oneOf[presence.Activity](r, presence.InAMeeting, presence.OnThePhone),
		Expires:      ending(time.Duration(1+r.IntN(60)) * time.Minute),
	}
	p.apply(proofAlice, p.manual)
}

// restate changes the manual state within its class.
func restate(p *proofPlay, number presence.Availability, token presence.Activity) {
	if p.manual.Availability == 0 || !time.Now().Before(p.manual.Expires) {
		return
	}
	p.manual.Availability, p.manual.Activity = number, token
	p.apply(proofAlice, p.manual)
}

func outOfOffice(p *proofPlay, r *rand.Rand) {
	end := ending(time.Duration(1+r.IntN(48)) * time.Hour)
	if r.IntN(4) == 0 {
		p.apply(proofAlice, engine.SetOutOfOffice{})
		return
	}
	p.apply(proofAlice, engine.SetOutOfOffice{Period: &presence.OutOfOffice{Start: time.Now(), End: end, Note: oneOf(r, "", "skiing")}})
}

func note(p *proofPlay, r *rand.Rand) {
	p.apply(proofAlice, engine.SetNote{Text: oneOf(r, "", "Room 412", "Room 413")})
}

func profile(p *proofPlay, r *rand.Rand) {
	p.apply(proofAlice, engine.SetProfile{Profile: engine.Profile{
		Timezone: oneOf(r, "", "Etc/GMT+1", "Europe/Berlin"), Location: oneOf(r, "", "Berlin"), Hours: oneOf(r, "", "Mo-Fr 09:00-17:00", "Sa-Su 00:00-24:00"),
	}})
}

func clearState(p *proofPlay, _ *rand.Rand) {
	p.manual = engine.SetState{}
	p.apply(proofAlice, engine.ClearState{})
}

// commonProofActs happen in both worlds.
var commonProofActs = []proofAct{
	{name: "device", do: anyDevice(proofAlice, "desk", "phone")},
	{name: "device", do: anyDevice(proofAlice, "desk")},
	{name: "carol", do: anyDevice(proofCarol, "desk")},
	{name: "set state", do: setState},
	{name: "clear state", do: clearState},
	{name: "claim", do: claimed},
	{name: "note", do: note},
	{name: "out of office", do: outOfOffice},
	{name: "profile", do: profile},
	{name: "calendar", do: calendars},
	{name: "a level for a while", do: blockForAWhile},
	{name: "who may interrupt", do: func(p *proofPlay, r *rand.Rand) {
		p.apply(proofAlice, engine.SetPriority{JID: p.watcher, On: r.IntN(2) == 0})
	}},
	{name: "what the level hides", do: closeCell},
	{name: "block", do: func(p *proofPlay, r *rand.Rand) {
		if p.script.sees == 0 || p.script.sees == presence.Blocked {
			return
		}
		if r.IntN(2) == 0 {
			p.apply(proofAlice, engine.Block{JID: p.watcher})
		} else {
			p.apply(proofAlice, engine.Unblock{JID: p.watcher})
		}
	}},
}

func hiddenFrom(columns ...presence.ContainerID) func(presence.ContainerID) bool {
	return func(c presence.ContainerID) bool {
		return slices.Contains(columns, c) || c == 0 || c == presence.Blocked
	}
}

func everybody(presence.ContainerID) bool { return true }

// hiddenProofActs happen in one world, and may not be seen from the columns that
// hidden names: by the text of S3, S8, S13 and S14.
var hiddenProofActs = []proofAct{
	{"alice's devices", hiddenFrom(), anyDevice(proofAlice, "desk", "phone", "tablet")},
	{"alice's state", hiddenFrom(), setState},
	{"alice's clearing", hiddenFrom(), clearState},
	{"alice's claims", hiddenFrom(), claimed},
	{"alice's note", hiddenFrom(100), note},
	{"alice's out of office", hiddenFrom(100), outOfOffice},
	{"alice's profile", hiddenFrom(100), profile},
	{"alice's token and number within the class", hiddenFrom(100), func(p *proofPlay, r *rand.Rand) {
		restate(p, p.manual.Availability.Class().Point()+presence.Availability(r.IntN(400)), oneOf[presence.Activity](r, presence.OnThePhone, presence.Presenting))
	}},
	{"how little alice wants to be disturbed", hiddenFrom(100, 300), func(p *proofPlay, r *rand.Rand) {
		if p.manual.Availability.Class() == presence.ClassDoNotDisturb {
			restate(p, 9000+presence.Availability(r.IntN(2999)), oneOf[presence.Activity](r, presence.OnThePhone, presence.Presenting))
		}
	}},
	{"the status of alice's devices", hiddenFrom(100), func(p *proofPlay, r *rand.Rand) {
		full := proofAlice + "/" + oneOf(r, "desk", "phone")
		if d, ok := p.devices[full]; ok {
			d.status = oneOf(r, "elsewhere", "there")
			p.device(full, d)
		}
	}},
	{"alice's home phone", hiddenFrom(100, 200, 300), func(p *proofPlay, r *rand.Rand) {
		p.phones["home"] = fmt.Sprint(r.IntN(1000))
		p.e.Reload(p.rules())
	}},
	{"alice's mobile phone", hiddenFrom(100, 200), func(p *proofPlay, r *rand.Rand) {
		p.phones["mobile"] = fmt.Sprint(r.IntN(1000))
		p.e.Reload(p.rules())
	}},
	{"a device of alice's that does not count", everybody, func(p *proofPlay, r *rand.Rand) {
		p.say(fmt.Sprintf("<presence from='%s/bot' to='%s'><priority>-1</priority><show>%s</show></presence>", proofAlice, proofDomain, oneOf(r, "dnd", "away")))
	}},
	// From whom her rules admit it is not hidden: S13.2 says that they learn it.
	{"alice turns away", func(c presence.ContainerID) bool { return c == 0 }, func(p *proofPlay, r *rand.Rand) {
		p.apply(proofAlice, engine.Disable{})
		if r.IntN(2) == 0 {
			p.apply(proofAlice, engine.Enable{})
		}
	}},
	{"alice's calendar", hiddenFrom(), calendars},
	{"alice's claims within their class", hiddenFrom(100), reclaim},
	{"what alice's meetings are about", hiddenFrom(100, 200, 400), func(p *proofPlay, r *rand.Rand) {
		p.changeEvent(r, func(e *presence.Event) {
			e.Subject, e.Location = oneOf(r, "Layoffs", "Merger"), oneOf(r, "", "Elsewhere")
		})
	}},
	{"that a meeting of alice's is private", hiddenFrom(100), func(p *proofPlay, r *rand.Rand) {
		p.changeEvent(r, func(e *presence.Event) { e.Private = !e.Private })
	}},
	{"alice's calendar is read again", everybody, func(p *proofPlay, _ *rand.Rand) { p.readCalendar() }},
	{"alice's levels for others for a while", everybody, levelsForAWhile},
	{"who else may interrupt alice", everybody, func(p *proofPlay, r *rand.Rand) {
		p.apply(proofAlice, engine.SetPriority{JID: oneOf(r, proofEve, "erik@example.org"), On: r.IntN(2) == 0})
	}},
	{"alice's apps", everybody, func(p *proofPlay, r *rand.Rand) {
		if r.IntN(2) == 0 {
			p.apply(proofAlice, engine.AllowApp{JID: "robot@example.org"})
		} else {
			p.apply(proofAlice, engine.DenyApp{JID: "robot@example.org"})
		}
	}},
	{"what other levels show", everybody, otherCells},
	{"what the operator withholds from other levels", everybody, func(p *proofPlay, r *rand.Rand) {
		p.withheld = nil
		for range r.IntN(3) {
			if level := oneOf[presence.ContainerID](r, 100, 200, 300, 400); level != p.script.sees {
				p.withheld = append(p.withheld, fmt.Sprintf("%s %d", anyCategory(r), level))
			}
		}
		p.e.Reload(p.rules())
	}},
	{"raw presence is kept in", everybody, func(p *proofPlay, _ *rand.Rand) {
		p.egress = !p.egress
		p.e.Reload(p.rules())
	}},
	{"alice's lists about others", everybody, listsAboutOthers},
	{"alice's rules for others", everybody, func(p *proofPlay, r *rand.Rand) {
		p.apply(proofAlice, engine.PutRule{Rule: privacy.Rule{Container: oneOf[presence.ContainerID](r, 0, 100, 300, 400), Type: privacy.RuleUser, Value: proofEve}})
		p.apply(proofAlice, engine.PutRule{Rule: privacy.Rule{Container: 300, Type: privacy.RuleGroup, Value: "Strangers"}})
	}},
	{"alice blocks others", everybody, func(p *proofPlay, r *rand.Rand) {
		if r.IntN(2) == 0 {
			p.apply(proofAlice, engine.Block{JID: oneOf(r, proofEve, "other.example")})
		} else {
			p.apply(proofAlice, engine.Unblock{JID: oneOf(r, proofEve, "other.example")})
		}
	}},
	{"alice's requests", everybody, func(p *proofPlay, r *rand.Rand) {
		for range 3 {
			p.say(fmt.Sprintf("<presence type='subscribe' from='u%d@else.example' to='%s'/>", r.IntN(50), aliceMirror))
		}
	}},
	{"others watch", everybody, func(p *proofPlay, r *rand.Rand) {
		eve := oneOf(r, proofEve, "erik@example.org", "ellen@partner.example")
		for _, typ := range []string{"subscribe", oneOf(r, "probe", "unsubscribe", "error")} {
			p.say(fmt.Sprintf("<presence type='%s' from='%s' to='%s'/>", typ, eve, aliceMirror))
		}
	}},
	{"others ask", everybody, func(p *proofPlay, _ *rand.Rand) {
		for _, what := range []string{"<query xmlns='urn:presenced:1'/>", "<vCard xmlns='vcard-temp'/>", "<query xmlns='jabber:iq:last'/>"} {
			p.say("<iq type='get' id='e1' from='" + proofEve + "/e' to='" + aliceMirror + "'>" + what + "</iq>")
		}
		p.e.Look(context.Background(), engine.Principal{Addr: presence.MustAddr(proofEve)}, []presence.Addr{presence.MustAddr(proofAlice)})
	}},
	{"alice asks why", everybody, func(p *proofPlay, _ *rand.Rand) {
		a := presence.MustAddr(proofAlice)
		_, _ = p.e.Explain(context.Background(), engine.Principal{Addr: a, JID: proofAlice}, a, presence.MustAddr(p.watcher))
		p.say("<iq type='set' id='a1' from='" + proofAlice + "/desk' to='" + proofDomain + "'><command xmlns='http://jabber.org/protocol/commands' node='levels' action='execute'/></iq>")
	}},
	{"alice has other contacts", everybody, func(p *proofPlay, r *rand.Rand) {
		p.mu.Lock()
		p.server.contacts = []string{proofBob, proofFred, fmt.Sprintf("c%d@example.org", r.IntN(100))}
		p.mu.Unlock()
	}},
	{"dave comes and goes", everybody, func(p *proofPlay, r *rand.Rand) {
		const dave = "dave@example.org"
		p.apply(dave, engine.Enable{})
		anyDevice(dave, "desk")(p, r)
	}},
}

// newScript draws a history.
func newScript(seed uint64) *script {
	r := rand.New(rand.NewPCG(seed, 5))
	s := &script{watching: standings[r.IntN(len(standings))], subs: r.IntN(5) > 0}
	s.asks = r.IntN(2) == 0
	s.began = time.Duration(r.IntN(24*60)) * time.Minute
	if r.IntN(2) == 0 { // a day ends while it is played: texts that name one change
		s.began = 24*time.Hour - time.Duration(1+r.IntN(40))*time.Minute
	}
	var hidden []proofAct
	for _, a := range hiddenProofActs {
		if a.hidden(s.sees) {
			hidden = append(hidden, a)
		}
	}
	for range 12 + r.IntN(14) {
		st := proofStep{seed: r.Uint64(), wait: time.Duration(r.IntN(8000)) * time.Millisecond}
		switch r.IntN(4) {
		case 0:
			st.wait = time.Duration(r.IntN(700)) * time.Second
		case 1:
			st.wait = time.Duration(r.IntN(300)) * time.Millisecond
		}
		switch n := r.IntN(10); {
		case n < 4:
			a := oneOf(r, commonProofActs...)
			st.name, st.do = a.name, a.do
		case n < 8:
			a := oneOf(r, hidden...)
			st.name, st.do, st.hidden = a.name, a.do, true
		default:
			p := oneOf(r, proofPaths...)
			st.name, st.do = p.name, func(play *proofPlay, _ *rand.Rand) { p.ask(play.proofWorld) }
		}
		s.steps = append(s.steps, st)
	}
	return s
}

// begin brings alice, carol and the watcher to where the history begins.
func (p *proofPlay) begin() {
	p.apply(proofAlice, engine.Enable{})
	p.apply(proofCarol, engine.Enable{})
	if p.script.asks && strings.HasSuffix(p.watcher, "@"+proofHost) {
		p.apply(p.watcher, engine.Enable{})
		time.Sleep(time.Second) // what is asked of his server now is another matter
		p.say("<presence from='" + p.watcher + "/w' to='" + proofDomain + "'>" + askingCaps + "</presence>")
	}
	first := p.script.sees
	if first == presence.Blocked {
		first = 200 // he is blocked once he watches
	}
	if first != 0 {
		p.apply(proofAlice, engine.PutRule{Rule: privacy.Rule{Container: first, Type: privacy.RuleUser, Value: p.watcher}})
	}
	p.apply(proofAlice, engine.AllowApp{JID: proofEve})
	p.device(proofAlice+"/desk", proofDevice{})
	p.device(proofCarol+"/desk", proofDevice{})
	time.Sleep(5*time.Second + besides)
	if p.script.subs {
		for _, m := range mirrors {
			p.presence("subscribe", m)
		}
	}
	if p.script.sees == presence.Blocked {
		p.apply(proofAlice, engine.Block{JID: p.watcher})
	}
	// A badge shows everybody the class: hidden from no column but that of the class.
	if p.script.sees == 100 {
		p.apply(proofAlice, engine.SetBadge{On: true})
		a := presence.MustAddr(proofAlice)
		p.badge, _ = p.e.BadgeOf(context.Background(), engine.Principal{Addr: a, JID: proofAlice}, a)
	}
	p.follow("/v1/stream?user=" + proofAlice + "&user=" + proofCarol + "&user=nobody@example.org")
	if p.badge != "" {
		p.follow("/badge/stream?handle=" + p.badge + "&handle=nobody")
	}
}
