package observe

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"leadhit-sync/config"
	"leadhit-sync/consumer"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/leadhit"
	"leadhit-sync/retry"
)

// flushLimit is how long the delivery of the last spans may take.
const flushLimit = 3 * time.Second

// Tracing observes the steps of an event's path from outside, as Metrics does. Each event has a span, from its fetch
// until its last order is finished, with a child span for each call. The event's own traceparent header names the
// parent of its span, and LeadHit gets the traceparent of the call's span. A nil Tracing is off.
//
// If an event's partition moves and another worker finishes the event, this worker sends no span for the event, but
// does send spans for the calls that it made.
type Tracing struct {
	collector *collector
	resource  []attribute.KeyValue
	group     attribute.KeyValue
	server    []attribute.KeyValue // LeadHit's host and port

	// Start sets provider and tracer, before the consumer runs.
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	context  propagation.TraceContext
}

// OpenTracing returns tracing as configured, or nil if tracing is off. It sends nothing before Start.
func OpenTracing(c *config.Config, version string, log *slog.Logger) (*Tracing, error) {
	if c.Traces.Address() == "" {
		return nil, nil // a nil Tracing is off
	}
	collector, err := openCollector(c, version, log)
	if err != nil {
		return nil, err
	}
	name := c.Traces.ServiceName
	if name == "" {
		name = "leadhit-sync"
	}
	t := &Tracing{
		collector: collector,
		resource:  []attribute.KeyValue{semconv.ServiceName(name), semconv.ServiceVersion(version)},
		group:     semconv.MessagingConsumerGroupName(c.Kafka.Group),
	}
	if u, err := url.Parse(c.LeadHit.URL); err == nil {
		t.server = append(t.server, semconv.ServerAddress(u.Hostname()))
		if port, err := strconv.Atoi(u.Port()); err == nil {
			t.server = append(t.server, semconv.ServerPort(port))
		}
	}
	return t, nil
}

// Start begins to collect spans. stop takes at most three seconds to deliver the last ones.
func (t *Tracing) Start(ctx context.Context) (stop func()) {
	if t == nil {
		return func() {}
	}
	// The environment (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) overrides the other attributes.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(t.resource...), resource.WithFromEnv())
	if err != nil {
		t.collector.log.WarnContext(ctx, "traces lack some attributes of this process", slog.Any("error", err))
	}
	t.provider = sdktrace.NewTracerProvider(sdktrace.WithResource(about),
		sdktrace.WithBatcher(otlptrace.NewUnstarted(t.collector)))
	t.tracer = t.provider.Tracer("leadhit-sync")
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushLimit)
		defer cancel()
		if err := t.provider.Shutdown(ctx); err != nil {
			t.collector.log.WarnContext(ctx, "the last spans were not delivered", slog.Any("error", err))
		}
		t.collector.close()
	}
}

// eventSpan is the span of an event. The span itself is created late, but with the time of the fetch, because most
// events in a full window wait, and must cost little.
type eventSpan struct {
	read   time.Time
	replay int // counts the replays of a letter; 0 for an event
	make   sync.Once
	span   trace.Span
	open   atomic.Int64 // calls and letters still due
}

// Decode starts the span of each event, and ends it at once if the event needs neither a call nor a letter.
func (t *Tracing) Decode(decode decoder) decoder {
	if t == nil {
		return decode
	}
	return func(ctx context.Context, e *consumer.Event) ([]event.Item, error) {
		s := &eventSpan{read: time.Now()}
		items, err := decode(ctx, e)
		if err != nil {
			return items, err // the event is decoded again
		}
		e.Note = s
		s.open.Store(orders(items))
		if s.open.Load() == 0 {
			t.of(ctx, e, s).End()
		}
		return items, nil
	}
}

// Take starts the span of a letter's replay, in the trace of the letter's event. A replay is about one order, so the
// span ends with the accepted call or the new letter. A replay that needs neither has no span.
func (t *Tracing) Take(take taker) taker {
	if t == nil {
		return take
	}
	return func(ctx context.Context, in turn.Take) (turn.Taken, error) {
		s := &eventSpan{read: time.Now()}
		taken, err := take(ctx, in)
		if e, ok := taken.Record.(*consumer.Event); ok && err == nil {
			s.replay = taken.Letter.Count + 1
			s.open.Store(1)
			e.Note = s
		}
		return taken, err
	}
}

// orders returns how many calls and letters an event needs. Of several items that ask for a call for the same order,
// only one gets a call.
func orders(items []event.Item) int64 {
	var refused int64
	called := make(map[string]struct{}, len(items))
	for _, it := range items {
		switch it.Action {
		case event.Call:
			called[it.OrderID] = struct{}{}
		case event.Refuse:
			refused++
		case event.Ignore:
		}
	}
	return refused + int64(len(called))
}

