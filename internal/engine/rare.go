package engine

import (
	"slices"

	"presenced/internal/presence"
)

// rare are the settings that few users have, in documents of their own. Like all
// choices they are never changed, only replaced.
type rare struct {
	apps     appsDoc
	plans    plansDoc
	priority priorityDoc
	cells    cellsDoc
}

// chooseRare replaces them by what change makes of them.
func (s *settings) chooseRare(change func(r *rare)) {
	r := new(rare)
	if s.rare != nil {
		*r = *s.rare
	}
	change(r)
	s.choose(r.take)
}

func (s *settings) apps() appsDoc {
	if s.rare == nil {
		return appsDoc{}
	}
	return s.rare.apps
}

// rareDocuments adds those that say something to the others (export).
func (s *settings) rareDocuments(docs map[string][]byte) {
	if s.rare == nil {
		return
	}
	r := *s.rare
	r.apps.V, r.plans.V, r.priority.V, r.cells.V = docVersion, docVersion, docVersion, docVersion
	if len(r.apps.Apps) > 0 {
		docs[DocApps] = encode(r.apps)
	}
	if len(r.plans.Plans) > 0 {
		docs[DocPlans] = encode(r.plans)
	}
	if len(r.priority.People) > 0 {
		docs[DocPriority] = encode(r.priority)
	}
	if len(r.cells.Cells) > 0 {
		docs[DocCells] = encode(r.cells)
	}
}

// take is put among the choices, where it says something.
func (r *rare) take(c *choices) {
	c.rare = nil
	if len(r.apps.Apps)+len(r.plans.Plans)+len(r.priority.People)+len(r.cells.Cells) > 0 {
		c.rare = r
	}
}

// readRare holds these documents to what the commands would accept.
func (e *Engine) readRare(_ presence.JID, im *imported) error {
	r := im.set.rare
	switch {
	case r == nil:
		return nil
	case len(r.apps.Apps) > maxApps:
		return refuse(TooMany, DocApps, "document %s has %d apps, and there may be %d; take some out", DocApps, len(r.apps.Apps), maxApps)
	case len(r.plans.Plans) > maxPlans:
		return refuse(TooMany, DocPlans, "document %s has %d states, and there may be %d; take some out", DocPlans, len(r.plans.Plans), maxPlans)
	case len(r.priority.People) > maxPriority:
		return refuse(TooMany, DocPriority, "document %s has %d people, and there may be %d; take some out", DocPriority, len(r.priority.People), maxPriority)
	}
	for i := range r.plans.Plans {
		if err := e.checkManual(&r.plans.Plans[i]); err != nil {
			return wrong(DocPlans, err)
		}
	}
	slices.SortFunc(r.plans.Plans, func(a, b presence.Manual) int { return a.SetAt.Compare(b.SetAt) })
	for i, jid := range r.priority.People {
		a, err := presence.ParseAddr(jid)
		if err != nil {
			return wrong(DocPriority, err)
		}
		r.priority.People[i] = a.String()
	}
	return e.readCells(r.cells.Cells)
}
