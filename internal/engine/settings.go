package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// docVersion is the version written into every settings document. A document
// of a newer version makes the load fail rather than be misread.
const docVersion = 1

// version is that of a document.
type version uint8

// consent is how far the component's own subscription to a user has come.
type consent uint8

const (
	consentNone consent = iota
	consentAsked
	consentGranted
	consentRefused
)

var consentNames = [...]string{"", "asked", "granted", "refused"}

// MarshalText returns the name in a document.
func (c consent) MarshalText() ([]byte, error) { return []byte(consentNames[c]), nil }

// UnmarshalText reads a name of MarshalText.
func (c *consent) UnmarshalText(name []byte) error {
	i := slices.Index(consentNames[:], string(name))
	if i < 0 {
		return fmt.Errorf("consent: %.32q is not known here; use the presenced that wrote it", name)
	}
	*c = consent(i)
	return nil
}

// The documents of one user, as stored (ARCHITECTURE, "What is kept where").
type (
	enrolDoc struct {
		V       version `json:"v"`
		Enabled bool    `json:"enabled"`
		Consent consent `json:"consent,omitempty"`
		JID     string  `json:"jid"`
	}
	rulesDoc struct {
		V           version        `json:"v"`
		PrivacyMode bool           `json:"privacy_mode,omitempty"`
		Rules       []privacy.Rule `json:"rules"`
		Timed       []TimedRule    `json:"timed,omitempty"` // for a while
	}
	manualDoc struct {
		V      version          `json:"v"`
		Manual *presence.Manual `json:"manual"`
	}
	noteDoc struct {
		V    version `json:"v"`
		Text string  `json:"text"`
	}
	oofDoc struct {
		V      version               `json:"v"`
		Period *presence.OutOfOffice `json:"period"`
	}
)

// settings are a user's documents, decoded.
type settings struct {
	enrol enrolDoc     // with the address also of whom nothing is stored yet
	rules *rulesDoc    // never changed, only replaced
	subs  *roster.Subs // never changed, only replaced
	lists *listsDoc    // nil: never read
	cals  *calendars   // nil: nothing
	// egress tells of the lists of hers that hold items of ours; nil: none does.
	egress *egressDoc
	*choices
}

// choices are what she says of herself. They are never changed, only replaced (see
// choose): everybody who says nothing has the same.
type choices struct {
	manual *presence.Manual
	note   string
	oof    *presence.OutOfOffice
	told   *Profile // nil: nothing
	badge  string   // the handle; empty: none
	rare   *rare    // nil: none of it
}

var nothingChosen choices

// choose replaces the choices by what change makes of them.
func (s *settings) choose(change func(c *choices)) {
	c := *s.choices
	if change(&c); c == nothingChosen {
		s.choices = &nothingChosen
		return
	}
	s.choices = &c
}

// bootstrap are the rules every user begins with, once for all.
var bootstrap = &rulesDoc{Rules: privacy.Bootstrap()}

func newSettings() settings {
	return settings{rules: bootstrap, subs: new(roster.Subs), choices: &nothingChosen}
}

// decodeSettings reads what the store holds of one user. A document that
// cannot be read is an error: rules are never guessed.
func decodeSettings(docs map[string][]byte) (settings, error) {
	s := newSettings()
	if docs[DocRules] != nil {
		s.rules = new(rulesDoc) // not into what all share
	}
	var manual manualDoc
	var note noteDoc
	var oof oofDoc
	var badge badgeDoc
	var few rare
	var profile profileDoc
	var lists listsDoc
	var cals calsDoc
	var sched scheduleDoc
	var egress egressDoc
	for _, d := range []struct {
		name string
		into any
		v    *version
	}{
		{DocEnrol, &s.enrol, &s.enrol.V}, {DocRules, s.rules, &s.rules.V},
		{DocManual, &manual, &manual.V}, {DocNote, &note, &note.V}, {DocOOF, &oof, &oof.V},
		{DocProfile, &profile, &profile.V}, {DocLists, &lists, &lists.V}, {DocBadge, &badge, &badge.V},
		{DocCals, &cals, &cals.V}, {DocSchedule, &sched, &sched.V},
		{DocEgress, &egress, &egress.V},
		{DocApps, &few.apps, &few.apps.V}, {DocPlans, &few.plans, &few.plans.V}, {DocPriority, &few.priority, &few.priority.V},
		{DocProvision, &few.provision, &few.provision.V},
		{DocCells, &few.cells, &few.cells.V},
	} {
		raw := docs[d.name]
		if raw == nil {
			continue
		}
		if err := decodeDoc(d.name, raw, d.into, d.v); err != nil {
			return s, err
		}
	}
	if raw := docs[DocSubs]; raw != nil {
		if err := json.Unmarshal(raw, s.subs); err != nil {
			return s, fmt.Errorf("document %s: %w", DocSubs, err)
		}
	}
	if err := few.apps.read(); err != nil {
		return s, fmt.Errorf("document %s: %w", DocApps, err)
	}
	s.cals = calendarsOf(&cals, &sched)
	s.choose(func(c *choices) {
		c.manual, c.note, c.oof, c.badge = manual.Manual, note.Text, oof.Period, badge.Handle
		if profile.Profile != (Profile{}) {
			c.told = &profile.Profile
		}
		few.take(c)
	})
	if lists.V != 0 {
		s.lists = &lists
	}
	if egress.V != 0 {
		s.egress = &egress
	}
	return s, nil
}

