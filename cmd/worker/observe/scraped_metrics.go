package observe

import (
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/dispatch/snapshot"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

// Source is where the metrics that are read at each scrape come from.
type Source struct {
	// Consumer is read at each scrape.
	Consumer *consumer.Consumer
	Topics   []string
	// Retention returns the age at which Kafka deletes an event, for each topic for which that age is known.
	Retention func() map[string]time.Duration
	// Letters is the letters' topic. Retention has an entry for it too.
	Letters string
}

// gauges reads the source at each scrape. It also sends the counters that the consumer itself keeps.
type gauges struct{ source Source }

// Describe sends nothing. The collector is unchecked, because its metrics are created at each scrape.
func (g *gauges) Describe(chan<- *prometheus.Desc) {}

// Collect sends the current values.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	s, now, to := g.source.Consumer.State(), time.Now(), sender(out)
	g.state(to, s, now)
	calls(to, s.Dispatch, now)
	events(to, s)
	partitions(to, s)
	g.topics(to, s, now)
	g.letters(to, now)
}

// pauses returns all reasons for a pause.
func pauses() []string {
	return []string{
		retry.Unauthorised.String(), retry.Misconfigured.String(), ledger.Flood, retry.Outage, ledger.ByHand,
	}
}

// phases returns all phases of the membership.
func phases() []string {
	return []string{
		consumer.Starting, consumer.Waiting, consumer.Joining, consumer.Running,
		consumer.Draining, consumer.Stopped,
	}
}

// state sends a series for each state, with the value 1 for the current state, so that an alert can select a state by
// name and a dashboard can show when the state changed.
func (g *gauges) state(to sender, s consumer.State, now time.Time) {
	to.oneOf("state", "1 for the worker's state: the reason why calls are paused ("+strings.Join(pauses(), ", ")+
		"), otherwise its phase ("+
		strings.Join(phases(), ", ")+").", "state", word(s), append(phases(), pauses()...)...)
	to.oneOf("phase", "1 for the phase of the group membership, whether calls are paused or not.", "phase",
		s.Phase, phases()...)
	to.oneOf("paused", "1 while calls are paused for this reason.", "reason", s.Dispatch.Pause.Kind, pauses()...)
	to.gauge("without_generation_seconds", "How long the worker has been in no generation of the group; 0 while it is "+
		"in one.",
		age(now, s.Apart))
	to.counter("generations_total", "Generations of the group that this worker was part of.", float64(s.Generations))
	to.counter("predecessors_removed_total", "Dead predecessors that this worker removed from the group when it started.",
		float64(s.Predecessors))
}

// calls sends the limits and what is in flight, because only both together show whether calls wait for LeadHit or for
// events.
func calls(to sender, s snapshot.Snapshot, now time.Time) {
	to.gauge("calls_in_flight", "Calls in flight, those of ended generations included.", float64(s.InFlight))
	to.gauge("calls_limit", "Maximum number of calls in flight now: CALLS_IN_FLIGHT or, after overload, fewer; 1 while "+
		"only probes may start.", float64(s.Limit))
	to.gauge("calls_per_second_limit", "Maximum number of calls per second now: CALLS_PER_SECOND or, after overload, "+
		"fewer; 0 for no limit.",
		s.PerSecond)
	to.gauge("retry_after_seconds", "How long all calls still wait because of LeadHit's Retry-After.",
		max(s.Quiet.Sub(now).Seconds(), 0))
	to.gauge("orders_waiting", "Orders whose call failed and will be retried, after a backoff or a pause.",
		float64(s.Waiting))
	to.gauge("events_blocked", "Events that wait behind an earlier event of their order.", float64(s.Blocked))
	to.gauge("letters_in_air", "Dead letters that are not stored yet, including those whose attempts failed.",
		float64(s.Letters))
}

// events sends the figures about events and commits. Its counters start at 0 when the process starts. Events that an
// earlier owner finished are counted separately, because they cost no call.
func events(to sender, s consumer.State) {
	unfinished := 0
	for _, p := range s.Dispatch.Partitions {
		unfinished += p.Unfinished
	}
	to.gauge("events_unfinished", "Events fetched and not yet finished.", float64(unfinished))
	to.counter("events_total", "Events fetched.", float64(s.Fetched))
	to.counter("events_finished_total", "Events finished: accepted, ignored, or stored as dead letters.",
		float64(s.Dispatch.Finished))
	to.counter("events_passed_over_total", "Events fetched that an earlier owner of the partition had finished.",
		float64(s.Dispatch.Passed))
	to.counter("expired_unread_total", "Events that retention deleted before they were read.", float64(s.Expired))
	to.gauge("commit_metadata_bytes", "Bytes of metadata that the brokers accept with a commit: 4096 until they refuse "+
		"a commit.",
		float64(s.Dispatch.MetadataBytes))
	to.counter("commits_total", "Partition offsets committed and acknowledged.", float64(s.Commits))
	to.counter("commit_failures_total", "Partition offsets sent and not acknowledged.", float64(s.CommitFailures))
}

