package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"leadhit-sync/config"
	"leadhit-sync/leadhit/sandbox"
)

// setUp starts a broker and the look-alike of LeadHit for check to inspect, and sets all variables that a worker needs.
func setUp(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	for _, v := range config.Variables() {
		t.Setenv(v.Name, v.Default)
	}
	fake, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(2, "orders")}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	t.Setenv("KAFKA_BROKERS", fake.ListenAddrs()[0])
	t.Setenv("KAFKA_TOPICS", "orders")
	t.Setenv("LEADHIT_API_KEY", key)
	t.Setenv("LEADHIT_URL", leadHit(t, sandbox.New(sandbox.Options{Key: key})))
	return fake
}

// leadHit serves a node and returns its URL, without a trailing slash.
func leadHit(t *testing.T, node http.Handler) string {
	t.Helper()
	server := httptest.NewServer(node)
	t.Cleanup(server.Close)
	return server.URL + "/api/v1/orders"
}

// finds fails the test unless the exit code is code, and an output line begins with line and contains all words. The
// output must not contain the key.
func (r result) finds(t *testing.T, code int, line string, words ...string) {
	t.Helper()
	for text := range strings.Lines(r.out) {
		found := strings.HasPrefix(strings.Join(strings.Fields(text), " "), line)
		for _, word := range words {
			found = found && strings.Contains(text, word)
		}
		if found && r.code == code && !strings.Contains(r.out+r.err, key) {
			return
		}
	}
	t.Errorf("got exit code %d and\n%s%s\nwant %d and a line %q with %q", r.code, r.out, r.err, code, line, words)
}

func TestCheckTriesEachBrokerAtTheAddressThatItAdvertises(t *testing.T) {
	fake := setUp(t, kfake.NumBrokers(2))
	deaf := int(fake.LeaderFor("orders", 0))
	fake.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		return advertise(t, fake, as[*kmsg.MetadataRequest](t, r), int32(deaf), "127.0.0.1", 1), nil, true
	})
	got := command(t, "", "check")
	got.finds(t, exitError, "FAIL brokers broker "+string(rune('0'+deaf))+" tells clients to connect to 127.0.0.1:1",
		"connection refused", "orders/0", "advertised.listeners")
	if strings.Contains(got.out, "ok    brokers") {
		t.Errorf("got\n%s\nwant no line that says that the brokers are fine", got.out)
	}
}

// advertise returns the cluster's response with another address for one node.
func advertise(t *testing.T, fake *kfake.Cluster, request *kmsg.MetadataRequest, node int32, host string,
	port int32,
) *kmsg.MetadataResponse {
	t.Helper()
	response := as[*kmsg.MetadataResponse](t, request.ResponseKind())
	for id, address := range fake.ListenAddrs() {
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port = int32(id), "127.0.0.1", portOf(t, address)
		if b.NodeID == node {
			b.Host, b.Port = host, port
		}
		response.Brokers = append(response.Brokers, b)
	}
	for _, asked := range request.Topics {
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic = asked.Topic
		if *asked.Topic != "orders" {
			topic.ErrorCode = 3
			response.Topics = append(response.Topics, topic)
			continue
		}
		for p := range int32(2) {
			partition := kmsg.NewMetadataResponseTopicPartition()
			partition.Partition, partition.Leader, partition.Replicas = p, fake.LeaderFor("orders", p), []int32{0, 1}
			topic.Partitions = append(topic.Partitions, partition)
		}
		response.Topics = append(response.Topics, topic)
	}
	return response
}

func portOf(t *testing.T, address string) int32 {
	t.Helper()
	var port int32
	_, digits, _ := strings.Cut(address, ":")
	for _, d := range digits {
		port = 10*port + d - '0'
	}
	return port
}

func TestCheckWarnsOfABrokerInTheListThatDoesNotRespond(t *testing.T) {
	fake := setUp(t)
	t.Setenv("KAFKA_BROKERS", "127.0.0.1:1,"+fake.ListenAddrs()[0])
	command(t, "", "check").finds(t, 0, "warn kafka one of KAFKA_BROKERS cannot be used", "127.0.0.1:1",
		"check KAFKA_BROKERS")
	t.Setenv("KAFKA_BROKERS", "127.0.0.1:1,127.0.0.1:2")
	got := command(t, "", "check")
	got.finds(t, exitError, "FAIL kafka", "127.0.0.1:2")
	got.finds(t, exitError, "skip kafka")
}

