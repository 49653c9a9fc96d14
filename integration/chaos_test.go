package integration_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/nemesis"
	"leadhit-sync/integration/shop"
)

const (
	chaosWorkers = 3
	chaosPace    = 150 // events a second
	chaosOrders  = 400
	chaosRepeats = 0.6 // share of an order's later events that repeat its status

	// With fewer samples or events, a round proves nothing.
	leastSamples = 5 // a second
	leastEvents  = 1000
)

// TestChaos runs every schedule of faults on three nodes, for CHAOS_MINUTES in total, and prints a table. CHAOS_SEED
// replays the plan of another run.
func TestChaos(t *testing.T) {
	if os.Getenv("CHAOS_MINUTES") == "" {
		t.Skip("SKIPPED: CHAOS_MINUTES says how long to cause faults; make chaos sets it. TestWorker has a short round")
	}
	s := newSuite(t)
	s.keepIn(t, os.Getenv("CHAOS_DIR"))
	cluster := ownCluster(t, 3)
	seed := chaosSeed(t)
	all := time.Duration(number(t, "CHAOS_MINUTES", 20)) * time.Minute
	var tallies []*tally
	s.testSuccessors(t, cluster.Brokers())
	s.testPlantedReplays(t, cluster.Brokers(), seed)
	s.testThousands(t, cluster, seed)
	for _, schedule := range nemesis.Schedules() {
		t.Run(schedule.Name, func(t *testing.T) {
			tally := newTally(schedule.Name)
			deadline := time.Now().Add(time.Duration(schedule.Share * float64(all)))
			for n := uint64(0); n == 0 || time.Until(deadline) > 30*time.Second; n++ {
				s.chaosRound(t, cluster, schedule, seed, n, deadline, tally)
			}
			fmt.Println(tally.line())
			tallies = append(tallies, tally)
		})
	}
	fmt.Print(table(tallies, seed)) // t.Log would put it between other lines
	t.Run("no output has the canary key, a race or a panic", s.testEmitted)
}

// testShortChaos runs one round with faults in workers, brokers and LeadHit, in about a minute.
func (s *suite) testShortChaos(t *testing.T, cluster *apache.Cluster) {
	t.Helper()
	t.Run("a short round of chaos", func(t *testing.T) {
		if cluster == nil {
			leaveOut(t, "the test kills brokers, and those of KAFKA_BROKERS are not its own")
		}
		tally := newTally("short")
		s.chaosRound(t, cluster, nemesis.Short(), chaosSeed(t), 0, time.Now().Add(50*time.Second), tally)
		t.Log(tally.line())
	})
}

// chaosSeed returns CHAOS_SEED, or a random seed.
func chaosSeed(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("CHAOS_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("CHAOS_SEED=%s: want the number that another run printed", text)
		}
	}
	t.Logf("CHAOS_SEED=%d", seed)
	return seed
}

// chaosRound runs one plan, or as much of it as there is time for, and then judges the evidence.
func (s *suite) chaosRound(
	t *testing.T, cluster *apache.Cluster, schedule nemesis.Schedule, seed, n uint64, deadline time.Time, tally *tally,
) {
	t.Helper()
	plan := schedule.Plan(seed, n)
	r := s.newRound(t, fmt.Sprintf("%s-%d", schedule.Name, n), cluster.Brokers(), s.binary, chaosWorkers)
	r.cluster, r.beside = cluster, len(plan.LeadHit) > 0
	r.note("CHAOS_SEED=%d, topic %s, group %s", seed, r.topic, r.group)
	events := chaosEvents(seed, 100)
	if schedule.Operators {
		events = judged(chaosEvents(seed, 10))
	}
	stop := r.stream(t, chaosPace, events)
	for _, v := range r.victims {
		r.start(t, v)
	}
	for _, v := range r.victims {
		r.joined(t, v)
	}
	r.caughtUp(t, healLimit)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var beside sync.WaitGroup
	var failed error
	beside.Go(func() { failed = r.strikeBeside(ctx, plan.LeadHit) })
	var operators *operators
	rest := func() {}
	if schedule.Operators {
		operators = r.operators(t, seed)
		rest = operators.begin(ctx)
	}
	for _, f := range plan.Processes {
		if time.Now().After(deadline) {
			break
		}
		r.strike(t, f)
	}
	cancel()
	beside.Wait()
	rest()
	if failed != nil {
		t.Fatal(failed)
	}
	stop()
	r.caughtUp(t, 2*time.Minute)
	if operators != nil {
		operators.finish(t, 2*time.Minute)
		r.ledger = &operators.ledger
		tally.ask(operators.ledger.Counts)
	}
	for _, v := range r.up(t) {
		r.end(t, v)
	}
	report := r.compare(t)
	r.judge(t, report)
	tally.add(r, report)
	r.keepCalls(t)
}

// chaosEvents generates events for a few busy orders and many others. A fixed share is refused.
func chaosEvents(seed uint64, refused int) func() audit.Event {
	orders := shop.NewOrders("order", chaosOrders, seed).Repeat(chaosRepeats)
	made := 0
	return func() audit.Event {
		switch made++; {
		case made%refused == 0:
			return orders.Refused()
		case made%4 == 0:
			return orders.NextOf(made / 4 % hot)
		}
		return orders.Next()
	}
}

// compare audits the round's evidence.
func (r *round) compare(t *testing.T) audit.Report {
	t.Helper()
	r.sampled()
	ends, committed := r.broker.known(t, r.group, r.topic, r.partitions)
	letters := r.broker.letters(t, "dlq."+r.group)
	for _, l := range letters {
		r.note("letter %s %s %+q", l.ID, l.Cause, l.Headers)
	}
	return audit.Compare(audit.Evidence{
		Events: r.events, Calls: r.leadhit.Calls(), Letters: letters, Committed: withoutZero(committed), End: withoutZero(ends),
		InFlight: chaosInFlight, Patience: chaosTimeout, Losses: inOrder(append(r.losses, r.memberships()...)), Samples: r.sampler.samples, Ledger: r.ledger,
	})
}

func (r *round) brokersFailed() bool {
	return slices.ContainsFunc(r.happenings, func(h happening) bool { return h.Kind.Broker() })
}

// judge fails the test for each finding, and writes the audit's report to the round's own log.
func (r *round) judge(t *testing.T, report audit.Report) {
	t.Helper()
	if err := report.Err(); err != nil {
		r.blame("%v", err)
	}
	for _, line := range report.Late {
		r.note("started before a freeze: %s", line)
	}
	if r.sampler.pace() < leastSamples && !r.brokersFailed() { // a dead coordinator gives no samples
		r.blame("got %.1f samples of the commits per second, want %d", r.sampler.pace(), leastSamples)
	}
	if len(r.events) < leastEvents {
		r.blame("got %d events, too few to prove anything", len(r.events))
	}
	for _, line := range r.wrong {
		t.Errorf("%s: %s", r.name, line)
	}
	r.note("%v, by cause %v", report, report.Causes)
}
