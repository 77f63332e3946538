package engine

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the engine's; no label ever holds an address.
type metrics struct {
	devices, sent, held, lost prometheus.Counter
	refusedWrites             prometheus.Counter
	egressRefused             prometheus.Counter
	timers, late              prometheus.Counter
	publishRefused            prometheus.Counter
}

func newMetrics(e *Engine) *metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		e.opt.Registerer.MustRegister(c)
		return c
	}
	m := &metrics{
		devices:        counter("presenced_device_presences_total", "Presences of enrolled users' devices that were taken in."),
		sent:           counter("presenced_presences_sent_total", "Presences handed over for watchers."),
		held:           counter("presenced_presences_held_total", "Changes of a projection that had to wait for their pace."),
		lost:           counter("presenced_events_lost_total", "Events dropped because an owner's mailbox was full."),
		refusedWrites:  counter("presenced_writes_refused_total", "Settings the store refused."),
		egressRefused:  counter("presenced_egress_refused_total", "Changes of users' privacy lists that their server refused (privacy.egress)."),
		publishRefused: counter("presenced_publications_refused_total", "Activities that a user's server refused to publish for her."),
		timers:         counter("presenced_timers_total", "Users whose instant had come: a meeting's edge, a lease's end, a change that was held back."),
		late:           counter("presenced_timers_late_total", "Those of them whose turn came more than a second after it: the machine is overloaded."),
	}
	gauge := func(name, help string, f func() float64) {
		e.opt.Registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
	}
	gauge("presenced_enrolled_users", "Users who are enrolled.", func() float64 {
		e.knownMu.RLock()
		defer e.knownMu.RUnlock()
		return float64(len(e.known))
	})
	gauge("presenced_mailbox_events", "Events waiting for an owner.", func() float64 {
		n := 0
		for _, s := range e.shards {
			n += s.box.depth()
		}
		return float64(n)
	})
	gauge("presenced_lists_unread", "Served hosts that keep block or privacy lists which cannot be read: containers alone decide there.", func() float64 {
		return float64(e.hidden.count())
	})
	return m
}

// hiddenHosts are the hosts whose lists cannot be read (S11).
type hiddenHosts struct {
	mu    sync.Mutex // guards names
	names map[string]bool
}

// note reports whether that is news.
func (h *hiddenHosts) note(name string, hidden bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was, known := h.names[name]
	if h.names == nil {
		h.names = make(map[string]bool)
	}
	h.names[name] = hidden
	return hidden && !(known && was)
}

func (h *hiddenHosts) count() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, hidden := range h.names {
		if hidden {
			n++
		}
	}
	return n
}

// alarms keeps repeated faults from filling the log: first, on change, on
// recovery, else once a minute.
type alarms struct {
	mu   sync.Mutex // guards last
	last map[string]time.Time
}

func (a *alarms) due(name string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last == nil {
		a.last = make(map[string]time.Time)
	}
	if t, ok := a.last[name]; ok && now.Sub(t) < time.Minute {
		return false
	}
	a.last[name] = now
	return true
}

func (e *Engine) warnRoster(err error) {
	if e.alarms.due("roster", time.Now()) {
		e.opt.Log.Warn("a roster could not be read: its owner is shown to nobody until it can", "error", err)
	}
}

func (e *Engine) warnLists(err error) {
	if e.alarms.due("lists", time.Now()) {
		e.opt.Log.Warn("block and privacy lists could not be read: their owner is shown to nobody, or as they were, until they can", "error", err)
	}
}

func (e *Engine) warnStore(err error) {
	if e.alarms.due("store", time.Now()) {
		e.opt.Log.Warn("a change could not be stored and was not made", "error", err)
	}
}
