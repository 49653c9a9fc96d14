package records_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/broker/records"
	"leadhit-sync/consumer/event"
)

// batch is a record batch as a broker may store it.
type batch struct {
	base       int64
	lastDelta  int32
	deltas     []int32 // offset deltas of the records that the batch contains
	attributes int16
	producer   int64
	abort      bool // with the control bit: an abort marker
	values     int  // bytes in each value; 0 means 1
}

const (
	inTransaction = 0x10
	control       = 0x20
	brokerTime    = 0x08
)

func (b batch) bytes() []byte {
	var body []byte
	for _, delta := range b.deltas {
		r := kmsg.NewRecord()
		r.OffsetDelta = delta
		r.Key = []byte("k")
		if b.attributes&control != 0 {
			r.Key = []byte{0, 0, 0, 1}
			if b.abort {
				r.Key = []byte{0, 0, 0, 0}
			}
		}
		r.Value = make([]byte, max(b.values, 1))
		r.TimestampDelta64 = int64(delta)
		r.Length = int32(len(r.AppendTo(nil)) - 1) // a length of 0 is encoded as one byte
		body = append(body, r.AppendTo(nil)...)
	}
	if codec := int8(b.attributes & 7); codec != 0 {
		body = records.Pack(codec, body)
	}
	rb := kmsg.RecordBatch{
		FirstOffset: b.base, Magic: 2, Attributes: b.attributes, LastOffsetDelta: b.lastDelta,
		FirstTimestamp: 1000, MaxTimestamp: 5000, ProducerID: b.producer,
		NumRecords: int32(len(b.deltas)), Records: body,
	}
	return seal(rb.AppendTo(nil))
}

