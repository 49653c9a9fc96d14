package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/audit"
	"leadhit-sync/leadhit/sandbox"
)

// learnt is the status that LeadHit refuses at first.
const learnt = "on-hold"

// operators are two people who replay, dismiss and reopen letters at random while the faults continue. They write to
// the ledger as the commands do.
type operators struct {
	*round

	client *kgo.Client
	random *rand.Rand
	topic  string

	ledger  audit.Ledger
	offsets map[string]int64 // of each letter's newest record
}

// operators returns operators who read the letters and the ledger from the start.
func (r *round) operators(t *testing.T, seed uint64) *operators {
	t.Helper()
	o := &operators{round: r, random: rand.New(rand.NewPCG(seed, 7)), topic: "dlq." + r.group, offsets: make(map[string]int64)}
	start := map[int32]kgo.Offset{0: kgo.NewOffset().AtStart()}
	var err error
	o.client, err = kgo.NewClient(kgo.SeedBrokers(r.broker.addrs...), kgo.RecordDeliveryTimeout(10*time.Second),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.topic: start, o.topic + ".ledger": start}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.client.Close)
	return o
}

// begin makes the operators act at random until ctx is done. The returned function waits until they have stopped.
func (o *operators) begin(ctx context.Context) (wait func()) {
	var working sync.WaitGroup
	working.Go(func() {
		for ctx.Err() == nil {
			o.read(ctx, time.Duration(300+o.random.IntN(1200))*time.Millisecond)
			o.work(ctx)
			if o.random.IntN(2) == 0 { // LeadHit then accepts or refuses the status, as after a release or a rollback
				o.learn(o.learned() == nil)
			}
		}
	})
	return working.Wait
}

// read follows the dead-letter topic and the ledger for the given time. While a broker is down, there may be nothing to
// read.
func (o *operators) read(ctx context.Context, lasts time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	for ctx.Err() == nil {
		fetches := o.client.PollFetches(ctx)
		fetches.EachRecord(o.take)
	}
}

func (o *operators) take(r *kgo.Record) {
	if r.Topic != o.topic {
		if err := o.ledger.Entry(r.Value, r.Timestamp); err != nil {
			o.blame("ledger at %d: %v", r.Offset, err)
		}
		return
	}
	l := letter(r)
	o.offsets[l.ID] = r.Offset
	o.ledger.Letter(l.ID, l.Replays)
}

// work replays, dismisses or reopens a few letters, mostly new ones.
func (o *operators) work(ctx context.Context) {
	ids := o.ledger.IDs
	var entries []*kgo.Record
	for range 1 + o.random.IntN(15) {
		if len(ids) == 0 {
			return
		}
		id := ids[max(0, len(ids)-1-int(o.random.ExpFloat64()*40))]
		event, n := o.ledger.Wish(id)
		switch {
		case event == "":
			continue
		case event == "replay" && o.random.IntN(8) == 0:
			event, n = "dismissed", n-1
		}
		entries = append(entries, o.entry(event, id, n, "alice"))
		if o.random.IntN(4) == 0 { // the other operator does the same
			entries = append(entries, o.entry(event, id, n, "bob"))
		}
	}
	o.write(ctx, entries)
}

func (o *operators) entry(event, id string, n int, by string) *kgo.Record {
	value, err := json.Marshal(map[string]any{
		"v": 1, "ev": event, "group": o.group, "id": id, "n": n, "letter": o.offsets[id], "run": "r_chaos",
		"at": time.Now().UTC().Truncate(time.Millisecond), "by": by, "via": "cli", "reason": "chaos",
	})
	if err != nil {
		o.blame("entry of %s: %v", id, err)
	}
	return &kgo.Record{Topic: o.topic + ".ledger", Key: []byte(id), Value: value}
}

// write writes entries. Even after an error, an entry may have been stored. In that case the ledger shows it.
func (o *operators) write(ctx context.Context, entries []*kgo.Record) {
	if err := o.client.ProduceSync(ctx, entries...).FirstErr(); err != nil && ctx.Err() == nil {
		o.note("operators: %v", err)
	}
}

// all returns entries that replay all open letters.
func (o *operators) all(by string) []*kgo.Record {
	var entries []*kgo.Record
	for _, id := range o.ledger.IDs {
		if event, n := o.ledger.Wish(id); event == "replay" {
			entries = append(entries, o.entry(event, id, n, by))
		}
	}
	return entries
}

// finish makes LeadHit accept everything, replays all open letters once, and waits until all replays have ended.
func (o *operators) finish(t *testing.T, limit time.Duration) {
	t.Helper()
	o.learn(true)
	o.read(t.Context(), time.Second)
	o.write(t.Context(), o.all("carol"))
	began := time.Now()
	for o.read(t.Context(), time.Second); o.ledger.Requeued() > 0; o.read(t.Context(), 500*time.Millisecond) {
		if time.Since(began) > limit {
			o.blame("%d replays have no outcome after %v", o.ledger.Requeued(), limit)
			return
		}
	}
	o.note("operators: %v", o.ledger.Counts)
}

// healthy returns the settings of a LeadHit without faults.
func (r *round) healthy() sandbox.Faults {
	return sandbox.Faults{Latency: chaosLatency, Statuses: r.learned()}
}

// learned returns the statuses that LeadHit has learned.
func (r *round) learned() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.statuses
}

// learn makes LeadHit accept the status that it refused at first, or refuse it again.
func (r *round) learn(knows bool) {
	r.mu.Lock()
	r.statuses = nil
	if knows {
		r.statuses = []string{learnt}
	}
	r.mu.Unlock()
	r.leadhit.Change(func(f *sandbox.Faults) { f.Statuses = r.learned() })
}

// judged wraps next and changes the expectation for refused events, because LeadHit may learn their status and accept
// them.
func judged(next func() audit.Event) func() audit.Event {
	return func() audit.Event {
		event := next()
		if event.Want == audit.Refused {
			event.Want = audit.Judged
		}
		return event
	}
}

// ask adds the counts of a round's ledger entries, by kind.
func (y *tally) ask(counts map[string]int) {
	for event, n := range counts {
		y.asked[event] += n
	}
}

// replays returns the counts of a schedule's ledger entries as text, or "" if there are none.
func (y *tally) replays() string {
	var text strings.Builder
	for _, event := range slices.Sorted(maps.Keys(y.asked)) {
		fmt.Fprintf(&text, ", %s %d", event, y.asked[event])
	}
	return text.String()
}
