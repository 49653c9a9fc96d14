package consumer_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"leadhit-sync/consumer"
)

const (
	chaosPartitions = 3
	chaosPlaces     = 3
	chaosSteps      = 14
)

// TestNothingIsLostOrOutOfOrderInAnyHistory runs BUBBLE_SEEDS histories of faults (200 by default), or only the one
// with the seed BUBBLE_SEED.
func TestNothingIsLostOrOutOfOrderInAnyHistory(t *testing.T) {
	first, count := uint64(1), uint64(number(t, "BUBBLE_SEEDS", 200))
	if only := number(t, "BUBBLE_SEED", 0); only > 0 {
		first, count = uint64(only), 1
	}
	total := &tally{}
	t.Run("histories", func(t *testing.T) {
		for seed := first; seed < first+count; seed++ {
			t.Run(fmt.Sprintf("BUBBLE_SEED=%d", seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { liveThrough(t, seed, total) })
			})
		}
	})
	t.Log(total)
	if count >= 100 && (total.crashes < 50 || total.removed < 20 || total.repeats == 0 || total.letters == 0 || total.stuck > int(count)/5) {
		t.Errorf("got %v: such histories prove nothing", total)
	}
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// tally adds up the figures from all histories.
type tally struct {
	mu sync.Mutex

	events, calls, repeats, letters, crashes, freezes, generations, commits, stuck, removed int
	virtual                                                                                 time.Duration
}

func (t *tally) String() string {
	return fmt.Sprintf("%d events, %d calls, %d repeated, %d letters, %d crashes, %d freezes, "+
		"%d generations, %d commits, %d predecessors removed, %d times kfake was stuck, %v of virtual time",
		t.events, t.calls, t.repeats, t.letters, t.crashes, t.freezes,
		t.generations, t.commits, t.removed, t.stuck, t.virtual.Round(time.Second))
}

// chaos is one history of faults.
type chaos struct {
	*world
	random *rand.Rand
	total  *tally

	mu      sync.Mutex
	delays  *rand.Rand    // for the delays of slow brokers
	commits []commitFault // for the next commits
	slow    time.Time     // until then the brokers are slow
	down    time.Time     // until then LeadHit is down
	full    time.Time     // until then letters cannot be stored
}

func liveThrough(t *testing.T, seed uint64, total *tally) {
	t.Helper()
	versions := kversion.Stable()
	if seed%2 == 0 {
		versions = kversion.V4_1_0() // without commits by topic id
	}
	c := &chaos{world: newWorld(t, seed, chaosPartitions, kfake.MaxVersions(versions)), total: total}
	c.random, c.delays = rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 1))
	c.leadhitDoes(c.onCall)
	c.storeDoes(c.onLetter)
	c.fake.ControlKey(int16(kmsg.OffsetCommit), c.onCommit)
	if c.random.IntN(3) == 0 {
		c.limitMetadata(28 + c.random.IntN(16)) // space for a few gaps
	}
	c.events(30)
	for range 1 + c.random.IntN(3) {
		c.join()
	}
	for range chaosSteps {
		c.sleep(200*time.Millisecond, 5*time.Second)
		c.step()
		if c.random.IntN(2) == 0 {
			c.events(6)
		}
	}
	c.calm()
	c.ledger.balance()
	c.verdict()
	c.sum()
}

func (c *chaos) sleep(from, to time.Duration) {
	time.Sleep(from + time.Duration(c.random.Int64N(int64(to-from))))
}

