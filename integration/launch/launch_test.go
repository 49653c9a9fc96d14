package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// output is a buffer that several goroutines may use.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// tried runs a command line and returns its exit code, stdout and stderr.
func tried(t *testing.T, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr output
	code = execute(t.Context(), args, streams{in: strings.NewReader(stdin), out: &stdout, err: &stderr})
	return code, stdout.String(), stderr.String()
}

// installed puts a program into the only folder in the PATH.
func installed(t *testing.T, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(os.Getenv("PATH"), name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestWhatKafkaNeedsIsNamed(t *testing.T) {
	for _, c := range []struct{ name, java, want string }{
		{"no java", "", "java: not on the PATH"},
		{"java 8", "echo 'openjdk version \"1.8.0_402\"' >&2", "java is version 8, but Kafka 4.4.0 needs 17"},
		{"java 11", "echo 'openjdk version \"11.0.22\" 2024-01-16' >&2", "java is version 11"},
		{"a program java without Java", "echo 'Unable to locate a Java Runtime.' >&2; exit 1", "java -version: exit status 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("PATH", t.TempDir())
			installed(t, "mvn", "exit 1")
			if c.java != "" {
				installed(t, "java", c.java)
			}
			code, out, errs := tried(t, "")
			if code != exitError || out != "" || !strings.Contains(errs, c.want) {
				t.Errorf("got %d, %q and %q, want exit code 1 and %q", code, out, errs, c.want)
			}
			for _, want := range []string{"Install Java 17 or newer and Maven", "apt install", "brew install", "go run ./cmd/demo"} {
				if !strings.Contains(errs, want) {
					t.Errorf("got %q, want %q in it", errs, want)
				}
			}
		})
	}
}

func TestTheVersionOfJavaIsRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime Environment": 17,
		"java version \"1.8.0_402\"":                                          8,
		"Picked up _JAVA_OPTIONS: x\nopenjdk version \"21\" ea":               21,
		"openjdk version \"25-ea\"":                                           25,
		"no Java here":                                                        0,
	} {
		if got := javaVersion(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func TestWrongUsageOfLaunchExitsWithTwo(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "")
	for _, line := range []string{
		"fly", "-nodes 0", "-nodes", "-port 1", "produce 4711 paid", "produce -brokers 127.0.0.1:1", "produce -brokers 127.0.0.1:1 4711",
		"produce -brokers 127.0.0.1:1 4711 paid now", "produce -brokers 127.0.0.1:1 -header nothing 4711 paid",
	} {
		if code, out, errs := tried(t, "", strings.Fields(line)...); code != exitUsage || out != "" || !strings.HasPrefix(errs, "launch: ") {
			t.Errorf("%s: got %d, %q and %q, want exit code 2 and a message", line, code, out, errs)
		}
	}
	for _, line := range []string{"-h", "produce -h"} {
		if code, out, errs := tried(t, "", strings.Fields(line)...); code != 0 || errs != "" || !strings.Contains(out, "Usage: go run ./integration/launch") {
			t.Errorf("%s: got %d, %q and %q, want the help", line, code, out, errs)
		}
	}
}

// notTheLeader responds to a produce request like a broker that does not yet know that it leads the partition.
func notTheLeader(r kmsg.Request) (kmsg.Response, error, bool) {
	request, _ := r.(*kmsg.ProduceRequest)
	answer, _ := request.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range request.Topics {
		of := kmsg.NewProduceResponseTopic()
		of.Topic = t.Topic
		for _, p := range t.Partitions {
			one := kmsg.NewProduceResponseTopicPartition()
			one.Partition, one.ErrorCode = p.Partition, kerr.NotLeaderForPartition.Code
			of.Partitions = append(of.Partitions, one)
		}
		answer.Topics = append(answer.Topics, of)
	}
	return answer, nil, true
}

func TestAnEventIsWrittenUnderItsOrdersKey(t *testing.T) {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "orders", "shop.orders"))
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	t.Setenv("KAFKA_BROKERS", kafka.ListenAddrs()[0])
	t.Setenv("KAFKA_TOPICS", "")
	kafka.ControlKey(int16(kmsg.Produce), notTheLeader)
	var places []string
	for _, c := range []struct {
		stdin string
		args  []string
		value string
	}{
		{"", []string{"produce", "4711", "paid"}, `{"order_id":"4711","status":"paid"}`},
		{"", []string{"produce", "-topic", "shop.orders", `ИМ "1"`, "lost"}, `{"order_id":"ИМ \"1\"","status":"lost"}`},
		{"not JSON\n", []string{"produce", "-key", "4711", "-header", "a=b=c"}, "not JSON"},
	} {
		code, out, errs := tried(t, c.stdin, c.args...)
		place, value, _ := strings.Cut(out, "  ")
		if code != 0 || value != c.value+"\n" || errs != "" {
			t.Fatalf("%q: got %d, %q and %q, want %s", c.args, code, out, errs, c.value)
		}
		places = append(places, place)
	}
	if places[2] != strings.TrimSuffix(places[0], "0")+"1" {
		t.Errorf("got the places %q, want the third after the first: they have the same key", places)
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(kafka.ListenAddrs()...), kgo.ConsumeTopics("orders", "shop.orders"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	found := make(map[string]*kgo.Record)
	for len(found) < 3 && t.Context().Err() == nil {
		reader.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) { found[string(r.Value)] = r })
	}
	if r := found["not JSON"]; string(r.Key) != "4711" || len(r.Headers) != 1 || r.Headers[0].Key != "a" || string(r.Headers[0].Value) != "b=c" {
		t.Errorf("got key %s and headers %v, want 4711 and a=b=c", r.Key, r.Headers)
	}
	if code, out, errs := tried(t, "", "produce", "-topic", "new", "4711", "paid"); code != 0 || !strings.HasPrefix(out, "new/") {
		t.Errorf("got %d and %q for a topic that does not exist, want it created", code, errs)
	}
	if code, _, errs := tried(t, "", "produce", "-brokers", "127.0.0.1:1", "-topic", "none", "4711", "paid"); code != exitError || !strings.Contains(errs, "topic none") {
		t.Errorf("got %d and %q from a broker that cannot be reached, want exit code 1 and the topic's name", code, errs)
	}
}

func TestEachCallOfTheLookAlikeIsShown(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out output
	url, done, err := serveLeadHit(ctx, &out, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []string{"paid", "lost"} {
		body := `{"jsonrpc":"2.0","id":1,"method":"set_order_status","params":{"order_id":"4711","status":"` + status + `"}}`
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("API-KEY", apiKey)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	want := "LeadHit: set_order_status(\"4711\", \"paid\"): accepted\nLeadHit: set_order_status(\"4711\", \"lost\"): refused\n"
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for late := time.After(time.Minute); out.String() != want; {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("got\n%s\nwant\n%s", out.String(), want)
		}
	}
	stop()
	<-done
}
