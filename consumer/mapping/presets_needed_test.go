package mapping_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"leadhit-sync/consumer/mapping"
)

// An equivalent mutant behaves like its preset, for the reason given.
type equivalent struct {
	preset, what *regexp.Regexp
	reason       string
}

func equivalents() []equivalent {
	of := func(preset, what, reason string) equivalent {
		return equivalent{regexp.MustCompile("^(" + preset + ")$"), regexp.MustCompile("^" + what + "$"), reason}
	}
	return []equivalent{
		of(".*", "field order_id: type removed", "an order_id is an id by its name; the presets write it out for people who copy the line"),
		of(".*", "field event_time: type removed", "an event_time is a time by its name; likewise"),
		of("confluent-avro", "otherwise: (ignore|pass) added", "the schema has no other symbols, so no status is in no list"),
		of("cdc-.*", `rules\[3\] moved before rules\[2\]`, "without op there is no row, and rules of a row match none"),
		of("debezium(-numeric-id)?", `rules\[3\] moved before rules\[2\]`, "an update is a change of a row"),
		of("inhouse-flag", `rules\[3\] moved before rules\[2\]`, "a flag is not both"),
		of("debezium-flat", `rules\[2\] moved before rules\[1\]`, "op is not both null and known"),
		of("magento", `rules\[4\] moved before rules\[3\]`, "amounts are not both there and missing"),
		of("cdc-magento", `rules\[5\] moved before rules\[4\]`, "likewise"),
		of("cdc-woocommerce", `rules\[6\] moved before rules\[5\]`, "a method is not both absent and cod"),
		of("yandex-market", `rules\[1\] moved before rules\[0\]`, "an event has one name"),
		of("segment", `rules\[3\] moved before rules\[2\]`, "likewise"),
		of("retailcrm", `rules\[2\] moved before rules\[1\]`, "a date is not both present and absent"),
		of("prestashop", `rules\[4\] moved before rules\[3\]`, "a flag is not both null and true"),
		of("woocommerce", `field received: first_of\[1\] moved before \[0\]`, "either date says that money came"),
		of("saleor", `field other_noun: first_of\[1\] moved before \[0\]`, "either noun says that it is not an order"),
		of("cloudevents|shopware", "otherwise: (ignore|pass) added", "a rule refuses names that nobody knows, before the lists are asked"),
	}
}

func TestEveryCodeRuleAndPathOfAPresetIsNeeded(t *testing.T) {
	t.Parallel()
	records := make(map[string][]recorded)
	for _, e := range recordedEvents(t) {
		e.record.Topic = "orders"
		records[e.preset] = append(records[e.preset], e)
	}
	var used sync.Map // keys: the indexes of the equivalents that describe a survivor
	for _, p := range platforms() {
		t.Run(p.preset, func(t *testing.T) {
			t.Parallel()
			for _, what := range casesOf(p, records[p.preset]).survivors(t, p.preset) {
				i := known(p.preset, what)
				if i < 0 {
					t.Errorf("no case fails: %s", what)
				}
				used.Store(i, true)
			}
		})
	}
	t.Cleanup(func() {
		for i, e := range equivalents() {
			if _, ok := used.Load(i); !ok && !t.Failed() {
				t.Errorf("got no mutant %s of %s that survives, want the list of equivalents without it", e.what, e.preset)
			}
		}
	})
}

// known returns the index of the equivalent that describes the mutant, or -1.
func known(preset, what string) int {
	return slices.IndexFunc(equivalents(), func(e equivalent) bool {
		return e.preset.MatchString(preset) && e.what.MatchString(what)
	})
}

// cases are all cases for one preset.
type cases struct {
	events  []variant
	records []recorded
}

func casesOf(p platform, records []recorded) cases {
	events := p.events()
	if strings.Contains(p.event, "%st%") && p.preset != "plain" {
		value := p.fill(p.literal(), strangers(p.preset)[0])
		events = append(events, p.asked("a status that nobody knows", value, or(p.unknown, unknownStatus)))
	}
	return cases{events, records}
}

// survivors returns what was changed in each mutant of the preset that passes every case.
func (c cases) survivors(t *testing.T, preset string) []string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"confluent-avro.avsc", "confluent-protobuf.proto"} {
		text, err := os.ReadFile("presets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), text)
	}
	var all []string
	for _, mutated := range mutantsOf(t, preset) {
		path := filepath.Join(dir, "mutant.yaml")
		write(t, path, mutated.text)
		m, err := mapping.Load(mapping.Options{Source: path, Topics: []string{"orders"}})
		noticed := err != nil || c.fail(t.Context(), m)
		if noticed && mutated.what == unchanged {
			t.Fatalf("got a case that fails for the preset itself (%v), want none", err)
		}
		if !noticed && mutated.what != unchanged {
			all = append(all, mutated.what)
		}
	}
	return all
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// fail reports whether any case fails.
func (c cases) fail(ctx context.Context, m *mapping.Mapping) bool {
	return slices.ContainsFunc(c.events, func(e variant) bool { return e.differs(ctx, m) != "" }) ||
		slices.ContainsFunc(c.records, func(e recorded) bool {
			items, err := m.Decode(ctx, e.record)
			return err != nil || e.differs(items) != ""
		})
}

func TestEveryPartOfAPresetHasAnEffect(t *testing.T) {
	t.Parallel()
	for _, preset := range mapping.Presets() {
		m, err := mapping.Load(mapping.Options{Source: preset})
		if err != nil {
			t.Fatal(err)
		}
		for _, finding := range m.Check().Findings {
			t.Errorf("got the finding %s, want none", finding)
		}
	}
}
