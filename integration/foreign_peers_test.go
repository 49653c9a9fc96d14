package integration_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/integration/peer"
	"leadhit-sync/integration/program"
)

// memoryOfWaiting is a generous limit on the memory of a worker without a partition, in MiB.
const memoryOfWaiting = 64

// testStrangers: if a program at a broker's address is not a broker, the log shows what it is, and the program cannot
// make the worker allocate much memory.
func (s *suite) testStrangers(t *testing.T) {
	t.Parallel()
	binary := buildWithoutRace(t)
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	zeros := strings.Repeat("\x00", 64<<10)
	for name, test := range map[string]struct{ broker, says string }{
		"a web server": {strings.TrimPrefix(web.URL, "http://"), "speaks HTTP, not Kafka; check KAFKA_BROKERS"},
		"an SSH server": {
			peer.Listen(t, "SSH-2.0-OpenSSH_9.6\r\n", ""), "speaks SSH, not Kafka; check KAFKA_BROKERS",
		},
		"a promise of 2 GB, and zeros": {peer.Listen(t, "\x7f\xff\xff\xff", zeros), "does not speak Kafka: its response begins with"},
		"a list of 2^31 versions": {
			peer.Listen(t, "\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x7f\xff\xff\xff\x00\x00\x00\x00\x00\x00", ""),
			"sent a response to ApiVersions that no Kafka broker sends",
		},
		"a broker that advertises a web server": {
			advertiser(t, strings.TrimPrefix(web.URL, "http://")), "speaks HTTP, not Kafka; a broker gave us this address: check its advertised.listeners",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.meetsStranger(t, binary, test.broker, test.says)
		})
	}
}

// meetsStranger starts a worker with another program at its broker's address.
func (s *suite) meetsStranger(t *testing.T, binary, address, says string) {
	t.Helper()
	w, err := program.Start(binary, program.Options{Arguments: []string{"run"}, Dir: s.emitted, Settings: map[string]string{
		"KAFKA_BROKERS": address, "KAFKA_TOPICS": "orders", "LEADHIT_API_KEY": s.canary, "HTTP_ADDR": "127.0.0.1:0",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Kill(); err != nil {
			t.Error(err)
		}
	})
	eventually(t, time.Minute, "a warning that names the stranger", func() string {
		for line := range strings.SplitSeq(w.Stdout(), "\n") {
			if strings.Contains(line, `"WARN"`) && strings.Contains(line, says) {
				return ""
			}
		}
		return w.Stdout()
	})
	linger(t, 5*time.Second)
	peak, _ := peakMemory(w.PID())
	t.Logf("a peak of %d MiB of memory", peak)
	if peak > memoryOfWaiting {
		t.Errorf("got a peak of %d MiB of memory, want at most %d", peak, memoryOfWaiting)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if code, err := w.Terminate(ctx); err != nil || code != 0 {
		t.Errorf("got exit code %d, %v after a SIGTERM, want 0", code, err)
	}
}

// advertiser starts an embedded broker that sends its clients to another address. It returns the address of the broker.
func advertiser(t *testing.T, to string) (addr string) {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	host, port, _ := net.SplitHostPort(to)
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	fake.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		answer, _ := r.ResponseKind().(*kmsg.MetadataResponse)
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port = 1, host, int32(number)
		answer.Brokers, answer.ControllerID = append(answer.Brokers, b), 1
		request, _ := r.(*kmsg.MetadataRequest)
		for _, asked := range request.Topics {
			topic := kmsg.NewMetadataResponseTopic()
			topic.Topic = asked.Topic
			p := kmsg.NewMetadataResponseTopicPartition()
			p.Leader, p.Replicas, p.ISR = 1, []int32{1}, []int32{1}
			topic.Partitions = append(topic.Partitions, p)
			answer.Topics = append(answer.Topics, topic)
		}
		return answer, nil, true
	})
	return fake.ListenAddrs()[0]
}
