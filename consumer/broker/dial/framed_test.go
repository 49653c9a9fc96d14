package dial_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/broker/dial"
)

// canned is a connection that returns a prepared response.
type canned struct {
	net.Conn
	response *bytes.Reader
}

func (c canned) Read(b []byte) (int, error)     { return c.response.Read(b) }
func (canned) Write(b []byte) (int, error)      { return len(b), nil }
func (canned) SetReadDeadline(time.Time) error  { return nil }
func (canned) SetWriteDeadline(time.Time) error { return nil }

// requestHead returns the first bytes of a request.
func requestHead(key, version int16, id int32) []byte {
	head := binary.BigEndian.AppendUint32(nil, 10)
	head = binary.BigEndian.AppendUint16(head, uint16(key))
	head = binary.BigEndian.AppendUint16(head, uint16(version))
	head = binary.BigEndian.AppendUint32(head, uint32(id))
	return append(head, 0, 0)
}

// receive sends a request and reads its response with kafka-go's decoder.
func receive(key, version int16, response []byte) error {
	conn := dial.Frame(canned{response: bytes.NewReader(response)}, "kafka:9092")
	if _, err := conn.Write(requestHead(key, version, 7)); err != nil {
		return err
	}
	_, _, err := protocol.ReadResponse(conn, protocol.ApiKey(key), version)
	return err
}

// fill sets each field of a message to some value.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("name")
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case reflect.Uint8:
		v.SetUint(7)
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.SetInt(1)
	}
}

// responses calls test with a response of each kind and version that a broker may send us.
func responses(t *testing.T, test func(t *testing.T, key, version int16, response []byte)) {
	t.Helper()
	kinds := 0
	for key := range int16(64) {
		shape := dial.Shape(key)
		if shape == nil {
			continue
		}
		kinds++
		api := protocol.ApiKey(key)
		t.Run(api.String(), func(t *testing.T) {
			for version := api.MinVersion(); version <= api.MaxVersion(); version++ {
				filled := reflect.New(shape)
				fill(filled.Elem())
				if key == int16(protocol.SyncGroup) {
					assignment := "\x00\x01\x00\x00\x00\x01\x00\x06orders\x00\x00\x00\x01\x00\x00\x00\x05\x00\x00\x00\x00"
					filled.Elem().FieldByName("Assignments").SetBytes([]byte(assignment))
				}
				var written bytes.Buffer
				message, _ := reflect.TypeAssert[protocol.Message](filled)
				if err := protocol.WriteResponse(&written, version, 7, message); err != nil {
					t.Fatal(err)
				}
				test(t, key, version, written.Bytes())
			}
		})
	}
	if kinds != 20 {
		t.Errorf("got %d kinds of responses, want 20", kinds)
	}
}

func TestWholeResponsesReachKafkaGo(t *testing.T) {
	responses(t, func(t *testing.T, key, version int16, response []byte) {
		t.Helper()
		if err := receive(key, version, response); err != nil {
			t.Errorf("version %d: got %v", version, err)
		}
		const early = "connection to kafka:9092 ended in the middle of a response"
		if err := receive(key, version, response[:len(response)-1]); err == nil || !strings.Contains(err.Error(), early) {
			t.Errorf("version %d: got %v, want %q", version, err, early)
		}
	})
}

// Whichever number in a response is wrong, allocations stay close to the size of what has arrived.
func TestNoNumberInAResponseIsTrusted(t *testing.T) {
	lies := map[string]string{
		"four million":         "\x00\x3f\xff\xff", // first, because even a decoder that trusts it survives
		"all there are":        "\x7f\xff\xff\xff",
		"less than none":       "\xff\xff\xff\xff",
		"a varint of 4 GB":     "\xff\xff\xff\xff\x0f",
		"a varint of 64 bits":  "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"a varint without end": "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	}
	for _, name := range []string{
		"four million", "all there are", "less than none", "a varint of 4 GB",
		"a varint of 64 bits", "a varint without end",
	} {
		lie := lies[name]
		responses(t, func(t *testing.T, key, version int16, response []byte) {
			t.Helper()
			for at := range len(response) - len(lie) + 1 {
				bad := bytes.Clone(response)
				copy(bad[at:], lie)
				before := allocated()
				_ = receive(key, version, bad)
				if took := allocated() - before; took > 1<<20 {
					t.Fatalf("version %d, %s at byte %d: got %d MB allocated", version, name, at, took>>20)
				}
			}
		})
		if t.Failed() {
			return
		}
	}
}

func TestAnImpossibleLengthIsNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		key     protocol.ApiKey
		version int16
		body    string // after the correlation id
		want    string
	}{
		"an assignment": {
			protocol.SyncGroup, 0, "\x00\x00" + "\x00\x00\x00\x0d" + "\x00\x01\x3f\xff\xff\xff\x00\x01o\x00\x00\x00\x00",
			"a list in it claims 1073741823 elements in 7 bytes",
		},
		"a string": {
			protocol.FindCoordinator, 0, "\x00\x00\x00\x00\x00\x01\x7f\xffab\x00\x00",
			"a length in it claims 32767 bytes, and 4 are left",
		},
		"a list with a negative count": {
			protocol.Metadata, 1, "\xff\xff\xff\xfe\x00\x00\x00\x00",
			"a list in it has a negative length",
		},
		"a compact list": {
			protocol.CreateTopics, 5, "\x00\x00\x00\x00\x00\x7f\x00\x00\x00\x00\x00\x00",
			"a length in it exceeds the size of the response",
		},
		"a number without end": {
			protocol.CreateTopics, 5, "\x00\x00\x00\x00\x00" + strings.Repeat("\xff", 20),
			"a number in it does not end",
		},
		"a tagged field": {
			protocol.CreateTopics, 5, "\x01\x09\x7fabcdef",
			"a tagged field in it is longer than the rest of it",
		},
	} {
		response := sized("\x00\x00\x00\x07" + test.body)
		refused(t, name, receive(int16(test.key), test.version, []byte(response)), test.want)
	}
}

func TestAResponseWithoutARequestIsRefused(t *testing.T) {
	t.Parallel()
	for _, key := range []protocol.ApiKey{protocol.Heartbeat, protocol.Fetch} { // the API of the only request
		once := sized("\x00\x00\x00\x02\x00\x00")
		unasked := sized("\x00\x00\x00\x00\x00\x00\x00\x00")
		conn := dial.Frame(canned{response: bytes.NewReader([]byte(once + unasked))}, "kafka:9092")
		_, _ = conn.Write(requestHead(int16(key), 0, 2))
		if _, err := io.ReadFull(conn, make([]byte, len(once))); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the error persists
			_, err := conn.Read(make([]byte, 4))
			refused(t, key.String(), err, "does not speak Kafka")
		}
	}
}

func TestALargeResponseDoesNotKeepItsMemory(t *testing.T) {
	const size = 32 << 20
	small := []byte(sized("\x00\x00\x00\x07\x00\x00"))
	large := append(binary.BigEndian.AppendUint32(nil, size), "\x00\x00\x00\x07"...)
	large = append(append(large, make([]byte, size-4)...), small...)
	conn := dial.Frame(canned{response: bytes.NewReader(large)}, "kafka:9092")
	_, _ = conn.Write(requestHead(int16(protocol.ListGroups), 4, 7))
	_, _ = conn.Write(requestHead(int16(protocol.Heartbeat), 0, 7))
	before := inUse()
	if _, err := io.CopyN(io.Discard, conn, int64(len(large))); err != nil {
		t.Fatal(err)
	}
	if took := inUse() - before; took > size/4 {
		t.Errorf("got %d MB held after a large response and a small one, want hardly any", took>>20)
	}
	runtime.KeepAlive(conn)
	runtime.KeepAlive(large)
}

// inUse returns the size of the reachable memory.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// kafka-go does not know the versions that we read ourselves, so its types do not describe their fields.
func TestResponsesThatWeReadOurselvesPassWhole(t *testing.T) {
	t.Parallel()
	const version = 4 // of ListGroups
	body := append([]byte("\x00\x00\x00\x07"), make([]byte, 200<<10)...)
	response := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	conn := dial.Frame(canned{response: bytes.NewReader(response)}, "kafka:9092")
	_, _ = conn.Write(requestHead(int16(protocol.ListGroups), version, 7))
	got := make([]byte, len(response))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, response) {
		t.Errorf("got %v, want the response as it is", err)
	}
}

// A response that announces many bytes costs only the memory of the bytes that have arrived.
func TestMemoryGrowsWithWhatArrives(t *testing.T) {
	for name, key := range map[string]protocol.ApiKey{"metadata": protocol.Metadata, "versions": protocol.ApiVersions} {
		size := map[protocol.ApiKey]uint32{protocol.Metadata: 60 << 20, protocol.ApiVersions: 1 << 20}[key]
		response := append(binary.BigEndian.AppendUint32(nil, size),
			"\x00\x00\x00\x07\x00\x00\x00\x0f\x42\x40\x00\x00\x00\x00"...)
		before := allocated()
		if err := receive(int16(key), 0, response); err == nil {
			t.Errorf("%s: got no error for a response that ends early", name)
		}
		if took := allocated() - before; took > 1<<20 {
			t.Errorf("%s: got %d MB allocated for a few bytes", name, took>>20)
		}
	}
}

