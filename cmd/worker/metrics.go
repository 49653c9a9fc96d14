package worker

import (
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/retry"
)

const namespace = "leadhit_sync"

// The stages of letters, and the actions of items, as metrics name them.
const (
	stageMapping = "mapping"
	stageCall    = "call"

	actionCall   = "call"
	actionIgnore = "ignore"
	actionRefuse = "refuse"
)

// metrics observes the stages from outside, so that they stay free of Prometheus. The names are an API: they stay, and
// testdata/metrics.golden.txt lists them. Labels are bounded: no order, no message, and of the causes the first 100.
type metrics struct {
	registry *prometheus.Registry
	log      *slog.Logger

	items          *prometheus.CounterVec
	verdicts       *prometheus.CounterVec
	latency        prometheus.Histogram
	letters        *prometheus.CounterVec
	letterFailures prometheus.Counter
	spreadOrders   prometheus.Counter

	causes causes
	lately lately
	spread *spread

	calls, done, lettersTotal atomic.Uint64
}

// newMetrics returns metrics that know the causes of letters from the start, those of deadLetterTypes among them: an alert
// on an increase misses the first letter of a cause that appears with it.
func newMetrics(version string, deadLetterTypes []string, log *slog.Logger) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		log:      log,
		spread:   newSpread(),
		items: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "items_total",
			Help: "What events ask for: an item for each order an event names, by action (call, ignore, refuse).",
		}, []string{"action"}),
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "verdicts_total",
			Help: "Calls by what their answer means (done, again, dead_letter, unauthorised, misconfigured), and its cause.",
		}, []string{"kind", "cause"}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "call_seconds", Help: "How long calls take, failed ones included.",
			Buckets: []float64{.005, .01, .02, .05, .1, .2, .5, 1, 2, 3, 5, 10},
		}),
		letters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "letters_total",
			Help: "Dead letters stored, by cause and stage (mapping: the event makes no sense; call: LeadHit refused).",
		}, []string{"cause", "stage"}),
		letterFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "letter_write_failures_total",
			Help: "Failed tries to store a dead letter; its order waits meanwhile.",
		}),
		spreadOrders: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "orders_in_two_partitions_total",
			Help: "Orders seen in a second partition of their topic: their events have no order to keep; set the record key to the order id.",
		}),
	}
	m.start(deadLetterTypes)
	m.registry.MustRegister(m.items, m.verdicts, m.latency, m.letters, m.letterFailures, m.spreadOrders, buildInfo(version),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// start gives each counter that can be foreseen its 0.
func (m *metrics) start(deadLetterTypes []string) {
	for _, action := range []string{actionCall, actionIgnore, actionRefuse} {
		m.items.WithLabelValues(action)
	}
	for _, cause := range append(mapping.Causes(), otherCause) {
		m.letters.WithLabelValues(m.causes.label(cause), stageMapping)
	}
	for _, cause := range append(callCauses(deadLetterTypes), otherCause) {
		label := m.causes.label(cause)
		m.letters.WithLabelValues(label, stageCall)
		m.verdicts.WithLabelValues(retry.DeadLetter.String(), label)
	}
	m.verdicts.WithLabelValues(retry.Done.String(), "")
	for _, kind := range []retry.Kind{retry.Again, retry.Unauthorised, retry.Misconfigured} {
		m.verdicts.WithLabelValues(kind.String(), otherCause)
	}
}

// buildInfo says which build this is.
func buildInfo(version string) prometheus.Collector {
	info, _ := debug.ReadBuildInfo() // nil says as much
	b := ReadBuild(version, info)
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "1, with the version, the commit and its date where the build knows them.",
		ConstLabels: prometheus.Labels{"version": version, "commit": b.Revision, "date": b.Time, "go_version": runtime.Version()},
	})
	build.Set(1)
	return build
}

func (m *metrics) watch(w *Worker) { m.registry.MustRegister(&gauges{w}) }

// decoded counts what an event asks for.
func (m *metrics) decoded(e *consumer.Event, items []dispatch.Item) []dispatch.Item {
	for _, it := range items {
		switch it.Action {
		case dispatch.Send:
			m.items.WithLabelValues(actionCall).Inc()
			m.watchSpread(e, it.Order)
		case dispatch.Ignore:
			m.items.WithLabelValues(actionIgnore).Inc()
		case dispatch.Refuse:
			m.items.WithLabelValues(actionRefuse).Inc()
		}
	}
	return items
}

// watchSpread tells once that an order's events are not in one partition, and counts such orders.
func (m *metrics) watchSpread(e *consumer.Event, order string) {
	before, found, first := m.spread.seen(e.Topic, e.Partition, order)
	if !found {
		return
	}
	m.spreadOrders.Inc()
	if first {
		m.log.Warn("an order has events in two partitions of its topic, and Kafka keeps no order between them: set the record key "+
			"to the order id; expected for a while after partitions were added; further orders are only counted "+
			"(leadhit_sync_orders_in_two_partitions_total)",
			slog.String("topic", e.Topic), slog.Int("partition", e.Partition), slog.Int64("offset", e.Offset),
			slog.Int("seen_in_partition", before))
	}
}

// called times a call and counts its verdict.
func (m *metrics) called(call func() retry.Verdict) retry.Verdict {
	start := time.Now()
	v := call()
	m.latency.Observe(time.Since(start).Seconds())
	cause := v.Cause
	if cause != "" {
		cause = m.causes.label(cause)
	}
	m.verdicts.WithLabelValues(v.Kind.String(), cause).Inc()
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
	stage, cause := stageCall, m.causes.label(l.Verdict.Cause)
	if l.Mapping {
		stage = stageMapping
	}
	m.letters.WithLabelValues(cause, stage).Inc()
	m.lately.add(time.Now(), cause)
	m.lettersTotal.Add(1)
	return nil
}

// totals returns the calls made, those of them that will be repeated, and the letters stored.
func (m *metrics) totals() (calls, again, letters uint64) {
	done := m.done.Load() // before the calls, so that the difference is never negative
	calls = m.calls.Load()
	return calls, calls - done, m.lettersTotal.Load()
}
