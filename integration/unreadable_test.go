package integration_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/program"
	"leadhit-sync/leadhit/sandbox"
)

// testStandstill: when a partition is stuck, the worker reports the reason and the remedy.
func (s *suite) testStandstill(t *testing.T) {
	t.Parallel()
	needKafka(t)
	node, err := apache.Start(t.Context(), apache.Options{Properties: map[string]string{"offset.metadata.max.bytes": "0"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("a damaged batch", func(t *testing.T) { s.testDamagedBatch(t, node) })
	t.Run("format 0 with lz4", func(t *testing.T) { s.testOldLZ4(t, node) })
	t.Run("brokers that accept no metadata", func(t *testing.T) { s.testNoMetadata(t, node) })
}

// testDamagedBatch damages a batch on the broker's disk, and skips it as the worker advises.
func (s *suite) testDamagedBatch(t *testing.T, cluster *apache.Cluster) {
	t.Helper()
	r := s.newRun(t, cluster.Brokers(), 1, sandbox.Faults{})
	for _, order := range []string{"first", "spoilt", "third"} {
		r.writeRaw(t, fmt.Sprintf(`{"order_id":%q,"status":"paid"}`, order)) // each in its own batch
	}
	r.damage(t, cluster, []byte("spoilt"))
	w := r.newWorker(t)
	w.start(t)
	eventually(t, time.Minute, "the standstill in /readyz", func() string {
		_, body := w.page(t, "/readyz")
		return unless(strings.Contains(body, "/0 is stuck: the event at offset 1 cannot be read") && strings.HasPrefix(body, "running\n"), "%s", body)
	})
	skip := fmt.Sprintf("--group %s --topic %s:0 --reset-offsets --to-offset 2 --execute", r.group, r.topic)
	if _, body := w.page(t, "/status"); !strings.Contains(body, skip) {
		t.Errorf("got %s from /status, want %q in it", body, skip)
	}
	if got := w.metric(t, "leadhit_sync_partitions_unreadable"); got != 1 {
		t.Errorf("got %v partitions_unreadable, want 1", got)
	}
	if log := w.Stdout(); !strings.Contains(log, "events cannot be read; the partition is stuck") || !strings.Contains(log, skip) {
		t.Error("got no line about the standstill that says how to skip the batch")
	}
	eventually(t, time.Minute, "a commit before the batch", func() string {
		committed, err := r.broker.committed(t.Context(), r.group, r.topic, 1)
		for _, offset := range committed {
			if offset == 1 {
				return ""
			}
		}
		return fmt.Sprint(committed, err)
	})
	w.stop(t)
	// This is what kafka-consumer-groups.sh does.
	answer, err := r.broker.client.OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{
		GroupID: r.group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{r.topic: {{Partition: 0, Offset: 2}}},
	})
	if err != nil || answer.Topics[r.topic][0].Error != nil {
		t.Fatal(err, answer)
	}
	w.start(t)
	r.finish(t, time.Minute)
	w.stop(t)
	if got := strings.Join(r.executed(), " "); got != "first third" {
		t.Errorf("got calls for %s, want first and third", got)
	}
}

// testOldLZ4 puts events on the broker's disk as producers before Kafka 0.10 wrote them.
func (s *suite) testOldLZ4(t *testing.T, cluster *apache.Cluster) {
	t.Helper()
	r := s.newRun(t, cluster.Brokers(), 1, sandbox.Faults{})
	values := []string{`{"order_id":"old","status":"paid"}`, `{"order_id":"older","status":"paid"}`}
	r.writeRaw(t, values[0]+strings.Repeat(" ", 300), values[1]+strings.Repeat(" ", 300))
	log, file := r.segment(t, cluster)
	size := 12 + int(binary.BigEndian.Uint32(log[8:]))
	set := oldSet(t, values, size)
	if err := overwrite(file, 0, set); err != nil {
		t.Fatal(err)
	}
	w := r.newWorker(t)
	w.start(t)
	r.finish(t, time.Minute)
	w.stop(t)
	calls := strings.Fields(strings.Join(r.executed(), " "))
	slices.Sort(calls) // calls for different orders run in parallel
	if got := strings.Join(calls, " "); got != "old older" {
		t.Errorf("got calls for %q, want old and older", got)
	}
}

// testNoMetadata: a waiting order blocks its partition, and the log, the pages and the check command say why.
func (s *suite) testNoMetadata(t *testing.T, cluster *apache.Cluster) {
	t.Helper()
	r := s.newRun(t, cluster.Brokers(), 1, sandbox.Faults{})
	r.leadhit.Change(func(f *sandbox.Faults) { f.Orders = map[string]sandbox.OrderFault{"stuck": {Status: 500}} })
	r.writeRaw(t, `{"order_id":"stuck","status":"paid"}`)
	for n := range 30 {
		r.writeRaw(t, fmt.Sprintf(`{"order_id":"o%d","status":"paid"}`, n))
	}
	w := r.newWorker(t)
	w.start(t)
	eventually(t, time.Minute, "the setting's name in /readyz", func() string {
		_, body := w.page(t, "/readyz")
		return unless(strings.Contains(body, "Set offset.metadata.max.bytes to 4096 on the brokers"), "%s", body)
	})
	if got := w.metric(t, "leadhit_sync_commit_metadata_bytes"); got >= 4096 {
		t.Errorf("got %v commit_metadata_bytes, want fewer than 4096", got)
	}
	if !strings.Contains(w.Stdout(), "set offset.metadata.max.bytes to 4096") {
		t.Error("got no line that names the setting")
	}
	check, err := program.Start(s.binary, program.Options{Arguments: []string{"check"}, Settings: w.environment(), Dir: s.emitted})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = check.Kill() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := check.Wait(ctx); err != nil || !strings.Contains(check.Stdout(), "warn  brokers    offset.metadata.max.bytes is 0") {
		t.Errorf("got %v and %s from check, want a warning", err, check.Stdout())
	}
	r.leadhit.Change(func(f *sandbox.Faults) { f.Orders = nil })
	r.finish(t, 2*time.Minute)
	w.stop(t)
}

// writeRaw writes values as one batch, without compression.
func (r *run) writeRaw(t *testing.T, values ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(r.broker.addrs...), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerLinger(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: r.topic, Key: []byte("k"), Value: []byte(v)}
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// executed returns the order ids of the executed calls, in order of arrival.
func (r *run) executed() []string {
	var orders []string
	for _, c := range r.leadhit.Calls() {
		if c.Executed {
			orders = append(orders, c.OrderID)
		}
	}
	return orders
}

// segment returns the content and the path of the topic's log segment on the only node's disk.
func (r *run) segment(t *testing.T, cluster *apache.Cluster) (log []byte, file string) {
	t.Helper()
	file = filepath.Join(filepath.Dir(cluster.Nodes()[0].LogFile), "data", r.topic+"-0", "00000000000000000000.log")
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return log, file
}

// damage changes one byte of the text on the node's disk.
func (r *run) damage(t *testing.T, cluster *apache.Cluster, text []byte) {
	t.Helper()
	log, file := r.segment(t, cluster)
	at := bytes.Index(log, text)
	if at < 0 {
		t.Fatalf("got no %q in %s", text, file)
	}
	if err := overwrite(file, int64(at), []byte{'S'}); err != nil {
		t.Fatal(err)
	}
}

func overwrite(file string, at int64, with []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(with, at)
	return cmpErr(err, f.Close())
}

// oldSet returns a compressed message in format 0, of the given size, with the values at offsets from 0 on. Its LZ4
// frame has a header checksum that only Kafka's own old clients accept.
func oldSet(t *testing.T, values []string, size int) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	key := make([]byte, 0, size)
	for range size {
		var inner []byte
		for i, v := range values {
			inner = append(inner, oldMessage(0, int64(i), key, []byte(v))...)
		}
		var packed bytes.Buffer
		z := compress.Lz4.Codec().NewWriter(&packed)
		_, err := z.Write(inner)
		if err := cmpErr(err, z.Close()); err != nil {
			t.Fatal(err)
		}
		frame := packed.Bytes()
		checksum := 6
		if frame[4]&8 != 0 {
			checksum += 8
		}
		frame[checksum] ^= 0xff
		if set := oldMessage(3, int64(len(values)-1), nil, frame); len(set) == size {
			return set
		}
		key = append(key, byte(random.Uint32()))
	}
	t.Fatalf("got no set of %d bytes", size)
	return nil
}

// oldMessage returns a message in format 0.
func oldMessage(codec byte, offset int64, key, value []byte) []byte {
	b := []byte{0, codec}
	for _, field := range [][]byte{key, value} {
		if field == nil {
			b = binary.BigEndian.AppendUint32(b, 1<<32-1)
			continue
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
		b = append(b, field...)
	}
	head := binary.BigEndian.AppendUint64(nil, uint64(offset))
	head = binary.BigEndian.AppendUint32(head, uint32(len(b)+4))
	return append(binary.BigEndian.AppendUint32(head, crc32.ChecksumIEEE(b)), b...)
}
