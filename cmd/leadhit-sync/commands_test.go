package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/config"
	"leadhit-sync/leadhit/sandbox"
)

const key = "canary-key"

// installed sets up everything that a worker needs, with one event that LeadHit accepts and one that it refuses.
func installed(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	for _, v := range config.Variables() {
		t.Setenv(v.Name, v.Default)
	}
	brokers := kafkaWith(t, []string{"orders"}, []*kgo.Record{
		plainEvent("orders", 0, time.Now(), "4711", "paid"), plainEvent("orders", 1, time.Now(), "4712", "lost"),
	})
	node := sandbox.New(sandbox.Options{Key: key})
	server := httptest.NewServer(node)
	t.Cleanup(server.Close)
	t.Setenv("KAFKA_BROKERS", strings.Join(brokers, ","))
	t.Setenv("KAFKA_TOPICS", "orders")
	t.Setenv("LEADHIT_URL", server.URL+"/api/v1/orders/")
	t.Setenv("LEADHIT_API_KEY", key)
	t.Setenv("HTTP_ADDR", "127.0.0.1:0")
	return node
}

func TestAWorkerRunsUntilItIsStoppedAndLeavesLettersToLookAt(t *testing.T) {
	node := installed(t)
	if got := command(t, "", "check"); got.code != 0 || strings.Contains(got.out, "FAIL") ||
		strings.Count(got.out, "ok  ") < 5 {
		t.Errorf("got %+v from check, want nothing that failed", got)
	}
	if n := node.Count(); n != 0 {
		t.Errorf("got %d calls about orders by check, want none", n)
	}

	f := followed(t, "run")
	f.until(`"msg":"starting"`)
	await(t, "the letter", func() bool { return len(letterIDs(t)) == 1 })
	await(t, "both calls", func() bool { return node.Count() == 2 })
	code, said := f.end()
	if code != 0 || !strings.Contains(said, `"msg":"stopped"`) || strings.Contains(said, key) {
		t.Errorf("got exit code %d from run and\n%s\nwant 0, the final line and no key", code, said)
	}

	lookAtLetters(t)
}

// lookAtLetters tries the letters commands on the letter of order 4712.
func lookAtLetters(t *testing.T) {
	t.Helper()
	if got := command(t, "", "letters", "list"); got.code != 0 || !strings.Contains(got.out, "orders/1/0  4712   lost") {
		t.Errorf("got %+v from letters list, want the letter", got)
	}
	if got := command(t, "", "letters", "list", "--cause", "NotJSON", "--since", "7d", "-o", "json"); got.code != 0 ||
		strings.Contains(got.out, "4712") {
		t.Errorf("got %+v from letters list with another cause, want none", got)
	}
	if got := command(t, "", "letters", "list", "--cause", "NotJSON"); got.code != 0 ||
		!strings.HasPrefix(got.out, "no letters match; causes: ValidationError (1); topics: orders (1); ") {
		t.Errorf("got %+v from letters list with another cause, want the existing cause", got)
	}
	got := command(t, "", "letters", "show", "orders/1/0")
	if got.code != 0 || !strings.Contains(got.out, "ValidationError") || strings.Contains(got.out, `"order_id"`) {
		t.Errorf("got %+v from letters show, want the cause and not the value", got)
	}
	if got := command(t, "", "letters", "show", "orders/1/0", "--reveal", "--reason", "why",
		"--by", "alice"); !strings.Contains(got.out,
		`{"order_id":"4712","status":"lost"}`) {
		t.Errorf("got %+v from letters show --reveal, want the value", got)
	}
	got = command(t, "", "letters", "show", "orders/1/0", "-o", "json")
	shown := decoded[struct{ Letters []map[string]any }](t, got.out).Letters
	if len(shown) != 1 || shown[0]["decided_by"] != "status.otherwise" {
		t.Errorf("got %+v from letters show -o json, want the letter with its decided_by", got)
	}
	// The suffix #1 selects one item of an event that has several.
	if got := command(t, "", "letters", "show", "orders/1/9#1"); got.code != exitError ||
		!strings.Contains(got.err, "no letter orders/1/9#1") {
		t.Errorf("got %+v, want exit code 1: the id is well formed", got)
	}
	if got := command(t, "", "letters", "show", "orders/1/9"); got.code != exitError ||
		!strings.Contains(got.err, "no letter orders/1/9") {
		t.Errorf("got %+v for a letter that does not exist, want exit code 1", got)
	}
}

