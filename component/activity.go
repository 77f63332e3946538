package component

import (
	"bytes"
	"sync"
	"sync/atomic"

	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

const (
	nsActivity = "http://jabber.org/protocol/activity"
	nsEvent    = "http://jabber.org/protocol/pubsub#event"
)

// maxListeners bounds the devices of one account that are told: each is sent a message
// of its own.
const maxListeners = 16

// activities tells clients that ask for it what people do (XEP-0108), as events of
// personal eventing (XEP-0163) from the mirror. Who asks is known of devices whose
// presence reaches us, by their entity capabilities (XEP-0115).
//
// What is told is read off the presence that is sent to the same watcher, and only
// when that presence shows another activity than the one before: whoever is sent
// nothing is told nothing (I1). An activity that is not shown any more is taken back
// before the presence without it leaves, so that a blocked watcher and one whose
// contact went offline are left with the same (I2).
type activities struct {
	some atomic.Int32 // devices below: with none there is nothing to do

	mu      sync.Mutex // guards all below, and what is in it
	link    uint32     // number of the present link
	clients map[string]*clientKind
	devices map[string]map[string]*listener // by bare JID and resource, as they were said
}

// listener is a device whose client asks, or may ask: nobody knows yet.
type listener struct {
	kind *clientKind
	node string // of its client, while that is unknown
	addr presence.Addr
	link uint32 // on which it was seen last
	// shown is the activity that each mirror was seen with last; no entry: none.
	shown map[string]presence.Activity
}

func newActivities() *activities {
	return &activities{clients: map[string]*clientKind{}, devices: map[string]map[string]*listener{}}
}

// Present sends one rendering to many watchers (engine.Sender), and with it what it
// shows of an activity to those whose clients ask for that.
func (c *Component) Present(body []byte, to []engine.Target) {
	if c.activities.some.Load() == 0 {
		c.out.Present(body, to)
		return
	}
	shown, gone := activityIn(body)
	if gone {
		c.tellActivity(shown, to)
	}
	c.out.Present(body, to)
	if !gone {
		c.tellActivity(shown, to)
	}
}

var (
	enhancedStart = []byte("<enhanced xmlns='" + stream.NSOwn + "'")
	activityStart = []byte(" activity='")
	typeStart     = []byte(" type='")
)

// activityIn reads the activity off a rendering; gone reports that it makes its
// mirror unavailable, which shows no activity: at 18000 or more nothing is told (S3).
// A "<" in what people write is never one in the rendering.
func activityIn(body []byte) (shown presence.Activity, gone bool) {
	if bytes.HasPrefix(body, typeStart) {
		return "", true
	}
	_, rest, _ := bytes.Cut(body, enhancedStart)
	rest, _, _ = bytes.Cut(rest, []byte(">"))
	_, rest, found := bytes.Cut(rest, activityStart)
	if !found {
		return "", false
	}
	rest, _, _ = bytes.Cut(rest, []byte("'"))
	if _, told := toldActivities[presence.Activity(rest)]; !told {
		return "", false
	}
	return presence.Activity(rest), false
}

// tellActivity tells those who ask and were shown something else before.
func (c *Component) tellActivity(shown presence.Activity, to []engine.Target) {
	l := c.link.Load()
	if l == nil {
		return
	}
	a := c.activities
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range to {
		bare, resource := cutResource(t.To)
		for name, d := range a.devices[bare] {
			if resource == "" || resource == name {
				d.tell(l, engine.Target{To: bare + "/" + name, From: t.From}, shown)
			}
		}
	}
}

// tell notes what a mirror shows now and tells the device, unless it is not known yet
// whether it asks. What the link refuses is told with the next change.
func (d *listener) tell(l *link, t engine.Target, shown presence.Activity) {
	if d.shown[t.From] == shown || d.kind.state == clientAsks && !l.event(t, shown) {
		return
	}
	if shown == "" {
		delete(d.shown, t.From)
		return
	}
	if d.shown == nil {
		d.shown = map[string]presence.Activity{}
	}
	d.shown[t.From] = shown
}

// event sends one event; false: the link does not take it.
func (l *link) event(t engine.Target, shown presence.Activity) bool {
	err := l.w.Append(func(dst []byte) []byte {
		dst = append(dst, "<message type='headline'"...)
		dst = appendAttribute(dst, "from", t.From)
		dst = appendAttribute(dst, "to", t.To)
		dst = append(dst, "><event xmlns='"+nsEvent+"'><items node='"+nsActivity+"'><item id='current'>"...)
		return append(appendActivity(dst, shown), "</item></items></event></message>"...)
	})
	if err != nil {
		l.c.metrics.dropped["queue-full"].Inc()
	}
	return err == nil
}

// toldActivities are the tokens that XEP-0108 has words for: a general activity and,
// where there is one, a specific one. A token that tells how somebody may be reached
// is no activity.
var toldActivities = map[presence.Activity][2]string{
	presence.OnThePhone:   {"talking", "on_the_phone"},
	presence.InAConf:      {"talking", ""},
	presence.InAMeeting:   {"working", "in_a_meeting"},
	presence.Presenting:   {"working", ""},
	presence.OutOfOfficeA: {"inactive", ""},
	presence.OffWork:      {"inactive", "day_off"},
}

// appendActivity appends the element of XEP-0108; an empty one for none.
func appendActivity(dst []byte, shown presence.Activity) []byte {
	dst = append(dst, "<activity xmlns='"+nsActivity+"'"...)
	words, told := toldActivities[shown]
	switch {
	case !told:
		return append(dst, "/>"...)
	case words[1] == "":
		return append(dst, "><"+words[0]+"/></activity>"...)
	}
	return append(dst, "><"+words[0]+"><"+words[1]+"/></"+words[0]+"></activity>"...)
}

// attached begins a new link. Devices that were not seen on the one before are gone;
// what the others were shown still stands on their screens.
func (a *activities) attached() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for bare, list := range a.devices {
		for name, d := range list {
			if d.link != a.link {
				a.drop(bare, name)
			}
		}
	}
	a.link++
}