// seal writes the length and the checksum.
func seal(b []byte) []byte {
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// message returns a message of format 0 or 1.
func message(magic, codec int8, offset, at int64, key, value []byte) []byte {
	b := []byte{byte(magic), byte(codec)}
	if magic == 1 {
		b = binary.BigEndian.AppendUint64(b, uint64(at))
	}
	for _, field := range [][]byte{key, value} {
		if field == nil {
			b = binary.BigEndian.AppendUint32(b, 0xffffffff)
			continue
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
		b = append(b, field...)
	}
	head := binary.BigEndian.AppendUint64(nil, uint64(offset))
	head = binary.BigEndian.AppendUint32(head, uint32(len(b)+4))
	head = binary.BigEndian.AppendUint32(head, crc32.ChecksumIEEE(b))
	return append(head, b...)
}

func offsets(b records.Decoded) []int64 {
	offsets := make([]int64, len(b.Records))
	for i, r := range b.Records {
		offsets[i] = r.Offset
	}
	return offsets
}

func TestWalkReturnsTheRecordsAndTheNextOffset(t *testing.T) {
	whole := batch{base: 100, lastDelta: 2, deltas: []int32{0, 1, 2}}.bytes()
	broken := batch{base: 103, lastDelta: 2, deltas: []int32{0, 1, 2}}.bytes()
	broken[len(broken)-1]++
	tests := map[string]struct {
		set     [][]byte
		asked   int64
		limit   records.Limit
		aborted []records.Aborted
		want    []int64
		next    int64
		err     error
	}{
		"nothing": {set: nil, asked: 100, next: 100},
		"a batch": {set: [][]byte{whole}, asked: 100, want: []int64{100, 101, 102}, next: 103},
		"a compressed batch": {
			set:   [][]byte{batch{base: 100, lastDelta: 2, deltas: []int32{0, 1, 2}, attributes: lz4, values: 50}.bytes()},
			asked: 100, want: []int64{100, 101, 102}, next: 103,
		},
		"a compressed batch of records larger than a buffer": {
			set:   [][]byte{batch{base: 100, lastDelta: 2, deltas: []int32{0, 1, 2}, attributes: lz4, values: 20_000}.bytes()},
			asked: 100, want: []int64{100, 101, 102}, next: 103,
		},
		"from inside a batch": {set: [][]byte{whole}, asked: 101, want: []int64{101, 102}, next: 103},
		"a batch without its tail": {
			set:   [][]byte{batch{base: 100, lastDelta: 99, deltas: []int32{3}}.bytes()},
			asked: 100, want: []int64{103}, next: 200,
		},
		"asked beyond a compacted tail": {
			set:   [][]byte{batch{base: 100, lastDelta: 99, deltas: []int32{3}}.bytes()},
			asked: 150, next: 200,
		},
		"an empty batch":              {set: [][]byte{batch{base: 100, lastDelta: 99}.bytes()}, asked: 100, next: 200},
		"asked inside an empty batch": {set: [][]byte{batch{base: 100, lastDelta: 99}.bytes()}, asked: 150, next: 200},
		"a marker": {set: [][]byte{batch{
			base: 100, deltas: []int32{0},
			attributes: control | inTransaction,
		}.bytes()}, asked: 100, next: 101},
		"a batch below": {
			set:   [][]byte{whole, batch{base: 103, deltas: []int32{0}}.bytes()},
			asked: 103, want: []int64{103}, next: 104,
		},
		"a tail cut in a batch": {
			set: [][]byte{whole, broken[:40]}, asked: 100, want: []int64{100, 101, 102},
			next: 103,
		},
		"a tail cut in a prefix": {
			set: [][]byte{whole, broken[:10]}, asked: 100, want: []int64{100, 101, 102},
			next: 103,
		},
		"a first batch cut":          {set: [][]byte{whole[:40]}, asked: 100, next: 100, err: records.ErrCorrupt},
		"a broken checksum at first": {set: [][]byte{broken}, asked: 103, next: 103, err: records.ErrCorrupt},
		"a broken checksum after others": {
			set: [][]byte{whole, broken}, asked: 100, want: []int64{100, 101, 102},
			next: 103,
		},
		"an unknown format": {set: [][]byte{seal(append(slices.Clone(whole[:16]),
			append([]byte{9}, whole[17:]...)...))}, asked: 100, next: 100, err: records.ErrCorrupt},
		"an unknown codec": {set: [][]byte{seal(append(slices.Clone(whole[:22]),
			append([]byte{7}, whole[23:]...)...))}, asked: 100, next: 100, err: records.ErrCorrupt},
		"a limit inside a batch": {
			set:   [][]byte{batch{base: 100, lastDelta: 9, deltas: []int32{0, 4, 9}, values: 50}.bytes()},
			limit: records.Limit{Bytes: 130}, asked: 100, want: []int64{100, 104}, next: 105,
		},
		"a limit that the overhead reaches": {
			set:   [][]byte{batch{base: 100, lastDelta: 9, deltas: []int32{0, 4, 9}, values: 50}.bytes()},
			limit: records.Limit{Bytes: 1000, Overhead: 400}, asked: 100, want: []int64{100, 104}, next: 105,
		},
		"a limit below one record": {
			set:   [][]byte{batch{base: 100, lastDelta: 9, deltas: []int32{0, 4, 9}, values: 50}.bytes()},
			limit: records.Limit{Bytes: 1}, asked: 100, want: []int64{100}, next: 101,
		},
		"an aborted transaction between others": {
			set: [][]byte{
				batch{base: 100, deltas: []int32{0}, attributes: inTransaction, producer: 7}.bytes(),
				batch{base: 101, deltas: []int32{0}, attributes: inTransaction, producer: 8}.bytes(),
				batch{base: 102, deltas: []int32{0}, producer: 7}.bytes(), // not transactional
				batch{base: 103, deltas: []int32{0}, attributes: inTransaction | control, producer: 7, abort: true}.bytes(),
				batch{base: 104, deltas: []int32{0}, attributes: inTransaction, producer: 7}.bytes(),
			},
			aborted: []records.Aborted{records.NewAborted(7, 100)},
			asked:   100, want: []int64{101, 102, 104}, next: 105,
		},
		"a commit marker of another ends nothing": {
			set: [][]byte{
				batch{base: 100, deltas: []int32{0}, attributes: inTransaction, producer: 7}.bytes(),
				batch{base: 101, deltas: []int32{0}, attributes: inTransaction | control, producer: 8}.bytes(),
				batch{base: 102, deltas: []int32{0}, attributes: inTransaction, producer: 7}.bytes(),
			},
			aborted: []records.Aborted{records.NewAborted(7, 100)},
			asked:   100, next: 103,
		},
		"an aborted transaction that starts later": {
			set: [][]byte{
				batch{base: 100, deltas: []int32{0}, attributes: inTransaction, producer: 7}.bytes(),
				batch{base: 101, deltas: []int32{0}, attributes: inTransaction, producer: 7}.bytes(),
			},
			aborted: []records.Aborted{records.NewAborted(7, 101)},
			asked:   100, want: []int64{100}, next: 102,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.limit.Bytes == 0 {
				test.limit.Bytes = 1 << 20
			}
			got, err := records.Walk(slices.Concat(test.set...), test.asked, test.limit, test.aborted...)
			if !errors.Is(err, test.err) || !slices.Equal(offsets(got), test.want) || got.Next != test.next {
				t.Errorf("got %v, next %d, %v, want %v, %d, %v", offsets(got), got.Next, err, test.want, test.next, test.err)
			}
		})
	}
}

func TestWalkTakesTheBrokersTimeWhereTheTopicSaysSo(t *testing.T) {
	for attributes, want := range map[int16]int64{0: 1001, brokerTime: 5000} {
		set := batch{base: 1, lastDelta: 1, deltas: []int32{1}, attributes: attributes}.bytes()
		got, err := records.Walk(set, 0, records.Limit{Bytes: 1000})
		if err != nil || len(got.Records) != 1 || got.Records[0].Time.UnixMilli() != want {
			t.Errorf("attributes %x: got %+v, %v, want the time %d", attributes, got, err, want)
		}
	}
}

func TestWalkReadsTheOldFormats(t *testing.T) {
	at := time.UnixMilli(1_600_000_000_000).UTC()
	ms := at.UnixMilli()
	record := func(offset int64, at time.Time, key, value []byte) event.Record {
		return event.Record{Place: event.Place{Offset: offset}, Time: at, Key: key, Value: value}
	}
	k, v := []byte("k"), []byte("v")
	var relative, absolute []byte
	for i := range int64(3) {
		relative = append(relative, message(1, 0, i, ms, k, v)...)
		absolute = append(absolute, message(0, 0, 40+i, 0, k, v)...)
	}
	tests := map[string]struct {
		set   []byte
		asked int64
		want  []event.Record
		next  int64
	}{
		"format 0": {message(0, 0, 40, 0, k, nil), 0, []event.Record{record(40, time.Time{}, k, nil)}, 41},
		"format 1": {message(1, 0, 40, ms, []byte{}, v), 0, []event.Record{record(40, at, []byte{}, v)}, 41},
		"format 0, compressed": {
			message(0, 1, 42, 0, nil, records.Pack(1, absolute)), 42,
			[]event.Record{record(42, time.Time{}, k, v)},
			43,
		},
		"format 1, compressed": {
			message(1, 2, 42, ms, nil, records.Pack(2, relative)), 41,
			[]event.Record{record(41, at, k, v), record(42, at, k, v)},
			43,
		},
		"format 1, broker's time": {
			message(1, 1|brokerTime, 42, ms+1, nil, records.Pack(1, relative)), 42,
			[]event.Record{record(42, at.Add(time.Millisecond), k, v)},
			43,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := records.Walk(test.set, test.asked, records.Limit{Bytes: 1000})
			if err != nil || got.Next != test.next || !reflect.DeepEqual(got.Records, test.want) {
				t.Errorf("got %+v, %v, want %+v, next %d", got, err, test.want, test.next)
			}
		})
	}
	broken := message(1, 0, 40, ms, k, v)
	broken[len(broken)-1]++
	if got, err := records.Walk(broken, 40, records.Limit{Bytes: 1000}); !errors.Is(err, records.ErrCorrupt) || got.Next != 40 {
		t.Errorf("got %+v, %v, want %v", got, err, records.ErrCorrupt)
	}
}