// letterIDs returns the ids of the current letters; none before the topic exists.
func letterIDs(t *testing.T) []string {
	t.Helper()
	got := command(t, "", "letters", "list", "-o", "json")
	if got.code != 0 {
		return nil
	}
	var ids []string
	for _, l := range decoded[struct{ Letters []struct{ ID string } }](t, got.out).Letters {
		ids = append(ids, l.ID)
	}
	return ids
}

// await polls a condition for at most two minutes.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(2 * time.Minute)
	for !is() {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("%s: not within two minutes", what)
		}
	}
}

func TestCheckReportsWhatAWorkerLacks(t *testing.T) {
	installed(t)
	t.Setenv("KAFKA_TOPICS", "orders,none")
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
		_ *http.Request,
	) {
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(refusing.Close)
	t.Setenv("LEADHIT_URL", refusing.URL+"/")
	got := command(t, "", "check")
	if got.code != exitError || !strings.Contains(got.out, "FAIL  topic      none does not exist") ||
		!strings.Contains(got.out, "FAIL  leadhit    LeadHit rejects the API key") || strings.Contains(got.out+got.err, key) {
		t.Errorf("got %+v, want the topic and the key, and the key nowhere", got)
	}
	t.Setenv("LEADHIT_URL", "http://127.0.0.1:1/")
	if got := command(t, "", "check"); got.code != exitError || !strings.Contains(got.out, "check LEADHIT_URL") {
		t.Errorf("got %+v, want it to say that nobody listens there", got)
	}
}

func TestConfigPrintsValuesWithoutSecretsOrTheTableIfThereAreMistakes(t *testing.T) {
	installed(t)
	got := command(t, "", "config")
	if got.code != 0 || !strings.Contains(got.out, "KAFKA_TOPICS") || strings.Contains(got.out, key) ||
		!strings.Contains(got.out, "***") {
		t.Errorf("got %+v, want the values with the key as ***", got)
	}
	if got := command(t, "", "config", "--table"); got.code != 0 || !strings.HasPrefix(got.out, "| variable |") {
		t.Errorf("got %+v, want a Markdown table", got)
	}
	t.Setenv("CALLS_IN_FLIGHT", "many")
	if got := command(t, "", "config"); got.code != exitUsage || !strings.HasPrefix(got.out, "| variable |") ||
		!strings.HasPrefix(got.err, "CALLS_IN_FLIGHT: ") {
		t.Errorf("got %+v, want the table, the mistake and exit code 2", got)
	}
}

func TestRunRefusesAMappingWithMistakes(t *testing.T) {
	installed(t)
	t.Setenv("MAPPING", write(t, t.TempDir(), "bad.yaml", "fields: {order_id: {path: x}}\n"))
	got := command(t, "", "run")
	if got.code != exitUsage || !strings.Contains(got.err, "MAPPING: ") || !strings.Contains(got.err, "bad.yaml:1:") ||
		got.out != "" {
		t.Errorf("got %+v, want exit code 2, the mistake with its place, and no line in the log", got)
	}
}

func TestCheckReportsAMappingWithMistakes(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", strings.Join(kafkaWith(t, []string{"a"}, nil), ","))
	t.Setenv("KAFKA_TOPICS", "a")
	t.Setenv("LEADHIT_URL", "http://127.0.0.1:1/")
	t.Setenv("LEADHIT_API_KEY", "any")
	t.Setenv("MAPPING", write(t, t.TempDir(), "bad.yaml", "fields: {order_id: {path: x}}\n"))
	got := command(t, "", "check")
	if got.code != exitUsage || !strings.HasPrefix(got.err, "MAPPING: ") || !strings.Contains(got.err, "bad.yaml:1:") {
		t.Errorf("got %+v, want exit code 2 and a line about the mapping's mistake", got)
	}
	t.Setenv("MAPPING", "plain")
	if got := command(t, "", "check"); !strings.Contains(got.out, "ok    mapping    plain fits the topics\n") {
		t.Errorf("got %+v, want the mapping to be fine", got)
	}
}

func TestLettersOfATopicThatDoesNotExistYetSaysSo(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", strings.Join(kafkaWith(t, []string{"a"}, nil), ","))
	got := command(t, "", "letters", "list")
	if want := "dlq.leadhit-sync does not exist: no letter has been written yet"; got.code != exitError ||
		!strings.Contains(got.err, want) {
		t.Errorf("got %+v, want %q", got, want)
	}
}
