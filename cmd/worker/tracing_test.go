package worker_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/leadhit/sandbox"
)

const (
	shopTrace = "0af7651916cd43dd8448eb211c80319c"
	shopSpan  = "b7ad6b7169203331"
)

// collector receives spans as an OpenTelemetry collector does.
type collector struct {
	mu       sync.Mutex
	spans    []*tracepb.Span
	resource map[string]string
	header   http.Header
	refusals int // how many deliveries get a 503 first
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusals > 0 {
		c.refusals--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(r.Body)
	var data tracepb.TracesData
	if err == nil {
		err = proto.Unmarshal(body, &data)
	}
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.header = r.Header.Clone()
	for _, resource := range data.GetResourceSpans() {
		c.resource = attributes(resource.GetResource().GetAttributes())
		for _, scope := range resource.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
}

func attributes(all []*commonpb.KeyValue) map[string]string {
	m := map[string]string{}
	for _, a := range all {
		switch v := a.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			m[a.GetKey()] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			m[a.GetKey()] = strconv.FormatInt(v.IntValue, 10)
		}
	}
	return m
}

// named returns the spans with the given name that have arrived so far, in the order in which they started.
func (c *collector) named(name string) []*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []*tracepb.Span
	for _, s := range c.spans {
		if s.GetName() == name {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b *tracepb.Span) int { return int(a.GetStartTimeUnixNano()) - int(b.GetStartTimeUnixNano()) })
	return found
}

// node is a LeadHit look-alike that records each call's traceparent.
type node struct {
	*sandbox.Sandbox

	mu      sync.Mutex
	parents []string
}

func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	n.parents = append(n.parents, r.Header.Get("Traceparent"))
	n.mu.Unlock()
	n.Sandbox.ServeHTTP(w, r)
}

func (n *node) seen() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.parents)
}

// traced sets up a scene with a collector and a LeadHit look-alike that records traceparents.
func traced(t *testing.T, settings ...string) (*scene, *collector, *node) {
	t.Helper()
	c, n := new(collector), &node{Sandbox: sandbox.New(sandbox.Options{Key: apiKey})}
	collecting, leadhit := httptest.NewServer(c), httptest.NewServer(n)
	t.Cleanup(collecting.Close)
	t.Cleanup(leadhit.Close)
	s := newScene(t, append([]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT", collecting.URL, "OTEL_BSP_SCHEDULE_DELAY", "20", "LEADHIT_URL", leadhit.URL + "/",
	}, settings...)...)
	s.leadhit = n.Sandbox
	return s, c, n
}