// alive returns a random worker among those that are running, or nil if there is none.
func (c *chaos) alive() *worker {
	var all []*worker
	for _, k := range c.workers {
		if !k.gone() {
			all = append(all, k)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[c.random.IntN(len(all))]
}

func (c *chaos) step() {
	victim := c.alive()
	if victim == nil {
		c.join()
		return
	}
	switch c.random.IntN(14) {
	case 0, 1:
		c.logs.add("chaos", "crash "+victim.name)
		c.total.add(func() { c.total.crashes++ })
		victim.crash()
	case 2:
		c.logs.add("chaos", "stop "+victim.name)
		victim.stop()
	case 3:
		c.logs.add("chaos", "freeze "+victim.name)
		c.total.add(func() { c.total.freezes++ })
		victim.wire.set(frozen)
		c.sleep(time.Second, 20*time.Second)
		victim.wire.set(whole)
	case 4, 5:
		c.join()
	case 6:
		c.logs.add("chaos", "leaders move")
		c.fake.ShufflePartitionLeaders()
	case 7:
		c.logs.add("chaos", "coordinator moves")
		c.fake.RehashCoordinators()
	case 8, 9, 10:
		c.breakCommits()
	case 11:
		c.breakRequests()
	case 12:
		c.pass("slow brokers", &c.slow)
		c.pass("LeadHit down", &c.down)
	case 13:
		c.pass("letters fail", &c.full)
		c.transaction()
	}
}

func (c *chaos) pass(what string, until *time.Time) {
	c.logs.add("chaos", what)
	c.mu.Lock()
	defer c.mu.Unlock()
	*until = time.Now().Add(time.Duration(c.random.Int64N(int64(15 * time.Second))))
}

func (c *chaos) in(until *time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(*until)
}

// events writes events about a few orders in each partition. Some events name two orders.
func (c *chaos) events(n int) {
	c.t.Helper()
	for range n {
		partition := c.random.IntN(chaosPartitions)
		changes := []change{c.change(partition)}
		if c.random.IntN(4) == 0 {
			if other := c.change(partition); other.order != changes[0].order {
				changes = append(changes, other)
			} else {
				c.event(partition, changes...)
				changes = []change{other}
			}
		}
		c.event(partition, changes...)
	}
}

func (c *chaos) change(partition int) change {
	order := fmt.Sprintf("p%do%d", partition, c.random.IntN(4))
	fate := fine
	switch c.random.IntN(12) {
	case 0:
		fate = refused
	case 1:
		fate = unmapped
	case 2:
		fate = ignored
	}
	return c.ledger.next(order, fate)
}

// transaction writes events in a transaction that is aborted.
func (c *chaos) transaction() {
	c.t.Helper()
	c.logs.add("chaos", "aborted transaction")
	client := c.client(kgo.DefaultProduceTopic("orders"), kgo.TransactionalID(fmt.Sprint("t", c.random.Uint64())))
	err := client.BeginTransaction()
	for range 3 {
		partition := c.random.IntN(chaosPartitions)
		what := c.ledger.next(fmt.Sprintf("p%do%d", partition, c.random.IntN(4)), aborted)
		err = errors.Join(err, client.ProduceSync(c.t.Context(), &kgo.Record{
			Partition: int32(partition), Value: []byte(what.order + ":" + what.status()),
		}).FirstErr())
	}
	if err = errors.Join(err, client.EndTransaction(c.t.Context(), kgo.TryAbort)); err != nil {
		c.t.Fatal(err)
	}
}

// join starts a worker. The worker has either a place that no running worker has, or no place.
func (c *chaos) join() {
	place := fmt.Sprint("place", c.random.IntN(chaosPlaces))
	if c.random.IntN(4) == 0 || slices.ContainsFunc(c.workers, func(k *worker) bool { return k.place == place && !k.gone() }) {
		place = ""
	}
	c.logs.add("chaos", "join "+place)
	c.start(at(place), func(*consumer.Options) { c.workers[len(c.workers)-1].wire.delay = c.delay })
}

// calm ends the faults, except for a failing call now and then, and waits until everything is finished.
func (c *chaos) calm() {
	c.t.Helper()
	c.logs.add("chaos", "calm")
	c.mu.Lock()
	c.commits, c.slow, c.down, c.full = nil, time.Time{}, time.Time{}, time.Time{}
	c.mu.Unlock()
	if c.alive() == nil {
		c.join()
	}
	if !c.wait(5*time.Minute, c.settled) {
		c.mend()
	}
	c.settle(10 * time.Minute)
	time.Sleep(15 * time.Second) // kfake may still apply delayed commits
}

// mend stops all workers, and starts a new one after two minutes. The test fails unless kfake is stuck where Kafka
// would not be:
//   - each join restarts kfake's rebalance timer, so members whose joins time out one after another never join;
//   - a member that left before it got the outcome of a rebalance is never evicted;
//   - once the group's leader is gone, every member is made the leader, which can leave a partition without an owner.
func (c *chaos) mend() {
	at := c.fake.GroupInfo(group)
	names := map[string]int{}
	for _, m := range at.Members {
		names[m.ClientID]++
	}
	for _, k := range c.workers {
		if name := cmp.Or(k.place, k.name); !k.gone() && names[name] > 0 {
			names[name]-- // the rest are members without a process
		}
	}
	ghosts := 0
	for _, n := range names {
		ghosts += n
	}
	if at.State != "PreparingRebalance" && ghosts == 0 && at.NumAssigned() == chaosPartitions {
		c.t.Errorf("stuck, and kfake is not at fault: %+v", at)
	}
	c.logs.add("chaos", "kfake is stuck; all restart")
	c.total.add(func() { c.total.stuck++ })
	for _, k := range c.workers {
		k.stop()
	}
	for _, k := range c.workers {
		<-k.ended
	}
	time.Sleep(2 * time.Minute)
	c.join()
}

func (t *tally) add(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}

func (c *chaos) sum() {
	l := c.ledger
	c.total.add(func() {
		c.total.calls += l.calls
		c.total.repeats += l.repeats
		for _, n := range l.letters {
			c.total.letters += n
		}
		for _, at := range l.logs {
			c.total.events += len(at)
		}
		for _, k := range c.workers {
			s := k.State()
			c.total.generations += int(s.Generations)
			c.total.removed += int(s.Predecessors)
		}
		c.total.virtual += time.Since(l.started)
	})
}
