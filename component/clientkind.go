package component

import (
	"cmp"
	"crypto/sha1" // the algorithm of nearly every client (XEP-0115 §5.1)
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"

	"mellium.im/xmpp/disco"

	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

const (
	// maxClientKinds bounds how many are remembered; there are some dozens of
	// clients, each in some versions. Beyond it one is forgotten for each new one.
	maxClientKinds = 1024
	// maxVer bounds a verification string: one of SHA-1 has 28 characters.
	maxVer = 64
	// maxCapsNode bounds the node a client names itself by.
	maxCapsNode = 256
)

// clientState says whether a kind of client asks to be told of activities.
type clientState uint8

const (
	clientUnknown clientState = iota // one of its devices is asked at a time
	clientAsks
	clientSilent
)

// clientKind is one kind of client, as its entity capabilities tell (XEP-0115).
type clientKind struct {
	ver string
	// guarded by activities.mu
	state clientState
	asked bool // a device was, and has not answered
	// wrong are the accounts whose devices gave no good answer; again is when one may
	// be asked after maxWrong of them, zero before.
	wrong map[string]struct{}
	again time.Time
}

const (
	// maxWrong is how many accounts may give no good answer for a kind until it is left
	// alone: some clients have strings that never stand for what they answer.
	maxWrong = 8
	// askAgain is for how long.
	askAgain = 10 * time.Minute
)

// capable takes in the capabilities of a device that is online. Where they are not
// known, the device itself is asked for them, for all of its kind.
func (r *router) capable(from *sender) {
	caps := &r.s.Caps
	if from.kind != nil && string(caps.Ver) == from.kind.ver {
		return // nearly always: the presence says something else anew
	}
	a := r.c.activities
	if string(caps.Hash) != "sha-1" || len(caps.Ver) == 0 || len(caps.Ver) > maxVer || len(caps.Node) > maxCapsNode {
		if from.kind != nil {
			from.kind = nil
			a.gone(from.jid)
		}
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.clients[string(caps.Ver)]
	if k != nil && !k.again.IsZero() && time.Now().After(k.again) {
		k = nil
	}
	if k == nil || k.state == clientUnknown && !k.asked { // she would be asked
		if r.l.tracker.full() || !r.c.asks.take(from.jid.Bare, 1, time.Now()) {
			return
		}
	}
	if k == nil {
		k = &clientKind{ver: string(caps.Ver)}
		a.remember(k)
	}
	from.kind = k
	if k.state == clientSilent {
		a.drop(from.jid.Bare, from.jid.Resource)
		return
	}
	d := a.put(from.jid, k)
	if d != nil && k.state == clientUnknown {
		d.node = string(caps.Node)
		if !k.asked {
			r.l.askCapabilities(from.jid, d)
		}
	}
}

// remember keeps a new kind; mu is held.
func (a *activities) remember(k *clientKind) {
	if len(a.clients) >= maxClientKinds {
		for ver, old := range a.clients {
			if !old.asked { // any: what is used comes back with the next login
				delete(a.clients, ver)
				break
			}
		}
	}
	if len(a.clients) < maxClientKinds {
		a.clients[k.ver] = k
	}
}

// askCapabilities asks a device what its kind of client can do; activities.mu is held.
func (l *link) askCapabilities(who presence.JID, d *listener) {
	k := d.kind
	k.asked = true
	node := d.node + "#" + k.ver
	id := l.tracker.add(request{
		from: who, deadline: time.Now().Add(l.c.timing.roster),
		done: func(got answer) { l.capabilitiesRead(k, who, got) },
	})
	l.send(func(dst []byte) []byte {
		dst = stream.AppendIQ(dst, "get", id, l.c.o.Domain, who.Full())
		return append(appendDisco(dst, nsDiscoInfo, node), "</iq>"...)
	})
}

// capabilitiesRead takes the answer of the device that was asked. One that does not
// prove to be of its kind, or gives none, says nothing of others: the next is asked
// (XEP-0115 §5.4).
func (l *link) capabilitiesRead(k *clientKind, who presence.JID, got answer) {
	asks, verified := false, false
	if got.err == nil {
		asks, verified = asksFor(got.frame, k.ver, nsActivity+"+notify")
	}
	a := l.c.activities
	a.mu.Lock()
	defer a.mu.Unlock()
	k.asked = false
	switch {
	case verified && asks:
		a.settle(l, k, clientAsks)
	case verified:
		a.settle(l, k, clientSilent)
	default:
		if d := a.devices[who.Bare][who.Resource]; d != nil && d.kind == k {
			a.drop(who.Bare, who.Resource)
		}
		if k.wrong == nil {
			k.wrong = make(map[string]struct{}, 1)
		}
		if k.wrong[who.Bare] = struct{}{}; len(k.wrong) < maxWrong {
			a.askAnother(l, k, who)
			return
		}
		k.again = time.Now().Add(askAgain)
		a.settle(l, k, clientSilent)
	}
}

// askAnother asks another device of a kind, if there is one, and one of somebody else's
// before; mu is held.
func (a *activities) askAnother(l *link, k *clientKind, than presence.JID) {
	var next *listener
	var whose presence.JID
	for bare, list := range a.devices {
		for name, d := range list {
			if d.kind == k && (next == nil || whose.Bare == than.Bare) {
				next, whose = d, presence.JID{Bare: bare, Resource: name}
			}
		}
	}
	if next != nil {
		whose.Addr = next.addr
		l.askCapabilities(whose, next)
	}
}

// settle puts in force what was found out about a kind; mu is held. Its devices are
// told what their mirrors were seen with meanwhile.
func (a *activities) settle(l *link, k *clientKind, state clientState) {
	k.state = state
	for bare, list := range a.devices {
		for name, d := range list {
			switch {
			case d.kind != k:
			case state != clientAsks:
				a.drop(bare, name)
			default:
				d.node = ""
				d.catchUp(l, bare+"/"+name)
			}
		}
	}
}

// catchUp tells a device what its mirrors were seen with while nobody knew whether it
// asks.
func (d *listener) catchUp(l *link, full string) {
	for _, from := range slices.Sorted(maps.Keys(d.shown)) {
		if !l.event(engine.Target{To: full, From: from}, d.shown[from]) {
			delete(d.shown, from)
		}
	}
}

// capabilities is the answer of a client to disco#info, with what its verification
// string is made of.
type capabilities struct {
	Query struct {
		Identities []capIdentity `xml:"http://jabber.org/protocol/disco#info identity"`
		Features   []capFeature  `xml:"http://jabber.org/protocol/disco#info feature"`
		Forms      []capForm     `xml:"jabber:x:data x"`
	} `xml:"http://jabber.org/protocol/disco#info query"`
}

// capabilitiesOf are those of an entity of ours.
func capabilitiesOf(i disco.Info) *capabilities {
	c := new(capabilities)
	for _, id := range i.Identity {
		c.Query.Identities = append(c.Query.Identities, capIdentity{id.Category, id.Type, id.Lang, id.Name})
	}
	for _, f := range i.Features {
		c.Query.Features = append(c.Query.Features, capFeature{f.Var})
	}
	return c
}

type capIdentity struct {
	Category string `xml:"category,attr"`
	Type     string `xml:"type,attr"`
	Lang     string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	Name     string `xml:"name,attr"`
}

type capFeature struct {
	Var string `xml:"var,attr"`
}

type capForm struct {
	Fields []capField `xml:"jabber:x:data field"`
}

type capField struct {
	Var    string   `xml:"var,attr"`
	Values []string `xml:"jabber:x:data value"`
}

// asksFor reports whether an answer names a feature, and whether it is what ver
// stands for: only then it speaks for other devices, and for this one.
func asksFor(frame []byte, ver, feature string) (asks, verified bool) {
	var c capabilities
	if stream.Decode(frame, &c) != nil {
		return false, false
	}
	text := c.text()
	for _, f := range c.Query.Features {
		asks = asks || f.Var == feature
	}
	// The string does not tell its parts apart: a feature of the kind could be hidden
	// in a name or a form. One that is in there, but is no feature here, says nothing.
	return asks, asks == strings.Contains(text, feature) && verOf(text) == ver
}

// verOf makes the verification string (XEP-0115 §5.1) of what it stands for.
func verOf(text string) string {
	sum := sha1.Sum([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// text is what the verification string stands for (XEP-0115 §5.1).
func (c *capabilities) text() string {
	q := &c.Query
	slices.SortFunc(q.Identities, func(a, b capIdentity) int {
		return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Lang, b.Lang))
	})
	slices.SortFunc(q.Features, func(a, b capFeature) int { return cmp.Compare(a.Var, b.Var) })
	slices.SortFunc(q.Forms, func(a, b capForm) int { return cmp.Compare(a.kind(), b.kind()) })
	var b strings.Builder
	for _, i := range q.Identities {
		b.WriteString(i.Category + "/" + i.Type + "/" + i.Lang + "/" + i.Name + "<")
	}
	for _, f := range q.Features {
		b.WriteString(f.Var + "<")
	}
	for _, x := range q.Forms {
		b.WriteString(x.kind() + "<")
		slices.SortFunc(x.Fields, func(a, b capField) int { return cmp.Compare(a.Var, b.Var) })
		for _, f := range x.Fields {
			if f.Var == formType {
				continue
			}
			slices.Sort(f.Values)
			b.WriteString(strings.Join(append([]string{f.Var}, f.Values...), "<") + "<")
		}
	}
	return b.String()
}

// formType is the field that says what kind a form is of (XEP-0068).
const formType = "FORM_TYPE"

// kind is what a form is of.
func (x *capForm) kind() string {
	for _, f := range x.Fields {
		if f.Var == formType {
			return strings.Join(f.Values, "<")
		}
	}
	return ""
}
