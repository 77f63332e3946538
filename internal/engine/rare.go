package engine

import "presenced/internal/presence"

// rare are the settings that few users have, in documents of their own.
type rare struct {
	apps appsDoc
}

// rarely returns them to be filled.
func (s *settings) rarely() *rare {
	r := new(rare)
	if s.rare != nil {
		*r = *s.rare
	}
	s.choose(func(c *choices) { c.rare = r })
	return r
}

func (s *settings) apps() appsDoc {
	if s.rare == nil {
		return appsDoc{}
	}
	return s.rare.apps
}

// rareDocuments adds those that say something to the others (export).
func (s *settings) rareDocuments(docs map[string][]byte) {
	if apps := s.apps(); len(apps.Apps) > 0 {
		apps.V = docVersion
		docs[DocApps] = encode(apps)
	}
}

// take keeps what was decoded, if it says something.
func (r *rare) take(s *settings) error {
	if err := r.apps.read(); err != nil {
		return err
	}
	if len(r.apps.Apps) > 0 {
		s.choose(func(c *choices) { c.rare = r })
	}
	return nil
}

// readRare holds these documents to what the commands would accept.
func (e *Engine) readRare(_ presence.JID, im *imported) error {
	apps := im.set.apps()
	if len(apps.Apps) > maxApps {
		return refuse(TooMany, DocApps, "document %s has %d apps, and there may be %d; take some out", DocApps, len(apps.Apps), maxApps)
	}
	return nil
}
