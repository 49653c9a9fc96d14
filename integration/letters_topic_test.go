package integration_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// testLettersTopic: a worker reports changes to the dead-letter topic, and still stores every later letter.
func (s *suite) testLettersTopic(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("a letters' topic that becomes too small, then tiny, then is deleted", func(t *testing.T) {
		since(t, 2, 3, "IncrementalAlterConfigs")
		t.Parallel()
		r := s.newRun(t, brokers, 3, sandbox.Faults{})
		orders := shop.NewOrders("order", 50, 12)
		w := r.newWorker(t)
		w.start(t)
		topic := "dlq." + r.group
		r.refusedEvents(t, orders)
		r.finish(t, time.Minute)

		// This is less than a letter needs, but more than it needs without its value.
		r.broker.alter(t, topic, "max.message.bytes", "20000")
		r.refusedEvents(t, orders)
		r.finish(t, time.Minute)
		w.blockedByATinyTopic(t, orders)
		r.countLetters(t, topic)
		r.audit(t)

		r.broker.remove(t, topic)
		gone := len(r.events)
		r.refusedEvents(t, orders)
		r.finish(t, time.Minute)
		w.awaitLine(t, time.Second, "dead-letter topic created")
		w.stop(t)
		letters := r.broker.letters(t, topic)
		for _, event := range r.events[gone:] { // the letters of the earlier events were deleted with the topic
			if !holds(letters, event.LetterID()) {
				t.Errorf("got no letter %s after the topic was created again", event.LetterID())
			}
		}
	})
}

// blockedByATinyTopic makes the dead-letter topic too small for any letter. It requires a log line and no commit ahead
// of a letter, and then restores the topic.
func (w *worker) blockedByATinyTopic(t *testing.T, orders *shop.Orders) {
	t.Helper()
	r, topic := w.run, "dlq."+w.run.group
	r.broker.alter(t, topic, "max.message.bytes", "200")
	settled := len(r.events)
	r.refusedEvents(t, orders)
	w.awaitLine(t, time.Minute, "letters cannot be stored")
	if w.lines("raise the topic's max.message.bytes") == 0 {
		t.Error("got no line that says what to do")
	}
	if failures := w.metric(t, "leadhit_sync_letter_write_failures_total"); failures == 0 {
		t.Error("got no metric of letters that cannot be stored")
	}
	r.committedUpTo(t, settled)
	r.broker.alter(t, topic, "max.message.bytes", "1048576")
	r.finish(t, 2*time.Minute)
	w.awaitLine(t, time.Minute, "letters can be stored again")
}

// countLetters requires three rounds of letters, the first with values and the second without. In the third round, some
// may have no values, because the worker had dropped them before the topic was restored.
func (r *run) countLetters(t *testing.T, topic string) {
	t.Helper()
	letters, without := r.broker.letters(t, topic), 0
	for _, l := range letters {
		if l.Omitted {
			without++
		}
	}
	t.Logf("%d letters, %d of them without their values", len(letters), without)
	if len(letters) < 3*refusedAtOnce || without < refusedAtOnce || without > 2*refusedAtOnce {
		t.Errorf("got %d letters, %d of them without their values, want three rounds of %d, the second without", len(letters), without, refusedAtOnce)
	}
}

func holds(letters []audit.Letter, id string) bool {
	for _, l := range letters {
		if l.ID == id {
			return true
		}
	}
	return false
}

// refusedAtOnce is how many events refusedEvents writes.
const refusedAtOnce = 5

// refusedEvents writes events of about 100 KiB each that LeadHit will refuse.
func (r *run) refusedEvents(t *testing.T, orders *shop.Orders) {
	t.Helper()
	r.write(t, several(refusedAtOnce, func() audit.Event { return padded(orders.Refused(), 100<<10) }))
}

// padded returns the event with the given number of bytes added, which do not compress well.
func padded(event audit.Event, bytes int) audit.Event {
	var note strings.Builder
	for i := uint64(event.Value[9]); note.Len() < bytes; i++ {
		note.WriteString(strconv.FormatUint(i*0x9e3779b97f4a7c15, 36))
	}
	event.Value = append(event.Value[:len(event.Value)-1:len(event.Value)-1], `,"note":"`+note.String()+`"}`...)
	return event
}

// committedUpTo skips the given number of events at the start of the run, and requires that no commit has passed any of
// the others.
func (r *run) committedUpTo(t *testing.T, events int) {
	t.Helper()
	_, committed := r.broker.known(t, r.group, r.topic, r.partitions)
	for _, event := range r.events[events:] {
		if at := committed[audit.Place{Topic: r.topic, Partition: event.Partition}]; at > event.Offset {
			t.Errorf("got %d committed in partition %d, although the letter of offset %d is not stored", at, event.Partition, event.Offset)
		}
	}
}

// alter sets one of a topic's settings, and waits until the brokers report the new value.
func (b *broker) alter(tb testing.TB, topic, name, value string) {
	tb.Helper()
	answer, err := b.client.IncrementalAlterConfigs(tb.Context(), &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
			Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: name, Value: value}},
		}},
	})
	if err == nil {
		err = answer.Resources[0].Error
	}
	if err != nil {
		tb.Fatalf("setting %s of %s: %v", name, topic, err)
	}
	eventually(tb, 20*time.Second, name+" of "+topic, func() string {
		answer, err := b.client.DescribeConfigs(tb.Context(), &kafka.DescribeConfigsRequest{
			Resources: []kafka.DescribeConfigRequestResource{{
				ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{name},
			}},
		})
		if err != nil {
			return err.Error()
		}
		got := answer.Resources[0].ConfigEntries[0].ConfigValue
		return unless(got == value, "it is %s", got)
	})
}

// remove deletes a topic and waits until it is gone.
func (b *broker) remove(tb testing.TB, topic string) {
	tb.Helper()
	answer, err := b.client.DeleteTopics(tb.Context(), &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	if err == nil {
		err = answer.Errors[topic]
	}
	if err != nil {
		tb.Fatalf("deleting %s: %v", topic, err)
	}
	eventually(tb, 30*time.Second, "the end of "+topic, func() string {
		_, err := b.ends(tb.Context(), topic, 1)
		return unless(err != nil, "it is still there")
	})
}
