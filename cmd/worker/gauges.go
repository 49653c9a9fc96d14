package worker

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"leadhit-sync/consumer"
	"leadhit-sync/retry"
)

// gauges reads the consumer's state at each scrape.
type gauges struct{ worker *Worker }

// Describe sends nothing: the collector is unchecked, its metrics are made at each scrape.
func (g *gauges) Describe(chan<- *prometheus.Desc) {}

// Collect sends the state of now.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	s := g.worker.consumer.State()
	send := func(kind prometheus.ValueType, name, help string, value float64) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(namespace+"_"+name, help, nil, nil), kind, value)
	}
	gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
	oldest, untried := ages(time.Now(), s.Dispatch.Partitions)
	unfinished, full, unknown := 0, 0, 0
	for _, p := range s.Dispatch.Partitions {
		unfinished += p.Unfinished
		full += number(p.Full || p.Unfinished >= g.worker.config.WindowEvents)
		unknown += number(p.Suspect)
	}
	send(gauge, "calls_in_flight", "Calls in the air, those of ended generations included.", float64(s.Dispatch.InFlight))
	send(gauge, "calls_limit", "How many calls may be in the air now: CALLS_IN_FLIGHT or, after overload, fewer.", float64(s.Dispatch.Limit))
	send(gauge, "orders_waiting", "Orders that wait for their next try.", float64(s.Dispatch.Waiting))
	send(gauge, "events_blocked", "Events that wait behind an earlier one of their order.", float64(s.Dispatch.Blocked))
	send(gauge, "events_unfinished", "Events fetched and not yet finished.", float64(unfinished))
	send(gauge, "partitions_owned", "Partitions that this worker consumes.", float64(len(s.Dispatch.Partitions)))
	send(gauge, "partitions_window_full", "Partitions whose fetching rests because too much is unfinished.", float64(full))
	send(gauge, "partitions_unknown", "Partitions that the broker does not know; their calls and commits wait.", float64(unknown))
	send(gauge, "lag_seconds", "Age of the oldest event that was not tried yet and waits behind no other of its order.", untried)
	send(gauge, "oldest_unfinished_age_seconds", "Age of the oldest unfinished event.", oldest)
	send(counter, "events_total", "Events fetched.", float64(s.Fetched))
	send(counter, "commits_total", "Partition offsets committed and acknowledged.", float64(s.Commits))
	send(counter, "commit_failures_total", "Partition offsets sent and not acknowledged.", float64(s.CommitFailures))
	send(counter, "generations_total", "Generations of the group that this worker was part of.", float64(s.Generations))
	send(counter, "events_expired_unread_total", "Events that retention took before they were read.", float64(s.Expired))
	send(counter, "partitions_restarted_total", "Partitions that were truncated or made anew.", float64(s.Restarted))
	g.labelled(out, "paused", "1 while calls are paused for this reason.", "reason", s.Dispatch.Held,
		retry.Unauthorised.String(), retry.Misconfigured.String(), retry.HeldByGate)
	g.labelled(out, "phase", "1 for what the membership is about.", "phase", string(s.Phase),
		string(consumer.Starting), string(consumer.Waiting), string(consumer.Joining), string(consumer.Consuming),
		string(consumer.Draining), string(consumer.Stopped))
}

// labelled sends a gauge for each value of a label: 1 for the one that holds.
func (g *gauges) labelled(out chan<- prometheus.Metric, name, help, label, holds string, values ...string) {
	desc := prometheus.NewDesc(namespace+"_"+name, help, []string{label}, nil)
	for _, v := range values {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(number(v == holds)), v)
	}
}

func number(holds bool) int { //nolint:revive // a conversion, not a flag
	if holds {
		return 1
	}
	return 0
}
