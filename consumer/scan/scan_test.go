package scan_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/scan"
)

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// setup starts an embedded broker on a network of pipes, so that it works in a synctest bubble. Its topic has two
// partitions, which get the given numbers of events. An event's value is "partition/offset". Each event is a batch of
// its own, and the events in a partition are a minute apart, starting at noon.
func setup(t *testing.T, events ...int) (*kfake.Cluster, *broker.Cluster, *kgo.Client) {
	t.Helper()
	fake, cluster, writer, _ := setupOn(t, &kfake.VirtualNetwork{}, events...)
	return fake, cluster, writer
}

// setupOn is like setup, but on a given network. It also returns a function that makes further clients.
func setupOn(t *testing.T, network *kfake.VirtualNetwork, events ...int) (
	*kfake.Cluster, *broker.Cluster, *kgo.Client, func(...kgo.Opt) *kgo.Client,
) {
	t.Helper()
	fake, err := kfake.NewCluster(
		kfake.ListenFn(network.Listen), kfake.Ports(9092, 9093, 9094), kfake.SeedTopics(2, "letters"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	client := func(options ...kgo.Opt) *kgo.Client {
		t.Helper()
		made, err := kgo.NewClient(append([]kgo.Opt{
			kgo.SeedBrokers(fake.ListenAddrs()...), kgo.Dialer(network.DialContext),
			kgo.DefaultProduceTopic("letters"), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		}, options...)...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(made.Close)
		return made
	}
	writer := client()
	for partition, n := range events {
		for i := range n {
			write(t, writer, partition, i)
		}
	}
	cluster, err := broker.Open(broker.Options{
		Brokers: fake.ListenAddrs(), Topics: []string{"letters"}, Dial: network.DialContext,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return fake, cluster, writer, client
}

func write(t *testing.T, writer *kgo.Client, partition, i int) {
	t.Helper()
	record := &kgo.Record{
		Partition: int32(partition), Value: fmt.Appendf(nil, "%d/%d", partition, i),
		Timestamp: noon().Add(time.Duration(i) * time.Minute),
	}
	if err := writer.ProduceSync(t.Context(), record).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// read collects the values. It checks the place of each value, and the progress.
func read(t *testing.T, cluster *broker.Cluster, r scan.Range) ([]string, error) {
	t.Helper()
	var got []string
	progress := r.Progress
	last := int64(0)
	r.Progress = func(done, total int64) {
		if done <= last || done > total {
			t.Errorf("got progress %d of %d after %d", done, total, last)
		}
		if last = done; progress != nil {
			progress(done, total)
		}
	}
	for record, err := range scan.Records(t.Context(), cluster, r) {
		if err != nil {
			return got, err
		}
		place := fmt.Sprintf("%d/%d", record.Partition, record.Offset)
		if string(record.Value) != place || record.Topic != "letters" {
			t.Errorf("got %q at %s/%s", record.Value, record.Topic, place)
		}
		got = append(got, place)
	}
	return got, nil
}

func TestRecordsYieldsTheRange(t *testing.T) {
	at := func(offset int64) scan.Position { return scan.Position{Offset: offset} }
	since := func(minutes int) scan.Position {
		return scan.Position{Time: noon().Add(time.Duration(minutes) * time.Minute)}
	}
	tests := map[string]struct {
		change func(*scan.Range)
		want   []string
	}{
		"all there is":  {func(*scan.Range) {}, []string{"0/0", "0/1", "0/2", "1/0", "1/1"}},
		"one partition": {func(r *scan.Range) { r.Partitions = []int{1} }, []string{"1/0", "1/1"}},
		"partitions in their order": {
			func(r *scan.Range) { r.Partitions = []int{1, 0} },
			[]string{"1/0", "1/1", "0/0", "0/1", "0/2"},
		},
		"from an offset":       {func(r *scan.Range) { r.From = at(1) }, []string{"0/1", "0/2", "1/1"}},
		"until an offset":      {func(r *scan.Range) { r.Until = at(1) }, []string{"0/0", "1/0"}},
		"between offsets":      {func(r *scan.Range) { r.From, r.Until = at(1), at(2) }, []string{"0/1", "1/1"}},
		"from a time":          {func(r *scan.Range) { r.From = since(2) }, []string{"0/2"}},
		"until a time":         {func(r *scan.Range) { r.Until = since(1) }, []string{"0/0", "1/0"}},
		"from beyond the end":  {func(r *scan.Range) { r.From = at(50) }, nil},
		"until beyond the end": {func(r *scan.Range) { r.Until = at(50) }, []string{"0/0", "0/1", "0/2", "1/0", "1/1"}},
		"until before from":    {func(r *scan.Range) { r.From, r.Until = at(2), at(1) }, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, cluster, _ := setup(t, 3, 2)
				r := scan.Range{Topic: "letters"}
				test.change(&r)
				if got, err := read(t, cluster, r); err != nil || !slices.Equal(got, test.want) {
					t.Errorf("got %v, %v, want %v", got, err, test.want)
				}
			})
		})
	}
}

func TestRecordsEndsWhereTheLogEndedAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, cluster, writer := setup(t, 2)
		n := 0
		for _, err := range scan.Records(t.Context(), cluster, scan.Range{Topic: "letters"}) {
			if err != nil {
				t.Fatal(err)
			}
			write(t, writer, 0, 2+n) // the log grows as fast as it is read
			if n++; n > 5 {
				t.Fatal("got more than the two events of the start")
			}
		}
		if n != 2 {
			t.Errorf("got %d events, want 2", n)
		}
	})
}

func TestRecordsStopsWhenTheCallerDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, cluster, _ := setup(t, 3, 2)
		for _, err := range scan.Records(t.Context(), cluster, scan.Range{Topic: "letters"}) {
			if err != nil {
				t.Error(err)
			}
			break
		}
	})
}

func TestProgressReachesItsTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, cluster, _ := setup(t, 3, 2)
		var got [][2]int64
		r := scan.Range{Topic: "letters", Progress: func(done, total int64) { got = append(got, [2]int64{done, total}) }}
		if _, err := read(t, cluster, r); err != nil {
			t.Fatal(err)
		}
		if want := [][2]int64{{3, 5}, {5, 5}}; !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestRecordsContinuesAfterALeaderMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, cluster, _ := setup(t, 3, 2)
		moved := false
		var got []string
		for record, err := range scan.Records(t.Context(), cluster, scan.Range{Topic: "letters"}) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, string(record.Value)); !moved {
				moved = true
				if err := fake.MoveTopicPartition("letters", 1, (fake.LeaderFor("letters", 1)+1)%3); err != nil {
					t.Fatal(err)
				}
			}
		}
		if want := []string{"0/0", "0/1", "0/2", "1/0", "1/1"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestRecordsGivesUpAfterHalfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, cluster, _ := setup(t, 3)
		fake.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
			fake.KeepControl()
			return nil, errors.New("hang up"), true
		})
		started := time.Now()
		got, err := read(t, cluster, scan.Range{Topic: "letters"})
		if took := time.Since(started); err == nil || len(got) != 0 || took < 25*time.Second || took > 35*time.Second {
			t.Errorf("got %v, %v after %v, want an error after half a minute", got, err, took)
		}
	})
}

func TestRecordsSkipsWhatRetentionRemovesMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, cluster, _ := setup(t, 3, 4)
		var got []string
		for record, err := range scan.Records(t.Context(), cluster, scan.Range{Topic: "letters"}) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, string(record.Value)); len(got) == 1 {
				if err := fake.DeleteRecords("letters", 1, 2); err != nil {
					t.Fatal(err)
				}
			}
		}
		if want := []string{"0/0", "0/1", "0/2", "1/2", "1/3"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestProgressCountsNothingBelowTheLogsStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, cluster, _ := setup(t, 5)
		if err := fake.DeleteRecords("letters", 0, 3); err != nil {
			t.Fatal(err)
		}
		var got [][2]int64
		values, err := read(t, cluster, scan.Range{
			Topic: "letters", From: scan.Position{Offset: 1},
			Progress: func(done, total int64) { got = append(got, [2]int64{done, total}) },
		})
		if want := []string{"0/3", "0/4"}; err != nil || !slices.Equal(values, want) {
			t.Errorf("got %v, %v, want %v", values, err, want)
		}
		if want := [][2]int64{{2, 2}}; !reflect.DeepEqual(got, want) {
			t.Errorf("got progress %v, want %v", got, want)
		}
	})
}

func TestRecordsReportsAMissingTopicAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, cluster, _ := setup(t)
		started := time.Now()
		_, err := read(t, cluster, scan.Range{Topic: "gone"})
		if took := time.Since(started); !errors.Is(err, kafkaerr.ErrUnknownPartition) || took > time.Second {
			t.Errorf("got %v after %v, want %v at once", err, took, kafkaerr.ErrUnknownPartition)
		}
	})
}

func TestFollowReadsAllPartitionsUntilTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, cluster, writer := setup(t, 1, 1)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var writing sync.WaitGroup
		defer writing.Wait() // the last record is read before its writer gets the acknowledgement
		writing.Go(func() {
			time.Sleep(time.Minute)
			write(t, writer, 0, 1)
			write(t, writer, 1, 1)
		})
		var got []string
		for record, err := range scan.Records(ctx, cluster, scan.Range{Topic: "letters", Follow: true}) {
			if err != nil {
				t.Fatalf("got %v, want an end without an error", err)
			}
			if got = append(got, string(record.Value)); len(got) == 4 {
				cancel()
			}
		}
		slices.Sort(got)
		if want := []string{"0/0", "0/1", "1/0", "1/1"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestADeadContextIsAnErrorWhenNotFollowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, cluster, _ := setup(t, 2)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var last error
		for _, err := range scan.Records(ctx, cluster, scan.Range{Topic: "letters"}) {
			last = err
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("got %v, want %v: a listing cut short must not look whole", last, context.Canceled)
		}
	})
}

// openTransaction leaves a transaction open in partition 0, after the existing events, and writes an ordinary event
// behind it.
func openTransaction(t *testing.T, writer, transactional *kgo.Client) {
	t.Helper()
	if err := transactional.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	write(t, transactional, 0, 3)
	write(t, writer, 0, 4)
}

func TestARangeEndsWhereAnOpenTransactionStarts(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*scan.Range)
		want   []string
	}{
		"committed":                  {func(*scan.Range) {}, []string{"0/0", "0/1", "0/2", "1/0"}},
		"committed, from the end on": {func(r *scan.Range) { r.From = scan.Position{Offset: 3} }, nil},
		"committed, until after it": {
			func(r *scan.Range) { r.Until = scan.Position{Offset: 50} },
			[]string{"0/0", "0/1", "0/2", "1/0"},
		},
		"uncommitted": {
			func(r *scan.Range) { r.Uncommitted = true },
			[]string{"0/0", "0/1", "0/2", "0/3", "0/4", "1/0"},
		},
		"uncommitted, from after it on": {
			func(r *scan.Range) { r.Uncommitted, r.From = true, scan.Position{Offset: 4} },
			[]string{"0/4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, cluster, writer, client := setupOn(t, &kfake.VirtualNetwork{}, 3, 1)
				openTransaction(t, writer, client(kgo.TransactionalID("foreign")))
				r := scan.Range{Topic: "letters"}
				test.change(&r)
				begun := time.Now()
				got, err := read(t, cluster, r)
				if err != nil || !slices.Equal(got, test.want) {
					t.Errorf("got %q, %v, want %q", got, err, test.want)
				}
				if took := time.Since(begun); took > time.Minute {
					t.Errorf("took %v, want an end: nothing more can be read", took)
				}
			})
		})
	}
}

// TestRecordsEndsWhenTheBrokerReturnsNothing: a leader reports the log's end, and then loses the records before it.
func TestRecordsEndsWhenTheBrokerReturnsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, cluster, _ := setup(t, 3)
		fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
			fake.KeepControl()
			request, _ := r.(*kmsg.FetchRequest)
			response, _ := request.ResponseKind().(*kmsg.FetchResponse)
			topic := kmsg.NewFetchResponseTopic()
			topic.Topic = request.Topics[0].Topic
			topic.Partitions = append(topic.Partitions, kmsg.NewFetchResponseTopicPartition())
			response.Topics = append(response.Topics, topic)
			time.Sleep(250 * time.Millisecond) // kfake's SleepControl has a race of its own
			return response, nil, true
		})
		begun := time.Now()
		got, err := read(t, cluster, scan.Range{Topic: "letters"})
		if took := time.Since(begun); err == nil || len(got) > 0 || took < 30*time.Second || took > 2*time.Minute {
			t.Errorf("got %q and %v after %v, want an error after half a minute", got, err, took)
		}
	})
}
