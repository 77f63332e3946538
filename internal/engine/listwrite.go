package engine

import (
	"errors"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// ListWriter writes what a user's server keeps of her blocking, on her behalf
// (XEP-0356), implemented by the XMPP edge.
type ListWriter interface {
	// WriteLists takes the steps in order and stops at the first that is refused.
	// The answer comes through Engine.ListsWritten, unless the link is lost before.
	WriteLists(user presence.Addr, bare string, steps []ListStep)
}

// ListVerb is what a ListStep does.
type ListVerb uint8

// The verbs of XEP-0016 §2.4 to §2.8 and XEP-0191 §3.3 and §3.4.
const (
	PutList     ListVerb = iota // puts List in place of the one of its name
	RemoveList                  // removes the list Name
	DefaultList                 // makes the list Name the default one; empty: none is
	BlockJID                    // puts Name on the block list
	UnblockJID                  // takes Name off it
)

// ListStep is one change of a user's lists. The server makes it whole or not at all.
type ListStep struct {
	Verb ListVerb
	Name string
	List privacy.List // of PutList, with its name
}

// maxListWrites bounds what waits to be written for one user.
const maxListWrites = 16

// listWrites is what is to be written to one user's server, in order; the first is
// on its way.
type listWrites struct {
	queue []listWrite
	// refusals counts the refused attempts at the egress items since her login, until
	// again: then they are tried anew.
	refusals int
	again    time.Time
}

type listWrite struct {
	steps []ListStep
	then  func(now time.Time, err error)
}

var errNoWriter = errors.New("her server takes no lists from the component")

// writeLists has steps written; then is told what came of them.
func (u *user) writeLists(steps []ListStep, now time.Time, then func(now time.Time, err error)) {
	if u.sh.e.opt.ListWriter == nil || !u.sh.up {
		then(now, errNoWriter)
		return
	}
	w := u.writes()
	if len(w.queue) >= maxListWrites {
		then(now, errBusy)
		return
	}
	w.queue = append(w.queue, listWrite{steps, then})
	if len(w.queue) == 1 {
		u.sh.e.opt.ListWriter.WriteLists(u.addr, u.bare(), steps)
	}
}

func (u *user) writes() *listWrites {
	h := u.herself()
	if h.lists == nil {
		h.lists = new(listWrites)
	}
	return h.lists
}

// writing reports whether anything is on its way to her server.
func (u *user) writing() bool {
	return u.about != nil && u.about.lists != nil && len(u.about.lists.queue) > 0
}

// ListsWritten answers ListWriter.WriteLists.
func (e *Engine) ListsWritten(user presence.Addr, err error) {
	s := e.shardOf(user)
	s.box.must(func(now time.Time) {
		if u := s.users[user]; u != nil && u.writing() {
			u.written(err, now)
		}
	})
}

// written ends the write on its way and begins the next.
func (u *user) written(err error, now time.Time) {
	w := u.about.lists
	first := w.queue[0]
	w.queue = w.queue[1:]
	if len(w.queue) > 0 {
		u.sh.e.opt.ListWriter.WriteLists(u.addr, u.bare(), w.queue[0].steps)
	} else {
		w.queue = nil
	}
	first.then(now, err)
}

// writesLost ends what was on its way when the link went: whether it was made is
// read after the next attach.
func (u *user) writesLost(now time.Time) {
	if !u.writing() {
		return
	}
	lost := u.about.lists.queue
	u.about.lists.queue = nil
	for _, w := range lost {
		w.then(now, errNoWriter)
	}
}

// ServerBlock has the user's own server block a JID or a domain as well, or no
// longer (S8.7): her native contacts get her raw presence from there. That stops
// messages, too. A server that does not do it is an Advice, not an error.
type ServerBlock struct {
	JID string
	On  bool
}

func (ServerBlock) change() {}

func (u *user) serverBlock(c ServerBlock, now time.Time, answer answerFunc) {
	r, err := blockRule(c.JID)
	switch {
	case err != nil:
		answer(Result{}, err)
		return
	case presence.MustAddr(r.Value) == u.addr:
		answer(Result{}, refuse(Invalid, "jid", "you cannot block yourself"))
		return
	case !u.host.Blocks:
		answer(Result{Advice: []Advice{AdviceServerFailed}}, nil)
		return
	}
	step := ListStep{Verb: BlockJID, Name: r.Value}
	if !c.On {
		step.Verb = UnblockJID
	}
	u.writeLists([]ListStep{step}, now, func(now time.Time, err error) {
		if err != nil {
			u.sh.e.opt.Log.Debug("a server refused to block for a user", "user", u.bare(), "error", err)
			answer(Result{Advice: []Advice{AdviceServerFailed}}, nil)
			return
		}
		u.readLists(now, func(time.Time) { answer(Result{}, nil) }) // what counts is what it keeps now
	})
}
