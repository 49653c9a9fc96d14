package deadletter_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
)

const ledgerTopic = lettersTopic + ".ledger"

func pausedByAlice() ledger.Entry {
	return ledger.Entry{Event: ledger.GuardPause, At: time.Now(), By: "alice", Via: "cli", Reason: "LeadHit migrates"}
}

func (b *broker) ledger(t *testing.T) *deadletter.Ledger {
	t.Helper()
	l, err := deadletter.OpenLedger(deadletter.WriterOptions{Brokers: b.addr, Transport: b.transport, Topic: ledgerTopic})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// ensureLedger makes the ledger, and demands to be told whether it was made.
func (b *broker) ensureLedger(t *testing.T, want bool) { //nolint:revive // want is an answer, not a switch
	t.Helper()
	created, err := deadletter.EnsureLedger(t.Context(), b.client, deadletter.TopicSpec{Name: lettersTopic})
	if err != nil || created != want || b.PartitionInfo(ledgerTopic, 0) == nil {
		t.Fatalf("got created: %v, %v, want %v and the topic", created, err, want)
	}
}

func TestTheLedgerOutlivesItsLetters(t *testing.T) {
	t.Parallel()
	const day = 24 * 60 * 60 * 1000
	for name, c := range map[string]struct {
		brokers  int
		letters  string // retention.ms of the letters' topic; "": there is none yet
		replicas int
		inSync   int
		want     int64 // retention.ms
	}{
		"no letters yet":           {1, "", 1, 1, 90 * day},
		"letters of a week":        {3, "604800000", 3, 2, 90 * day},
		"letters of 60 days":       {3, "5184000000", 3, 2, 180 * day},
		"letters for ever":         {2, "-1", 2, 1, -1},
		"letters longer than time": {5, "9223372036854775807", 3, 2, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, kfake.NumBrokers(c.brokers))
			if c.letters != "" {
				if err := b.CreateTopic(lettersTopic, 1, map[string]string{"retention.ms": c.letters}); err != nil {
					t.Fatal(err)
				}
			}
			asked := b.watchCreate()
			b.ensureLedger(t, true)
			want := fmt.Sprintf("partitions 1, replicas %d, min.insync.replicas=%d cleanup.policy=delete "+
				"message.timestamp.type=LogAppendTime retention.bytes=-1 retention.ms=%d max.message.bytes=1048588", c.replicas, c.inSync, c.want)
			if got := <-asked; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			b.ensureLedger(t, false) // once more: it is found
		})
	}
}

func TestAnEntryIsAppendedUnderTheGuardsKeyWithAllAcknowledgements(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.ensureLedger(t, true)
	asked := make(chan int16, 1)
	b.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		request, _ := r.(*kmsg.ProduceRequest)
		asked <- request.Acks
		return nil, nil, false
	})
	e := pausedByAlice()
	if err := b.ledger(t).Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if acks := <-asked; acks != -1 {
		t.Errorf("got a request for %d acknowledgements, want -1: all in-sync replicas", acks)
	}
	response, err := b.client.Fetch(t.Context(), &kafka.FetchRequest{Topic: ledgerTopic, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	r, err := response.Records.ReadRecord()
	if err != nil {
		t.Fatal(err)
	}
	stored := copied(t, r)
	back, err := ledger.Parse(stored.Value)
	if err != nil || string(stored.Key) != "guard" || back.By != e.By || !back.At.Equal(e.At.Truncate(time.Millisecond)) {
		t.Errorf("got %q %s (%v), want %+v", stored.Key, stored.Value, err, e)
	}
}

func TestWhatKeepsAnEntryOutIsToldApart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code *kerr.Error
		want error
	}{
		"not allowed":       {kerr.TopicAuthorizationFailed, deadletter.ErrUnauthorised},
		"the topic is gone": {kerr.UnknownTopicOrPartition, deadletter.ErrTopicMissing},
		"too few replicas":  {kerr.NotEnoughReplicas, kafka.NotEnoughReplicas},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			b.ensureLedger(t, true)
			b.answer(c.code.Code)
			err := b.ledger(t).Append(t.Context(), pausedByAlice())
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), ledgerTopic) || !strings.Contains(err.Error(), "guard.pause") {
				t.Errorf("got %v, want %v with the topic and the event", err, c.want)
			}
		})
	}
}

func TestAnEntryThatCouldNotBeReadIsNotWritten(t *testing.T) {
	t.Parallel()
	b := start(t)
	e := pausedByAlice()
	e.Reason = strings.Repeat("x", 2000)
	if err := b.ledger(t).Append(t.Context(), e); !errors.Is(err, ledger.ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
}
