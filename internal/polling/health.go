package polling

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/aggregation/calendar/sources"
)

// health is how a feed does, for the log, the metrics and check.
type health struct {
	well  time.Time // the last good answer
	since time.Time // of the failure that goes on; zero: none
	kind  sources.FaultKind
	fault error
}

// Status tells how a source does.
type Status struct {
	Name  string // of users' own calendars: own:ics, own:caldav
	Users int    // calendars that are read there
	// Late is how many of them could not be read the last time.
	Late int
	// Well is when an answer was good last; zero: not since the start.
	Well time.Time
	// Since is when the server began to fail; zero: it does not.
	Since         time.Time
	Fault, Remedy string // of a server that fails
}

// Status tells how the sources do, in the order of their names.
func (p *Poller) Status() []Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]Status, 0, len(p.feeds))
	for _, f := range p.feeds {
		list = append(list, f.status())
	}
	slices.SortFunc(list, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Failing is Status of the sources whose server fails.
func (p *Poller) Failing() []Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []Status
	for _, f := range p.feeds {
		if !f.health.since.IsZero() {
			list = append(list, f.status())
		}
	}
	slices.SortFunc(list, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (f *feed) status() Status {
	s := Status{Name: f.name, Users: f.count, Late: f.failing, Well: f.health.well, Since: f.health.since}
	if f.health.fault != nil {
		s.Fault = f.health.fault.Error()
		if fault, ok := errors.AsType[*sources.Fault](f.health.fault); ok {
			s.Remedy = fault.Remedy
		}
	}
	return s
}

// metrics are collected from the feeds there are; no label holds an address.
type metrics struct {
	p                *Poller
	users, late, age *prometheus.Desc
	reads            *prometheus.HistogramVec
	errors           *prometheus.CounterVec
}

var kindNames = map[sources.FaultKind]string{
	sources.Unreachable: "unreachable", sources.BadTLS: "tls", sources.Unauthorized: "unauthorized",
	sources.Forbidden: "forbidden", sources.Gone: "gone", sources.Moved: "moved", sources.Busy: "busy",
	sources.Malformed: "malformed", sources.TooLarge: "too-large", sources.Refused: "refused", sources.Broken: "broken",
}

func newMetrics(p *Poller) *metrics {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("presenced_calendar_"+name, help, []string{"source"}, nil)
	}
	m := &metrics{
		p:     p,
		users: desc("users", "Calendars that are read at a source."),
		late:  desc("users_failing", "Those of them whose last reading failed."),
		age:   desc("age_seconds", "Since a source gave a good answer last; -1: not since the start."),
		reads: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "presenced_calendar_request_seconds", Help: "How long requests to a source took.",
			Buckets: []float64{.01, .03, .1, .3, 1, 3, 10, 30, 120},
		}, []string{"source"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "presenced_calendar_errors_total", Help: "Calendars that could not be read, by what was wrong.",
		}, []string{"source", "kind"}),
	}
	p.opt.Registerer.MustRegister(m, m.reads, m.errors)
	return m
}

// Describe is for prometheus only.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	out <- m.users
	out <- m.late
	out <- m.age
}

// Collect is for prometheus only.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	now := time.Now()
	for _, s := range m.p.Status() {
		gauge := func(d *prometheus.Desc, v float64) {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, s.Name)
		}
		gauge(m.users, float64(s.Users))
		gauge(m.late, float64(s.Late))
		age := -1.0
		if !s.Well.IsZero() {
			age = now.Sub(s.Well).Seconds()
		}
		gauge(m.age, age)
	}
}

func (m *metrics) took(f *feed, d time.Duration) {
	m.reads.WithLabelValues(f.name).Observe(d.Seconds())
}

func (m *metrics) failed(f *feed, k sources.FaultKind) {
	m.errors.WithLabelValues(f.name, kindNames[k]).Inc()
}

// well notes a good answer, and says so where there was none before.
func (m *metrics) well(f *feed, now time.Time) {
	h := &f.health
	h.well = now
	if !h.since.IsZero() && !f.own() {
		m.p.opt.Log.Info("a calendar source answers again", "source", f.name, "after", now.Sub(h.since).Round(time.Second).String())
	}
	h.since, h.fault = time.Time{}, nil
}

// ill notes a bad one, and says so when it is the first or another. What users'
// own servers do is no operator's business.
func (m *metrics) ill(f *feed, err error, now time.Time) {
	h := &f.health
	if f.own() || !f.serverFault(err) && f.serverOf(&entry{}).doubts+1 < doubt {
		return
	}
	kind := sources.KindOf(err)
	if h.since.IsZero() || kind != h.kind {
		var remedy string
		if fault, ok := errors.AsType[*sources.Fault](err); ok {
			remedy = fault.Remedy
		}
		m.p.opt.Log.Warn("a calendar source fails; what was read before stays in force until it is too old",
			"source", f.name, "kind", kindNames[kind], "error", err, "remedy", remedy)
	}
	if h.since.IsZero() {
		h.since = now
	}
	h.kind, h.fault = kind, err
}