func FuzzWalk(f *testing.F) {
	f.Add(batch{base: 100, lastDelta: 9, deltas: []int32{0, 4, 9}}.bytes(), int64(100))
	f.Add(batch{base: 100, lastDelta: 9, deltas: []int32{0, 9}, attributes: 1}.bytes(), int64(104))
	f.Add(batch{base: 1, deltas: []int32{0}, attributes: control | inTransaction, abort: true}.bytes(), int64(0))
	f.Add(message(1, 0, 40, 1, []byte("k"), nil), int64(40))
	f.Fuzz(func(t *testing.T, set []byte, asked int64) {
		if len(set) > 21 && set[16] == 2 {
			seal(set) // otherwise nothing gets past the checksum
		}
		got, err := records.Walk(set, asked, records.Limit{Bytes: 1000}, records.NewAborted(0, 3))
		if err != nil && (got.Next != asked || !errors.Is(err, records.ErrCorrupt)) {
			t.Errorf("got next %d and %v, want %d and %v", got.Next, err, asked, records.ErrCorrupt)
		}
		last := asked - 1
		for _, r := range got.Records {
			if r.Offset <= last {
				t.Errorf("got offsets %v from %d, want them to rise", offsets(got), asked)
			}
			last = r.Offset
		}
		if got.Next <= last && got.Next != asked {
			t.Errorf("got next %d and a record at offset %d, want next above it", got.Next, last)
		}
	})
}

