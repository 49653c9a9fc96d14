package broker_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
)

// outsider returns the Member that commits from outside the group.
func outsider() groups.Member { return groups.Member{Group: "sync", Generation: -1} }

func offset(partition int, next int64, metadata string) groups.OffsetCommit {
	return groups.OffsetCommit{
		Partition: event.Partition{Topic: "orders", Number: partition}, Next: next, Metadata: metadata,
	}
}

func TestCommittedReturnsWhatCommitStored(t *testing.T) {
	cluster := open(t, fakeKafka(t))
	results := cluster.Commit(t.Context(), outsider(), nil, []groups.OffsetCommit{offset(1, 7, "1+2"), offset(0, 3, "")})
	for i, partition := range []int{1, 0} {
		if r := results[i]; r.Outcome != groups.Acked || r.Err != nil || r.Number != partition {
			t.Errorf("got %+v, want partition %d acknowledged", r, partition)
		}
	}
	zero, one := event.Partition{Topic: "orders"}, event.Partition{Topic: "orders", Number: 1}
	got, err := cluster.Committed(t.Context(), "sync", []event.Partition{zero, one})
	if err != nil || got[zero] != offset(0, 3, "") || got[one] != offset(1, 7, "1+2") {
		t.Errorf("got %+v, %v, want what was committed", got, err)
	}
	got, err = cluster.Committed(t.Context(), "another", []event.Partition{zero})
	if err != nil || got[zero].Next != -1 {
		t.Errorf("got %+v, %v, want -1: nothing committed", got, err)
	}
	if got, err = cluster.Committed(t.Context(), "sync", nil); err != nil || len(got) != 0 {
		t.Errorf("got %+v, %v for no partitions, want nothing", got, err)
	}
}

func TestCommitJudgesEveryErrorCode(t *testing.T) {
	fake := fakeKafka(t)
	cluster := open(t, fake)
	ids := topicIDs(t, cluster, "orders")
	for code, want := range map[int16]groups.Outcome{
		0: groups.Acked, 14: groups.Again, 15: groups.Again, 16: groups.Again,
		22: groups.Fenced, 25: groups.Fenced, 27: groups.Fenced, 69: groups.Fenced, 82: groups.Fenced, 113: groups.Fenced,
		12: groups.MetadataTooLarge, 28: groups.MetadataTooLarge, 3: groups.UnknownTopic, 100: groups.UnknownTopic,
		29: groups.Forbidden, 30: groups.Forbidden,
		// Ambiguous: an unknown server error may have happened after the write, and so may an error whose code is not
		// listed above.
		-1: groups.Ambiguous, 7: groups.Ambiguous, 56: groups.Ambiguous, 999: groups.Ambiguous,
	} {
		for _, ids := range []map[string]groups.TopicID{nil, ids} {
			answerCommits(fake, code)
			r := cluster.Commit(t.Context(), outsider(), ids, []groups.OffsetCommit{offset(0, 1, "")})[0]
			var typed *kafkaerr.Error
			if r.Outcome != want || (code != 0) != errors.As(r.Err, &typed) || typed != nil && typed.Code != int(code) {
				t.Errorf("code %d: got %v, %v, want %v", code, r.Outcome, r.Err, want)
			}
		}
	}
}

// answerCommits responds to the next commit with the given code for partition 0.
func answerCommits(fake *kfake.Cluster, code int16) {
	fake.ControlKey(int16(kmsg.OffsetCommit), func(request kmsg.Request) (kmsg.Response, error, bool) {
		response, ok := request.ResponseKind().(*kmsg.OffsetCommitResponse)
		commit, isCommit := request.(*kmsg.OffsetCommitRequest)
		if !ok || !isCommit {
			return nil, nil, false
		}
		topic := kmsg.NewOffsetCommitResponseTopic()
		topic.Topic, topic.TopicID = "orders", commit.Topics[0].TopicID
		partition := kmsg.NewOffsetCommitResponseTopicPartition()
		partition.ErrorCode = code
		topic.Partitions = append(topic.Partitions, partition)
		response.Topics = append(response.Topics, topic)
		return response, nil, true
	})
}

func TestCommitOfAnotherGenerationIsFenced(t *testing.T) {
	fake := fakeKafka(t)
	cluster := open(t, fake)
	group := producer(t, fake, kgo.ConsumerGroup("sync"), kgo.ConsumeTopics("orders"))
	group.PollFetches(within(t, 100*time.Millisecond))
	id, generation := group.GroupMetadata()
	tests := map[string]struct {
		member groups.Member
		want   groups.Outcome
	}{
		"ours":             {groups.Member{Group: "sync", Generation: int(generation), ID: id}, groups.Acked},
		"an older one":     {groups.Member{Group: "sync", Generation: int(generation) - 1, ID: id}, groups.Fenced},
		"a removed member": {groups.Member{Group: "sync", Generation: int(generation), ID: "old"}, groups.Fenced},
	}
	for name, test := range tests {
		r := cluster.Commit(t.Context(), test.member, nil, []groups.OffsetCommit{offset(0, 1, "")})[0]
		if r.Outcome != test.want {
			t.Errorf("%s: got %v, %v, want %v", name, r.Outcome, r.Err, test.want)
		}
	}
}

