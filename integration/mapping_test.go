package integration_test

import (
	"bytes"
	"cmp"
	"context"
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
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/program"
	"leadhit-sync/leadhit/sandbox"
)

// recordedEvents is the folder with events from real platforms, each with the expected verdicts.
const recordedEvents = "../consumer/mapping/testdata/order-events"

// recorded is one event in that folder.
type recorded struct {
	audit.Event

	name, preset  string
	ids, verdicts []string // of its orders; a verdict is a status, ignore or dead-letter
}

// testMapping: the events of every platform go through a worker, each event with the topic, key and headers that the
// table gives. The calls and letters must match the table, and a preview must predict the same counts.
func (s *suite) testMapping(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("events of every platform", func(t *testing.T) {
		t.Parallel()
		events := readRecorded(t)
		r := s.newRunWithoutTopic(t, brokers, 1, sandbox.Faults{})
		r.settings["SKIP_REPEATS"] = "false" // two of the events repeat others
		topics := r.bindPresets(t, events)
		for _, topic := range topics {
			r.broker.create(t, topic, 1, 1<<20)
		}
		r.writeRecorded(t, events)
		begin := time.Now()
		w := r.newWorker(t)
		w.start(t)
		eventually(t, 2*time.Minute, "everything committed", func() string {
			if why := r.died(); why != "" {
				t.Fatal(why)
			}
			return r.behindIn(t, topics)
		})
		w.stop(t)
		t.Logf("%d events of %d topics in %.1f s", len(events), len(topics), time.Since(begin).Seconds())

		compareCalls(t, events, r.leadhit.Calls())
		letters := r.broker.letters(t, "dlq."+r.group)
		compareLetters(t, events, letters)
		for _, l := range letters {
			r.keep(t, "letter", fmt.Appendf(nil, "%s %s\n%+q", l.ID, l.Cause, l.Headers))
		}
		r.comparePreview(t)
	})
}

// comparePreview previews the events that the worker has finished, without LeadHit's key, and requires the same counts.
func (r *run) comparePreview(t *testing.T) {
	t.Helper()
	before := r.leadhit.Count()
	type counted []struct{ Count int }
	sum := func(groups counted) (n int) {
		for _, g := range groups {
			n += g.Count
		}
		return n
	}
	var said struct {
		Events                  int
		Calls, Ignored, Refused counted
	}
	r.preview(t, r.settings["KAFKA_TOPICS"], &said)
	got := [...]int{said.Events, sum(said.Calls), sum(said.Ignored), sum(said.Refused)}
	if want := [...]int{147, 92, 45, 13}; got != want {
		t.Errorf("got %v events, calls, ignored and refused of preview, want %v", got, want)
	}
	if after := r.leadhit.Count(); after != before {
		t.Errorf("got %d calls by a preview, want none", after-before)
	}
}

