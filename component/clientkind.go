package component

import (
	"cmp"
	"crypto/sha1" // the algorithm of nearly every client (XEP-0115 §5.1)
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"

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
	clientUnknown clientState = iota // one of its devices was asked
	clientAsks
	clientSilent
)

// clientKind is one kind of client, as its entity capabilities tell (XEP-0115).
type clientKind struct {
	ver string
	// guarded by activities.mu
	state clientState
	again time.Time // when one that gave no good answer may be asked anew; zero: never
}

// askAgain is how long a kind of client is not asked after a device gave no answer, or
// one that its verification string does not stand for (XEP-0115 §5.4).
const askAgain = 10 * time.Minute

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
	if k == nil || !k.again.IsZero() && time.Now().After(k.again) {
		if r.l.tracker.full() {
			return
		}
		k = &clientKind{ver: string(caps.Ver)}
		a.remember(k)
		r.l.askCapabilities(from.jid, string(caps.Node)+"#"+k.ver, k)
	}
	from.kind = k
	if k.state == clientSilent {
		a.drop(from.jid.Bare, from.jid.Resource)
	} else {
		a.put(from.jid, k)
	}
}

// remember keeps a new kind; mu is held.
func (a *activities) remember(k *clientKind) {
	if len(a.clients) >= maxClientKinds {
		for ver, old := range a.clients {
			if old.state != clientUnknown { // any: what is used comes back with the next login
				delete(a.clients, ver)
				break
			}
		}
	}
	if len(a.clients) < maxClientKinds {
		a.clients[k.ver] = k
	}
}

// askCapabilities asks a device what its kind of client can do.
func (l *link) askCapabilities(who presence.JID, node string, k *clientKind) {
	id := l.tracker.add(request{
		from: who, deadline: time.Now().Add(l.c.timing.roster),
		done: func(got answer) { l.capabilitiesRead(k, got) },
	})
	l.send(func(dst []byte) []byte {
		dst = appendIQ(dst, "get", id, l.c.o.Domain, who.Full())
		return append(appendDisco(dst, nsDiscoInfo, node), "</iq>"...)
	})
}

// capabilitiesRead takes the answer of the device that was asked.
func (l *link) capabilitiesRead(k *clientKind, got answer) {
	asks, verified := false, false
	if got.err == nil {
		asks, verified = asksFor(got.frame, k.ver, nsActivity+"+notify")
	}
	state := clientSilent
	if asks && verified {
		state = clientAsks
	}
	a := l.c.activities
	a.mu.Lock()
	defer a.mu.Unlock()
	if !verified {
		k.again = time.Now().Add(askAgain)
	}
	a.settle(l, k, state)
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
	for _, f := range c.Query.Features {
		asks = asks || f.Var == feature
	}
	return asks, c.ver() == ver
}

// ver makes the verification string (XEP-0115 §5.1).
func (c *capabilities) ver() string {
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
	sum := sha1.Sum([]byte(b.String()))
	return base64.StdEncoding.EncodeToString(sum[:])
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