// detached forgets what was asked on the link: nobody answers any more.
func (a *activities) detached() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for ver, k := range a.clients {
		if k.state == clientUnknown {
			a.settle(nil, k, clientSilent)
			delete(a.clients, ver)
		}
	}
}

// gone forgets a device, or with no resource all of somebody's.
func (a *activities) gone(who presence.JID) {
	if a.some.Load() == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if who.Resource != "" {
		a.drop(who.Bare, who.Resource)
		return
	}
	for name := range a.devices[who.Bare] {
		a.drop(who.Bare, name)
	}
}

// drop takes a device away; mu is held.
func (a *activities) drop(bare, resource string) {
	list := a.devices[bare]
	if list[resource] == nil {
		return
	}
	a.some.Add(-1)
	if delete(list, resource); len(list) == 0 {
		delete(a.devices, bare)
	}
	if len(a.devices) == 0 {
		a.devices = map[string]map[string]*listener{} // and their memory: after an attach it may have been everybody
	}
}

// put takes a device in, if there is room; mu is held. One that is known keeps what it
// was shown.
func (a *activities) put(who presence.JID, k *clientKind) *listener {
	list := a.devices[who.Bare]
	if list == nil {
		list = make(map[string]*listener, 1)
		a.devices[who.Bare] = list
	}
	d := list[who.Resource]
	if d == nil {
		if len(list) >= maxListeners {
			return nil
		}
		d = &listener{addr: who.Addr}
		list[who.Resource] = d
		a.some.Add(1)
	}
	d.kind, d.link = k, a.link
	return d
}

// cutResource cuts a JID into the bare one and the resource.
func cutResource(jid string) (bare, resource string) {
	for i := range len(jid) {
		if jid[i] == '/' {
			return jid[:i], jid[i+1:]
		}
	}
	return jid, ""
}
