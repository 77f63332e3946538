package component

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"time"

	"presenced/component/privilege"
	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

const (
	nsBlocking = "urn:xmpp:blocking"
	nsPrivacy  = "jabber:iq:privacy"

	// maxListReads is how many users' lists are read at once: each asks two
	// questions and one more for each list.
	maxListReads = 32
	// maxLists bounds the privacy lists of one user, maxListItems the items of one
	// list; beyond them it counts as broken.
	maxLists     = 64
	maxListItems = 10000
)

var errForbidden = errors.New("component: lists: the permission to read them is gone")

// listQueue reads what servers keep of users' blocking (S8.1 to S8.3) on their
// behalf (XEP-0356): the block list, then the names of the privacy lists, then
// each of them. What any question fails with is what the reading fails with.
type listQueue struct {
	fetchQueue
	l       *link
	answers chan listAnswer // never full: each of maxListReads waits for one
}

// listReading is one user's reading under way.
type listReading struct {
	user   presence.JID
	grant  *privilege.Grant
	access listAccess
	names  []string // of privacy lists not read yet
	which  string   // the default one
	out    engine.Lists
}

// listAccess says which lists are read.
type listAccess struct {
	block, privacy bool
	spares         bool // nsSpares; of what a host has
	told           bool // the host said what it has
}

type listAnswer struct {
	r    *listReading
	take func(frame []byte) error
	answer
}

func newListQueue(l *link) *listQueue {
	q := &listQueue{l: l, answers: make(chan listAnswer, maxListReads)}
	q.fetchQueue = fetchQueue{most: maxListReads, start: q.begin}
	return q
}

// ReadLists fetches what a user's server keeps of her blocking; the answer comes
// through Door.ListsRead unless the link is lost before. Privacy lists are read
// only of a user who is online: a server may have no answer for others.
func (c *Component) ReadLists(user presence.Addr, bare string, online bool) {
	if l := c.link.Load(); l != nil {
		l.lists.add(wanted{user: presence.JID{Addr: user, Bare: bare}, online: online})
	}
}

func (q *listQueue) begin(w wanted) {
	r := &listReading{user: w.user}
	r.grant, r.access = q.l.readsLists(w.user.Addr.Domain())
	some := r.access.privacy
	r.access.privacy = some && w.online
	switch {
	case r.access.block:
		q.ask(r, "<blocklist xmlns='"+nsBlocking+"'/>", r.takeBlock)
	case r.access.privacy:
		q.ask(r, "<query xmlns='"+nsPrivacy+"'/>", r.takeNames)
	case some: // and she is offline
		q.answers <- listAnswer{r: r, take: func([]byte) error { return nil }}
	default: // taken back meanwhile
		q.answers <- listAnswer{r: r, answer: answer{err: errForbidden}}
	}
}

// ask sends one question; its answer is taken beside the reader.
func (q *listQueue) ask(r *listReading, payload string, take func(frame []byte) error) {
	l := q.l
	id := l.tracker.add(request{
		from: presence.JID{Addr: r.user.Addr}, deadline: time.Now().Add(l.c.timing.roster),
		done: func(a answer) {
			a.frame = append([]byte(nil), a.frame...)
			q.answers <- listAnswer{r: r, take: take, answer: a}
		},
	})
	l.send(func(dst []byte) []byte {
		return r.grant.AppendWrapped(dst, "get", id, l.c.o.Domain, r.user.Bare, []byte(payload))
	})
}

// run takes answers and asks on until a reading is complete.
func (q *listQueue) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-q.answers:
			err := a.err
			if err == nil {
				err = a.take(a.frame)
			}
			if err == nil && q.next(a.r) {
				continue
			}
			switch {
			case blocksUs(err):
				a.r.out, err = engine.Lists{Block: &privacy.BlockList{JIDs: []string{q.l.c.o.Domain}}}, nil
			case noLists(err):
				a.r.out, err = engine.Lists{Default: &privacy.List{Broken: err.Error()}}, nil
			}
			if err != nil {
				q.l.c.metrics.listErrors.Inc()
			}
			q.finish(a.r.user.Addr)
			q.l.c.door.ListsRead(a.r.user.Addr, a.r.out, err)
			q.pump()
		}
	}
}