// readSettings is decodeSettings for what a newer version may have written: a document
// that is not known here may hide something (I3), and an import would lose it.
func readSettings(docs map[string][]byte) (settings, error) {
	for name := range docs {
		if docForms[name] == nil {
			return settings{}, fmt.Errorf("document %q is none that this presenced knows: %w", name, ErrNewerSchema)
		}
	}
	return decodeSettings(docs)
}

// decodeDoc reads one document, whose version v is part of what it is read into.
func decodeDoc(name string, raw []byte, into any, v *version) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("document %s: %w", name, err)
	}
	if *v > docVersion {
		return fmt.Errorf("document %s has version %d, this presenced reads up to %d: %w", name, *v, docVersion, ErrNewerSchema)
	}
	return nil
}

// bare is the user's address as the server or the operator spelled it.
func (u *user) bare() string { return u.set.enrol.JID }

// encode renders a document; the types above cannot fail to.
func encode(doc any) []byte {
	b, err := json.Marshal(doc)
	if err != nil {
		panic(fmt.Sprintf("engine: a settings document cannot be rendered: %v", err))
	}
	return b
}

// maxQueue bounds what waits for one user's write, or for her roster: a store or
// server that stands still costs requests, which are made again, not memory.
const maxQueue = 1024

// do runs op in the owner when no write of the user is on its way, so that
// every change is planned on settings that are stored. It returns false, and op
// is never run, when too much waits already.
func (u *user) do(now time.Time, op func(now time.Time)) bool {
	if !u.saving {
		op(now)
		return true
	}
	g := u.begin()
	if len(g.queue) >= maxQueue {
		u.sh.e.metrics.lost.Inc()
		return false
	}
	g.queue = append(g.queue, op)
	return true
}

// forgotten reports whether the user was erased while something waited for her.
func (u *user) forgotten() bool { return u.gone }

// save stores documents and runs then in the owner once they are durable or
// refused. It must be called from within do.
func (u *user) save(w Write, then func(now time.Time, err error)) {
	if u.forgotten() {
		then(time.Now(), ErrRefused) // she was erased while this waited
		return
	}
	w.User = u.addr.Key()
	u.saving = true
	u.sh.e.opt.Store.Save(w, func(err error) {
		u.sh.box.must(func(now time.Time) {
			u.saving = false
			if err != nil {
				u.sh.e.metrics.refusedWrites.Inc()
			}
			then(now, err)
			for !u.saving && u.going != nil && len(u.going.queue) > 0 {
				op := u.going.queue[0]
				u.going.queue = u.going.queue[1:]
				op(now)
			}
			u.rest()
		})
	})
}

func (u *user) saveRules(doc rulesDoc, then func(now time.Time, err error)) {
	doc.V = docVersion
	u.save(Write{Docs: map[string][]byte{DocRules: encode(doc)}}, func(now time.Time, err error) {
		if err == nil {
			u.set.rules = &doc
			u.recompile()
			u.evaluate(now)
		}
		then(now, err)
	})
}

// without returns rules less those in drop.
func without(rules, drop []privacy.Rule) []privacy.Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r privacy.Rule) bool { return slices.Contains(drop, r) })
}
