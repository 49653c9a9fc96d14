package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/config"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// silentPeer returns the address of a server that accepts connections and never responds.
func silentPeer(t *testing.T) string {
	t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns []net.Conn
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns = append(conns, c)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
		for _, c := range conns {
			_ = c.Close()
		}
	})
	return l.Addr().String()
}

// untilWritten is a writer that cancels a context once its output contains the given text.
type untilWritten struct {
	mu     sync.Mutex
	out    bytes.Buffer
	text   string
	cancel context.CancelFunc
}

func (u *untilWritten) Write(b []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.out.Write(b)
	if strings.Contains(u.out.String(), u.text) {
		u.cancel()
	}
	return len(b), nil
}

func (u *untilWritten) String() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.out.String()
}

func TestACommandThatWaitsSaysForWhat(t *testing.T) {
	for _, v := range config.Variables() {
		t.Setenv(v.Name, v.Default)
	}
	addr := silentPeer(t)
	t.Setenv("KAFKA_BROKERS", addr)
	t.Setenv("KAFKA_TOPICS", "orders")
	var commands sync.WaitGroup
	defer commands.Wait()
	for line, want := range map[string]string{
		"letters list":                       "waiting for Kafka at " + addr + "…\n",
		"letters show orders/0/1":            "waiting for Kafka at " + addr + "…\n",
		"pause --reason why --by me":         "waiting for Kafka at " + addr + "…\n",
		"resume --by me":                     "waiting for Kafka at " + addr + "…\n",
		"preview":                            "waiting for Kafka at " + addr + "…\n",
		"preview --follow":                   "waiting for Kafka at " + addr + "…\n",
		"status " + addr:                     "waiting for the workers' responses…\n",
		"resume --by me -o json":             "waiting for Kafka at " + addr + "…\n",
		"pause --reason why --by me -o json": "waiting for Kafka at " + addr + "…\n",
	} {
		commands.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			said := &untilWritten{text: want, cancel: cancel}
			var out bytes.Buffer
			code := execute(ctx, strings.Fields(line), streams{in: strings.NewReader(""), out: &out, err: said})
			if !strings.HasPrefix(said.String(), want) || strings.Count(said.String(), want) != 1 || code != exitError {
				t.Errorf("%s: got exit code %d, %q and %q, want %q once", line, code, out.String(), said.String(), want)
			}
		})
	}
}

func TestAnErrorOfTheConnectionEndsWithWhatToCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"nothing": {nil, false},
		"refused": {&kafkaerr.Error{
			Op: "describe topics", Partition: -1,
			Err: &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded},
		}, true},
		"no response":      {fmt.Errorf("append: %w", context.DeadlineExceeded), true},
		"a broker's error": {&kafkaerr.Error{Op: "describe topics", Partition: -1, Err: errors.New("EOF")}, true},
		"a refused login": {
			&kafkaerr.Error{Op: "describe topics", Partition: -1, Code: 58, Err: errors.New("SASL")},
			true,
		},
		"an error about a topic": {
			&kafkaerr.Error{Op: "fetch", Topic: "orders", Code: 29, Err: errors.New("not authorised")},
			false,
		},
		"interrupted":   {context.Canceled, false},
		"another error": {errors.New("the disk is full"), false},
	} {
		got := hinted([]string{"orders"}, c.err)
		if (got != nil && strings.Contains(got.Error(), "check KAFKA_BROKERS")) != c.want || !errors.Is(got, c.err) {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestAMissingTopicIsNamedWithItsSetting(t *testing.T) {
	t.Parallel()
	absent := kafkaerr.New("describe topic", "orders", -1, kafka.UnknownTopicOrPartition)
	const want = "topic orders does not exist; create it, or check KAFKA_TOPICS"
	if got := hinted([]string{"orders"}, fmt.Errorf("read orders: %w", absent)); got.Error() != want ||
		!errors.Is(got, kafkaerr.ErrUnknownPartition) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := hinted([]string{"others"}, absent); !errors.Is(got, absent) || strings.Contains(got.Error(), "KAFKA_TOPICS") {
		t.Errorf("got %q for a topic outside KAFKA_TOPICS, want Kafka's own text", got)
	}
}

func TestANameThatDoesNotResolveNeedsNoOtherLogin(t *testing.T) {
	t.Parallel()
	unknown := &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "kafka-9", IsNotFound: true}}
	got := hinted(nil, fmt.Errorf("describe topics: %w", unknown)).Error()
	if !strings.HasSuffix(got, "; check KAFKA_BROKERS, and that this machine resolves the name") {
		t.Errorf("got %q, want nothing about TLS and SASL", got)
	}
}
