package worker_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
)

const (
	lettersTopic = "dlq.test"
	ledgerTopic  = lettersTopic + ".ledger"
)

// store is a cluster, with settings for it. The letters' topic and the ledger do not exist yet.
type store struct {
	*kfake.Cluster
	config  *config.Config
	cluster *broker.Cluster
}

func newStore(t *testing.T, opts ...kfake.Opt) *store {
	t.Helper()
	fake, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	c := new(config.Config)
	c.Kafka.Brokers, c.Kafka.Topics, c.DeadLetter.Topic = fake.ListenAddrs(), []string{"orders"}, lettersTopic
	cluster, err := worker.OpenCluster(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return &store{fake, c, cluster}
}

// describes sets the topic settings that the broker returns. For a topic that is not in topics, the broker responds
// that we are not allowed to describe it.
func (s *store) describes(topics map[string]map[string]string) {
	s.ControlKey(int16(kmsg.DescribeConfigs), func(r kmsg.Request) (kmsg.Response, error, bool) {
		s.KeepControl()
		request, _ := r.(*kmsg.DescribeConfigsRequest)
		response, _ := request.ResponseKind().(*kmsg.DescribeConfigsResponse)
		for _, asked := range request.Resources {
			resource := kmsg.NewDescribeConfigsResponseResource()
			resource.ResourceType, resource.ResourceName = asked.ResourceType, asked.ResourceName
			settings, ok := topics[asked.ResourceName]
			if !ok {
				resource.ErrorCode = kerr.TopicAuthorizationFailed.Code
			}
			for name, value := range settings {
				entry := kmsg.NewDescribeConfigsResponseResourceConfig()
				entry.Name, entry.Value = name, &value
				resource.Configs = append(resource.Configs, entry)
			}
			response.Resources = append(response.Resources, resource)
		}
		return response, nil, true
	})
}

type (
	ensurer   = func(context.Context, *config.Config, *broker.Cluster) (bool, error)
	inspector = func(context.Context, *config.Config, *broker.Cluster) (deadletter.Inspection, error)
)

// A topic that we create has no flaw, whatever the retention of the source and however large the source's events.
func TestATopicThatAWorkerCreatesHasNoFlaw(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]map[string]string{
		"a source of a week":           {"retention.ms": "604800000"},
		"a source of a year":           {"retention.ms": "31536000000"},
		"a source kept for ever":       {"retention.ms": "-1"},
		"a compacted source":           {"cleanup.policy": "compact"},
		"a source of 8 MiB records":    {"max.message.bytes": "8388608"},
		"a source limited by its size": {"retention.bytes": "1048576"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, kfake.NumBrokers(3))
			if err := s.CreateTopic("orders", 1, source); err != nil {
				t.Fatal(err)
			}
			s.mustCreateWithoutFlaw(t, worker.EnsureLetters, worker.InspectLetters)
			s.mustCreateWithoutFlaw(t, worker.EnsureLedger, worker.InspectLedger)
		})
	}
}

// mustCreateWithoutFlaw creates a topic. The test fails if an inspection finds a flaw in the topic, before or after the
// creation.
func (s *store) mustCreateWithoutFlaw(t *testing.T, ensure ensurer, inspect inspector) {
	t.Helper()
	found, err := inspect(t.Context(), s.config, s.cluster)
	if err != nil || found.Exists || found.Err() != nil {
		t.Fatalf("%s: got %+v, %v before the creation", found.Topic, found, err)
	}
	for _, want := range []bool{true, false} { // the second time, the topic exists
		if created, err := ensure(t.Context(), s.config, s.cluster); err != nil || created != want {
			t.Fatalf("%s: got %v, %v, want created: %v", found.Topic, created, err, want)
		}
	}
	found, err = inspect(t.Context(), s.config, s.cluster)
	if err != nil || !found.Exists || !found.Known || found.Replicas != 3 || len(found.Flaws) > 0 {
		t.Errorf("%s: got %+v, %v, want no flaw", found.Topic, found, err)
	}
}

