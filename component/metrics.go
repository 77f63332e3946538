package component

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/component/stream"
)

// metrics are the edge's counters. Label values are fixed; none is an address.
type metrics struct {
	received     [stream.KindIQ + 1]prometheus.Counter
	refused      map[string]prometheus.Counter
	dropped      map[string]prometheus.Counter
	losses       map[string]prometheus.Counter
	connects     prometheus.Counter
	jobsRefused  prometheus.Counter
	tooFast      prometheus.Counter
	rosterErrors prometheus.Counter
	listErrors   prometheus.Counter

	// What the writers of earlier links wrote.
	stanzas, bytes, writes atomic.Uint64
}

var (
	refusals = []string{"malformed", stream.ReasonSize.String(), stream.ReasonDepth.String(), "panic"}
	drops    = []string{
		"bad-from", "own", "bad-to", "foreign", "presence-type", "not-enrolled", "no-resource", "iq-type", "no-id",
		"unasked-answer", "message-rate", "queue-full", "tracker-full",
	}
)

// newMetrics registers the metrics; a nil registerer leaves them unseen.
func newMetrics(c *Component, r prometheus.Registerer) (*metrics, error) {
	m := &metrics{}
	counters := func(name, help, label string, values []string) (*prometheus.CounterVec, map[string]prometheus.Counter) {
		vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
		byValue := make(map[string]prometheus.Counter, len(values))
		for _, v := range values {
			byValue[v] = vec.WithLabelValues(v)
		}
		return vec, byValue
	}
	kinds := make([]string, len(m.received))
	for k := range m.received {
		kinds[k] = stream.Kind(k).String()
	}
	received, byKind := counters("presenced_stanzas_received_total", "Stanzas that were read.", "kind", kinds)
	for k, name := range kinds {
		m.received[k] = byKind[name]
	}
	all := []prometheus.Collector{received}
	add := func(vec *prometheus.CounterVec, byValue map[string]prometheus.Counter) map[string]prometheus.Counter {
		all = append(all, vec)
		return byValue
	}
	m.refused = add(counters("presenced_stanzas_refused_total", "Stanzas that could not be read.", "reason", refusals))
	m.dropped = add(counters("presenced_stanzas_dropped_total", "Stanzas that lead to nothing, by reason.", "reason", drops))
	m.losses = add(counters("presenced_link_losses_total", "Links lost and attempts failed, by reason.", "reason", reasons))
	m.connects = prometheus.NewCounter(prometheus.CounterOpts{Name: "presenced_link_attaches_total", Help: "Links that were established."})
	m.jobsRefused = prometheus.NewCounter(prometheus.CounterOpts{Name: "presenced_queries_refused_total", Help: "Requests refused because the workers were busy."})
	m.tooFast = prometheus.NewCounter(prometheus.CounterOpts{Name: "presenced_queries_limited_total", Help: "Requests refused because their sender asked too fast."})
	m.rosterErrors = prometheus.NewCounter(prometheus.CounterOpts{Name: "presenced_roster_errors_total", Help: "Rosters that could not be read."})
	m.listErrors = prometheus.NewCounter(prometheus.CounterOpts{Name: "presenced_list_errors_total", Help: "Readings of a user's block and privacy lists that failed."})
	all = append(all, m.connects, m.jobsRefused, m.tooFast, m.rosterErrors, m.listErrors)
	all = append(all, m.gauges(c)...)
	if r == nil {
		return m, nil
	}
	for _, x := range all {
		if err := r.Register(x); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// gauges are the metrics that are read off the parts when asked for.
func (m *metrics) gauges(c *Component) []prometheus.Collector {
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f)
	}
	counter := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, f)
	}
	return []prometheus.Collector{
		gauge("presenced_link_attached", "Whether the component is attached (1) or not (0).", func() float64 {
			if c.link.Load() == nil {
				return 0
			}
			return 1
		}),
		gauge("presenced_requests_pending", "Requests of ours that wait for an answer.", func() float64 {
			if l := c.link.Load(); l != nil {
				return float64(l.tracker.size())
			}
			return 0
		}),
		gauge("presenced_outbox_pairs", "Pairs of watcher and mirror for which presence is held.",
			func() float64 { return float64(c.out.Stats().Pairs) }),
		gauge("presenced_outbox_entries", "Stanzas held for a slow server.",
			func() float64 { return float64(c.out.Stats().Entries) }),
		counter("presenced_outbox_held_stanzas_total", "Stanzas that had to wait for a slow server.",
			func() float64 { return float64(c.out.Stats().Held) }),
		counter("presenced_outbox_superseded_stanzas_total", "Held stanzas replaced by a later one.",
			func() float64 { return float64(c.out.Stats().Superseded) }),
		counter("presenced_stanzas_sent_total", "Stanzas the server has taken.",
			func() float64 { return float64(m.written(c).Stanzas) }),
		counter("presenced_sent_bytes_total", "Bytes the server has taken.",
			func() float64 { return float64(m.written(c).Bytes) }),
		counter("presenced_write_calls_total", "Write calls by which they were sent.",
			func() float64 { return float64(m.written(c).Writes) }),
	}
}

// add keeps what a writer wrote beyond its end.
func (m *metrics) add(s stream.Stats) {
	m.stanzas.Add(s.Stanzas)
	m.bytes.Add(s.Bytes)
	m.writes.Add(s.Writes)
}

// written sums up all links.
func (m *metrics) written(c *Component) stream.Stats {
	s := stream.Stats{Stanzas: m.stanzas.Load(), Bytes: m.bytes.Load(), Writes: m.writes.Load()}
	if l := c.link.Load(); l != nil {
		now := l.w.Stats()
		s.Stanzas += now.Stanzas
		s.Bytes += now.Bytes
		s.Writes += now.Writes
	}
	return s
}
