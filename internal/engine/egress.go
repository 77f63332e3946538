package engine

import (
	"slices"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// DocEgress is the document of the lists of a user that hold, or may hold, the
// component's egress items (S8.7).
const DocEgress = "egress"

// egressRetry is the pause after a server refused to be written to; a login ends it.
const egressRetry = 10 * time.Minute

// egressDoc is stored before the first byte of a change leaves, and forgotten after
// the lists were read without the items: whatever dies in between, the next reading
// finishes or undoes it. It outlives her settings where her server could not be
// reached when she left.
type egressDoc struct {
	V     version      `json:"v"`
	JID   string       `json:"jid"`
	Lists []egressList `json:"lists"`
}

// egressList is one list, and by how much the orders of her own items grew.
type egressList struct {
	Name  string `json:"name"`
	Shift uint64 `json:"shift,omitempty"`
}

// alone is the document as the only one of a user; empty for nil.
func (d *egressDoc) alone() map[string][]byte {
	if d == nil {
		return nil
	}
	return map[string][]byte{DocEgress: encode(d)}
}

func (d *egressDoc) find(name string) int {
	if d == nil {
		return -1
	}
	return slices.IndexFunc(d.Lists, func(l egressList) bool { return l.Name == name })
}

// hers is a list as her own policy: without the items that were put into it (S8.7).
func (u *user) hers(l *privacy.List) *privacy.List {
	if l == nil || u.set.egress.find(l.Name) < 0 {
		return l
	}
	return u.sh.e.rules().System.Site.MarkEgress(l)
}

// wantsEgress: her raw presence is to be kept from her native contacts, and her
// server does so without harm. One whose presence-out stops probes and what is about
// subscriptions would keep her from seeing her contacts and from revoking.
func (u *user) wantsEgress() bool {
	return u.sh.e.rules().Egress && u.set.enrol.Enabled && u.host.Spares
}

// tendEgress brings her lists, as they have just been read, a step closer to what
// they should be. After the step they are read again.
func (u *user) tendEgress(lists *Lists, now time.Time) {
	if want := u.wantsEgress(); !want && u.set.egress == nil || !u.host.Writes || !u.lists.online || u.writing() {
		return
	}
	if _, stream := u.listSource().(Sender); !stream {
		return
	}
	refusals := u.refusals(now)
	if refusals > 1 || refusals == 1 && u.wantsEgress() {
		return // not before the next login or some minutes
	}
	p := egressPlan{site: u.sh.e.rules().System.Site, lists: lists, refused: refusals > 0}
	p.make(u.wantsEgress(), u.set.egress)
	u.do(now, func(now time.Time) { u.keepEgress(p.next, now, func(now time.Time) { u.writeEgress(p.steps, now) }) })
}

// keepEgress stores which lists hold items, and goes on when that is durable.
func (u *user) keepEgress(lists []egressList, now time.Time, then func(now time.Time)) {
	old := u.set.egress
	switch {
	case old == nil && len(lists) == 0, old != nil && slices.Equal(old.Lists, lists):
		then(now)
		return
	}
	var next *egressDoc
	w := Write{Docs: map[string][]byte{DocEgress: nil}}
	if len(lists) > 0 {
		next = &egressDoc{V: docVersion, JID: u.bare(), Lists: lists}
		w.Docs = next.alone()
	} else if u.set.enrol.V == 0 {
		w = Write{Erase: true} // it was the last that was known of her
	}
	u.save(w, func(now time.Time, err error) {
		switch {
		case u.forgotten():
			return
		case err != nil:
			u.sh.e.warnStore(err)
			return
		}
		u.set.egress = next
		if u.set.lists != nil {
			u.set.lists.judged = false // which items are hers is another matter now
		}
		u.recompile()
		u.evaluate(now)
		if next == nil && !u.set.enrol.Enabled {
			u.paid()
		}
		then(now)
	})
}

func (u *user) writeEgress(steps []ListStep, now time.Time) {
	if len(steps) == 0 {
		return
	}
	u.writeLists(steps, now, func(now time.Time, err error) {
		u.noteWritten(err)
		w := u.writes()
		if !now.Before(w.again) {
			w.refusals = 0
		}
		if err != nil {
			w.refusals, w.again = w.refusals+1, now.Add(egressRetry)
			u.sh.e.metrics.egressRefused.Inc()
			u.sh.e.opt.Log.Debug("a server refused to change a user's privacy lists", "user", u.bare(), "error", err)
		}
		u.readAfterWrite()
	})
}

// readAfterWrite reads the lists again: only they tell what is in force.
func (u *user) readAfterWrite() {
	if u.sh.up && u.listSource() != nil && !u.lists.reading {
		online := u.lists.online
		u.askListsAs(online)
	}
}

// refusals counts how often her server refused lately to be written to.
func (u *user) refusals(now time.Time) int {
	if u.about == nil || u.about.lists == nil || !now.Before(u.about.lists.again) {
		return 0
	}
	return u.about.lists.refusals
}

// egressAgain has what was refused tried at her next login.
func (u *user) egressAgain() {
	if u.about != nil && u.about.lists != nil {
		u.about.lists.refusals, u.about.lists.again = 0, time.Time{}
	}
}

// egressReloaded reads the lists where the operator's will about them has changed.
func (u *user) egressReloaded(now time.Time) {
	u.egressAgain()
	if u.wantsEgress() != (u.set.egress != nil) {
		u.readLists(now, nil)
	}
}

// egressPlan is what one look at a user's lists comes to.
type egressPlan struct {
	site    *privacy.Site
	lists   *Lists
	refused bool // the last attempt was: settle for less

	next  []egressList // what is known to hold items, before the steps are taken
	steps []ListStep
}

func (p *egressPlan) make(want bool, have *egressDoc) {
	target := ""
	if want {
		target = privacy.EgressList
		if d := p.lists.Default; d != nil {
			target = d.Name
		}
	}
	if have != nil {
		for _, e := range have.Lists {
			if e.Name != target {
				p.clean(e)
			}
		}
	}
	if target != "" {
		p.install(target, have)
	}
}

func (p *egressPlan) find(name string) (l *privacy.List, standard bool) {
	if d := p.lists.Default; d != nil && d.Name == name {
		return d, true
	}
	for i := range p.lists.Others {
		if p.lists.Others[i].Name == name {
			return &p.lists.Others[i], false
		}
	}
	return nil, false
}

// install puts the items into her default list, or makes one of them where she has
// none. A list that cannot be read is left alone; it hides her from everybody (S8.5).
func (p *egressPlan) install(name string, have *egressDoc) {
	l, standard := p.find(name)
	entry := egressList{Name: name}
	if i := have.find(name); i >= 0 {
		entry = have.Lists[i]
	}
	if l == nil {
		l = &privacy.List{Name: name}
	}
	if !p.site.HasEgress(l) {
		composed, shift, err := p.site.WithEgress(*l)
		if err != nil {
			return
		}
		entry.Shift = shift
		p.steps = append(p.steps, ListStep{Verb: PutList, List: composed})
	}
	p.next = append(p.next, entry)
	if !standard {
		p.steps = append(p.steps, ListStep{Verb: DefaultList, Name: name})
	}
}

// clean takes the items out of a list. One that was made for them goes; where the
// server does not let it go it is left with a single item that allows everybody.
func (p *egressPlan) clean(e egressList) {
	l, standard := p.find(e.Name)
	if l == nil || !p.site.HasEgress(l) {
		return
	}
	p.next = append(p.next, e)
	rest := p.site.WithoutEgress(*l, e.Shift)
	if len(rest.Items) == 0 {
		if !p.refused {
			if standard {
				p.steps = append(p.steps, ListStep{Verb: DefaultList})
			}
			p.steps = append(p.steps, ListStep{Verb: RemoveList, Name: e.Name})
			return
		}
		rest.Items = []privacy.Item{{Order: "1", Action: "allow"}}
	}
	p.steps = append(p.steps, ListStep{Verb: PutList, List: rest})
}

// oweEgress takes the items out after she has left, or notes that it is still to be
// done at her next login.
func (u *user) oweEgress(online bool) {
	if u.set.egress != nil && online {
		u.egressAgain()
		u.payNow()
	}
}

// payNow reads the lists of somebody who is no longer enrolled, to clean them.
func (u *user) payNow() {
	if u.sh.up && u.host.Writes && !u.lists.reading && u.listSource() != nil {
		u.askListsAs(true)
	}
}

// debtRead takes the lists of somebody who is not enrolled: nothing of them is kept.
func (u *user) debtRead(lists Lists, err error, now time.Time) {
	u.lists.reading = false
	u.answered(askedLists, false, now)
	if err == nil {
		u.tendEgress(&lists, now)
	}
}

// payDebt cleans the lists of somebody who is not enrolled when she is seen online;
// nothing of her presence is kept.
func (s *shard) payDebt(u *user, d Device, now time.Time) {
	if u == nil || u.set.egress == nil || d.Gone || u.writing() || u.refusals(now) > 1 {
		return
	}
	u.payNow()
}

// paid ends what was known of somebody who is not enrolled.
func (u *user) paid() {
	u.sh.e.setKnown(u.addr, false)
	if u.set.enrol.V == 0 && u.sh.users[u.addr] == u {
		u.sh.forget(u)
	}
}

// owes keeps what is left to be cleaned for somebody who was erased.
func (e *Engine) owes(d *egressDoc, online bool) {
	if u := e.loadDebtor(settings{egress: d}); u != nil && online {
		u.payNow()
	}
}

// loadDebtor takes in somebody of whom nothing else is known.
func (e *Engine) loadDebtor(set settings) *user {
	if set.egress == nil {
		return nil
	}
	j, err := presence.ParseJID(set.egress.JID)
	if err != nil {
		return nil
	}
	u := e.shardOf(j.Addr).newUser(j.Addr, j.Bare)
	u.set.egress = set.egress
	e.setKnown(j.Addr, true)
	return u
}