func TestATopicWithAFatalFlawIsRefused(t *testing.T) {
	t.Parallel()
	s := newStore(t, kfake.NumBrokers(3))
	for topic, ensure := range map[string]ensurer{lettersTopic: worker.EnsureLetters, ledgerTopic: worker.EnsureLedger} {
		if created, err := s.cluster.CreateTopic(t.Context(), topic, 1, nil); err != nil || !created {
			t.Fatalf("got %v, %v, want the topic", created, err)
		}
		created, err := ensure(t.Context(), s.config, s.cluster)
		if unfit, ok := errors.AsType[*deadletter.UnfitError](err); created || !ok ||
			unfit.Flaws[0].Setting != "replication factor" {
			t.Errorf("%s: got %v, %v, want an UnfitError about its one replica", topic, created, err)
		}
	}
}

func TestTheSettingsOfSourcesCountForTheLettersTopic(t *testing.T) {
	t.Parallel()
	own := map[string]string{
		"cleanup.policy": "delete", "retention.ms": "172800000", "retention.bytes": "-1",
		"max.message.bytes": "1114124",
	}
	for name, c := range map[string]struct {
		source map[string]string
		want   string
	}{
		"kept for a week": {
			map[string]string{"retention.ms": "604800000", "cleanup.policy": "delete"},
			"604800000 (7d) or more",
		},
		"kept for ever":                   {map[string]string{"retention.ms": "-1", "cleanup.policy": "delete"}, "(30d)"},
		"compacted":                       {map[string]string{"retention.ms": "1000", "cleanup.policy": "compact"}, "(30d)"},
		"with larger records":             {map[string]string{"max.message.bytes": "8388608"}, "8454144"},
		"hidden, and nothing is the flaw": {nil, ""},
	} {
		s := newStore(t)
		if err := s.CreateTopic(lettersTopic, 1, nil); err != nil {
			t.Fatal(err)
		}
		topics := map[string]map[string]string{lettersTopic: own}
		if c.source != nil {
			topics["orders"] = c.source
		}
		s.describes(topics)
		found, err := worker.InspectLetters(t.Context(), s.config, s.cluster)
		if err != nil || !found.Known || (len(found.Flaws) > 0) != (c.want != "") || c.want != "" &&
			!strings.Contains(found.Flaws[0].String(), c.want) {
			t.Errorf("%s: got %+v, %v, want a flaw with %q", name, found, err, c.want)
		}
	}
}

func TestAnOldMessageFormatIsJudgedByTheBrokersProtocol(t *testing.T) {
	t.Parallel()
	for protocol, want := range map[string]string{
		"3.9-IV0": "", "2.8-IV1": "message.format.version!", "": "message.format.version", // "": unknown, so a warning
	} {
		s := newStore(t)
		if err := s.CreateTopic(lettersTopic, 1, nil); err != nil {
			t.Fatal(err)
		}
		topics := map[string]map[string]string{lettersTopic: {"cleanup.policy": "delete", "message.format.version": "0.10.1"}}
		if protocol != "" {
			topics["0"] = map[string]string{"inter.broker.protocol.version": protocol}
		}
		s.describes(topics)
		found, err := worker.InspectLetters(t.Context(), s.config, s.cluster)
		if got := flawed(found); err != nil || got != want {
			t.Errorf("protocol %q: got %+v, %v, want flaws %q", protocol, found, err, want)
		}
	}
}

// flawed returns the setting of the only flaw, with an exclamation mark if it is fatal.
func flawed(found deadletter.Inspection) string {
	switch {
	case len(found.Flaws) != 1:
		return ""
	case found.Flaws[0].Fatal:
		return found.Flaws[0].Setting + "!"
	}
	return found.Flaws[0].Setting
}

func TestATopicWhoseSettingsAreForbiddenIsNotKnown(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if err := s.CreateTopic(lettersTopic, 1, nil); err != nil {
		t.Fatal(err)
	}
	s.describes(nil)
	if found, err := worker.InspectLetters(t.Context(), s.config, s.cluster); err != nil || !found.Exists || found.Known ||
		len(found.Flaws) > 0 {
		t.Errorf("got %+v, %v, want a topic of which nothing is known", found, err)
	}
}

func TestAFailedInspectionComesBeforeTheCreation(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		s.KeepControl()
		return nil, errors.New("the connection is closed"), true
	})
	_, err := worker.EnsureLetters(t.Context(), s.config, s.cluster)
	if err == nil || !strings.HasPrefix(err.Error(), "look up topic "+lettersTopic) {
		t.Errorf("got %v, want the error of the first request", err)
	}
}