// preview runs the preview command on the topics, and decodes its output.
func (r *run) preview(t *testing.T, topics string, said any) {
	t.Helper()
	process, err := program.Start(r.binary, program.Options{
		Arguments: []string{"preview", "--since", "1h", "-o", "json"}, Dir: r.emitted,
		Settings: map[string]string{
			"KAFKA_BROKERS": strings.Join(r.broker.addrs, ","), "KAFKA_TOPICS": topics,
			"KAFKA_GROUP": r.group, "MAPPING": cmp.Or(r.settings["MAPPING"], "plain"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Kill() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if code, err := process.Wait(ctx); err != nil || code != 0 {
		t.Fatalf("got exit code %d, %v from preview, want 0: %s", code, err, process.Stderr())
	}
	if err := json.Unmarshal([]byte(process.Stdout()), said); err != nil {
		t.Fatalf("got %v for %s", err, process.Stdout())
	}
}

// writeRecorded writes each event to its topic, and notes where Kafka stored it.
func (r *run) writeRecorded(t *testing.T, events []recorded) {
	t.Helper()
	for i := range events {
		written, err := r.shop.Write(t.Context(), events[i].Topic, []audit.Event{events[i].Event})
		if err != nil {
			t.Fatal(err)
		}
		events[i].Event = written[0]
	}
}

// behindIn returns the first topic that the group has not committed to its end, or "" if there is none. Each topic has
// one partition.
func (r *run) behindIn(t *testing.T, topics []string) string {
	t.Helper()
	for _, topic := range topics {
		if why := r.broker.behind(t.Context(), r.group, topic, 1); why != "" {
			return topic + ": " + why
		}
	}
	return ""
}

// readRecorded reads the table and the payloads.
func readRecorded(t *testing.T) []recorded {
	t.Helper()
	file, err := os.Open(filepath.Join(recordedEvents, "cases.tsv"))
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
	if len(lines) != 148 {
		t.Fatalf("got %d lines in the table, want a heading and 147", len(lines))
	}
	var events []recorded
	for _, line := range lines[1:] {
		column := func(name string) string { return line[slices.Index(lines[0], name)] }
		e := recorded{
			Event: audit.Event{Topic: column("topic"), Value: payload(t, column("file"))},
			name:  column("case"), preset: column("preset"),
			ids: strings.Split(column("expected_order_id"), ";"), verdicts: strings.Split(column("expected"), ";"),
		}
		if key := column("key"); key != "" {
			e.Key = []byte(key)
		}
		var headers map[string]string
		if err := json.Unmarshal([]byte(column("headers")), &headers); err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		for _, name := range slices.Sorted(maps.Keys(headers)) {
			e.Headers = append(e.Headers, kgo.RecordHeader{Key: name, Value: []byte(headers[name])})
		}
		events = append(events, e)
	}
	return events
}

// payload returns a record's value: nil for a tombstone. A file with a binary value is in base64.
func payload(t *testing.T, name string) []byte {
	t.Helper()
	if name == "-" {
		return nil
	}
	value, err := os.ReadFile(filepath.Join(recordedEvents, "payloads", name))
	if err == nil && strings.HasSuffix(name, ".b64") {
		value, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(value)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// bindPresets writes a mapping file that binds each preset to its topic. It sets MAPPING and KAFKA_TOPICS accordingly,
// and returns the topics.
func (r *run) bindPresets(t *testing.T, events []recorded) []string {
	t.Helper()
	var topics []string
	var file strings.Builder
	file.WriteString("version: 1\nmappings:\n")
	for _, e := range events {
		if !slices.Contains(topics, e.Topic) {
			topics = append(topics, e.Topic)
			fmt.Fprintf(&file, "- {preset: %s, match: {topics: [%q]}}\n", e.preset, e.Topic)
		}
	}
	if len(topics) != 42 {
		t.Fatalf("got %d topics, want 42", len(topics))
	}
	path := filepath.Join(t.TempDir(), "shops.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	r.settings["MAPPING"] = path
	r.settings["KAFKA_TOPICS"] = strings.Join(topics, ",")
	return topics
}

// compareCalls compares LeadHit's call log with the table: each call once, with exactly the order id and the status.
func compareCalls(t *testing.T, events []recorded, calls []sandbox.Call) {
	t.Helper()
	want, made := wantedCalls(events), make(map[string]int)
	for _, c := range calls {
		made[c.ID]++
		asked := want[c.ID]
		if asked.order != c.OrderID || asked.status != c.Status || !c.Executed || made[c.ID] > 1 {
			t.Errorf("call %s: got order %q %q, %v, in call number %d, want %+v, once", c.ID, c.OrderID, c.Status, c.Answer, made[c.ID], asked)
		}
	}
	for id, asked := range want {
		if made[id] == 0 {
			t.Errorf("call %s: got none, want %+v", id, asked)
		}
	}
	if len(want) != 92 { // 57 paid, 31 submitted, and two from each of the two lists
		t.Errorf("got %d calls in the table, want 92", len(want))
	}
}

// wantedCall is a call that the table expects.
type wantedCall struct{ event, order, status string }

// wantedCalls returns all calls that the table expects, by their ids.
func wantedCalls(events []recorded) map[string]wantedCall {
	want := make(map[string]wantedCall)
	for _, e := range events {
		for i, verdict := range e.verdicts {
			id := e.CallID()
			if len(e.verdicts) > 1 {
				id = fmt.Sprintf("%s-%d", id, i)
			}
			if verdict != "ignore" && verdict != "dead-letter" {
				want[id] = wantedCall{e.name, e.ids[i], verdict}
			}
		}
	}
	return want
}

// compareLetters compares the letters with the table: one for each "dead-letter" verdict, with its event byte for byte.
func compareLetters(t *testing.T, events []recorded, letters []audit.Letter) {
	t.Helper()
	byID := make(map[string]audit.Letter)
	for _, l := range letters {
		byID[l.ID] = l
	}
	dead := 0
	for _, e := range events {
		l, found := byID[e.LetterID()]
		if want := slices.Contains(e.verdicts, "dead-letter"); found != want {
			t.Errorf("%s: got a letter: %v, want %v", e.name, found, want)
		}
		if !found {
			continue
		}
		dead++
		if !bytes.Equal(l.Key, e.Key) || !bytes.Equal(l.Value, e.Value) || len(l.Headers) < len(e.Headers) ||
			!slices.EqualFunc(l.Headers[:len(e.Headers)], e.Headers, func(a, b kgo.RecordHeader) bool {
				return a.Key == b.Key && bytes.Equal(a.Value, b.Value)
			}) {
			t.Errorf("%s: got a letter %q=%q with headers %q, want its event byte for byte", e.name, l.Key, l.Value, l.Headers)
		}
		if l.Cause == "" {
			t.Errorf("%s: got a letter without a cause", e.name)
		}
	}
	if dead != 13 || len(letters) != dead {
		t.Errorf("got %d letters, %d of them of events in the table, want 13", len(letters), dead)
	}
}
