package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// previewed writes the events to topic "a", and returns the warnings of a preview and its output as a table.
func previewed(t *testing.T, mapping string, records ...*kgo.Record) (warnings []string, table string) {
	t.Helper()
	for _, r := range records {
		r.Topic, r.Timestamp = "a", time.Now().Add(-time.Minute)
	}
	t.Setenv("KAFKA_BROKERS", strings.Join(kafkaWith(t, []string{"a"}, records), ","))
	t.Setenv("KAFKA_TOPICS", "a")
	t.Setenv("MAPPING", mapping)
	got := command(t, "", "preview", "-o", "json")
	if got.code != 0 {
		t.Fatalf("got %+v, want exit code 0: a warning is not a failure", got)
	}
	return decoded[summary](t, got.out).Warnings, command(t, "", "preview").out
}

func orderEvent(value string, headers ...string) *kgo.Record {
	r := &kgo.Record{Value: []byte(value)}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
	}
	return r
}

func TestPreviewWarnsThatTheMappingReadsNoEventAndNamesAPresetThatDoes(t *testing.T) {
	var orders []*kgo.Record
	for i := range 3 {
		orders = append(orders, orderEvent(fmt.Sprintf(`{"id":%d,"financial_status":"paid","cancelled_at":null,"test":false}`,
			i+1), "X-Shopify-Topic", "orders/paid"))
	}
	warnings, table := previewed(t, "plain", orders...)
	want := "every event is refused: is MAPPING=plain right? Presets that read them: shopify (3 of 3)"
	if len(warnings) != 1 || !strings.HasPrefix(warnings[0], want) || !strings.Contains(table, "\nwarn  "+want) {
		t.Errorf("got %q and\n%s\nwant one warning: %s", warnings, table, want)
	}
	if warnings, _ := previewed(t, "shopify", orders...); len(warnings) != 0 {
		t.Errorf("got %q for the right mapping, want none", warnings)
	}
	if warnings, _ := previewed(t, "plain", orderEvent(`{"nobody":"reads this"}`)); len(warnings) != 1 ||
		!strings.Contains(warnings[0], "No preset reads them; leadhit-sync mapping explain") {
		t.Errorf("got %q, want it to say that no preset reads them", warnings)
	}
}

func TestPreviewWarnsOfStatusesThatLeadHitDoesNotKnow(t *testing.T) {
	warnings, _ := previewed(t, "plain",
		orderEvent(`{"order_id":"1","status":"paid"}`), orderEvent(`{"order_id":"2","status":"PAID"}`),
		orderEvent(`{"order_id":"3","status":"PAID"}`),
		orderEvent(`{"order_id":"4","status":"new\n"}`))
	want := `LeadHit refuses 2 calls with the status "PAID", 1 call with the status "new\n": it knows submitted, paid; ` +
		`status lists in a mapping translate it, for instance paid: ["PAID"]`
	if len(warnings) != 1 || warnings[0] != want {
		t.Errorf("got %q, want %q", warnings, want)
	}
	warnings, _ = previewed(t, "plain", orderEvent(`{"order_id":"2","status":"PAID"}`), orderEvent(""))
	if len(warnings) != 2 || !strings.HasPrefix(warnings[1],
		"no event leads to a call that LeadHit accepts: is MAPPING=plain right?") {
		t.Errorf("got %q, want a second warning about the mapping", warnings)
	}
	own := write(t, t.TempDir(), "own.yaml", "statuses: [new, done]\nfields: {order_id: {path: $.order_id}, status: "+
		"{path: $.status}}\nstatus: {otherwise: pass}\n")
	if warnings, _ := previewed(t, own, orderEvent(`{"order_id":"1","status":"done"}`)); len(warnings) != 0 {
		t.Errorf("got %q for a status that the file's statuses name, want none", warnings)
	}
}

func TestPreviewWarnsOfAFewStatusesByNameAndCountsTheRest(t *testing.T) {
	var orders []*kgo.Record
	for i := range 300 {
		orders = append(orders, orderEvent(fmt.Sprintf(`{"order_id":"1","status":"s%d"}`, i)))
	}
	warnings, _ := previewed(t, "plain", orders...)
	if len(warnings) != 1 || !strings.Contains(warnings[0], "195 more: it knows submitted, paid") ||
		strings.Contains(warnings[0], "others") {
		t.Errorf("got %q, want five statuses and the number of the others that are known", warnings)
	}
}

func TestPreviewShowsWhatCheckFinds(t *testing.T) {
	own := write(t, t.TempDir(), "own.yaml", `match: {topics: [a, elsewhere]}
fields: {order_id: {path: $.order_id}, status: {path: $.status, normalize: [lower]}}
rules: [{when: 'status == "NEW"', then: ignore}]
status: {paid: [paid]}
`)
	warnings, _ := previewed(t, own, orderEvent(`{"order_id":"1","status":"paid"}`))
	if len(warnings) != 2 || !strings.Contains(warnings[0],
		`own.yaml:1:8: mapping own: match.topics: the topic "elsewhere"`) ||
		!strings.Contains(warnings[1], `own.yaml:3:27: mapping own: rules[0].when: after normalize, status is never "NEW"`) {
		t.Errorf("got %q, want both findings with their places", warnings)
	}
}