// partitions sends the figures about partitions. Only a partition whose window was full has a series of its own,
// because a worker may own thousands of partitions.
func partitions(to sender, s consumer.State) {
	full, unknown := 0, 0
	for _, p := range s.Dispatch.Partitions {
		full += number(p.Resting)
		unknown += number(p.Suspect)
	}
	to.gauge("partitions_owned", "Partitions that this worker consumes.", float64(len(s.Dispatch.Partitions)))
	to.gauge("partitions_window_full", "Partitions whose fetching is paused because the window is full.", float64(full))
	to.gauge("partitions_unknown", "Partitions that the broker does not know; calls and commits for them wait.",
		float64(unknown))
	to.gauge("partitions_unreadable", "Partitions that are stuck because their next batch cannot be read.",
		float64(len(s.Unreadable)))
	to.gauge("partitions_unowned", "Partitions that no worker of the group consumes, as the group's leader sees it; 0 "+
		"on the others.",
		float64(s.Unowned))
	to.counter("partitions_restarted_total", "Partitions that were truncated or created again.", float64(s.Restarted))
	for p, rested := range s.Dispatch.Rested {
		to.send(prometheus.CounterValue, "window_full_seconds_total",
			"How long fetching was paused because the window was full.",
			rested.Seconds(), []string{"topic", "partition"}, p.Topic, strconv.Itoa(p.Number))
	}
}

// topics sends the ages of each topic's events. It sends time_to_loss_seconds and retention_used_ratio only for topics
// whose retention is known.
func (g *gauges) topics(to sender, s consumer.State, now time.Time) {
	limits := g.source.Retention()
	topic := []string{"topic"}
	for _, name := range g.source.Topics {
		oldest, untried := ages(now, s, name)
		to.send(prometheus.GaugeValue, "lag_seconds", "Age of the oldest event that has had no call yet and is not blocked.",
			untried, topic, name)
		to.send(prometheus.GaugeValue, "oldest_unfinished_age_seconds", "Age of the oldest unfinished event.", oldest, topic,
			name)
		held, heldAge := heldBack(now, s, name)
		to.send(prometheus.GaugeValue, "events_held_back",
			"Events that cannot be read because a producer's transaction before them has been open for a few seconds.",
			float64(held), topic, name)
		to.send(prometheus.GaugeValue, "open_transaction_seconds",
			"Age of the oldest event that an open transaction holds back; lag_seconds and oldest_unfinished_age_seconds count "+
				"it too.", heldAge, topic, name)
		limit, known := limits[name]
		if !known {
			continue
		}
		to.send(prometheus.GaugeValue, "time_to_loss_seconds",
			"How soon retention may delete the oldest unfinished event; absent if retention is unknown or unlimited.",
			limit.Seconds()-oldest, topic, name)
		if limit > 0 {
			to.send(prometheus.GaugeValue, "retention_used_ratio",
				"Age of the oldest unfinished event, divided by the topic's retention.ms; absent if that is unknown or unlimited.",
				oldest/limit.Seconds(), topic, name)
		}
	}
}

// sender sends metrics with their current values.
type sender chan<- prometheus.Metric

func (to sender) gauge(name, help string, value float64) {
	to.send(prometheus.GaugeValue, name, help, value, nil)
}

func (to sender) counter(name, help string, value float64) {
	to.send(prometheus.CounterValue, name, help, value, nil)
}

func (to sender) send(kind prometheus.ValueType, name, help string, value float64, labels []string, values ...string) {
	to <- prometheus.MustNewConstMetric(prometheus.NewDesc(namespace+"_"+name, help, labels, nil), kind, value, values...)
}

// oneOf sends a gauge for each value of a label: 1 for the value that applies, 0 for the others.
func (to sender) oneOf(name, help, label, holds string, values ...string) {
	for _, v := range values {
		to.send(prometheus.GaugeValue, name, help, float64(number(v == holds)), []string{label}, v)
	}
}

func number(holds bool) int {
	if holds {
		return 1
	}
	return 0
}