func FuzzParseFetch(f *testing.F) {
	response := kmsg.NewFetchResponse()
	topic := kmsg.NewFetchResponseTopic()
	topic.Topic = "orders"
	partition := kmsg.NewFetchResponseTopicPartition()
	partition.Partition = 3
	partition.AbortedTransactions = append(partition.AbortedTransactions,
		kmsg.NewFetchResponseTopicPartitionAbortedTransaction())
	partition.RecordBatches = []byte("set")
	topic.Partitions = append(topic.Partitions, partition)
	response.Topics = append(response.Topics, topic)
	for version := int16(4); version <= 11; version++ {
		response.Version = version
		body := response.AppendTo(nil)
		if p, err := records.ParseFetch(body, version, 3); err != nil || string(p.Set()) != "set" {
			f.Fatalf("version %d: got %q, %v, want the set", version, p.Set(), err)
		}
		if _, err := records.ParseFetch(body, version, 4); !errors.Is(err, records.ErrCorrupt) {
			f.Fatalf("version %d, another partition: got %v, want %v", version, err, records.ErrCorrupt)
		}
		for cut := range body {
			if _, err := records.ParseFetch(body[:cut], version, 3); !errors.Is(err, records.ErrCorrupt) {
				f.Fatalf("version %d, cut at %d: got %v, want %v", version, cut, err, records.ErrCorrupt)
			}
		}
		f.Add(body, version)
	}
	f.Fuzz(func(t *testing.T, body []byte, version int16) {
		_, err := records.ParseFetch(body, version, 3)
		if err != nil && !errors.Is(err, records.ErrCorrupt) {
			t.Errorf("got %v, want %v", err, records.ErrCorrupt)
		}
	})
}

// The figure to watch is allocations: one per record.
func BenchmarkWalk(b *testing.B) {
	deltas := make([]int32, 1000)
	for i := range deltas {
		deltas[i] = int32(i)
	}
	for name, codec := range map[string]int16{"plain": 0, "zstd": 4} {
		set := batch{lastDelta: 999, deltas: deltas, attributes: codec, values: 200}.bytes()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got, err := records.Walk(set, 0, records.Limit{Bytes: 1 << 20}); err != nil || got.Next != 1000 {
					b.Fatal(got.Next, err)
				}
			}
		})
	}
}

// brokenLZ4 returns what producers of message format 0 made of a set: an LZ4 frame whose header checksum covers more
// than the header (KAFKA-3160).
func brokenLZ4(set []byte) []byte {
	packed := records.Pack(3, set)
	end := 4 + 2
	if packed[4]&0x08 != 0 {
		end += 8
	}
	packed[end] = byte(records.XXHash32(packed[:end]) >> 8)
	return packed
}

func TestFormat0WithLZ4IsRead(t *testing.T) {
	var set []byte
	for i := range int64(3) {
		set = append(set, message(0, 0, 40+i, 0, []byte("k"), []byte("v"))...)
	}
	wrong := records.Pack(3, set)
	wrong[6] ^= 0xff
	// The same frame with the length of its content, which the flag 0x08 announces.
	plain := records.Pack(3, set)
	sized := slices.Concat(plain[:4], []byte{plain[4] | 0x08, plain[5]},
		binary.LittleEndian.AppendUint64(nil, uint64(len(set))), []byte{0}, plain[7:])
	for name, packed := range map[string][]byte{
		"the checksum of old producers":   brokenLZ4(set),
		"the right one":                   records.Pack(3, set),
		"any other, as Kafka's own takes": wrong,
		"any, after the content's size":   sized,
	} {
		got, err := records.Walk(message(0, 3, 42, 0, nil, packed), 41, records.Limit{Bytes: 1000})
		if err != nil || !slices.Equal(offsets(got), []int64{41, 42}) || got.Next != 43 {
			t.Errorf("%s: got %v, next %d, %v, want 41 and 42, next 43", name, offsets(got), got.Next, err)
		}
	}
	// In format 1, a wrong checksum means that the frame is damaged.
	set = message(1, 0, 0, 1, nil, nil)
	if _, err := records.Walk(message(1, 3, 42, 1, nil, brokenLZ4(set)), 42, records.Limit{Bytes: 1000}); !errors.Is(err, records.ErrCorrupt) {
		t.Errorf("format 1: got %v, want %v", err, records.ErrCorrupt)
	}
}

