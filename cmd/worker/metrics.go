package worker

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/retry"
)

const namespace = "leadhit_sync"

// metrics observes the stages from outside, so that they stay free of Prometheus. The names are an API: they stay.
type metrics struct {
	registry *prometheus.Registry

	items          *prometheus.CounterVec
	verdicts       *prometheus.CounterVec
	latency        prometheus.Histogram
	letters        *prometheus.CounterVec
	letterFailures prometheus.Counter

	calls, done, lettersTotal atomic.Uint64
}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		items: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "items_total",
			Help: "What events ask for: an item for each order an event names, by action (send, ignore, refuse).",
		}, []string{"action"}),
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "verdicts_total",
			Help: "Calls by what their answer means, and its cause.",
		}, []string{"kind", "cause"}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "call_seconds", Help: "How long calls take, failed ones included.",
			Buckets: []float64{.005, .01, .02, .05, .1, .2, .5, 1, 2, 3, 5, 10},
		}),
		letters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "letters_total", Help: "Dead letters stored, by cause and stage.",
		}, []string{"cause", "stage"}),
		letterFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "letter_write_failures_total",
			Help: "Failed tries to store a dead letter; its order waits meanwhile.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "1, with the version.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.items, m.verdicts, m.latency, m.letters, m.letterFailures, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) watch(w *Worker) { m.registry.MustRegister(&gauges{w}) }

// decoded counts what an event asks for.
func (m *metrics) decoded(items []dispatch.Item) []dispatch.Item {
	for _, it := range items {
		switch it.Action {
		case dispatch.Send:
			m.items.WithLabelValues("send").Inc()
		case dispatch.Ignore:
			m.items.WithLabelValues("ignore").Inc()
		case dispatch.Refuse:
			m.items.WithLabelValues("refuse").Inc()
		}
	}
	return items
}

// called times a call and counts its verdict.
func (m *metrics) called(call func() retry.Verdict) retry.Verdict {
	start := time.Now()
	v := call()
	m.latency.Observe(time.Since(start).Seconds())
	m.verdicts.WithLabelValues(v.Kind.String(), v.Cause).Inc()
	m.calls.Add(1)
	if v.Kind == retry.Done || v.Kind == retry.DeadLetter {
		m.done.Add(1)
	}
	return v
}

// stored counts a letter.
func (m *metrics) stored(l consumer.Letter, err error) error {
	if err != nil {
		m.letterFailures.Inc()
		return err
	}
	stage := "call"
	if l.Mapping {
		stage = "mapping"
	}
	m.letters.WithLabelValues(l.Verdict.Cause, stage).Inc()
	m.lettersTotal.Add(1)
	return nil
}

// totals returns the calls made, those of them that will be repeated, and the letters stored.
func (m *metrics) totals() (calls, again, letters uint64) {
	done := m.done.Load() // before the calls, so that the difference is never negative
	calls = m.calls.Load()
	return calls, calls - done, m.lettersTotal.Load()
}
