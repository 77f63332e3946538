package web

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of the HTTP side; no label ever holds an address.
type metrics struct {
	asked, unauthorized, limited prometheus.Counter
}

func newMetrics(r prometheus.Registerer, streams *atomic.Int64) *metrics {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "presenced_http_streams", Help: "Streams that are open.",
	}, func() float64 { return float64(streams.Load()) }))
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		r.MustRegister(c)
		return c
	}
	return &metrics{
		asked:        counter("presenced_http_presences_total", "Presences that were asked for over HTTP."),
		unauthorized: counter("presenced_http_unauthorized_total", "Requests without a token that may do what was asked."),
		limited:      counter("presenced_http_limited_total", "Requests refused because their token asked too fast."),
	}
}