// produceTraced writes one event, as a shop that traces its own work does.
func (s *scene) produceTraced(value, traceparent string) {
	s.t.Helper()
	r := &kgo.Record{Topic: "orders", Value: []byte(value), Headers: []kgo.RecordHeader{
		{Key: "traceparent", Value: []byte("00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-01")},
		{Key: "Traceparent", Value: []byte(traceparent)},
	}}
	if err := s.shop.ProduceSync(s.t.Context(), r).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

func TestATraceGoesFromTheShopThroughTheEventToTheCall(t *testing.T) {
	s, c, n := traced(t, "OTEL_SERVICE_NAME", "orders-to-leadhit", "OTEL_EXPORTER_OTLP_HEADERS",
		"authorization=Bearer%20canary-token,x-tenant=shop")
	s.run()
	s.produceTraced(`{"order_id": "4711", "status": "paid"}`, "00-"+shopTrace+"-"+shopSpan+"-01")
	s.until("both spans", func() bool {
		return len(c.named("process orders")) == 1 &&
			len(c.named("set_order_status")) == 1
	})
	event, call := c.named("process orders")[0], c.named("set_order_status")[0]
	for _, span := range []*tracepb.Span{event, call} {
		if got := hex.EncodeToString(span.GetTraceId()); got != shopTrace {
			t.Errorf("%s: got trace %s, want the shop's", span.GetName(), got)
		}
		if span.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_UNSET {
			t.Errorf("%s: got status %v, want none", span.GetName(), span.GetStatus())
		}
	}
	if got := hex.EncodeToString(event.GetParentSpanId()); got != shopSpan {
		t.Errorf("got the event's parent %s, want the shop's span", got)
	}
	if !slices.Equal(call.GetParentSpanId(), event.GetSpanId()) {
		t.Error("got a call that is not a child of its event")
	}
	if got, want := n.seen(), "00-"+shopTrace+"-"+hex.EncodeToString(call.GetSpanId())+"-01"; len(got) != 1 ||
		got[0] != want {
		t.Errorf("got traceparents %q at LeadHit, want %q", got, want)
	}
	if event.GetStartTimeUnixNano() > call.GetStartTimeUnixNano() ||
		event.GetEndTimeUnixNano() < call.GetEndTimeUnixNano() {
		t.Error("got a call outside its event's time")
	}
	has(t, event, tracepb.Span_SPAN_KIND_CONSUMER, map[string]string{
		"messaging.system": "kafka", "messaging.operation.type": "process", "messaging.destination.name": "orders",
		"messaging.destination.partition.id": "0", "messaging.kafka.offset": "0",
		"messaging.consumer.group.name": "leadhit-sync",
	})
	has(t, call, tracepb.Span_SPAN_KIND_CLIENT, map[string]string{
		"rpc.system.name": "jsonrpc", "rpc.method": "set_order_status", "jsonrpc.request.id": "orders-0-0",
		"http.response.status_code": "200", "server.address": "127.0.0.1", "leadhit_sync.order": "4711",
		"leadhit_sync.verdict": "done",
	})
	fromTheSettings(t, c)
	if strings.Contains(s.logs.String(), "canary") {
		t.Errorf("got a secret in the log:\n%s", s.logs.String())
	}
}

func TestARepeatEndsItsEventsSpanWithoutACall(t *testing.T) {
	s, c, n := traced(t)
	s.run()
	for range 2 {
		s.produceKeyed("4711", `{"order_id": "4711", "status": "paid"}`)
	}
	s.until("both events' spans", func() bool { return len(c.named("process orders")) == 2 })
	repeat := c.named("process orders")[1]
	events := repeat.GetEvents()
	if calls := len(n.Calls()); calls != 1 || len(events) != 1 || events[0].GetName() != "repeat" {
		t.Fatalf("got %d calls and the span events %v of the second event, want one call and a repeat", calls, events)
	}
	want := map[string]string{"leadhit_sync.order": "4711", "leadhit_sync.status": "paid"}
	if got := attributes(events[0].GetAttributes()); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := repeat.GetStatus().GetCode(); got != tracepb.Status_STATUS_CODE_UNSET {
		t.Errorf("got status %v, want none", got)
	}
}

func fromTheSettings(t *testing.T, c *collector) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.resource["service.name"] != "orders-to-leadhit" || c.resource["service.version"] != "1.2.3" {
		t.Errorf("got resource %v, want the service's name and version", c.resource)
	}
	if got := c.header.Get("Authorization"); got != "Bearer canary-token" || c.header.Get("X-Tenant") != "shop" {
		t.Errorf("got headers %v at the collector, want those of the settings", c.header)
	}
}

func has(t *testing.T, span *tracepb.Span, kind tracepb.Span_SpanKind, want map[string]string) {
	t.Helper()
	if span.GetKind() != kind {
		t.Errorf("%s: got kind %v, want %v", span.GetName(), span.GetKind(), kind)
	}
	got := attributes(span.GetAttributes())
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: got %s %q, want %q", span.GetName(), name, got[name], value)
		}
	}
}

func TestARefusedOrderEndsItsEventsSpanWithTheLetter(t *testing.T) {
	s, c, _ := traced(t)
	s.run()
	s.produceTraced(`{"order_id": "4712", "status": "lost"}`, "no traceparent at all")
	s.until("both spans", func() bool {
		return len(c.named("process orders")) == 1 &&
			len(c.named("set_order_status")) == 1
	})
	event, call := c.named("process orders")[0], c.named("set_order_status")[0]
	if len(event.GetParentSpanId()) != 0 || hex.EncodeToString(event.GetTraceId()) == shopTrace {
		t.Errorf("got %v, want a trace of its own", event)
	}
	for _, span := range []*tracepb.Span{event, call} {
		if span.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR || len(span.GetEvents()) != 1 {
			t.Errorf("%s: got status %v and %d notes, want an error and one note", span.GetName(), span.GetStatus(),
				len(span.GetEvents()))
		}
		has(t, span, span.GetKind(), map[string]string{"error.type": "ValidationError"})
	}
	has(t, call, tracepb.Span_SPAN_KIND_CLIENT, map[string]string{
		"rpc.response.status_code": "-32000",
		"leadhit_sync.verdict":     "dead_letter",
	})
}

