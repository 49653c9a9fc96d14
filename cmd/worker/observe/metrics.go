package observe

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/retry"
)

const namespace = "leadhit_sync"

// The stages of letters, as metrics name them.
const (
	stageMapping = "mapping"
	stageCall    = "call"
)

// Metrics counts and times the steps of an event's path from outside, so that the steps stay free of Prometheus. The
// names are an API: they never change, and cmd/worker/testdata/metrics.golden.txt lists them. Labels are bounded: no
// order, no message, and only the first 100 causes.
type Metrics struct {
	registry *prometheus.Registry
	log      *slog.Logger

	items    *prometheus.CounterVec
	verdicts *prometheus.CounterVec
	// wanted is the counter of items that ask for a call. accepted is the counter of verdicts of kind retry.Done. Most
	// items and calls are counted in these two, so the counters are looked up only once.
	wanted         prometheus.Counter
	accepted       prometheus.Counter
	latency        prometheus.Histogram
	letters        *prometheus.CounterVec
	letterFailures prometheus.Counter
	newCauses      prometheus.Counter
	spreadOrders   prometheus.Counter

	fingerprints fingerprints

	causes causes
	lately lately
	spread *spread

	calls, done, lettersTotal atomic.Uint64
}

// repeated is the action under which an item is counted if it needed no call.
const repeated = "repeat"

// NewMetrics returns metrics with a counter for each foreseeable cause of a letter, deadLetterTypes included. A counter
// that appears with its first letter shows no increase, so an alert would miss that letter.
func NewMetrics(version string, deadLetterTypes []string, log *slog.Logger) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		log:      log,
		spread:   newSpread(),
		items: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "items_total",
			Help: "Items, by action (call, ignore, refuse, repeat): what an event asks for, one for each order it names. " +
				"repeat counts the call items that needed no call, because LeadHit had accepted the status last.",
		}, []string{"action"}),
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "verdicts_total",
			Help: "Calls by verdict (done, again, dead_letter, unauthorised, misconfigured) and cause.",
		}, []string{"kind", "cause"}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "call_seconds", Help: "How long calls take, failed ones included.",
			Buckets: []float64{.005, .01, .02, .05, .1, .2, .5, 1, 2, 3, 5, 10},
		}),
		letters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "letters_total",
			Help: "Dead letters stored, by cause and stage (mapping: refused by the mapping; call: refused by LeadHit).",
		}, []string{"cause", "stage"}),
		letterFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "letter_write_failures_total",
			Help: "Failed attempts to store a dead letter; its order waits meanwhile.",
		}),
		newCauses: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "letters_new_causes_total",
			Help: "Letters stored with a fingerprint that no letter before them had, as far as this worker has read the " +
				"letters' topic.",
		}),
		spreadOrders: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "orders_in_two_partitions_total",
			Help: "Orders seen in a second partition of their topic: Kafka keeps no sequence between these events; set the " +
				"record key to the order id.",
		}),
	}
	m.start(deadLetterTypes)
	m.registry.MustRegister(m.items, m.verdicts, m.latency, m.letters, m.letterFailures, m.newCauses, m.spreadOrders,
		buildInfo(version),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// start creates each foreseeable counter with the value 0.
func (m *Metrics) start(deadLetterTypes []string) {
	for _, action := range []event.Action{event.Ignore, event.Refuse} {
		m.items.WithLabelValues(action.String())
	}
	m.wanted = m.items.WithLabelValues(event.Call.String())
	m.items.WithLabelValues(repeated)
	for _, cause := range append(mapping.Causes(), otherCause) {
		m.letters.WithLabelValues(m.causes.label(cause), stageMapping)
	}
	for _, cause := range append(callCauses(deadLetterTypes), otherCause) {
		label := m.causes.label(cause)
		m.letters.WithLabelValues(label, stageCall)
		m.verdicts.WithLabelValues(retry.DeadLetter.String(), label)
	}
	m.accepted = m.verdicts.WithLabelValues(retry.Done.String(), "")
	for _, kind := range []retry.Kind{retry.Again, retry.Unauthorised, retry.Misconfigured} {
		m.verdicts.WithLabelValues(kind.String(), otherCause)
	}
}

// buildInfo returns a gauge whose labels identify the build.
func buildInfo(version string) prometheus.Collector {
	info, _ := debug.ReadBuildInfo() // nil is fine
	b := ReadBuild(version, info)
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "1, with the version, the commit and its date where the build " +
			"knows them.",
		ConstLabels: prometheus.Labels{
			"version": version, "commit": b.Revision, "date": b.Time,
			"go_version": runtime.Version(),
		},
	})
	build.Set(1)
	return build
}

