package dispatch_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/consumer/broker/partitioner"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/retry"
)

// shop decides what events say, and which keys they have. It has its own random source, so its draws do not change the
// rest of a history.
type shop struct {
	*rand.Rand
	skips      bool // the workers skip repeats
	repeats    float64
	remembered int
	twins      int               // orders with events in two partitions
	keyed      float64           // share of the events whose key is their first order's id
	single     bool              // each of the other events has its own key; otherwise they have none
	spread     bool              // all events have their order's key, as in topics with different numbers of partitions
	said       map[string]string // by order
	written    int

	partitions  int            // number of partitions of each topic, as the workers know it; 0 if they do not know it
	partitioner kafka.Balancer // puts the keys into partitions; nil if they may be in any partition
	// apart says that the orders in two partitions come from two producers, each with its own unusual partitioner. If one
	// of them had a usual partitioner, workers could not detect the difference before they read an event from the other
	// producer.
	apart bool
	alien map[string]bool // the names of the orders in two partitions
}

// drawRepeats decides how often a shop repeats itself, and where its events are. If an order's events are in partitions
// of several workers, their key is not the order's id. Otherwise they would all be in one partition. The exceptions are
// topics with different numbers of partitions (spread), and producers with different partitioners (apart).
func (w *world) drawRepeats(seed uint64) {
	s := &shop{Rand: rand.New(rand.NewPCG(seed, 0x540b)), keyed: 1, said: map[string]string{}, alien: map[string]bool{}, remembered: 100_000}
	w.shop = s
	s.skips, s.repeats = s.Float64() < 0.9, 0.3+0.6*s.Float64()
	if s.Float64() < 0.4 {
		s.remembered = 1 + s.IntN(w.plan.orders)
	}
	if s.Float64() < 0.6 || w.plan.numbers == 1 {
		if s.Float64() < 0.5 {
			s.drawPartitioner(w.plan.numbers)
		}
		return
	}
	w.figures.strays = 1
	s.twins, s.single = 1+s.IntN(w.plan.orders), s.Float64() < 0.5
	if s.keyed = 0; w.plan.workers == 1 {
		s.keyed = s.Float64()
	}
	if s.spread = s.Float64() < 0.3; s.spread {
		s.keyed, s.single = 1, false
	}
	if s.keyed == 0 && s.Float64() < 0.5 {
		s.drawPartitioner(w.plan.numbers)
		s.keyed, s.single, s.apart = 1, false, true
	}
	if w.desk.on && s.single {
		// A letter without an order id is known by its key alone, so a newer event with another key cannot mark it.
		// That is a limitation, not a fault.
		w.plan.refusedByMapping = 0
	}
}

// drawPartitioner chooses how many partitions topics have, including those without events, and how keys are put into
// partitions.
func (s *shop) drawPartitioner(used int) {
	s.partitions = used + 6 + s.IntN(12)
	usual := []kafka.Balancer{kafka.Murmur2Balancer{}, kafka.CRC32Balancer{}, &kafka.Hash{}, &kafka.ReferenceHash{}}
	s.partitioner = usual[s.IntN(len(usual))]
}

// name returns a name for an order. If the shop has a partitioner, the partitioner puts this name, used as a key, into
// the partition with the given number.
func (s *shop) name(i, number int) string {
	if s.partitioner == nil {
		return fmt.Sprint("order-", i)
	}
	numbers := make([]int, s.partitions)
	for p := range numbers {
		numbers[p] = p
	}
	for n := 0; ; n++ {
		name := fmt.Sprintf("order-%d.%d", i, n)
		if s.partitioner.Balance(kafka.Message{Key: []byte(name)}, numbers...) == number {
			return name
		}
	}
}

// alienName returns a name that no usual partitioner puts into either of two partitions.
func (s *shop) alienName(a, b int) string {
	for n := 0; ; n++ {
		name := fmt.Sprintf("order-%d+%d.%d", a, b, n)
		explained := func(in int) bool { return partitioner.All().Explain([]byte(name), in, s.partitions) }
		if !explained(a) && !explained(b) && !s.alien[name] {
			s.alien[name] = true
			return name
		}
	}
}

