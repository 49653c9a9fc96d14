package observe

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"leadhit-sync/config"
	"leadhit-sync/config/credentials"
)

const (
	// retries is how many times a delivery is retried, if the collector's status is retryable. The first wait is
	// firstDelivery, and each further wait is twice as long. The SDK allows 30 s per batch in all.
	retries, firstDelivery = 4, 500 * time.Millisecond
	// maxAnswerOfCollector is how much of a response is read, so that the connection can be kept.
	maxAnswerOfCollector = 64 << 10
)

// collector delivers spans by OTLP over HTTP: one POST of protobuf per batch. OpenTelemetry's own client does the same,
// but imports gRPC, which adds 5 MiB to the binary.
//
// It returns no error to the SDK, which would write one line per batch to stderr. Instead it logs the first failure,
// and the first success after it. Spans that cannot be delivered are lost; nothing waits for them.
type collector struct {
	url     string
	header  http.Header
	client  *http.Client
	log     *slog.Logger
	failing atomic.Bool
}

// maxAnswerHeader limits the header of a response, in bytes. net/http's own limit is 10 MiB.
const maxAnswerHeader = 64 << 10

// openCollector returns the configured collector, without connecting to it. The headers in OTEL_EXPORTER_OTLP_HEADERS
// are pairs with percent-encoded values. The values may contain a token, so no error and no log line shows them.
func openCollector(c *config.Config, version string, log *slog.Logger) (*collector, error) {
	t := &c.Traces
	transport := &http.Transport{MaxIdleConns: 1, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxAnswerHeader}
	if t.CAFile != "" {
		roots, err := credentials.Keep("OTEL_EXPORTER_OTLP_CERTIFICATE", log, credentials.Authorities(t.CAFile))
		if err != nil {
			return nil, err
		}
		transport.DialTLSContext = credentials.DialTLS(roots, t.Timeout(), "http/1.1")
	}
	header := http.Header{}
	for pair := range strings.SplitSeq(t.Headers.Reveal(), ",") {
		name, value, found := strings.Cut(pair, "=")
		if plain, err := url.PathUnescape(strings.TrimSpace(value)); found && err == nil {
			header.Set(strings.TrimSpace(name), plain)
		}
	}
	header.Set("Content-Type", "application/x-protobuf")
	header.Set("User-Agent", "leadhit-sync/"+version)
	return &collector{url: t.Address(), header: header, log: log, client: &http.Client{
		Transport: transport, Timeout: t.Timeout(),
		// A redirect would send the headers, and the tokens in them, to another address.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Start does nothing, because there is no connection before the first span.
func (c *collector) Start(context.Context) error { return nil }

// Stop does nothing, because Tracing calls close after the last batch.
func (c *collector) Stop(context.Context) error { return nil }

func (c *collector) close() { c.client.CloseIdleConnections() }

// UploadTraces delivers a batch.
func (c *collector) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// On the wire this is identical to the ExportTraceServiceRequest that the collector reads.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err == nil {
		err = c.deliver(ctx, body)
	}
	c.record(ctx, err)
	return nil
}

// deliver sends a batch, and retries while the collector's status is retryable.
func (c *collector) deliver(ctx context.Context, body []byte) error {
	var last error
	_ = backoff.Retry(func() error {
		again, err := c.post(ctx, body)
		if last = err; !again && err != nil {
			return backoff.Permanent(err)
		}
		return err
	}, backoff.WithContext(backoff.WithMaxRetries(backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(firstDelivery), backoff.WithMultiplier(2), backoff.WithRandomizationFactor(0)), retries),
		ctx))
	return last // backoff's own error may only say that the context has ended
}

// post makes one attempt. It reports whether the collector's status is retryable.
func (c *collector) post(ctx context.Context, body []byte) (again bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	request.Header = c.header
	answer, err := c.client.Do(request)
	if err != nil {
		return false, err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswerOfCollector) // only the status matters
	switch answer.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return false, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		again = true // OTLP/HTTP lists these as retryable
	}
	return again, fmt.Errorf("the collector responded with HTTP %d", answer.StatusCode)
}

// record logs when deliveries start to fail, and when they succeed again.
func (c *collector) record(ctx context.Context, err error) {
	was := c.failing.Swap(err != nil)
	switch {
	case err != nil && !was:
		c.log.WarnContext(ctx, "traces cannot be delivered and are lost; check OTEL_EXPORTER_OTLP_ENDPOINT",
			slog.Any("error", err))
	case err == nil && was:
		c.log.InfoContext(ctx, "traces are delivered again")
	}
}