// of returns an event's span. It creates the span if none exists yet.
func (t *Tracing) of(ctx context.Context, e *consumer.Event, s *eventSpan) trace.Span {
	s.make.Do(func() {
		_, s.span = t.tracer.Start(t.context.Extract(ctx, carrier(e)), "process "+e.Topic,
			trace.WithTimestamp(s.read), trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
				semconv.MessagingSystemKafka, semconv.MessagingOperationTypeProcess, semconv.MessagingOperationName("process"),
				semconv.MessagingDestinationName(e.Topic), semconv.MessagingDestinationPartitionID(strconv.Itoa(e.Partition)),
				semconv.MessagingKafkaOffset(int(e.Offset)), t.group,
			))
		if s.replay > 0 {
			s.span.SetAttributes(attribute.Int("leadhit_sync.replay", s.replay))
		}
	})
	return s.span
}

// Send makes each call within a span of its own, which [Traceparent] reads from the context. judge returns the verdict
// on a call's outcome.
func (t *Tracing) Send(send caller, judge func(error) retry.Verdict) caller {
	if t == nil {
		return send
	}
	return func(ctx context.Context, c consumer.Call) error {
		s := noteOf(c.Event)
		if s == nil {
			return send(ctx, c)
		}
		ctx, span := t.tracer.Start(trace.ContextWithSpan(ctx, t.of(ctx, c.Event, s)), leadhit.Method,
			trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(t.server...), trace.WithAttributes(
				semconv.RPCSystemNameJSONRPC, semconv.RPCMethod(leadhit.Method), semconv.JSONRPCProtocolVersion("2.0"),
				semconv.JSONRPCRequestID(c.ID), semconv.HTTPRequestMethodPost,
				attribute.String("leadhit_sync.order", c.Order), attribute.String("leadhit_sync.status", c.Status),
			))
		err := send(ctx, c)
		v := judge(err)
		span.SetAttributes(attribute.String("leadhit_sync.verdict", v.Kind.String()))
		span.SetAttributes(statusOf(err)...)
		if err != nil {
			span.RecordError(err)
			span.SetAttributes(semconv.ErrorTypeKey.String(v.Cause))
			span.SetStatus(codes.Error, v.Message)
		}
		span.End()
		if v.Kind == retry.Done {
			s.over()
		}
		return err
	}
}

// Repeat adds a span event named "repeat" to the event's span for each call that is not made.
func (t *Tracing) Repeat(repeat repeater) repeater {
	if t == nil {
		return repeat
	}
	return func(ctx context.Context, c consumer.Call) {
		repeat(ctx, c)
		if s := noteOf(c.Event); s != nil {
			t.of(ctx, c.Event, s).AddEvent("repeat", trace.WithAttributes(
				attribute.String("leadhit_sync.order", c.Order), attribute.String("leadhit_sync.status", c.Status)))
			s.over()
		}
	}
}

// Traceparent returns the value of the W3C traceparent header for a call within a span, or "" if tracing is off.
func Traceparent(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ""
	}
	headers := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, headers)
	return headers["traceparent"]
}

// statusOf returns the codes of the response, if there was one.
func statusOf(err error) []attribute.KeyValue {
	status, answered := errors.AsType[*leadhit.StatusError](err)
	rpc, refused := errors.AsType[*leadhit.RPCError](err)
	_, strange := errors.AsType[*leadhit.BadAnswerError](err)
	switch {
	case answered:
		return []attribute.KeyValue{semconv.HTTPResponseStatusCode(status.Status)}
	case refused:
		return []attribute.KeyValue{
			semconv.HTTPResponseStatusCode(http.StatusOK),
			semconv.RPCResponseStatusCode(strconv.Itoa(rpc.Code)),
		}
	case err == nil, strange:
		return []attribute.KeyValue{semconv.HTTPResponseStatusCode(http.StatusOK)}
	}
	return nil
}

// Store records each letter on its event's span, once the letter is stored.
func (t *Tracing) Store(store storer) storer {
	if t == nil {
		return store
	}
	return func(ctx context.Context, l consumer.Letter) error {
		err := store(ctx, l)
		if s := noteOf(l.Event); s != nil && err == nil {
			span := t.of(ctx, l.Event, s)
			span.AddEvent("dead letter", trace.WithAttributes(attribute.String("leadhit_sync.cause", l.Verdict.Cause)))
			span.SetAttributes(semconv.ErrorTypeKey.String(l.Verdict.Cause))
			span.SetStatus(codes.Error, "dead letter: "+l.Verdict.Cause)
			s.over()
		}
		return err
	}
}

// noteOf returns the span that Decode or Take attached to an event.
func noteOf(e *consumer.Event) *eventSpan {
	if e == nil {
		return nil
	}
	s, _ := e.Note.(*eventSpan)
	return s
}

// over records that one more of the event's orders is finished, and ends the span after the last order.
func (s *eventSpan) over() {
	if s.open.Add(-1) == 0 {
		s.span.End()
	}
}

// carrier returns an event's headers for the extraction of the trace context. Of several headers with the same name,
// the last counts, as everywhere in Kafka. Some producers use capital letters in the names, but the extraction looks
// for lower-case names.
func carrier(e *consumer.Event) propagation.MapCarrier {
	all := make(propagation.MapCarrier, len(e.Headers))
	for _, h := range e.Headers {
		all[strings.ToLower(h.Key)] = string(h.Value)
	}
	return all
}
