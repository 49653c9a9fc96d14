package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/program"
	"leadhit-sync/leadhit/sandbox"
)

// The names of two listeners on the node that testCheck starts. One advertises an address where nothing listens, and
// the other advertises the address of a web server.
const (
	nowhereDoor = "NOWHERE"
	webDoor     = "WEB"
)

// testCheck: before a worker starts, the check command reports what would keep it from working, and changes nothing.
func (s *suite) testCheck(t *testing.T) {
	t.Parallel()
	needKafka(t)
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	const most = 6 * time.Second // group.max.session.timeout.ms, less than a worker's default session timeout
	own, err := apache.Start(t.Context(), apache.Options{
		Listeners: []apache.Listener{
			{Name: nowhereDoor, Protocol: "PLAINTEXT", Advertised: "127.0.0.1:1"},
			{Name: webDoor, Protocol: "PLAINTEXT", Advertised: web.Listener.Addr().String()},
		},
		Properties: map[string]string{
			"group.max.session.timeout.ms": strconv.FormatInt(most.Milliseconds(), 10), "auto.create.topics.enable": "true",
			// With short timeouts, the broker removes a member soon after the member has left.
			"group.consumer.session.timeout.ms": "6000", "group.consumer.min.session.timeout.ms": "6000",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := own.Close(); err != nil {
			t.Error(err)
		}
	})
	c := s.newChecked(t, own.Brokers())
	c.createsNothing(t)
	c.broker.create(t, "orders", 3, 1<<20)

	node := own.Nodes()[0]
	t.Run("a session that the broker refuses", func(t *testing.T) {
		delete(c.settings, "KAFKA_SESSION_TIMEOUT")
		c.fails(t, "session", "KAFKA_SESSION_TIMEOUT is 10s", "group.max.session.timeout.ms", "6s")
		c.settings["KAFKA_SESSION_TIMEOUT"] = most.String()
	})
	t.Run("an advertised address where nobody listens", func(t *testing.T) {
		c.at(node.Listeners[nowhereDoor]).fails(t, "brokers", "127.0.0.1:1", "advertised.listeners", "orders/0, orders/1, orders/2")
	})
	t.Run("an advertised address of a web server", func(t *testing.T) {
		c.at(node.Listeners[webDoor]).fails(t, "brokers", web.Listener.Addr().String(), "advertised.listeners")
	})
	t.Run("a group of another kind", func(t *testing.T) { c.testForeignGroups(t, own.Brokers()) })
	t.Run("everything is as a worker needs it", func(t *testing.T) {
		c.settings["KAFKA_GROUP"] = "fresh"
		if found := c.check(t); found.failed() != "" {
			t.Errorf("got %+v, want nothing that failed", found)
		}
	})
}

// testForeignGroups: a worker cannot join a group whose members assign partitions differently from a worker. Once these
// members have left, it can.
func (c *checked) testForeignGroups(t *testing.T, brokers []string) {
	t.Helper()
	//nolint:staticcheck // franz-go uses a string as the key
	newer := context.WithValue(t.Context(), "opt_in_kafka_next_gen_balancer_beta", true)
	for _, test := range []struct {
		name    string
		options []kgo.Opt
		want    string
	}{
		{"newer-protocol", []kgo.Opt{kgo.WithContext(newer)}, "which a worker cannot join"},
		{"cooperative", []kgo.Opt{kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.ClientID("somebody")}, `by "cooperative-sticky" (somebody at 127.0.0.1)`},
		{"range", []kgo.Opt{kgo.Balancers(kgo.RangeBalancer()), kgo.ClientID("somebody")}, `by "range" (somebody at 127.0.0.1)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := c.with("KAFKA_GROUP", test.name)
			options := append([]kgo.Opt{
				kgo.SeedBrokers(brokers...), kgo.ConsumerGroup(test.name), kgo.ConsumeTopics("orders"),
				kgo.SessionTimeout(6 * time.Second), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
			}, test.options...)
			client, err := kgo.NewClient(options...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			eventually(t, time.Minute, "a group that check refuses", func() string {
				client.PollFetches(within(t, 100*time.Millisecond))
				if found := c.check(t); !strings.Contains(found.failed(), test.want) {
					return fmt.Sprintf("%+v", found)
				}
				return ""
			})
			c.fails(t, "group", test.want, "KAFKA_GROUP")
			client.LeaveGroup()
			eventually(t, time.Minute, "a group that check accepts", func() string { return c.check(t).failed() })
			c.joins(t)
		})
	}
}

// joins requires that a worker can join the group.
func (c *checked) joins(t *testing.T) {
	t.Helper()
	settings := maps.Clone(c.settings)
	settings["HTTP_ADDR"] = "127.0.0.1:0"
	process, err := program.Start(c.suite.binary, program.Options{Arguments: []string{"run"}, Settings: settings, Dir: c.suite.emitted})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = process.Kill() }()
	eventually(t, time.Minute, "a worker in the group", func() string {
		if said := process.Stdout(); !strings.Contains(said, "joined the group") {
			return said
		}
		return ""
	})
}

// within returns a context with a time limit.
func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// checked is an environment for the check command.
type checked struct {
	suite    *suite
	broker   *broker
	settings map[string]string
}

func (s *suite) newChecked(t *testing.T, brokers []string) *checked {
	t.Helper()
	server := httptest.NewServer(sandbox.New(sandbox.Options{Key: s.canary, GuardMap: true}))
	t.Cleanup(server.Close)
	return &checked{suite: s, broker: dial(t, brokers), settings: map[string]string{
		"KAFKA_BROKERS": strings.Join(brokers, ","), "KAFKA_TOPICS": "orders", "KAFKA_SESSION_TIMEOUT": "6s",
		"LEADHIT_URL": server.URL + "/api/v1/orders", "LEADHIT_API_KEY": s.canary,
	}}
}

// with returns a copy of c with a different value for one setting.
func (c *checked) with(name, value string) *checked {
	other := *c
	other.settings = maps.Clone(c.settings)
	other.settings[name] = value
	return &other
}

// at returns a copy with another broker.
func (c *checked) at(address string) *checked { return c.with("KAFKA_BROKERS", address) }

// findings is what check -o json prints.
type findings struct {
	OK       bool
	Findings []struct{ Verdict, What, Found string }
}

// failed returns the findings that failed, one per line.
func (f findings) failed() string {
	var lines []string
	for _, found := range f.Findings {
		if found.Verdict == "fail" {
			lines = append(lines, found.What+": "+found.Found)
		}
	}
	return strings.Join(lines, "\n")
}

func (c *checked) check(t *testing.T) findings {
	t.Helper()
	process, err := program.Start(c.suite.binary, program.Options{Arguments: []string{"check", "-o", "json"}, Settings: c.settings, Dir: c.suite.emitted})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = process.Kill() }()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	code, err := process.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var found findings
	if err := json.Unmarshal([]byte(process.Stdout()), &found); err != nil {
		t.Fatalf("got %v for %q and %q", err, process.Stdout(), process.Stderr())
	}
	if want := map[bool]int{true: 0, false: 1}[found.OK]; code != want || found.OK != (found.failed() == "") {
		t.Errorf("got exit code %d with %+v", code, found)
	}
	return found
}

// fails requires that check reports exactly one failure, that the failure is about the given subject, and that it
// contains the given words.
func (c *checked) fails(t *testing.T, what string, words ...string) {
	t.Helper()
	found := c.check(t).failed()
	if !strings.HasPrefix(found, what+": ") || strings.Contains(found, "\n") {
		t.Errorf("got %q, want one line about %s", found, what)
	}
	for _, word := range words {
		if !strings.Contains(found, word) {
			t.Errorf("got %q, want %q in it", found, word)
		}
	}
}

// createsNothing: on an unused cluster, check creates neither topics nor __consumer_offsets.
func (c *checked) createsNothing(t *testing.T) {
	t.Helper()
	c.fails(t, "topic", "orders does not exist")
	found, err := c.broker.client.Metadata(t.Context(), &kafka.MetadataRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Topics) > 0 {
		t.Errorf("got topics %v after check, want none", slices.Collect(func(yield func(string) bool) {
			for _, topic := range found.Topics {
				if !yield(topic.Name) {
					return
				}
			}
		}))
	}
}