// scatter draws pairs of orders in different partitions, and gives both orders of a pair the same name.
func (s *shop) scatter(orders []*order) {
	has := map[*order]bool{}
	for range s.twins {
		a, b := orders[s.IntN(len(orders))], orders[s.IntN(len(orders))]
		if a.number != b.number && !a.failing && !b.failing && !has[a] && !has[b] {
			if s.apart {
				a.name = s.alienName(a.number, b.number)
			}
			b.name, has[a], has[b] = a.name, true, true
		}
	}
}

// status returns what the next event says about an order.
func (s *shop) status(o *order) string {
	statuses := []string{"submitted", "paid"}
	if s.said[o.name] == "" || s.Float64() >= s.repeats {
		s.said[o.name] = statuses[s.IntN(len(statuses))]
	}
	return s.said[o.name]
}

// key returns the key of an event; "" if it has none.
func (s *shop) key(changes []change) string {
	s.written++
	switch {
	case s.keyed == 1 || s.Float64() < s.keyed:
		for _, c := range changes {
			if s.alien[c.order.name] {
				return c.order.name
			}
		}
		return changes[0].order.name
	case s.single:
		return fmt.Sprint("event-", s.written)
	default:
		return ""
	}
}

// checkSpread checks that a worker finds no unexplained key if a usual partitioner chose the partitions of all keys.
func (k *worker) checkSpread(s *turn.Spread) {
	if s == nil || !s.Unexplained {
		return
	}
	k.figures.unexplained++
	if !k.metAlien {
		k.failed("worker %d no longer skips repeats because of %v, but a usual partitioner explains all keys", k.place, *s)
	}
}

// proof describes the call from which a worker knows an order's status. LeadHit accepted the call in this generation,
// and the worker has made no call for the order since.
type proof struct {
	log    *simLog
	key    string
	status string
}

// checkRepeat checks an item that is finished without a call.
func (k *worker) checkRepeat(r turn.Repeat) {
	c := changeOf(r.Record, r.Item)
	p := c.record.log
	k.figures.skipped++
	as := turn.Call{Partition: r.Partition, Offset: r.Offset, Item: r.Item, Record: r.Record}
	k.checkPrevious(as, c)
	k.checkOutcomes(as)
	holds := k.leadhit.holds[r.Order]
	switch {
	case !k.shop.skips:
		k.failed("%v/%d: skipped without the setting", r.Partition, r.Offset)
	case !c.calls() || c.status != r.Status:
		k.failed("%v/%d: skipped %q, but it says %q, action %v", r.Partition, r.Offset, r.Status, c.status, c.action)
	case k.fenced || k.revoked || k.guard.paused():
		k.failed("%v/%d: worker %d skips in a pause, or in a generation that ends", r.Partition, r.Offset, k.place)
	case holds != r.Status:
		k.failed("%v/%d: skipped %q of %s, but LeadHit holds %q", r.Partition, r.Offset, r.Status, r.Order, holds)
	case k.leadhit.onWire[r.Order] > 0:
		k.failed("%v/%d: skipped while a call about %s is on the wire", r.Partition, r.Offset, r.Order)
	case k.proofs[r.Order] != proof{p, c.record.key, r.Status}:
		k.failed("%v/%d: skipped without a proof: %+v", r.Partition, r.Offset, k.proofs[r.Order])
	case c.record.gone:
	case p.owner != k:
		k.failed("%v/%d: worker %d skips, but the partition is no longer its own", r.Partition, r.Offset, k.place)
	}
	g := k.progressOf(c.record)
	g.judged++
	k.desk.skips(c)
	c.finish(&c.accepted)
}

// noteProof records the outcome of a call.
func (k *worker) noteProof(f *flight, v retry.Verdict) {
	delete(k.proofs, f.call.Order)
	k.forgetInPause()
	if r := f.change.record; v.Kind == retry.Done && k.number == f.number && k.key == f.decided && r.key != "" &&
		!k.anyPause() {
		k.proofs[f.call.Order] = proof{r.log, r.key, f.call.Status}
	}
}

// anyPause reports whether calls are paused, for whatever reason.
func (k *worker) anyPause() bool { return k.guard.paused() || k.outage.down || k.d.Paused() }

// forgetInPause drops all proofs during a pause, so that every order gets one more call afterwards.
func (k *worker) forgetInPause() {
	if k.anyPause() {
		clear(k.proofs)
	}
}
