package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
)

func TestAReplayPassesThroughTheWorker(t *testing.T) {
	s := newScene(t, "KAFKA_GROUP", "test")
	s.run()
	s.produce(0, `{"order_id": "4711", "status": "on-hold"}`)
	s.until("a letter is stored", func() bool { return len(s.letters()) == 1 })
	first := s.letters()[0]
	s.operate(ledger.Entry{Event: ledger.GuardPause, Reason: "so that the replay waits"})
	s.shows("/readyz", "paused: by hand")
	s.operate(ledger.Entry{Event: ledger.LetterReplay, ID: first.ID(), N: 1, Letter: 0, Run: "r_1"})
	s.until("/status says what the replay waits for", func() bool { return s.status().Replays["call"] == 1 })
	s.operate(ledger.Entry{Event: ledger.GuardResume})
	s.until("a second letter is stored", func() bool { return len(s.letters()) == 2 })
	again := s.letters()[1]
	if again.ID() != first.ID() || again.ReplayCount != 1 || again.ReplayRun != "r_1" || !again.Time.Equal(first.Time) {
		t.Errorf("got %+v, want the same event as in %+v, replayed once in the run r_1", again, first)
	}
	calls := s.leadhit.Calls()
	if len(calls) != 2 || calls[0].ID != calls[1].ID {
		t.Errorf("got calls %+v, want two with the same id", calls)
	}
	_, metrics := s.page("/metrics")
	for _, want := range []string{
		`leadhit_sync_items_total{action="call"} 1`,
		`leadhit_sync_verdicts_total{cause="ValidationError",kind="dead_letter"} 2`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("got no %s: a replay is another call, and not another event", want)
		}
	}
}

// operate appends an operator's entry to the ledger.
func (s *scene) operate(e ledger.Entry) {
	s.t.Helper()
	e.At, e.By = time.Now(), "alice"
	key, value, err := e.Record()
	if err != nil {
		s.t.Fatal(err)
	}
	record := &kgo.Record{Topic: ledgerTopic, Key: key, Value: value}
	if err := s.shop.ProduceSync(s.t.Context(), record).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// letters reads the letters' topic.
func (s *scene) letters() (all []deadletter.Letter) {
	s.t.Helper()
	info := s.kafka.PartitionInfo(lettersTopic, 0)
	if info == nil {
		return nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.ListenAddrs()...), kgo.ConsumeTopics(lettersTopic))
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	for int64(len(all)) < info.HighWatermark {
		for _, r := range client.PollFetches(s.t.Context()).Records() {
			l, err := deadletter.Parse(record(r))
			if err != nil {
				s.t.Fatal(err)
			}
			all = append(all, l)
		}
	}
	return all
}

// record returns a record as our own client reads it.
func record(r *kgo.Record) event.Record {
	out := event.Record{
		Place: event.Place{Topic: r.Topic, Partition: int(r.Partition), Offset: r.Offset}, Time: r.Timestamp, Key: r.Key,
		Value: r.Value,
	}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, event.Header{Key: h.Key, Value: h.Value})
	}
	return out
}
