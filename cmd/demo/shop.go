package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// orderID returns the id of the order with the given number, counted from 0.
func orderID(number int) string { return fmt.Sprintf("W-%06d", 104000+number) }

// change is the value of one event. The mapping reads order_id and status; real shops send the rest too.
type change struct {
	OrderID   string    `json:"order_id"`
	Status    string    `json:"status"`
	Reason    string    `json:"reason"`
	Total     string    `json:"total"`
	Currency  string    `json:"currency"`
	City      string    `json:"city"`
	UpdatedAt time.Time `json:"updated_at"`
}

// orders generates the events of the shop's orders. Each order is submitted, then paid; some events are repeats; some
// orders are cancelled or put on hold, and LeadHit accepts neither status at first. With the same seed, it generates
// the same events.
type orders struct {
	dice *rand.Rand
	all  []change
}

func newOrders(count int, seed uint64) *orders {
	return &orders{dice: rand.New(rand.NewPCG(seed, 1)), all: make([]change, count)}
}

// next returns the next event of a random order. A few per cent of the events have a status that LeadHit refuses, so
// that letters appear within seconds. The same order may get many events in a row, which shows whether their sequence
// is kept.
func (o *orders) next(now time.Time) change {
	number := o.dice.IntN(len(o.all))
	// Cancelled orders are rarely reopened, so most of their letters are not overtaken and can be replayed.
	for o.all[number].Status == learnedStatus && o.dice.IntN(4) > 0 {
		number = o.dice.IntN(len(o.all))
	}
	c := &o.all[number]
	luck := o.dice.IntN(100)
	switch {
	case c.OrderID == "":
		o.place(c, number)
	case c.Status == "submitted" && luck < 5:
		c.Status, c.Reason = learnedStatus, "cancelled by the customer"
	case c.Status == "submitted" && luck < 7:
		c.Status, c.Reason = "on-hold", "address is being checked"
	case luck < 40:
		c.Reason = "sent again"
	case c.Status == "submitted":
		c.Status, c.Reason = "paid", "payment received"
	case c.Status == "paid":
		c.Status, c.Reason, c.Total = "submitted", "item added", o.total()
	default:
		c.Status, c.Reason = "submitted", "reopened"
	}
	c.UpdatedAt = now.UTC().Truncate(time.Millisecond)
	return *c
}

func (o *orders) place(c *change, number int) {
	cities := [...]string{"Москва", "Казань", "Новосибирск", "Екатеринбург", "Самара", "Тверь", "Пермь", "Томск"}
	c.OrderID, c.Status, c.Reason, c.Currency = orderID(number), "submitted", "checkout finished", "RUB"
	c.Total, c.City = o.total(), cities[o.dice.IntN(len(cities))]
}

// total returns a plausible price; nobody checks it.
func (o *orders) total() string { return fmt.Sprintf("%d.00", 190*(1+o.dice.IntN(60))) }

// entry is a line of the shop's book: an event that Kafka has acknowledged.
type entry struct {
	partition     int
	offset        int64
	order, status string
	value         [sha256.Size]byte // its hash, because the whole stream would not fit in memory
}

// shop writes events at a steady rate and records them.
type shop struct {
	client *kgo.Client
	orders *orders
	rate   int

	mu     sync.Mutex
	book   []entry
	failed error
}

// openShop opens the shop's client. Linger is 0, so that each event is sent at once, as a shop would do: batching would
// turn a steady rate into bursts.
func openShop(brokers []string, o options) (*shop, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0))
	if err != nil {
		return nil, err
	}
	return &shop{client: client, orders: newOrders(o.orders, o.seed), rate: o.rate}, nil
}

// sell writes events until ctx ends or a write fails, and then waits until Kafka has acknowledged the last events. It
// follows the clock instead of counting ticks, so after a late tick it writes all events that are due.
func (s *shop) sell(ctx context.Context) error {
	begun := time.Now()
	lasting := context.WithoutCancel(ctx) // writes that were started are completed
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for written := 0; ctx.Err() == nil && s.err() == nil; {
		for due := int(time.Since(begun).Seconds() * float64(s.rate)); written < due; written++ {
			if err := s.write(lasting); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	return errors.Join(s.client.Flush(lasting), s.err())
}

func (s *shop) write(ctx context.Context) error {
	c := s.orders.next(time.Now())
	value, err := json.Marshal(c)
	if err != nil {
		return err
	}
	// The key is the order id, because Kafka keeps the sequence of events only within a partition. An event enters the
	// book only when Kafka has acknowledged it, because before that it may be lost.
	s.client.Produce(ctx, &kgo.Record{Key: []byte(c.OrderID), Value: value}, func(r *kgo.Record, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.failed = err
			return
		}
		s.book = append(s.book, entry{
			partition: int(r.Partition), offset: r.Offset, order: c.OrderID, status: c.Status, value: sha256.Sum256(value),
		})
	})
	return nil
}

func (s *shop) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// entries returns the events that Kafka has acknowledged so far. The caller may keep the slice, because entries are
// only appended, and the slice's capacity is clipped.
func (s *shop) entries() []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.book)
}
