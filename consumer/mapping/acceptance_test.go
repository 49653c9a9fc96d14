package mapping_test

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

// A recorded event is a row in cases.tsv: a record as it is in a topic, and the expected items.
type recorded struct {
	name, preset, topic string
	record              event.Record
	ids, verdicts       []string
	why                 string
}

// recordedEvents reads cases.tsv and its payloads.
func recordedEvents(t *testing.T) []recorded {
	t.Helper()
	const dir = "testdata/order-events"
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
	events := make([]recorded, 0, len(lines)-1)
	for _, line := range lines[1:] {
		column := func(name string) string { return line[slices.Index(lines[0], name)] }
		e := recorded{
			name: column("case"), preset: column("preset"), topic: column("topic"), why: column("why"),
			ids: strings.Split(column("expected_order_id"), ";"), verdicts: strings.Split(column("expected"), ";"),
			record: event.Record{Place: event.Place{Topic: column("topic")}, Value: payload(t, dir, column("file"))},
		}
		if key := column("key"); key != "" {
			e.record.Key = []byte(key)
		}
		var headers map[string]string
		if err := json.Unmarshal([]byte(column("headers")), &headers); err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		for _, name := range slices.Sorted(maps.Keys(headers)) {
			e.record.Headers = append(e.record.Headers, event.Header{Key: name, Value: []byte(headers[name])})
		}
		events = append(events, e)
	}
	return events
}

// payload reads a record's value, which is nil for a tombstone. Bytes that are not text are stored in base64.
func payload(t *testing.T, dir, name string) []byte {
	t.Helper()
	if name == "-" {
		return nil
	}
	value, err := os.ReadFile(filepath.Join(dir, "payloads", name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".b64") {
		return value
	}
	value, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(value)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}

// differs returns what is wrong with the items, or "".
func (e recorded) differs(items []event.Item) string {
	var ids, verdicts []string
	for _, o := range items {
		switch o.Action {
		case event.Call:
			ids, verdicts = append(ids, o.OrderID), append(verdicts, o.Status)
		case event.Ignore:
			ids, verdicts = append(ids, ""), append(verdicts, "ignore")
		case event.Refuse:
			ids, verdicts = append(ids, ""), append(verdicts, "dead-letter")
		}
	}
	if slices.Equal(ids, e.ids) && slices.Equal(verdicts, e.verdicts) {
		return ""
	}
	return fmt.Sprintf("got %q for %q (%s: %s), want %q for %q: %s",
		verdicts, ids, items[0].Cause, items[0].Message, e.verdicts, e.ids, e.why)
}

func TestRecordedEventsOfEveryPlatformGiveWhatTheirTableSays(t *testing.T) {
	t.Parallel()
	events := recordedEvents(t)
	if len(events) != 147 {
		t.Fatalf("got %d events, want 147", len(events))
	}
	m := boundToTheirTopics(t, events)
	counts := make(map[string]int)
	for _, e := range events {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			items, err := m.Decode(t.Context(), e.record)
			if err != nil {
				t.Fatalf("got error %v, want items", err)
			}
			if problem := e.differs(items); problem != "" {
				t.Error(problem)
			}
		})
		counts[strings.Join(e.verdicts, ";")]++
	}
	want := map[string]int{"paid": 57, "submitted": 31, "ignore": 44, "dead-letter": 13, "paid;submitted;ignore": 1, "paid;submitted": 1}
	if !maps.Equal(counts, want) {
		t.Errorf("got verdicts %v, want %v", counts, want)
	}
}

// Some causes are as much a promise as the verdict, because they tell an operator what to do.
func TestRecordedEventsThatAreRefusedNameTheirCause(t *testing.T) {
	t.Parallel()
	causes := map[string]string{
		"woocommerce-order-updated-custom-status": "UnknownStatus",
		"bitrix-onsaleordersaved-thin":            "RuleRefused",
		"inhouse-float-id":                        "BadOrderID",
		"inhouse-empty-id":                        "BadOrderID",
		"inhouse-null-id":                         "MissingOrderID",
		"inhouse-unknown-status":                  "UnknownStatus",
		"inhouse-truncated":                       "NotJSON",
		"inhouse-empty-value":                     "EmptyValue",
		"debezium-decimal-id-base64":              "BadOrderID",
		"cdc-magento-decimal-precise":             "FieldError",
		"confluent-avro-null-status":              "MissingStatus",
		"confluent-avro-unknown-schema-id":        "UnknownSchema",
		"confluent-protobuf-status-unspecified":   "UnknownStatus",
	}
	events := recordedEvents(t)
	m := boundToTheirTopics(t, events)
	for _, e := range events {
		want, refused := causes[e.name]
		if refused != slices.Equal(e.verdicts, []string{"dead-letter"}) {
			t.Errorf("%s: got verdict %q, want it to be in the table of causes where it is a dead letter", e.name, e.verdicts)
		}
		if !refused {
			continue
		}
		items, err := m.Decode(t.Context(), e.record)
		if err != nil || len(items) != 1 || items[0].Cause != want {
			t.Errorf("%s: got %+v, %v, want cause %s", e.name, items, err, want)
		}
	}
}

// boundToTheirTopics loads one file that binds each preset to its topic, as a user would write it.
func boundToTheirTopics(t *testing.T, events []recorded) *mapping.Mapping {
	t.Helper()
	var file strings.Builder
	var topics []string
	file.WriteString("version: 1\nmappings:\n")
	for _, e := range events {
		if slices.Contains(topics, e.topic) {
			continue
		}
		topics = append(topics, e.topic)
		fmt.Fprintf(&file, "- {preset: %s, match: {topics: [%q]}}\n", e.preset, e.topic)
	}
	if len(topics) != 42 {
		t.Fatalf("got %d topics, want 42", len(topics))
	}
	path := filepath.Join(t.TempDir(), "shops.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := mapping.Load(mapping.Options{Source: path, Topics: topics})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
