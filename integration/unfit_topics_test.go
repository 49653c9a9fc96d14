package integration_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/program"
	"leadhit-sync/leadhit/sandbox"
)

// testKeepers tests dead-letter topics and ledgers whose settings an operator chose, and topics that a worker creates
// itself.
func (s *suite) testKeepers(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("a compacted letters' topic, before the start and while a worker runs", func(t *testing.T) {
		since(t, 2, 3, "IncrementalAlterConfigs")
		t.Parallel()
		s.testCompacted(t, brokers)
	})
	t.Run("a misspelt group or topic leaves nothing behind", func(t *testing.T) {
		t.Parallel()
		s.testMisspelt(t, brokers)
	})
	t.Run("two groups that share a letters' topic pause separately", func(t *testing.T) {
		t.Parallel()
		s.testSharedLetters(t, brokers)
	})
}

func (s *suite) testCompacted(t *testing.T, brokers []string) {
	t.Helper()
	r := s.newRun(t, brokers, 2, sandbox.Faults{})
	letters := "dlq." + r.group
	r.broker.create(t, letters, 1, 9<<20)
	r.broker.alter(t, letters, "cleanup.policy", "compact")
	r.broker.alter(t, letters, "retention.ms", "3600000")
	r.refuse(t, "1")

	w := r.newWorker(t)
	w.start(t)
	eventually(t, time.Minute, "the setting in /readyz", func() string {
		status, body := w.page(t, "/readyz")
		if status == http.StatusOK || !strings.Contains(body, letters+": cleanup.policy is compact") {
			return body
		}
		return ""
	})
	code, out, _ := r.tries(t, w.environment(), "check")
	if code != 1 || !strings.Contains(out, "FAIL  letters") || !strings.Contains(out, "cleanup.policy is compact") || !strings.Contains(out, "retention.ms is 3600000 (1h)") {
		t.Errorf("got exit code %d and\n%s\nof check, want 1 with both settings", code, out)
	}
	r.broker.alter(t, letters, "cleanup.policy", "delete")
	eventually(t, time.Minute, "the letter", func() string {
		if got := r.storedLetters(t); got != 1 {
			return "no letter yet"
		}
		return ""
	})

	r.broker.alter(t, letters, "cleanup.policy", "compact")
	r.refuse(t, "2")
	w.shows(t, letters+": cleanup.policy is compact")
	eventually(t, time.Minute, "the refusal in the log", func() string {
		if !strings.Contains(w.Stdout()+w.Stderr(), "set cleanup.policy to delete") {
			return "nothing yet"
		}
		return ""
	})
	r.broker.alter(t, letters, "cleanup.policy", "delete")
	eventually(t, time.Minute, "the second letter", func() string {
		if got := r.storedLetters(t); got != 2 {
			return "no letter yet"
		}
		return ""
	})
	w.stop(t)
}

func (s *suite) testMisspelt(t *testing.T, brokers []string) {
	t.Helper()
	r := s.newRun(t, brokers, 2, sandbox.Faults{})
	w := r.newWorker(t)
	settings := w.environment()
	for _, line := range []string{
		"pause --reason why --by alice", "resume --by alice", "letters list", "letters show orders/0/1",
	} {
		code, out, said := r.tries(t, settings, strings.Fields(line)...)
		if code != 1 || out != "" || !strings.Contains(said, "KAFKA_GROUP") {
			t.Errorf("%s: got exit code %d, %q, %q, want 1 and what to check", line, code, out, said)
		}
	}
	for _, line := range []string{"check", "preview"} {
		r.tries(t, settings, line)
	}
	r.settings["KAFKA_TOPICS"] = r.topic + "-misspelt"
	w.start(t)
	eventually(t, time.Minute, "a line about the topic", func() string {
		if !strings.Contains(w.Stdout()+w.Stderr(), r.topic+"-misspelt") {
			return "nothing yet"
		}
		return ""
	})
	w.stop(t)
	for _, topic := range r.broker.topics(t) {
		if strings.Contains(topic, r.group) || strings.Contains(topic, "misspelt") {
			t.Errorf("got the topic %s, want none", topic)
		}
	}
	code, out, said := r.tries(t, settings, "pause", "--reason", "why", "--by", "alice", "--create")
	if code != 0 || !strings.Contains(out, "no worker of group "+r.group+" is running") {
		t.Errorf("got exit code %d, %q, %q from pause --create", code, out, said)
	}
}

func (s *suite) testSharedLetters(t *testing.T, brokers []string) {
	t.Helper()
	r, other := s.newRun(t, brokers, 2, sandbox.Faults{}), s.newRun(t, brokers, 2, sandbox.Faults{})
	shared := "dlq." + r.group
	r.settings["DEAD_LETTER_TOPIC"], other.settings["DEAD_LETTER_TOPIC"] = shared, shared
	first, second, third := r.newWorker(t), r.newWorker(t), other.newWorker(t)
	for _, w := range []*worker{first, second, third} {
		w.start(t)
		w.shows(t, "running")
	}
	code, out, said := r.tries(t, first.environment(), "pause", "--reason", "LeadHit migrates", "--by", "alice")
	if code != 0 || !strings.Contains(out, "2 workers of group "+r.group+" follow within seconds") {
		t.Errorf("got exit code %d, %q, %q from pause, want two workers", code, out, said)
	}
	first.shows(t, "paused: by hand, by alice")
	second.shows(t, "paused: by hand, by alice")
	third.shows(t, "running")
	if code, out, said := r.tries(t, third.environment(), "resume", "--by", "bob"); code != 0 || !strings.Contains(out, "no pause is in force") {
		t.Errorf("got exit code %d, %q, %q of the other group's resume", code, out, said)
	}
	first.shows(t, "paused: by hand, by alice")
	if code, out, said := r.tries(t, first.environment(), "resume", "--by", "alice", "-o", "json"); code != 0 || !strings.Contains(out, `"workers": 2`) {
		t.Errorf("got exit code %d, %q, %q from resume, want two workers", code, out, said)
	}
	first.shows(t, "running")
	second.shows(t, "running")
	for _, w := range []*worker{first, second, third} {
		w.stop(t)
	}
}

// refuse writes an event that has no key and that LeadHit refuses.
func (r *run) refuse(t *testing.T, order string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(r.broker.addrs...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	event := &kgo.Record{Topic: r.topic, Value: []byte(`{"order_id":"` + order + `","status":"lost"}`)}
	if err := client.ProduceSync(t.Context(), event).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// tries runs one of the program's commands and returns how it ended and what it printed.
func (r *run) tries(t *testing.T, settings map[string]string, arguments ...string) (code int, out, said string) {
	t.Helper()
	process, err := program.Start(r.binary, program.Options{Arguments: arguments, Dir: r.emitted, Settings: maps.Clone(settings)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Kill() })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if code, err = process.Wait(ctx); err != nil {
		t.Fatalf("%q: %v: %s", arguments, err, process.Stderr())
	}
	return code, process.Stdout(), process.Stderr()
}

// topics lists all topics in the cluster.
func (b *broker) topics(t *testing.T) []string {
	t.Helper()
	answer, err := b.client.Metadata(t.Context(), &kafka.MetadataRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, topic := range answer.Topics {
		names = append(names, topic.Name)
	}
	slices.Sort(names)
	return names
}
