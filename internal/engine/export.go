package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"presenced/internal/presence"
	"presenced/roster"
)

// exportChunk is how many users Export renders at a time: the most an owner is
// held up by, some 2 ms, and the most that is in memory twice.
const exportChunk = 512

// Export calls each once for every user the engine has settings of, enrolled or
// not, with what a store that kept everything would hold of her: the documents
// as they were acknowledged last, and her devices, in the order of the keys. Before
// them come the entries of reserved users (see Reserved): the granted policies. A
// user's entry is of one instant; who is enrolled while Export runs may be
// missing, who is erased meanwhile is left out. The slices belong to the callee.
// An error of each ends the export and is returned. The engine must be started.
func (e *Engine) Export(ctx context.Context, each func(Saved) error) error {
	parts := make([][]presence.Addr, len(e.shards))
	for _, s := range e.grants.export() {
		if err := each(s); err != nil {
			return err
		}
	}
	err := e.gather(ctx, func(i int, s *shard) {
		part := make([]presence.Addr, 0, len(s.users))
		for a, u := range s.users {
			if u.set.enrol.V != 0 {
				part = append(part, a)
			}
		}
		parts[i] = part
	})
	if err != nil {
		return err
	}
	all := slices.Concat(parts...)
	slices.SortFunc(all, presence.Addr.Compare)
	for chunk := range slices.Chunk(all, exportChunk) {
		found, err := e.exportSome(ctx, chunk)
		if err != nil {
			return err
		}
		for i := range found {
			if found[i].User == "" {
				continue // erased since
			}
			if err := each(found[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// ExportUser returns one user's entry as Export does. A user without settings is
// refused with NotFound.
func (e *Engine) ExportUser(ctx context.Context, user presence.Addr) (Saved, error) {
	found, err := e.exportSome(ctx, []presence.Addr{user})
	if err != nil {
		return Saved{}, err
	}
	if found[0].User == "" {
		return Saved{}, refuse(NotFound, "jid", "nothing is stored of %s; \"presenced user list\" shows of whom there is", user)
	}
	return found[0], nil
}

// exportSome renders users in their owners, all owners at once. Who is not there
// leaves a zero entry.
func (e *Engine) exportSome(ctx context.Context, users []presence.Addr) ([]Saved, error) {
	owned := make(map[*shard][]int, len(e.shards))
	for i, a := range users {
		s := e.shardOf(a)
		owned[s] = append(owned[s], i)
	}
	out := make([]Saved, len(users))
	err := e.gather(ctx, func(_ int, s *shard) {
		for _, i := range owned[s] {
			if u := s.users[users[i]]; u != nil && u.set.enrol.V != 0 {
				out[i] = Saved{User: u.addr.Key(), Docs: u.set.documents(), Presence: u.encodePresence(false)}
			}
		}
	})
	return out, err
}

// gather runs f in every owner and returns when all have; what f wrote may be
// read only without an error.
func (e *Engine) gather(ctx context.Context, f func(i int, s *shard)) error {
	done := make(chan struct{}, len(e.shards)) // room for all: an owner never waits
	for i, s := range e.shards {
		if !s.box.post(func(time.Time) { f(i, s); done <- struct{}{} }) {
			return errBusy
		}
	}
	for range e.shards {
		select {
		case <-done:
		case <-ctx.Done():
			return &RefusedError{Kind: Unavailable, Reason: "the daemon took too long; try again in a moment", Err: ctx.Err()}
		case <-e.stopped:
			return errStopping
		}
	}
	return nil
}

// documents renders settings as they are stored: every document that says
// something, by name.
func (s *settings) documents() map[string][]byte {
	docs := make(map[string][]byte, 6)
	if s.enrol.V != 0 {
		docs[DocEnrol] = encode(s.enrol)
	}
	if s.rules.V != 0 {
		docs[DocRules] = encode(s.rules)
	}
	if subs := encodeSubs(s.subs); subs != nil {
		docs[DocSubs] = subs
	}
	if s.manual != nil {
		docs[DocManual] = encode(manualDoc{V: docVersion, Manual: s.manual})
	}
	if s.note != "" {
		docs[DocNote] = encode(noteDoc{V: docVersion, Text: s.note})
	}
	if s.oof != nil {
		docs[DocOOF] = encode(oofDoc{V: docVersion, Period: s.oof})
	}
	if s.told != nil {
		docs[DocProfile] = encode(profileDoc{V: docVersion, Profile: *s.told})
	}
	if s.lists != nil {
		docs[DocLists] = encode(s.lists)
	}
	if s.badge != "" {
		docs[DocBadge] = encode(badgeDoc{V: docVersion, Handle: s.badge})
	}
	if doc := s.cals.choiceDoc(); doc != nil {
		docs[DocCals] = doc
	}
	if doc := s.cals.scheduleDoc(); doc != nil {
		docs[DocSchedule] = doc
	}
	s.rareDocuments(docs)
	return docs
}

// encodeSubs renders subscriptions; nil when there are none.
func encodeSubs(s *roster.Subs) []byte {
	if s.Len() == 0 {
		return nil
	}
	doc, err := s.MarshalJSON() // encoding/json would only read it once more
	if err != nil {
		panic(fmt.Sprintf("engine: a settings document cannot be rendered: %v", err))
	}
	return doc
}

// Settings returns what is stored of a user, as Export does; for herself, enabled or
// not, and the operator only. Who has no settings is refused with NotEnrolled.
func (e *Engine) Settings(ctx context.Context, who Principal, of presence.Addr) (map[string][]byte, error) {
	if !who.Operator && who.Addr != of {
		return nil, refuse(NotAllowed, "", "only the user herself and the operator may read settings")
	}
	saved, err := e.ExportUser(ctx, of)
	e.noteReading(who, "export", of, presence.Addr{}, err)
	if k, ok := KindOf(err); ok && k == NotFound {
		return nil, refuse(NotEnrolled, "", "nothing is stored of %s", of)
	}
	return saved.Docs, err
}