func TestCheckNamesAReleaseThatIsTooOldAndCreatesNothingThere(t *testing.T) {
	fake := setUp(t, kfake.MaxVersions(kversion.V0_10_2()), kfake.AllowAutoTopicCreation())
	t.Setenv("KAFKA_TOPICS", "new")
	// Kafka 0.10 creates each topic that a metadata request names.
	var asked atomic.Bool
	fake.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		asked.Store(true)
		return nil, nil, false
	})
	got := command(t, "", "check")
	got.finds(t, exitError, "FAIL kafka", "is Kafka 0.10.1 or 0.10.2", "needs Kafka 0.11 or newer")
	got.finds(t, exitError, "skip kafka")
	if asked.Load() || fake.TopicInfo("new") != nil {
		t.Error("got a request about topics, which creates them there")
	}
}

func TestCheckFailsForAPartitionWithoutALeader(t *testing.T) {
	fake := setUp(t)
	fake.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		response := advertise(t, fake, as[*kmsg.MetadataRequest](t, r), -1, "", 0)
		for i := range response.Topics {
			if len(response.Topics[i].Partitions) == 2 {
				response.Topics[i].Partitions[1].Leader, response.Topics[i].Partitions[1].ErrorCode = -1, 5
			}
		}
		return response, nil, true
	})
	command(t, "", "check").finds(t, exitError, "FAIL topic no leader for orders/1, so their events cannot be read")
}

func TestCheckComparesTheSessionWithTheBrokers(t *testing.T) {
	setUp(t, kfake.BrokerConfigs(map[string]string{
		"group.max.session.timeout.ms": "6000",
		"group.min.session.timeout.ms": "6000",
	}))
	command(t, "", "check").finds(t, exitError, "FAIL session KAFKA_SESSION_TIMEOUT is 10s", "6s to 6s",
		"group.min.session.timeout.ms", "group.max.session.timeout.ms")
	t.Setenv("KAFKA_SESSION_TIMEOUT", "6s")
	command(t, "", "check").finds(t, 0, "ok session")
	setUp(t, kfake.BrokerConfigs(map[string]string{
		"group.max.session.timeout.ms": "30000",
		"group.min.session.timeout.ms": "10001",
	}))
	command(t, "", "check").finds(t, exitError, "FAIL session KAFKA_SESSION_TIMEOUT is 10s", "10.001s to 30s")
}

func TestCheckSkipsASessionThatItMayNotCompare(t *testing.T) {
	fake := setUp(t)
	fake.ControlKey(int16(kmsg.DescribeConfigs), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		response := as[*kmsg.DescribeConfigsResponse](t, r.ResponseKind())
		for _, asked := range as[*kmsg.DescribeConfigsRequest](t, r).Resources {
			resource := kmsg.NewDescribeConfigsResponseResource()
			resource.ResourceType, resource.ResourceName, resource.ErrorCode = asked.ResourceType, asked.ResourceName, 31
			response.Resources = append(response.Resources, resource)
		}
		return response, nil, true
	})
	command(t, "", "check").finds(t, 0, "skip session", "group.max.session.timeout.ms",
		"grant DescribeConfigs on the cluster")
}

func TestCheckSaysWhoIsInTheGroup(t *testing.T) {
	fake := setUp(t)
	for _, c := range []struct {
		name, protocolType, protocol, client string
		code                                 int
		want                                 string
	}{
		{
			"another sharing", "consumer", "cooperative-sticky", "shop", exitError,
			`FAIL group leadhit-sync is in use by other consumers, which share partitions by "cooperative-sticky" (shop at 10.0.0.7)`,
		},
		{
			"another program with range", "consumer", "range", "shop", exitError,
			`FAIL group leadhit-sync is in use by other consumers, which share partitions by "range" (shop at 10.0.0.7)`,
		},
		{
			"Kafka Connect", "connect", "sessioned", "connect-1", exitError,
			`FAIL group leadhit-sync is in use by "connect" clients (connect-1 at 10.0.0.7)`,
		},
		{
			"a client id with a terminal's control sequence", "connect", "x", "a\x1b[2J", exitError,
			`FAIL group leadhit-sync is in use by "connect" clients ("a\x1b[2J at 10.0.0.7")`,
		},
		{
			"an older release", "consumer", "range", "leadhit-sync", 0,
			"warn group leadhit-sync has 1 member of an older release",
		},
		{"ours", "consumer", "leadhit-sync", "leadhit-sync", 0, "ok group leadhit-sync may be joined; it has 1 member"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake.ControlKey(int16(kmsg.DescribeGroups), func(r kmsg.Request) (kmsg.Response, error, bool) {
				response := as[*kmsg.DescribeGroupsResponse](t, r.ResponseKind())
				group := kmsg.NewDescribeGroupsResponseGroup()
				group.Group, group.State, group.ProtocolType, group.Protocol, group.AuthorizedOperations = "leadhit-sync", "Stable",
					c.protocolType, c.protocol, 1<<3
				member := kmsg.NewDescribeGroupsResponseGroupMember()
				member.ClientID, member.ClientHost = c.client, "/10.0.0.7"
				group.Members = append(group.Members, member)
				response.Groups = append(response.Groups, group)
				return response, nil, true
			})
			command(t, "", "check").finds(t, c.code, c.want)
		})
	}
}