func TestAReplayHasASpanInTheTraceOfItsEvent(t *testing.T) {
	s, c, n := traced(t, "KAFKA_GROUP", "test")
	s.run()
	s.produceTraced(`{"order_id": "4712", "status": "lost"}`, "00-"+shopTrace+"-"+shopSpan+"-01")
	s.until("a letter is stored", func() bool { return len(s.letters()) == 1 })
	replay := ledger.Entry{Event: ledger.LetterReplay, ID: s.letters()[0].ID(), N: 1, Run: "r_1"}
	s.operate(replay)
	s.until("two spans of the event", func() bool { return len(c.named("process orders")) == 2 })
	n.Change(func(f *sandbox.Faults) { f.Statuses = []string{"lost"} })
	replay.N, replay.Letter = 2, 1
	s.operate(replay)
	s.until("a third span of the event", func() bool { return len(c.named("process orders")) == 3 })
	calls := c.named("set_order_status")
	if len(calls) != 3 {
		t.Fatalf("got %d calls' spans, want 3", len(calls))
	}
	for i, span := range c.named("process orders") {
		if hex.EncodeToString(span.GetTraceId()) != shopTrace || hex.EncodeToString(span.GetParentSpanId()) != shopSpan {
			t.Errorf("process %d: got %v, want the shop's trace", i, span)
		}
		if !bytes.Equal(calls[i].GetParentSpanId(), span.GetSpanId()) {
			t.Errorf("call %d: got parent %x, want the span of its replay", i, calls[i].GetParentSpanId())
		}
		count := ""
		if i > 0 {
			count = strconv.Itoa(i)
		}
		has(t, span, tracepb.Span_SPAN_KIND_CONSUMER, map[string]string{"leadhit_sync.replay": count})
	}
}

func TestEachAttemptIsASpanAndTheEventEndsWithTheLast(t *testing.T) {
	s, c, n := traced(t)
	s.leadhit.Change(func(f *sandbox.Faults) { f.Errors = 1 })
	s.run()
	s.produceTraced(`{"order_id": "4711", "status": "paid"}`, "00-"+shopTrace+"-"+shopSpan+"-01")
	s.until("two attempts", func() bool { return len(c.named("set_order_status")) >= 2 })
	if n := len(c.named("process orders")); n != 0 {
		t.Errorf("got %d spans of an unfinished event, want none", n)
	}
	s.leadhit.Change(func(f *sandbox.Faults) { f.Errors = 0 })
	s.until("the event's span", func() bool { return len(c.named("process orders")) == 1 })
	calls := c.named("set_order_status")
	has(t, calls[0], tracepb.Span_SPAN_KIND_CLIENT, map[string]string{"leadhit_sync.verdict": "again"})
	seen := n.seen()
	for i, call := range calls {
		if want := hex.EncodeToString(call.GetSpanId()); i >= len(seen) || !strings.Contains(seen[i], want) {
			t.Errorf("attempt %d: got traceparents %q, want its own span %s", i, seen, want)
		}
	}
	if last := calls[len(calls)-1]; last.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_UNSET {
		t.Errorf("got status %v of the last attempt, want none", last.GetStatus())
	}
}

