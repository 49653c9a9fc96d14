package broker_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/dial"
)

// speakers are peers that are not brokers: what they send, and how our error describes them.
var speakers = map[string]struct {
	greets bool // sends before any request
	sends  string
	floods bool // with zeros after that
	want   string
}{
	"a web server": {
		sends: "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
		want:  "speaks HTTP, not Kafka",
	},
	"an old web server": {sends: "<html>", want: "speaks HTTP, not Kafka"},
	"a gRPC server": {
		sends: "\x00\x00\x0c\x04\x00\x00\x00\x00\x00\x00\x05\x00\x10\x00\x00",
		want:  "speaks HTTP/2, not Kafka",
	},
	"an SSH server": {greets: true, sends: "SSH-2.0-OpenSSH_9.6\r\n", want: "speaks SSH, not Kafka"},
	"a mail server": {
		greets: true, sends: "220 mail.example.com ESMTP\r\n",
		want: "speaks SMTP or FTP, not Kafka",
	},
	"Redis": {
		sends: "-ERR unknown command\r\n",
		want:  "speaks Redis's protocol or POP3, not Kafka",
	},
	"PostgreSQL": {
		sends: "E\x00\x00\x00\x92SFATAL\x00",
		want:  "speaks PostgreSQL's protocol, not Kafka",
	},
	"MySQL": {
		greets: true, sends: "\x4a\x00\x00\x00\x0a8.0.36\x00",
		want: "speaks MySQL's protocol, not Kafka",
	},
	"RabbitMQ": {sends: "AMQP\x00\x00\x09\x01", want: "speaks AMQP, not Kafka"},
	"NATS": {
		greets: true, sends: `INFO {"server_id":"x"}`,
		want: "speaks NATS's protocol, not Kafka",
	},
	"something else": {
		sends: "\xff\xfb\x01\xff\xfb\x03",
		want:  `does not speak Kafka: its response begins with "\xff\xfb\x01`,
	},
	"2 GB of zeros": {
		sends: "\x7f\xff\xff\xff", floods: true,
		want: `does not speak Kafka: its response begins with "\x7f\xff\xff\xff`,
	},
	"a small size, and zeros": {
		sends: "\x00\x00\x10\x00", floods: true,
		want: `its response begins with "\x00\x00\x10\x00\x00\x00\x00\x00"`,
	},
	"zeros": {floods: true, want: `does not speak Kafka: its response begins with "\x00\x00\x00\x00`},
	"a negative size": {
		sends: "\xff\xff\xff\xff\x00\x00\x00\x01",
		want:  `does not speak Kafka: its response begins with "\xff\xff\xff\xff`,
	},
	"a response, and then all of it": {
		sends: "\x00\x0f\xff\xff\x00\x00\x00\x01", floods: true,
		want: "sent a response to ApiVersions that no Kafka broker sends: it is longer than its content",
	},
	"a list with a negative count": {
		sends: "\x00\x00\x00\x0a\x00\x00\x00\x01\x00\x00\xff\xff\xff\xff",
		want:  "a list in it has a negative length",
	},
	"a list that claims too much": {
		sends: "\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x7f\xff\xff\xff\x00\x00\x00\x00\x00\x00",
		want:  "a list in it claims 2147483647 elements in 6 bytes",
	},
	"less than a size": {sends: "no\n", want: `does not speak Kafka: its response begins with "no\n"`},
}

// speak starts a server and returns its address. On each connection the server waits for a request, unless it greets,
// and then sends the given bytes. If it floods, endless zeros follow. It hangs up when the client does, or at once if
// sends has fewer than 4 bytes.
func speak(t *testing.T, greets bool, sends string, floods bool) (addr string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var peers sync.WaitGroup
	peers.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			peers.Go(func() { answer(conn, greets, sends, floods) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		peers.Wait()
	})
	return listener.Addr().String()
}