func TestResponsesAreSeparatedForAnyReadSize(t *testing.T) {
	t.Parallel()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	addr := fake.ListenAddrs()[0]
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	large := &kgo.Record{Topic: "orders", Value: []byte(strings.Repeat("x", 100<<10))}
	if err := client.ProduceSync(t.Context(), large).FirstErr(); err != nil {
		t.Fatal(err)
	}
	raw, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn := kafka.NewConn(dial.Frame(raw, addr), "orders", 0)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	var hands sync.WaitGroup
	for range 8 { // the goroutines' requests overlap on the connection
		hands.Go(func() {
			for range 20 {
				if got, err := conn.ReadPartitions("orders"); err != nil || len(got) != 2 {
					t.Errorf("got %d partitions, %v, want 2", len(got), err)
				}
			}
		})
	}
	hands.Wait()
	message, err := conn.ReadMessage(1 << 20) // a fetch on the same connection
	if err != nil || len(message.Value) != 100<<10 {
		t.Errorf("got a message of %d bytes, %v", len(message.Value), err)
	}
}

const handshakeAnswer = "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"

// sized returns text preceded by its length.
func sized(text string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(text)))) + text
}

// Brokers before 1.0 accept login tokens that have no header, and respond without one.
func TestTheLoginOfOldBrokersIsPassedOn(t *testing.T) {
	t.Parallel()
	for name, tokens := range map[string][][2]string{
		"PLAIN":                   {{"\x00worker\x00secret", ""}},
		"PLAIN with a short name": {{"\x00w\x00s", ""}},
		"SCRAM": {
			{"n,,n=worker,r=1234567890", "r=1234567890abc,s=c2FsdA==,i=4096"},
			{"c=biws,r=1234567890abc,p=cHJvb2Y=", "v=dmVyaWZpZXI="},
		},
		"a token of a few letters": {{"n,,", "r=1"}},
		"a name beyond ASCII":      {{"\x00é\x00secret", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := []string{string(requestHead(int16(protocol.SaslHandshake), 0, 1))}
			answers := []string{sized(handshakeAnswer)}
			for _, token := range tokens {
				requests, answers = append(requests, sized(token[0])), append(answers, sized(token[1]))
			}
			requests = append(requests, string(requestHead(int16(protocol.Heartbeat), 0, 2)))
			answers = append(answers, sized("\x00\x00\x00\x02\x00\x00"))
			for _, piece := range []int{1, 6, 11} { // the bytes may be cut anywhere
				converse(t, requests, answers, piece)
			}
		})
	}
}

// converse writes requests in pieces, and checks the response to each request.
func converse(t *testing.T, requests, answers []string, piece int) {
	t.Helper()
	responses := strings.Join(answers, "") + sized("\x00\x00\x00\x09\x00\x00")
	conn := dial.Frame(canned{response: bytes.NewReader([]byte(responses))}, "old:9092")
	for i, request := range requests {
		for part := range slices.Chunk([]byte(request), piece) {
			_, _ = conn.Write(part)
		}
		var got []byte
		for len(got) < len(answers[i]) {
			part := make([]byte, min(piece, len(answers[i])-len(got)))
			if _, err := io.ReadFull(conn, part); err != nil {
				t.Fatalf("response %d: got %q, %v, want %q", i, got, err, answers[i])
			}
			got = append(got, part...)
		}
		if string(got) != answers[i] {
			t.Errorf("response %d: got %q, want %q", i, got, answers[i])
		}
	}
	_, _ = conn.Write(requestHead(int16(protocol.Heartbeat), 0, 3))
	_, err := conn.Read(make([]byte, 4))
	refused(t, "a response to another request after the login", err, "does not speak Kafka")
}

func TestTheLengthOfALoginTokenIsNotTrusted(t *testing.T) {
	t.Parallel()
	response := sized(handshakeAnswer) + "\x00\x20\x00\x00" + strings.Repeat("x", 100)
	conn := dial.Frame(canned{response: bytes.NewReader([]byte(response))}, "old:9092")
	_, _ = conn.Write(requestHead(int16(protocol.SaslHandshake), 0, 1))
	if _, err := io.ReadFull(conn, make([]byte, len(sized(handshakeAnswer)))); err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write([]byte(sized("\x00worker\x00secret")))
	_, err := conn.Read(make([]byte, 4))
	refused(t, "a token", err, "does not speak Kafka")
}

// allocated counts all bytes allocated so far, freed or not.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func refused(t *testing.T, by string, err error, want ...string) {
	t.Helper()
	if !errors.Is(err, dial.ErrNotKafka) {
		t.Errorf("%s: got %v, want %v", by, err, dial.ErrNotKafka)
		return
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: got %q, want %q in it", by, err, w)
		}
	}
}