// blocksUs reports the answer a server gives in the name of a user who blocks the
// component (XEP-0191 §3.3): her block list cannot be read then, and says so.
func blocksUs(err error) bool {
	e, ok := errors.AsType[*StanzaError](err)
	return ok && e.Condition == "service-unavailable"
}

// noLists reports an answer that came and is not understood, or is larger than
// limits.max_stanza. Unlike an error it may be the lists themselves that make it so:
// they hide their owner, for what was read before may lack a new block (S8.5).
func noLists(err error) bool {
	if err == nil || errors.Is(err, errTimeout) || errors.Is(err, errForbidden) {
		return false
	}
	if _, answered := errors.AsType[*StanzaError](err); answered {
		return false
	}
	_, answered := errors.AsType[*privilege.InnerError](err)
	return !answered
}

// next asks what is still to be asked; false means that all is read.
func (q *listQueue) next(r *listReading) bool {
	if r.access.privacy && r.names == nil {
		q.ask(r, "<query xmlns='"+nsPrivacy+"'/>", r.takeNames)
		return true
	}
	if len(r.names) == 0 {
		return false
	}
	name := r.names[0]
	r.names = r.names[1:]
	payload := string(stream.AppendAttr([]byte("<query xmlns='"+nsPrivacy+"'><list name='"), name)) + "'/></query>"
	q.ask(r, payload, func(frame []byte) error { return r.takeList(name, frame) })
	return true
}

// takeBlock reads a block list (XEP-0191 §3.2). What is no item makes the list
// broken, so that it hides and does not open (S8.5).
func (r *listReading) takeBlock(frame []byte) error {
	var x struct {
		XMLName xml.Name  `xml:"urn:xmpp:blocking blocklist"`
		Items   []rawItem `xml:",any"`
	}
	if err := privilege.Unwrap(frame, &x); err != nil {
		return fmt.Errorf("component: block list: %w", err)
	}
	if x.XMLName.Local == "" {
		return errors.New("component: block list: an answer without one")
	}
	list := &privacy.BlockList{JIDs: []string{}}
	if len(x.Items) > maxListItems {
		list.Broken = fmt.Sprintf("%d items are more than %d", len(x.Items), maxListItems)
		x.Items = nil
	}
	for _, it := range x.Items {
		if it.XMLName.Space != nsBlocking || it.XMLName.Local != "item" || it.JID == nil {
			list.Broken = "an element that is no item with an address"
			continue
		}
		list.JIDs = append(list.JIDs, *it.JID)
	}
	r.out.Block = list
	return nil
}

// rawItem is an item of either kind of list, or whatever else stands in its place.
type rawItem struct {
	XMLName xml.Name
	JID     *string    `xml:"jid,attr"`
	Type    string     `xml:"type,attr"`
	Value   string     `xml:"value,attr"`
	Action  string     `xml:"action,attr"`
	Order   string     `xml:"order,attr"`
	Inside  []namedAny `xml:",any"`
}

type namedAny struct{ XMLName xml.Name }

// takeNames reads the names of the privacy lists (XEP-0016 §2.3).
func (r *listReading) takeNames(frame []byte) error {
	var x struct {
		XMLName xml.Name `xml:"jabber:iq:privacy query"`
		Default *struct {
			Name string `xml:"name,attr"`
		} `xml:"default"`
		Lists []struct {
			Name string `xml:"name,attr"`
		} `xml:"list"`
	}
	if err := privilege.Unwrap(frame, &x); err != nil {
		return fmt.Errorf("component: privacy lists: %w", err)
	}
	if x.XMLName.Local == "" {
		return errors.New("component: privacy lists: an answer without them")
	}
	if len(x.Lists) > maxLists {
		return fmt.Errorf("component: privacy lists: %d are more than %d", len(x.Lists), maxLists)
	}
	r.names = []string{}
	for _, l := range x.Lists {
		if !slices.Contains(r.names, l.Name) {
			r.names = append(r.names, l.Name)
		}
	}
	if x.Default != nil && x.Default.Name != "" {
		if r.which = x.Default.Name; !slices.Contains(r.names, r.which) {
			r.names = append(r.names, r.which)
		}
	}
	return nil
}