func TestCheckSeesAnotherConsumerThatHoldsTheGroup(t *testing.T) {
	fake := setUp(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.ConsumerGroup("leadhit-sync"),
		kgo.ConsumeTopics("orders"), kgo.ClientID("shop"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	await(t, "a group that check refuses", func() bool {
		return strings.Contains(command(t, "", "check").out,
			"FAIL  group")
	})
	command(t, "", "check").finds(t, exitError, "FAIL group leadhit-sync is in use by other consumers",
		"cooperative-sticky", "shop at", "choose another KAFKA_GROUP")
}

func TestCheckWarnsAboutCommitsOnASingleBroker(t *testing.T) {
	fake := setUp(t)
	createOffsets(t, fake)
	got := command(t, "", "check")
	if strings.Contains(got.out, "loses no") {
		t.Errorf("got\n%s\nwant no claim about losing a broker", got.out)
	}
	if strings.Contains(got.out, "__consumer_offsets") {
		got.finds(t, 0, "warn offsets __consumer_offsets has one replica on the only broker")
	}
}

func TestCheckSpeaksJSON(t *testing.T) {
	setUp(t)
	got := command(t, "", "check", "-o", "json")
	said := decoded[reportSchema](t, got.out)
	if got.code != 0 || !said.OK || said.Schema != "check.v1" || len(said.Findings) < 8 ||
		said.Findings[0].Verdict != "ok" || got.err != "" {
		t.Errorf("got %+v, want exit code 0 and findings", got)
	}
	t.Setenv("KAFKA_TOPICS", "none")
	got = command(t, "", "check", "-o", "json")
	if said = decoded[reportSchema](t, got.out); got.code != exitError || said.OK ||
		!strings.Contains(got.out, `"verdict": "fail"`) {
		t.Errorf("got %+v, want exit code 1 and a finding that failed", got)
	}
	t.Setenv("CALLS_IN_FLIGHT", "many")
	got = command(t, "", "check", "-o", "json")
	if said = decoded[reportSchema](t, got.out); got.code != exitUsage || said.OK || len(said.Mistakes) != 1 ||
		said.Mistakes[0].Variable != "CALLS_IN_FLIGHT" ||
		said.Mistakes[0].Example != "64" || !strings.HasPrefix(got.err, "CALLS_IN_FLIGHT: ") {
		t.Errorf("got %+v, want exit code 2 and the mistake in both forms", got)
	}
}

func TestCheckEndsAtItsLimitIfNothingResponds(t *testing.T) {
	setUp(t)
	t.Setenv("KAFKA_SESSION_TIMEOUT", "30s")
	t.Setenv("LEADHIT_TIMEOUT", "17s") // the longest that is accepted
	quiet := make(chan struct{})
	t.Setenv("LEADHIT_URL", leadHit(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-quiet })))
	t.Cleanup(func() { close(quiet) }) // runs before the server closes, which waits for its requests
	var out strings.Builder
	began := time.Now()
	err := check(t.Context(), newReport(&out, "table", "check.v1"), checkOptions{limit: time.Second})
	if !errors.Is(err, errCheck) || !strings.Contains(out.String(), "FAIL  leadhit") {
		t.Errorf("got %v and\n%s\nwant LeadHit to fail", err, out.String())
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("got an end after %v, want it well before LEADHIT_TIMEOUT", took)
	}
}

// as returns value as a T. A value of another type fails the test.
func as[T any](t *testing.T, value any) T {
	t.Helper()
	typed, ok := value.(T)
	if !ok {
		t.Fatalf("got a %T", value)
	}
	return typed
}