func answer(conn net.Conn, greets bool, sends string, floods bool) {
	defer conn.Close()
	if !greets {
		if _, err := conn.Read(make([]byte, 4096)); err != nil {
			return
		}
	}
	_, err := io.WriteString(conn, sends)
	for zeros := make([]byte, 64<<10); floods && err == nil; {
		_, err = conn.Write(zeros)
	}
	if len(sends) < 4 {
		return // the peer hangs up
	}
	_, _ = io.Copy(io.Discard, conn)
}

func TestAPeerThatIsNoBrokerIsNamedAndCostsNoMemory(t *testing.T) {
	for name, peer := range speakers {
		t.Run(name, func(t *testing.T) {
			addr := speak(t, peer.greets, peer.sends, peer.floods)
			cluster, err := broker.Open(broker.Options{Brokers: []string{addr}, Topics: []string{"orders"}})
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			before := allocated()
			_, err = cluster.Topics(t.Context(), "orders")
			refused(t, "Transport", err, addr+" ", peer.want, "check KAFKA_BROKERS")
			conn, err := cluster.Dialer().DialContext(t.Context(), "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			_, err = conn.ApiVersions()
			refused(t, "Dialer", err, addr+" ", peer.want, "check KAFKA_BROKERS")
			if took := allocated() - before; took > 8<<20 {
				t.Errorf("got %d MB allocated, want hardly any", took>>20)
			}
		})
	}
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

// allocated counts all bytes allocated so far, freed or not.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestAServerWithoutTLSIsNamed(t *testing.T) {
	t.Parallel()
	addr := speak(t, true, "SSH-2.0-OpenSSH_9.6\r\n", false)
	cluster, err := broker.Open(broker.Options{Brokers: []string{addr}, Topics: []string{"orders"}, TLS: &dial.TLS{}})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	_, err = cluster.Topics(t.Context(), "orders")
	refused(t, "Topics", err, addr+" speaks SSH, not Kafka", "check KAFKA_BROKERS")
}

func TestAForeignPeerAtAnAdvertisedAddressIsReportedAsAdvertised(t *testing.T) {
	t.Parallel()
	fake := fakeKafka(t)
	web := speak(t, false, "HTTP/1.1 400 Bad Request\r\n\r\n", false)
	cluster := open(t, fake, func(o *broker.Options) {
		o.Brokers = []string{"bootstrap.example:9092"}
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			to := web
			if address == "bootstrap.example:9092" {
				to = fake.ListenAddrs()[0]
			}
			return new(net.Dialer).DialContext(ctx, network, to)
		}
	})
	_, err := cluster.Fetch(t.Context(), broker.FetchRequest{Topic: "orders", MaxWait: 100 * time.Millisecond})
	refused(t, "fetch", err, fake.ListenAddrs()[0]+" speaks HTTP",
		"a broker advertised this address: check its advertised.listeners")
}

func TestAFetchThatPromisesMuchCostsWhatArrives(t *testing.T) {
	fake := fakeKafka(t)
	cluster := open(t, fake, withDial(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return &promising{Conn: conn}, err
	}))
	if _, err := cluster.Topics(t.Context(), "orders"); err != nil {
		t.Fatal(err)
	}
	before := allocated()
	_, err := cluster.Fetch(t.Context(), broker.FetchRequest{Topic: "orders", MaxWait: 100 * time.Millisecond})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want %v", err, io.ErrUnexpectedEOF)
	}
	if took := allocated() - before; took > 8<<20 {
		t.Errorf("got %d MB allocated for a promise of 255", took>>20)
	}
}

// promising is a connection whose response to a fetch announces 255 MiB and contains 100 bytes.
type promising struct {
	net.Conn
	promise *bytes.Reader
}

func (p *promising) Write(b []byte) (int, error) {
	if len(b) > 12 && int16(binary.BigEndian.Uint16(b[4:])) == int16(protocol.Fetch) {
		promise := binary.BigEndian.AppendUint32(nil, 255<<20)
		p.promise = bytes.NewReader(append(append(promise, b[8:12]...), make([]byte, 100)...))
		return len(b), nil
	}
	return p.Conn.Write(b)
}

func (p *promising) Read(b []byte) (int, error) {
	if p.promise != nil {
		return p.promise.Read(b)
	}
	return p.Conn.Read(b)
}