// letter returns a letter whose value has size bytes.
func letter(offset int64, size int) deadletter.Letter {
	return deadletter.Letter{
		Record: event.Record{
			Place: event.Place{Topic: "orders", Partition: 3, Offset: offset}, Time: time.UnixMilli(1_772_000_000_000).UTC(),
			Key: []byte("4711"), Value: bytes.Repeat([]byte("x"), size), Headers: []event.Header{{Key: "h", Value: []byte("v")}},
		},
		Item: deadletter.NoItem, OrderID: "4711", Status: "lost", Stage: deadletter.StageCall, Cause: "ValidationError",
		Message: "no",
		Code:    -32000, Attempts: 1, FailedAt: time.UnixMilli(1_772_000_001_000).UTC(), Group: "g", Version: "1.0",
	}
}

// stored reads the letters' topic from its start to its end.
func (s *store) stored(t *testing.T) []deadletter.Letter {
	t.Helper()
	var all []deadletter.Letter
	for next := int64(0); next < s.PartitionInfo(lettersTopic, 0).HighWatermark; {
		batch, err := s.cluster.Fetch(t.Context(), broker.FetchRequest{
			Topic: lettersTopic, Offset: next, MaxBytes: 64 << 20,
			MaxWait: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch.Records {
			l, err := deadletter.Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, l)
		}
		next = batch.Next
	}
	return all
}

func TestAValueTooLargeForTheTopicLeavesAReference(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if err := s.CreateTopic(lettersTopic, 1, map[string]string{"max.message.bytes": "1114112"}); err != nil {
		t.Fatal(err)
	}
	large, fits := letter(0, 2<<20), letter(1, 1<<20)
	for _, l := range []deadletter.Letter{large, fits} {
		if err := worker.AppendLetter(t.Context(), s.config, s.cluster, l); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := s.stored(t), []deadletter.Letter{large.WithoutValue(), fits}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %d letters, first %+v, want the reference, then the whole letter", len(got), got[0].Omitted)
	}
	large.Headers = []event.Header{{Key: "huge", Value: bytes.Repeat([]byte("x"), 2<<20)}}
	err := worker.AppendLetter(t.Context(), s.config, s.cluster, large)
	if !errors.Is(err, kafkaerr.ErrTooLarge) || !strings.Contains(err.Error(), "orders/3/0") ||
		!strings.Contains(err.Error(), lettersTopic) {
		t.Errorf("got %v, want ErrTooLarge with the letter and the topic: it does not fit even as a reference", err)
	}
}

func TestAnEntryIsStoredUnderTheGuardsKey(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if created, err := worker.EnsureLedger(t.Context(), s.config, s.cluster); err != nil || !created {
		t.Fatalf("got %v, %v, want the ledger", created, err)
	}
	e := ledger.Entry{Event: ledger.GuardPause, At: time.Now(), By: "alice", Via: "cli", Reason: "LeadHit migrates"}
	if err := worker.AppendEntry(t.Context(), s.config, s.cluster, e); err != nil {
		t.Fatal(err)
	}
	batch, err := s.cluster.Fetch(t.Context(), broker.FetchRequest{Topic: ledgerTopic, MaxWait: time.Second})
	if err != nil || len(batch.Records) != 1 {
		t.Fatalf("got %+v, %v, want one entry", batch, err)
	}
	back, err := ledger.Parse(batch.Records[0].Value)
	if key := batch.Records[0].Key; err != nil || string(key) != "guard" || back.By != e.By ||
		!back.At.Equal(e.At.Truncate(time.Millisecond)) {
		t.Errorf("got %q %+v (%v), want %+v", key, back, err, e)
	}
	e.Reason = strings.Repeat("x", 2000)
	if err := worker.AppendEntry(t.Context(), s.config, s.cluster, e); !errors.Is(err, ledger.ErrTooLong) {
		t.Errorf("got %v for an entry that could not be read, want ErrTooLong", err)
	}
}

func TestARefusedEntryNamesTheEventAndTheTopic(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	e := ledger.Entry{Event: ledger.GuardPause, At: time.Now(), By: "alice", Via: "cli", Reason: "LeadHit migrates"}
	err := worker.AppendEntry(t.Context(), s.config, s.cluster, e)
	if !errors.Is(err, kafkaerr.ErrUnknownPartition) || !strings.Contains(err.Error(), ledgerTopic) ||
		!strings.Contains(err.Error(), "guard.pause") {
		t.Errorf("got %v, want ErrUnknownPartition with the topic and the event", err)
	}
}
