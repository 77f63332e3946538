package redisstore

import "github.com/prometheus/client_golang/prometheus"

// metrics are the store's.
type metrics struct {
	settings, presence, calls, refills prometheus.Counter
	refilled                           prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		if r != nil {
			r.MustRegister(c)
		}
		return c
	}
	refilled := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "presenced_redis_refill_seconds", Help: "How long it took the last time to write again what Redis had lost.",
	})
	if r != nil {
		r.MustRegister(refilled)
	}
	return &metrics{
		refilled: refilled,
		settings: counter("presenced_redis_settings_total", "Settings writes that Redis took."),
		presence: counter("presenced_redis_presence_total", "Users' presence that Redis took or removed."),
		calls:    counter("presenced_redis_calls_total", "Fenced calls that Redis took."),
		refills:  counter("presenced_redis_refills_total", "Times that something Redis had lost was written again."),
	}
}