func TestAnIgnoredEventHasASpanAndNoCall(t *testing.T) {
	s, c, n := traced(t)
	s.run()
	r := &kgo.Record{Topic: "orders", Key: []byte("4711")} // a tombstone
	if err := s.shop.ProduceSync(t.Context(), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
	s.until("the event's span", func() bool { return len(c.named("process orders")) == 1 })
	if got := n.seen(); len(got) != 0 {
		t.Errorf("got %d calls, want none", len(got))
	}
}

func TestAnEventAboutSeveralOrdersEndsWithTheLastOfThem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bundle.yaml")
	text := `{version: 1, name: bundle, match: {topics: [orders]}, each: "$[*]", fields: {order_id: {path: $.id, type: id}, status: {path: $.s}},
  status: {otherwise: pass}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, c, _ := traced(t, "MAPPING", file)
	s.run()
	// The first item for order 1 gets no call, because the same event has a later status for that order. The item for
	// order 3 becomes a letter.
	s.produceTraced(`[{"id": "1", "s": "submitted"}, {"id": "1", "s": "paid"}, {"id": "2", "s": "paid"}, {"id": "3", "s": "lost"}, {"s": "paid"}]`, "")
	s.until("the event's span", func() bool { return len(c.named("process orders")) == 1 })
	event, calls := c.named("process orders")[0], c.named("set_order_status")
	if len(calls) != 3 || len(event.GetEvents()) != 2 {
		t.Errorf("got %d calls and %d letters, want 3 and 2", len(calls), len(event.GetEvents()))
	}
	for _, call := range calls {
		if event.GetEndTimeUnixNano() < call.GetEndTimeUnixNano() {
			t.Error("got an event that ended before one of its calls")
		}
	}
}

func TestWithoutTracingNothingIsSentAnywhere(t *testing.T) {
	for name, settings := range map[string][]string{
		"no endpoint":         {"OTEL_EXPORTER_OTLP_ENDPOINT", ""},
		"none":                {"OTEL_TRACES_EXPORTER", "none"},
		"the SDK's switch":    {"OTEL_SDK_DISABLED", "true"},
		"an unknown exporter": {"OTEL_TRACES_EXPORTER", "zipkin"},
		"sampled: nothing":    {"OTEL_TRACES_SAMPLER", "always_off"},
		"an unsampled trace":  {"OTEL_TRACES_SAMPLER", "parentbased_always_on"},
	} {
		t.Run(name, func(t *testing.T) {
			s, c, n := traced(t, settings...)
			s.run()
			s.produceTraced(`{"order_id": "4711", "status": "paid"}`, "00-"+shopTrace+"-"+shopSpan+"-00")
			s.until("the call", func() bool { return len(n.seen()) == 1 })
			s.shows("/metrics", `leadhit_sync_verdicts_total{cause="",kind="done"} 1`)
			on := strings.Contains(strings.Join(settings, " "), "SAMPLER")
			if got := n.seen()[0]; on != strings.HasPrefix(got, "00-"+shopTrace+"-") || on != strings.HasSuffix(got, "-00") {
				t.Errorf("got traceparent %q at LeadHit, want one only where tracing is on, not sampled", got)
			}
			if len(c.named("process orders"))+len(c.named("set_order_status")) != 0 {
				t.Error("got spans, want none")
			}
		})
	}
}

func TestACollectorThatIsAwayIsReportedOnceAndHoldsNothingUp(t *testing.T) {
	s, c, n := traced(t, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/v1/traces")
	s.run()
	for i := range 5 {
		s.produceTraced(fmt.Sprintf(`{"order_id": "%d", "status": "paid"}`, i), "")
		s.until("the call", func() bool { return len(n.seen()) == i+1 })
		s.until("the failure is logged", func() bool { return strings.Contains(s.logs.String(), "traces cannot be delivered") })
	}
	if got := strings.Count(s.logs.String(), "traces cannot be delivered"); got != 1 {
		t.Errorf("got %d lines, want one:\n%s", got, s.logs.String())
	}
	if len(c.spans) != 0 {
		t.Error("got spans at the address for all signals, want the other to win")
	}
}

func TestABusyCollectorIsAskedAgain(t *testing.T) {
	s, c, _ := traced(t)
	c.refusals = 1
	s.run()
	s.produceTraced(`{"order_id": "4711", "status": "paid"}`, "")
	s.until("both spans", func() bool {
		return len(c.named("process orders")) == 1 &&
			len(c.named("set_order_status")) == 1
	})
	if strings.Contains(s.logs.String(), "traces cannot") {
		t.Errorf("got\n%s\nwant no line about a delivery that succeeded in the end", s.logs.String())
	}
}

func TestTheLastSpansAreDeliveredAtTheEnd(t *testing.T) {
	var c *collector
	t.Run("a worker", func(t *testing.T) {
		var s *scene
		var n *node
		s, c, n = traced(t, "OTEL_BSP_SCHEDULE_DELAY", strconv.FormatInt(time.Hour.Milliseconds(), 10))
		s.run()
		s.produceTraced(`{"order_id": "4711", "status": "paid"}`, "")
		s.until("the call", func() bool { return len(n.seen()) == 1 })
	})
	if len(c.named("process orders")) != 1 || len(c.named("set_order_status")) != 1 {
		t.Error("got no spans after the end, want both")
	}
}

func TestAFileThatIsNoCertificateIsReported(t *testing.T) {
	newScene(t, "OTEL_TRACES_EXPORTER", "otlp", "OTEL_EXPORTER_OTLP_CERTIFICATE", "tracing_test.go")
	settings, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	_, err = worker.Open(settings, "1.2.3", slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(),
		"OTEL_EXPORTER_OTLP_CERTIFICATE: the file cannot be used: contains no certificate") {
		t.Errorf("got %v, want the setting named", err)
	}
}
