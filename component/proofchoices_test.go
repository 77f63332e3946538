package component

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"presenced/aggregation/calendar"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// What people of a history do beyond their devices: claims, calendars, levels for a
// while, single cells, and what their server keeps for them.

// proofClaim is a claim that may still run.
type proofClaim struct {
	by     string
	number presence.Availability
	until  time.Time
}

// claimed is a claim of alice's, or of an app of hers, or the end of one.
func claimed(p *proofPlay, r *rand.Rand) {
	id, by := oneOf(r, "call", "slides"), oneOf(r, proofAlice, proofAlice, proofEve)
	if r.IntN(4) == 0 {
		delete(p.claims, id)
		p.applyAs(by, engine.ReleaseClaim{ID: id})
		return
	}
	c := proofClaim{by: by, number: oneOf[presence.Availability](r, 6500, 9500), until: ending(time.Duration(301+r.IntN(900)) * time.Second)}
	p.claims[id] = c
	p.applyAs(by, engine.SetClaim{ID: id, Availability: c.number, Activity: oneOf[presence.Activity](r, presence.OnThePhone, presence.Presenting), Lease: time.Until(c.until)})
}

// reclaim changes number and token of a claim within its class, and not its end.
func reclaim(p *proofPlay, r *rand.Rand) {
	for _, id := range []string{"call", "slides"} {
		c, known := p.claims[id]
		if left := time.Until(c.until); known && left >= 300*time.Second {
			p.applyAs(c.by, engine.SetClaim{ID: id, Availability: c.number.Class().Point() + presence.Availability(r.IntN(400)),
				Activity: oneOf[presence.Activity](r, presence.OnThePhone, presence.Presenting, presence.InAMeeting), Lease: left})
		}
	}
}

// applyAs has somebody change something of alice's.
func (p *proofPlay) applyAs(who string, c engine.Change) {
	_, _ = p.e.Apply(context.Background(), engine.Principal{Addr: presence.MustAddr(who), JID: who}, mustJID(proofAlice), c)
}

var proofCalendar = engine.SiteCalendar("groupware")

// calendars adds an event to alice's calendar, or takes the calendar away.
func calendars(p *proofPlay, r *rand.Rand) {
	if r.IntN(6) == 0 {
		p.events = nil
		p.e.CalendarGone(presence.MustAddr(proofAlice), proofCalendar)
		return
	}
	start := time.Now().Add(time.Duration(r.IntN(40)-15) * time.Minute).Truncate(time.Second)
	p.events = append(p.events, presence.Event{
		Start: start, End: start.Add(time.Duration(5+r.IntN(80)) * time.Minute), Subject: "Merger", Location: "Room 4",
		Kind: oneOf(r, presence.EventBusy, presence.EventBusy, presence.EventOOF, presence.EventAway, presence.EventTentative),
	})
	p.readCalendar()
}

// readCalendar has the calendar read, if there is one.
func (p *proofPlay) readCalendar() {
	if len(p.events) > 0 {
		now := time.Now()
		p.e.CalendarRead(presence.MustAddr(proofAlice), proofCalendar, engine.CalendarReading{
			Packed: calendar.Pack(p.events), FetchedAt: now, Reach: now.Add(60 * time.Hour),
		})
	}
}

func (p *proofPlay) changeEvent(r *rand.Rand, change func(e *presence.Event)) {
	if len(p.events) > 0 {
		change(&p.events[r.IntN(len(p.events))])
		p.readCalendar()
	}
}

// blockForAWhile hides alice from the watcher for some minutes.
func blockForAWhile(p *proofPlay, r *rand.Rand) {
	if p.script.sees == 0 || p.script.sees == presence.Blocked {
		return
	}
	p.apply(proofAlice, engine.SetLevel{
		Rule:  privacy.Rule{Container: presence.Blocked, Type: privacy.RuleUser, Value: p.watcher},
		Until: ending(time.Duration(1+r.IntN(20)) * time.Minute),
	})
}

// levelsForAWhile is about others.
func levelsForAWhile(p *proofPlay, r *rand.Rand) {
	p.apply(proofAlice, engine.SetLevel{
		Rule: privacy.Rule{Container: oneOf[presence.ContainerID](r, 0, 100, 300, 32000), Type: oneOf(r, privacy.RuleUser, privacy.RuleUser), Value: oneOf(r, proofEve, "erik@example.org")},
		// Some end while the history is played.
		Until: ending(time.Duration(2+r.IntN(600)) * time.Second),
	})
}

// anyCategory is one of which something can be said.
func anyCategory(r *rand.Rand) string {
	list := privacy.Categories()
	return list[r.IntN(len(list))].String()
}

// closeCell hides something from the watcher's level, or no longer. To show more
// there would make visible what the acts take for hidden.
func closeCell(p *proofPlay, r *rand.Rand) {
	p.apply(proofAlice, engine.SetCell{
		Container: p.script.sees, Category: oneOf(r, "notePersonal", "activity", "lastActive", "freeBusy", "timezone", "interrupt", "state"),
		Choice: oneOf(r, engine.CellHidden, engine.CellByTable),
	})
}

// otherCells is about the levels the watcher is not in.
func otherCells(p *proofPlay, r *rand.Rand) {
	if level := oneOf[presence.ContainerID](r, 100, 200, 300, 400); level != p.script.sees {
		p.apply(proofAlice, engine.SetCell{Container: level, Category: anyCategory(r), Choice: oneOf(r, engine.CellShown, engine.CellHidden, engine.CellByTable)})
	}
}

// listsAboutOthers changes the lists that alice's server keeps, and has them read.
func listsAboutOthers(p *proofPlay, r *rand.Rand) {
	p.mu.Lock()
	p.server.blocked = oneOf(r, nil, []string{proofEve}, []string{"other.example", "erik@example.org"})
	if p.server.standard == "" || p.server.standard == "work" {
		p.server.standard = "work"
		p.server.lists["work"] = fmt.Sprintf("<item order='9' action='%s' type='jid' value='%s'/>", oneOf(r, "deny", "allow"), proofEve)
	}
	p.mu.Unlock()
	p.apply(proofAlice, engine.Unblock{JID: "nobody@other.example"}) // after a command they are read
}
