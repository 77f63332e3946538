package engine

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// What changes who may see whom while nobody asks for it is told to the Auditor here.

// noteUnasked tells what came of something nobody asked for.
func (u *user) noteUnasked(way Way, d Deed) {
	d.Who, d.User, d.Change = Principal{Way: way}, u.addr, true
	u.sh.e.note(d)
}

// noteDropped tells that rules went with contacts who left (S2.5).
func (u *user) noteDropped(before *rulesDoc, err error) {
	if err == nil && u.sh.e.auditor() != nil {
		u.noteUnasked(WayDaemon, Deed{What: "contact-gone", Rules: ruleChanges(before, u.set.rules, time.Now())})
	}
}

// noteEnded tells which rules for a while have ended, and what counts in their place.
func (u *user) noteEnded(now time.Time) {
	stands := u.set.rules.stands(now)
	var ended []RuleChange
	for _, t := range u.set.rules.Timed {
		if now.Before(t.Until) || u.heardOf(t) {
			continue
		}
		target := t.Rule
		target.Container = 0
		c := RuleChange{Type: string(t.Type), Value: valueOf(t.Rule), Old: &t.Container}
		if s, stays := stands[target]; stays {
			c.New, c.Until = &s.level, s.until
		}
		ended = append(ended, c)
	}
	u.herself().rulesHeard = u.sh.e.instant(now)
	if len(ended) > 0 {
		u.noteUnasked(WayClock, Deed{What: "level-ended", Rules: ended})
	}
}

// noteGiven tells of mirrors that were put into her roster, or taken out.
func (u *user) noteGiven(what string, of []presence.Addr, outcome string) {
	for _, p := range of {
		u.noteUnasked(WayProvisioning, Deed{What: what, About: p.String(), Outcome: outcome})
	}
}

// noteWritten tells that the component changed her privacy lists (S8.7). Who was
// erased is not named again.
func (u *user) noteWritten(err error) {
	if u.set.enrol.V != 0 {
		u.noteUnasked(WayEgress, Deed{What: "lists-written", Outcome: outcomeOf(err)})
	}
}

// noteServer tells what is another in the lists her server keeps than it was before,
// as far as it decides who sees her (S8).
func (u *user) noteServer(before *listsDoc) {
	if u.sh.e.auditor() == nil {
		return
	}
	if before == nil {
		before = new(listsDoc)
	}
	now := u.set.lists
	d := Deed{What: "server-lists", Rules: blockChanges(before.Lists.Block, now.Lists.Block)}
	var lists []string
	if !reflect.DeepEqual(herOwn(u.hers(before.Lists.Default)), herOwn(u.hers(now.Lists.Default))) {
		lists = append(lists, "default privacy list")
	}
	if (before.judged && before.suspect) != (now.judged && now.suspect) {
		lists = append(lists, "another privacy list that hides from everybody")
	}
	if isBroken(before.Lists.Block) != isBroken(now.Lists.Block) {
		lists = append(lists, "block list that cannot be read")
	}
	if d.About = strings.Join(lists, ", "); d.About != "" || len(d.Rules) > 0 {
		u.noteUnasked(WayServer, d)
	}
}

func isBroken(b *privacy.BlockList) bool { return b != nil && b.Broken != "" }

// blockChanges tells who came onto a block list, and who went.
func blockChanges(before, after *privacy.BlockList) []RuleChange {
	if isBroken(after) {
		return nil // who is on it is not known; it hides from everybody
	}
	old, fresh := blockedBy(before), blockedBy(after)
	blocked := presence.Blocked
	var out []RuleChange
	for jid := range old {
		if !fresh[jid] {
			out = append(out, RuleChange{Type: "server-block", Value: jid, Old: &blocked})
		}
	}
	for jid := range fresh {
		if !old[jid] {
			out = append(out, RuleChange{Type: "server-block", Value: jid, New: &blocked})
		}
	}
	slices.SortFunc(out, func(a, b RuleChange) int { return strings.Compare(a.Value, b.Value) })
	return out
}

func blockedBy(b *privacy.BlockList) map[string]bool {
	out := make(map[string]bool)
	if b != nil {
		for _, jid := range b.JIDs {
			out[canonical(jid)] = true
		}
	}
	return out
}

// herOwn are the items of a list that are her own, in their order; the numbers they
// have change when the component puts its own before them.
func herOwn(l *privacy.List) []privacy.Item {
	var own []privacy.Item
	if l == nil {
		return nil
	}
	for _, it := range l.Items {
		if !it.Managed {
			own = append(own, it)
		}
	}
	slices.SortStableFunc(own, func(a, b privacy.Item) int { return cmp.Compare(order(&a), order(&b)) })
	for i := range own {
		own[i].Order = ""
	}
	if l.Broken != "" {
		own = append(own, privacy.Item{Broken: l.Broken})
	}
	return own
}

func order(it *privacy.Item) uint64 {
	n, _ := strconv.ParseUint(it.Order, 10, 32) // no number: the list hides her, and its other items tell it apart
	return n
}