// The producer of Kafka 0.11 wrote this with compression.type=lz4 into a topic with message.format.version=0.9.0.
func TestFormat0WithLZ4OfARealProducerIsRead(t *testing.T) {
	set, err := hex.DecodeString("00000000000000010000006fe01d47390003ffffffff0000006104224d18" +
		"60401a5200000016000100f32432495007070000ffffffff" +
		"000000247b226f726465725f6964223a226f6c642d31222c22737461747573223a2270616964227d3d009f010000" +
		"00323de401f63e000819333e0050616964227d00000000")
	if err != nil {
		t.Fatal(err)
	}
	got, err := records.Walk(set, 0, records.Limit{Bytes: 1000})
	if err != nil || got.Next != 2 || len(got.Records) != 2 {
		t.Fatalf("got %+v, %v, want two records", got, err)
	}
	for i, want := range []string{`{"order_id":"old-1","status":"paid"}`, `{"order_id":"old-3","status":"paid"}`} {
		if value := string(got.Records[i].Value); value != want {
			t.Errorf("record %d: got %s, want %s", i, value, want)
		}
	}
}

// The test vectors come from the specification and its reference implementation.
func TestXXHash32(t *testing.T) {
	for text, want := range map[string]uint32{
		"": 0x02cc5d05, "a": 0x550d7456, "abc": 0x32d153ff, "abcd": 0xa3643705,
		"abcdefghij": 0x8b988cfe,
	} {
		if got := records.XXHash32([]byte(text)); got != want {
			t.Errorf("%q: got %08x, want %08x", text, got, want)
		}
	}
}

func TestABatchThatCannotBeReadSaysWhereItIs(t *testing.T) {
	sealed := func(change func(b []byte)) []byte {
		b := batch{base: 100, lastDelta: 9, deltas: []int32{0, 9}, attributes: 1}.bytes()
		change(b)
		seal(b)
		return b
	}
	spoilt := batch{base: 100, lastDelta: 9, deltas: []int32{0, 9}}.bytes()
	spoilt[len(spoilt)-1]++
	negative := sealed(func([]byte) {})
	negative[8] = 0xff
	old := message(1, 0, 100, 1, nil, []byte("v"))
	old[len(old)-1]++
	for name, test := range map[string]struct {
		set         []byte
		asked       int64
		first, last int64
		says        string
	}{
		"a checksum":               {spoilt, 100, 100, 109, "checksum"},
		"a checksum, asked inside": {spoilt, 104, 104, 109, "checksum"},
		"an unknown compression":   {sealed(func(b []byte) { b[22] = 5 }), 100, 100, 109, "compression 5 is not known"},
		"an unknown format": {
			sealed(func(b []byte) { b[16] = 3 }), 100, 100, 100,
			"the event at offset 100 cannot be read: corrupt data: record format 3 is not known",
		},
		"an LZ4 frame of one byte": {message(0, 3, 100, 0, nil, []byte("\x04")), 100, 100, 100, "corrupt"},
		"an LZ4 frame's number":    {message(0, 3, 100, 0, nil, []byte("\x04\x22\x4d\x18")), 100, 100, 100, "corrupt"},
		"an LZ4 frame that is cut": {
			message(0, 3, 100, 0, nil, []byte("\x04\x22\x4d\x18\x60\x40")), 100, 100, 100,
			"corrupt",
		},
		"compressed bytes, broken": {
			sealed(func(b []byte) { copy(b[61:], "nonsense") }), 100, 100, 109,
			"compressed record",
		},
		"a batch that is cut": {
			batch{base: 100, lastDelta: 9, deltas: []int32{0, 9}}.bytes()[:70], 100, 100, 109,
			"cut short",
		},
		"a negative length":  {negative, 100, 100, 109, "a batch of"},
		"an implausible end": {sealed(func(b []byte) { b[22], b[23] = 5, 0x7f }), 100, 100, 100, "compression 5"},
		"an old message":     {old, 90, 90, 100, "checksum"},
	} {
		_, err := records.Walk(test.set, test.asked, records.Limit{Bytes: 1000})
		var unreadable *records.UnreadableError
		if !errors.As(err, &unreadable) || !errors.Is(err, records.ErrCorrupt) {
			t.Errorf("%s: got %v, want an UnreadableError", name, err)
			continue
		}
		if unreadable.First != test.first || unreadable.Last != test.last || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want offsets %d to %d and %q", name, err, test.first, test.last, test.says)
		}
	}
}