// Watch adds the metrics that are read from a worker at each scrape.
func (m *Metrics) Watch(s Source) { m.registry.MustRegister(&gauges{s}) }

// Handler returns the handler that serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Decode counts the items of events.
func (m *Metrics) Decode(decode decoder) decoder {
	return func(ctx context.Context, e *consumer.Event) ([]event.Item, error) {
		items, err := decode(ctx, e)
		if err == nil {
			m.decoded(e, items)
		}
		return items, err
	}
}

func (m *Metrics) decoded(e *consumer.Event, items []event.Item) {
	for _, it := range items {
		if it.Action != event.Call {
			m.items.WithLabelValues(it.Action.String()).Inc()
			continue
		}
		m.wanted.Inc()
		m.watchSpread(e, it.OrderID)
	}
}

// watchSpread counts orders with events in two partitions, and logs the first such order.
func (m *Metrics) watchSpread(e *consumer.Event, order string) {
	before, found, first := m.spread.seen(e.Topic, e.Partition, order)
	if !found {
		return
	}
	m.spreadOrders.Inc()
	if first {
		m.log.Warn("an order has events in two partitions of its topic, so they may be read out of sequence; set the "+
			"record key to the order id, unless partitions were just added; further orders are only counted "+
			"(leadhit_sync_orders_in_two_partitions_total)",
			slog.String("topic", e.Topic), slog.Int("partition", e.Partition), slog.Int64("offset", e.Offset),
			slog.Int("seen_in_partition", before))
	}
}

// Call measures how long calls take, and counts their verdicts.
func (m *Metrics) Call(call judgedCaller) judgedCaller {
	return func(ctx context.Context, c consumer.Call) retry.Verdict {
		start := time.Now()
		v := call(ctx, c)
		m.called(time.Since(start), v)
		return v
	}
}

// Repeat counts the calls that are not made.
func (m *Metrics) Repeat(context.Context, consumer.Call) { m.items.WithLabelValues(repeated).Inc() }

// called counts a call. The number of causes is limited, because LeadHit chooses the types of its errors, and each new
// cause would be a new series for Prometheus to keep.
func (m *Metrics) called(took time.Duration, v retry.Verdict) {
	m.latency.Observe(took.Seconds())
	if v.Kind == retry.Done {
		m.accepted.Inc()
	} else {
		m.verdicts.WithLabelValues(v.Kind.String(), m.causes.label(v.Cause)).Inc()
	}
	m.calls.Add(1)
	if v.Kind == retry.Done || v.Kind == retry.DeadLetter {
		m.done.Add(1)
	}
}

// Store counts the letters stored, and the attempts that failed.
func (m *Metrics) Store(store storer) storer {
	return func(ctx context.Context, l consumer.Letter) error {
		err := store(ctx, l)
		if err != nil {
			m.letterFailures.Inc()
		} else {
			m.stored(l)
		}
		return err
	}
}

// LetterRead records the fingerprint of a letter in the letters' topic. The worker reads all letters before it stores
// its first one, so no cause counts as new because of a restart.
func (m *Metrics) LetterRead(fingerprint string) { m.fingerprints.add(fingerprint, true) }

// LetterStoring records the fingerprint of a letter before this worker writes the letter.
func (m *Metrics) LetterStoring(fingerprint string) { m.fingerprints.add(fingerprint, false) }

// LetterStored counts a new cause if the stored letter is the first with its fingerprint. Call LetterStoring before the
// letter is written.
func (m *Metrics) LetterStored(fingerprint string) {
	if m.fingerprints.stored(fingerprint) {
		m.newCauses.Inc()
	}
}

func (m *Metrics) stored(l consumer.Letter) {
	stage, cause := stageCall, m.causes.label(l.Verdict.Cause)
	if l.Mapping {
		stage = stageMapping
	}
	m.letters.WithLabelValues(cause, stage).Inc()
	m.lately.add(time.Now(), cause)
	m.lettersTotal.Add(1)
}

// totals returns the number of calls made, how many of them will be retried, and the number of letters stored.
func (m *Metrics) totals() (calls, again, letters uint64) {
	done := m.done.Load() // loaded before the calls, so that the difference is never negative
	calls = m.calls.Load()
	return calls, calls - done, m.lettersTotal.Load()
}
