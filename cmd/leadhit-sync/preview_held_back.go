package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/event"
)

// lookLimit limits the duration of the last check for open transactions. By then the operator has pressed Ctrl-C and
// waits for the summary, which is useful even without this check.
const lookLimit = 5 * time.Second

// heldBack describes the events of one partition that an open transaction holds back. Kafka gives readers of committed
// records nothing from the last stable offset on (KIP-98). Transaction markers count as events here, since only offsets
// are known.
type heldBack struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"last_stable"` // the first offset of the transaction
	Events    int64  `json:"events"`
	// Since is the time from which Age is counted: the time of the first of these events, or the current time if that
	// event's time is missing, implausible or later than now.
	Since time.Time `json:"since"`
	Age   float64   `json:"age_seconds"`
}

// lookBehind finds the events that open transactions hold back now. Without it, a topic whose producer died within a
// transaction would look empty.
func (w *watch) lookBehind(ctx context.Context) error {
	byTopic := make(map[string][]int)
	for at := range w.next {
		byTopic[at.Topic] = append(byTopic[at.Topic], at.Number)
	}
	var found []heldBack
	for _, topic := range slices.Sorted(maps.Keys(byTopic)) {
		held, err := w.cluster.HeldBack(ctx, topic, byTopic[topic])
		if err != nil {
			return fmt.Errorf("look for open transactions: %w", err)
		}
		now := time.Now()
		for partition, h := range held {
			since := event.Since(h.First, now)
			found = append(found, heldBack{topic, partition, h.Offset, h.Events, since.UTC(), now.Sub(since).Seconds()})
		}
	}
	slices.SortFunc(found, func(a, b heldBack) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	w.held = found
	return nil
}

// summary returns the tally's summary, plus the events that open transactions hold back.
func (w *watch) summary(l load) summary {
	s := w.tally.summary(l)
	if len(w.held) > 0 {
		s.HeldBack = w.held
	}
	return s
}

// printHeldBack prints the events that are held back. The summary does not count them.
func (s summary) printHeldBack(p *terminal.Page) {
	if len(s.HeldBack) == 0 {
		return
	}
	p.Line("")
	for _, h := range s.HeldBack {
		p.Line("an open transaction holds back %s of %s/%d from offset %d; the first is %s old",
			count(int(h.Events), "event"),
			h.Topic, h.Partition, h.Offset, lasting(seconds(h.Age)))
	}
	// The commands come from KIP-664. Only an administrator should abort the transaction, because the producer may
	// still be alive.
	p.Line("Workers read them when the producer commits or aborts the transaction. If the producer is gone, use")
	p.Line("kafka-transactions.sh find-hanging, then abort --topic … --partition … --start-offset …")
}

// printOddTimes warns of implausible times. Most of them are in the wrong unit.
func (s summary) printOddTimes(p *terminal.Page) {
	if s.OddTimes.Count == 0 {
		return
	}
	verb := "has a time that"
	if s.OddTimes.Count > 1 {
		verb = "have times that"
	}
	p.Line("")
	p.Line("%s %s cannot be true, such as %s of %s UTC: Kafka expects milliseconds since 1970",
		count(s.OddTimes.Count, "event"), verb,
		s.OddTimes.Time, s.OddTimes.Example)
}
