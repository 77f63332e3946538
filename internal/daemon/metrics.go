package daemon

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are those of the process and its configuration.
type metrics struct {
	reloadOK, reloadedAt prometheus.Gauge
}

func newMetrics(d *Daemon) *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		d.registry.MustRegister(g)
		return g
	}
	m := &metrics{
		reloadOK:   gauge("presenced_config_last_reload_successful", "1 when the last reload, or the start, took the configuration; else 0."),
		reloadedAt: gauge("presenced_config_last_reload_success_timestamp_seconds", "When a configuration was last taken."),
	}
	m.reloaded(time.Now())
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "presenced_build_info", Help: "1, labelled with what runs.",
		ConstLabels: prometheus.Labels{"version": d.opt.Version, "goversion": runtime.Version()},
	})
	build.Set(1)
	d.registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	d.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "presenced_ready", Help: "1 while /readyz answers 200.",
	}, func() float64 {
		if status, _ := d.readiness(); status == statusUnready {
			return 0
		}
		return 1
	}))
	d.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "presenced_store_healthy", Help: "1 while changes are being stored.",
	}, func() float64 {
		if d.store.Healthy() != nil {
			return 0
		}
		return 1
	}))
	d.registry.MustRegister(&d.lists)
	return m
}

func (m *metrics) reloaded(now time.Time) {
	m.reloadOK.Set(1)
	m.reloadedAt.Set(float64(now.Unix()))
}