func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func TestCommitWhoseConnectionBreaksIsAmbiguous(t *testing.T) {
	fake := fakeKafka(t)
	cluster := open(t, fake)
	fake.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
		return nil, io.ErrUnexpectedEOF, true // the broker hangs up
	})
	r := cluster.Commit(t.Context(), outsider(), nil, []groups.OffsetCommit{offset(0, 1, "")})[0]
	if r.Outcome != groups.Ambiguous || r.Err == nil {
		t.Errorf("got %v, %v, want %v", r.Outcome, r.Err, groups.Ambiguous)
	}
}

func TestCommitOfAFrozenCoordinatorIsAmbiguousAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		fake := fakeKafka(t, kfake.ListenFn(network.Listen), kfake.Ports(9092))
		cluster := open(t, fake, withDial(network.DialContext))
		fake.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
			fake.SleepControl(func() { <-time.After(time.Minute) })
			return nil, nil, false
		})
		started := time.Now()
		r := cluster.Commit(within(t, 2*time.Second), outsider(), nil, []groups.OffsetCommit{offset(0, 1, "")})[0]
		if took := time.Since(started); r.Outcome != groups.Ambiguous || took != 2*time.Second {
			t.Errorf("got %v, %v after %v, want %v after 2s", r.Outcome, r.Err, took, groups.Ambiguous)
		}
		// The commit is applied late, and could replace a newer commit. So after an ambiguous commit, the
		// acknowledgement of a newer commit does not count.
		<-time.After(2 * time.Minute)
		partition := event.Partition{Topic: "orders"}
		if got, err := cluster.Committed(t.Context(), "sync", []event.Partition{partition}); err != nil ||
			got[partition].Next != 1 {
			t.Errorf("got %v, %v, want the late commit applied", got, err)
		}
	})
}

func TestACommitThatWasNeverSentMayBeSentAgain(t *testing.T) {
	tests := map[string]struct {
		prepare func(fake *kfake.Cluster, down *atomic.Bool)
		ctx     func(*testing.T) context.Context
	}{
		"no broker can be reached": {prepare: func(_ *kfake.Cluster, down *atomic.Bool) { down.Store(true) }},
		"the context has ended before": {ctx: func(t *testing.T) context.Context {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx
		}},
		// The error is the same EOF as for a commit whose response is lost.
		"the lookup of the coordinator breaks off": {prepare: func(fake *kfake.Cluster, _ *atomic.Bool) {
			fake.ControlKey(int16(kmsg.FindCoordinator), func(kmsg.Request) (kmsg.Response, error, bool) {
				return nil, io.ErrUnexpectedEOF, true
			})
		}},
		// The error is the same timeout as for a commit to a frozen coordinator.
		"the lookup of the coordinator gets no response": {
			prepare: func(fake *kfake.Cluster, _ *atomic.Bool) {
				fake.ControlKey(int16(kmsg.FindCoordinator), func(kmsg.Request) (kmsg.Response, error, bool) {
					fake.SleepControl(func() { <-time.After(time.Minute) })
					return nil, nil, false
				})
			},
			ctx: func(t *testing.T) context.Context { t.Helper(); return within(t, time.Second) },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkNeverSent(t, test.prepare, test.ctx) })
		})
	}
}

func checkNeverSent(t *testing.T, prepare func(*kfake.Cluster, *atomic.Bool), in func(*testing.T) context.Context) {
	t.Helper()
	var network kfake.VirtualNetwork
	var down atomic.Bool
	var sent atomic.Int32
	fake := fakeKafka(t, kfake.ListenFn(network.Listen), kfake.Ports(9092))
	cluster := open(t, fake, withDial(func(ctx context.Context, n, address string) (net.Conn, error) {
		if down.Load() {
			return nil, errors.New("connection refused")
		}
		return network.DialContext(ctx, n, address)
	}))
	fake.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
		sent.Add(1)
		return nil, nil, false
	})
	ctx := t.Context()
	if in != nil {
		ctx = in(t)
	}
	if prepare != nil {
		prepare(fake, &down)
	}
	r := cluster.Commit(ctx, outsider(), nil, []groups.OffsetCommit{offset(0, 1, "")})[0]
	if r.Outcome != groups.Again || r.Err == nil {
		t.Errorf("got %v, %v, want %v", r.Outcome, r.Err, groups.Again)
	}
	// The commit is never sent, not even later.
	<-time.After(5 * time.Minute)
	if n := sent.Load(); n != 0 {
		t.Errorf("the broker got %d commits, want none, ever", n)
	}
}

// No test can time this race, so SendLate simulates it: the caller gives up, and only then does the pool's goroutine
// get a connection.
func TestAnAbandonedCommitIsNotSentLater(t *testing.T) {
	cluster := open(t, fakeKafka(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if sent, left := cluster.SendLate(ctx); sent || left != 0 {
		t.Errorf("got sent %v and %d bytes, want nothing to have left", sent, left)
	}
}

func TestOutcomesHaveNames(t *testing.T) {
	for outcome, want := range map[groups.Outcome]string{
		0: "ambiguous", groups.Acked: "acked", groups.Fenced: "fenced", groups.Forbidden: "forbidden", 99: "unknown",
	} {
		if got := outcome.String(); got != want || strings.ToLower(got) != got {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
