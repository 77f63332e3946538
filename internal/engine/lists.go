package engine

import (
	"reflect"
	"slices"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// ListReader reads lists where the stream does not offer them (S11). As with
// Sender.ReadLists, the answer comes through Engine.ListsRead. It is called by an
// owner and must not block. Of two readers that stand in Rules it must be possible
// to tell whether they are the same: a pointer will do.
type ListReader interface {
	ReadLists(user presence.Addr, bare string, online bool)
}

// listsDoc is the last reading of a user's server-side lists. It stays in force
// when the server stops offering them (S11).
type listsDoc struct {
	V     version `json:"v"`
	Lists Lists   `json:"lists"`
	// Partial: she was offline, and privacy lists are read of who is online only.
	Partial bool `json:"partial,omitempty"`

	judged, suspect bool // what suspected found
}

// listsCopy is how the reading of a user's lists goes.
type listsCopy struct {
	question
	online bool    // as it was asked
	fresh  bool    // answered, well or not, since the attach and since she came online
	readAt seconds // 0: not since the start
	failed seconds // the last attempt; 0: it succeeded
	// missed is for how many seconds she has been online since they were last read,
	// up to tick; a restart begins anew (S11).
	missed uint32
	tick   seconds // 0: she was not online at the last attempt, or has come anew
}

// count adds the time since the last attempt while she is online.
func (l *listsCopy) count(online bool, now seconds) {
	switch {
	case !online:
		l.tick = 0
		return
	case l.tick != 0:
		l.missed += uint32(now - l.tick)
	}
	l.tick = now
}

// listSource returns who reads the user's lists; nil where nobody can.
func (u *user) listSource() ListReader {
	if r := u.sh.e.rules().ListSources[u.addr.Domain()]; r != nil {
		return r
	}
	if u.host.Block || u.host.Privacy {
		return u.sh.e.opt.Sender
	}
	return nil
}

// listsHidden: the server keeps lists nobody reads for us (S11).
func (u *user) listsHidden() bool {
	return u.sh.e.rules().ListSources[u.addr.Domain()] == nil && (u.host.Hidden || !u.host.ready)
}

// reread reads again what decides about watchers and is the server's (S8.8).
func (u *user) reread(now time.Time) {
	u.readLists(now, nil)
	u.readRoster(now, nil)
}

// readLists asks for the lists as readRoster does for the roster.
func (u *user) readLists(now time.Time, after func(now time.Time)) {
	if u.listSource() == nil || !u.sh.up || !u.set.enrol.Enabled {
		if after != nil {
			after(now)
		}
		return
	}
	u.join(askedLists, after)
	if u.lists.reading {
		online := len(u.person.Inputs.Resources) > 0
		u.lists.again = u.lists.again || after != nil || online && !u.lists.online
		return
	}
	u.askLists()
}

func (u *user) askLists() { u.askListsAs(len(u.person.Inputs.Resources) > 0) }

func (u *user) askListsAs(online bool) {
	u.lists.again, u.lists.reading, u.lists.online = false, true, online
	u.listSource().ReadLists(u.addr, u.bare(), u.lists.online)
}

// ListsRead answers Sender.ReadLists and ListReader.ReadLists.
func (e *Engine) ListsRead(user presence.Addr, lists Lists, err error) {
	s := e.shardOf(user)
	s.box.must(func(now time.Time) {
		switch u := s.users[user]; {
		case u == nil:
		case u.set.enrol.Enabled:
			u.listsRead(lists, err, now)
		default:
			u.debtRead(lists, err, now)
		}
	})
}

func (u *user) listsRead(lists Lists, err error, now time.Time) {
	again := u.lists.again && u.sh.up && u.listSource() != nil
	asked := u.lists.reading
	u.lists.reading = false
	if again {
		u.askLists()
	}
	if asked { // else it was begun before the attach, or by a source of before
		u.lists.fresh = !again && u.sh.up
	}
	if err != nil {
		u.listsFailed(err, now)
	} else {
		u.listsNews(lists, now)
	}
	u.serveWaiters(now)
	u.answered(askedLists, u.lists.reading, now)
	u.schedule()
	if err == nil && !again {
		u.tendEgress(&lists, now)
	}
}

// listsFailed keeps what was read before in force until it is too old; without
// anything the user is hidden (S8.5).
func (u *user) listsFailed(err error, now time.Time) {
	if !u.sh.up {
		return // the link went away meanwhile: not an answer about the lists
	}
	first, at := u.lists.failed == 0, u.sh.e.instant(now).seconds()
	u.lists.failed = at
	u.lists.count(len(u.person.Inputs.Resources) > 0, at)
	u.planRefresh(now)
	if first || u.listsStale(u.sh.e.rules().MaxStale) {
		u.sh.e.warnLists(err)
		u.recompile()
	}
	u.evaluate(now)
	u.sh.e.opt.Log.Debug("lists could not be read", "user", u.bare(), "error", err)
}

// listsNews puts a reading in force, and stores it where it says something new.
func (u *user) listsNews(lists Lists, now time.Time) {
	recovered, at := u.lists.failed != 0, u.sh.e.instant(now).seconds()
	u.lists.readAt, u.lists.failed = at, 0
	u.lists.count(len(u.person.Inputs.Resources) > 0, at)
	u.lists.missed = 0
	u.planRefresh(now)
	next := &listsDoc{V: docVersion, Lists: lists}
	if _, stream := u.listSource().(Sender); stream && u.host.Privacy && !u.lists.online {
		next.Partial = u.set.lists == nil || u.set.lists.Partial
		if u.set.lists != nil { // what was read of her last session stays in force
			next.Lists.Default, next.Lists.Others = u.set.lists.Lists.Default, u.set.lists.Lists.Others
		}
	}
	if u.set.lists != nil && reflect.DeepEqual(next, u.set.lists) && !recovered {
		u.evaluate(now) // what waited for the answer
		return
	}
	doc, before := encode(next), u.set.lists
	u.set.lists = next
	u.recompile()
	u.noteServer(before)
	u.evaluate(now)
	u.do(now, func(time.Time) {
		u.save(Write{Docs: map[string][]byte{DocLists: doc}}, func(_ time.Time, err error) {
			if err != nil {
				u.sh.e.warnStore(err)
			}
		})
	})
}

// listsLoaded reports whether what can be read of the user's lists was read, or was
// tried in vain: before that nothing is sent about her (S8.5). Of somebody online
// that means since the attach and since she came: she may have blocked a watcher
// while nobody looked. Of somebody offline an earlier reading does.
func (u *user) listsLoaded() bool {
	switch {
	case u.listSource() == nil, u.lists.fresh:
		return true
	case len(u.person.Inputs.Resources) > 0:
		return false
	}
	return u.set.lists != nil
}

// listsOutdated has the lists of somebody who comes online read before she is shown.
func (u *user) listsOutdated() {
	u.lists.fresh, u.lists.tick = false, 0
	u.egressAgain()
}

// listsState is what the lists make of the policy's state.
func (u *user) listsState(r *Rules) privacy.LoadState {
	switch {
	case r.RequireLists && u.listsHidden():
		return privacy.StateError
	case u.listSource() == nil:
		return privacy.StateOK
	case u.set.lists == nil || u.set.lists.Partial && len(u.person.Inputs.Resources) > 0:
		if u.lists.failed == 0 {
			return privacy.StateLoading
		}
		return privacy.StateError
	case u.listsStale(r.MaxStale):
		return privacy.StateStale
	}
	return privacy.StateOK
}

// listsStale: reading has failed for longer than privacy.max_stale, not counting
// the time in which the user was offline (S11).
func (u *user) listsStale(limit time.Duration) bool {
	return u.lists.failed != 0 && time.Duration(u.lists.missed)*time.Second > limit
}

// vetoes adds the lists to what the policy is made of. Which list a session made
// active cannot be read; one that would hide her from everyone counts as active,
// unless the session reaches us as it reaches any contact (S8.3).
func (u *user) vetoes(s *privacy.Settings) {
	if u.set.lists == nil {
		return
	}
	l := &u.set.lists.Lists
	if l.Block != nil {
		s.Block = *l.Block
	}
	s.Default = u.hers(l.Default)
	if u.set.enrol.Consent == consentGranted && !u.host.Managed {
		return
	}
	s.Invisible = u.suspected()
}

// suspected reports whether one of her other lists may be active (S8.3). It is asked
// at every change of her policy, and there may be many long lists: it is worked out
// once for each reading. Of the site only the component's domain counts.
func (u *user) suspected() bool {
	d := u.set.lists
	if !d.judged {
		d.judged = true
		d.suspect = slices.ContainsFunc(d.Lists.Others, func(l privacy.List) bool {
			return u.sh.e.rules().System.Site.SuspectActive(u.hers(&l))
		})
	}
	return d.suspect
}