// takeList reads one privacy list (XEP-0016 §2.1) as it is written.
func (r *listReading) takeList(name string, frame []byte) error {
	var x struct {
		XMLName xml.Name `xml:"jabber:iq:privacy query"`
		Lists   []struct {
			Name  string    `xml:"name,attr"`
			Items []rawItem `xml:",any"`
		} `xml:"list"`
	}
	if err := privilege.Unwrap(frame, &x); err != nil {
		return fmt.Errorf("component: privacy list: %w", err)
	}
	if len(x.Lists) != 1 || x.Lists[0].Name != name {
		return errors.New("component: privacy list: an answer without the list that was asked for")
	}
	list := privacyList(x.Lists[0].Items)
	list.Name = name
	if name == r.which {
		r.out.Default = &list
	} else {
		r.out.Others = append(r.out.Others, list)
	}
	return nil
}

func privacyList(items []rawItem) (list privacy.List) {
	if len(items) > maxListItems {
		list.Broken = fmt.Sprintf("%d items are more than %d", len(items), maxListItems)
		return list
	}
	list.Items = make([]privacy.Item, 0, len(items))
	for _, raw := range items {
		it := privacy.Item{Order: raw.Order, Action: raw.Action, Type: raw.Type, Value: raw.Value}
		if raw.XMLName.Space != nsPrivacy || raw.XMLName.Local != "item" {
			it.Broken = "no item"
		}
		for _, in := range raw.Inside {
			if in.XMLName.Space != nsPrivacy {
				it.Broken = "an element of another namespace inside an item"
			}
			it.Stanzas = append(it.Stanzas, in.XMLName.Local)
		}
		list.Items = append(list.Items, it)
	}
	return list
}

// readsLists returns the grant of a host and the lists it lets us read: by what it
// grants and by what it has (S11).
func (l *link) readsLists(domain string) (*privilege.Grant, listAccess) {
	i, ok := l.c.byDomain[domain]
	if !ok {
		return nil, listAccess{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.hosts[i]
	return h.advert.Grant, h.lists()
}

// lists tells which lists can be read; link.mu is held.
func (h *hostLink) lists() listAccess {
	g := h.advert.Grant
	if g == nil {
		return listAccess{}
	}
	return listAccess{
		block:   h.has.block && slices.Contains(g.IQ, nsBlocking),
		privacy: h.has.privacy && slices.Contains(g.IQ, nsPrivacy),
	}
}

// discover asks a host which lists it has. One that does not say counts as having
// both, which nobody can read.
func (l *link) discover(h *hostLink) {
	id := l.tracker.add(request{
		from: presence.JID{Addr: h.addr}, deadline: time.Now().Add(l.c.timing.roster),
		done: func(a answer) {
			has := listAccess{block: true, privacy: true}
			var x struct {
				Query struct {
					Features []struct {
						Var string `xml:"var,attr"`
					} `xml:"http://jabber.org/protocol/disco#info feature"`
				} `xml:"http://jabber.org/protocol/disco#info query"`
			}
			if a.err == nil && stream.Decode(a.frame, &x) == nil {
				has = listAccess{told: true}
				for _, f := range x.Query.Features {
					has.block = has.block || f.Var == nsBlocking
					has.privacy = has.privacy || f.Var == nsPrivacy
					has.spares = has.spares || f.Var == nsSpares
				}
			}
			l.mu.Lock()
			h.has, h.discovered, h.discovering = has, true, false
			l.mu.Unlock()
			l.awake()
		},
	})
	l.send(func(dst []byte) []byte {
		dst = stream.AppendIQ(dst, "get", id, l.c.o.Domain, h.name)
		return append(dst, "<query xmlns='"+nsDiscoInfo+"'/></iq>"...)
	})
}
