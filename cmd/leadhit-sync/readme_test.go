package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestDocumentsShowWhatIsPrinted does what a reader would do: it writes the files in the sh blocks, runs the commands
// in the console blocks, and compares what they print. UPDATE_README=1 writes the output into the documents instead.
func TestDocumentsShowWhatIsPrinted(t *testing.T) {
	root := repository(t)
	t.Setenv("KAFKA_BROKERS", strings.Join(kafkaOfTheDocuments(t), ","))
	for name, least := range map[string]int{"README.md": 1, "README.ru.md": 1, "consumer/mapping/README.md": 7} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Symlink(filepath.Join(root, "consumer"), filepath.Join(dir, "consumer")); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			path := filepath.Join(root, name)
			text := readFile(t, path)
			updated, ran := withOutput(t, dir, text)
			if ran < least {
				t.Errorf("got %d commands, want at least %d", ran, least)
			}
			compareDocument(t, path, text, updated)
		})
	}
}

func TestTheReadmeOfMappingShowsThePresets(t *testing.T) {
	path := filepath.Join(repository(t), "consumer/mapping/README.md")
	text := readFile(t, path)
	compareDocument(t, path, text, withPresets(t, text))
}

// compareDocument fails if a document is not up to date. With UPDATE_README=1 it updates the document instead.
func compareDocument(t *testing.T, path, text, updated string) {
	t.Helper()
	switch {
	case updated == text:
	case os.Getenv("UPDATE_README") == "1":
		if err := os.WriteFile(path, []byte(updated), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("got other output than shown (UPDATE_README=1 corrects it):\n%s", firstDifference(text, updated))
	}
}

// repository returns the absolute path of the repository's root.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// withOutput returns a document whose console blocks show what their commands print now. ran is the number of commands
// that ran.
func withOutput(t *testing.T, dir, text string) (updated string, ran int) {
	t.Helper()
	blocks := regexp.MustCompile("(?s)```(sh|console)\n(.*?)```\n")
	updated = blocks.ReplaceAllStringFunc(text, func(block string) string {
		kind, body := blocks.FindStringSubmatch(block)[1], blocks.FindStringSubmatch(block)[2]
		if kind == "sh" {
			writeHeredocs(t, dir, body)
			return block
		}
		line, _, _ := strings.Cut(body, "\n")
		ran++
		return "```console\n" + line + "\n" + runLine(t, strings.TrimPrefix(line, "$ ")) + "```\n"
	})
	return updated, ran
}

// writeHeredocs writes what a block's `cat > FILE <<'END'` would.
func writeHeredocs(t *testing.T, dir, block string) {
	t.Helper()
	for _, found := range regexp.MustCompile(`(?s)cat > (\S+) <<'END'\n(.*?)END\n`).FindAllStringSubmatch(block, -1) {
		path := write(t, dir, found[1], found[2])
		if filepath.Ext(path) != ".yaml" || strings.HasSuffix(path, ".cases.yaml") {
			continue
		}
		if got := command(t, "", "mapping", "check", path); got.code != 0 ||
			strings.Contains(strings.ReplaceAll(got.out, "event_time", ""), "warn") {
			t.Errorf("%s: got %+v, want no mistake in a mapping of the document", found[1], got)
		}
	}
}

// runLine runs one line: settings, the program's name, arguments, and a file for stdin, if there is one.
func runLine(t *testing.T, line string) string {
	t.Helper()
	line, file, redirected := strings.Cut(line, " < ")
	stdin := ""
	if redirected {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		stdin = string(text)
	}
	words := strings.Fields(line)
	for words[0] != "leadhit-sync" {
		name, value, _ := strings.Cut(words[0], "=")
		t.Setenv(name, value)
		words = words[1:]
	}
	got := command(t, stdin, words[1:]...)
	if got.code != 0 || got.err != "" {
		t.Errorf("%s: got exit code %d and %q, want 0 and nothing on stderr", line, got.code, got.err)
	}
	return got.out
}

// withPresets puts the table of presets between the comments that mark its place.
func withPresets(t *testing.T, text string) string {
	t.Helper()
	presets, err := allPresets()
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("\n| preset | for which events, and the order id it takes |\n| --- | --- |\n")
	for _, p := range presets {
		fmt.Fprintf(&table, "| `%s` | %s |\n", p.Name, strings.ReplaceAll(p.Description, "|", `\|`))
	}
	const begin, end = "<!-- presets begin -->\n", "<!-- presets end -->"
	from, to := strings.Index(text, begin), strings.Index(text, end)
	if from < 0 || to < 0 {
		t.Fatalf("got no %q and %q in the document", begin, end)
	}
	return text[:from+len(begin)] + table.String() + "\n" + text[to:]
}

func firstDifference(a, b string) string {
	had, has := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range has {
		if i >= len(had) || had[i] != has[i] {
			return fmt.Sprintf("line %d: got %q, want %q", i+1, slices.Concat(had, []string{""})[min(i, len(had))], has[i])
		}
	}
	return "the document has more"
}

// kafkaOfTheDocuments runs an embedded Kafka with the events that the previews in the documentation read. Some events
// come from package mapping's test cases for three platforms. The others are written below, for the topics of two
// shops.
func kafkaOfTheDocuments(t *testing.T) []string {
	t.Helper()
	topics := []string{"shopify.orders", "magento.orders", "debezium.orders", "shop.orders", "tea.orders"}
	at := time.Date(2026, 3, 11, 7, 0, 0, 0, time.UTC)
	var records []*kgo.Record
	for i, r := range recordedEvents(t) {
		if slices.Contains(topics, r.Topic) {
			r.Timestamp = at.Add(time.Duration(i) * 20 * time.Second)
			records = append(records, r)
		}
	}
	for i, order := range []string{
		`{"no": "T-1001", "state": "New", "sum": "1290.00", "received": "0.00"}`,
		`{"no": "T-1002", "state": "New", "sum": "490.00", "received": "490.00"}`,
		`{"no": "T-1001", "state": "Confirmed", "sum": "1290.00", "received": "1290.00"}`,
		`{"no": "T-1001", "state": "Confirmed", "sum": "1290.00", "received": "1290.00"}`,
		`{"no": "T-1002", "state": "Cancelled", "sum": "490.00", "received": "490.00"}`,
		`{"no": "T-1003", "state": "On hold", "sum": "90.00", "received": "0.00"}`,
		`{"no": "T-1004", "state": "Confirmed", "sum": "75.00", "received": "0.00"}`,
		`{"no": "T-1004", "state": "Confirmed", "sum": "75.00", "received": "75.00"}`,
	} {
		r := &kgo.Record{
			Topic: "tea.orders", Value: []byte(`{"event": "order.changed", "order": ` + order + `}`),
			Timestamp: at.Add(time.Duration(i) * 90 * time.Second),
		}
		if i == 7 {
			r.Partition = 1
		}
		records = append(records, r)
	}
	for i, event := range []string{
		`{"event": "order.changed", "order": {"number": "4711", "state": "NEW"}}`,
		`{"event": "stock.changed", "sku": "SENCHA-100", "left": 7}`,
		`{"event": "order.changed", "order": {"number": "4712", "state": "NEW"}}`,
		`{"event": "order.changed", "order": {"number": "4711", "state": "PAID"}}`,
		`{"event": "order.changed", "order": {"number": "4712", "state": "ON HOLD"}}`,
	} {
		records = append(records, &kgo.Record{
			Topic: "shop.orders", Value: []byte(event),
			Timestamp: at.Add(time.Duration(i) * time.Minute),
		})
	}
	return kafkaWith(t, topics, records)
}

// kafkaWith runs an embedded Kafka with two partitions in each topic, and writes the records. Each record names its
// partition and its time.
func kafkaWith(t *testing.T, topics []string, records []*kgo.Record) []string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, r := range records {
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	return cluster.ListenAddrs()
}

// recordedEvents returns the records of package mapping's test cases.
func recordedEvents(t *testing.T) []*kgo.Record {
	t.Helper()
	const dir = "../../consumer/mapping/testdata/order-events"
	file, err := os.Open(filepath.Join(dir, "cases.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	rows := csv.NewReader(file)
	rows.Comma = '\t'
	lines, err := rows.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var records []*kgo.Record
	for _, line := range lines[1:] {
		column := func(name string) string { return line[slices.Index(lines[0], name)] }
		r := &kgo.Record{Topic: column("topic")}
		if name := column("file"); name != "-" {
			if r.Value, err = os.ReadFile(filepath.Join(dir, "payloads", name)); err != nil {
				t.Fatal(err)
			}
		}
		if key := column("key"); key != "" {
			r.Key = []byte(key)
		}
		var headers map[string]string
		if err := json.Unmarshal([]byte(column("headers")), &headers); err != nil {
			t.Fatal(err)
		}
		for name, value := range headers {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
		records = append(records, r)
	}
	return records
}
