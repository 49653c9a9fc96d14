package config

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// tracesPath is the path that OpenTelemetry appends to an address shared by all signals.
const tracesPath = "/v1/traces"

const defaultTracesTimeout = 10 * time.Second

// traces says where and how spans are sent. The variables and their forms are OpenTelemetry's, and its SDK reads more
// of them (OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_*, OTEL_SPAN_*).
type traces struct {
	Exporter       string `envconfig:"OTEL_TRACES_EXPORTER" shown:"otlp, where an endpoint is set" example:"otlp" help:"otlp sends traces, none sends no traces."`
	Endpoint       string `envconfig:"OTEL_EXPORTER_OTLP_ENDPOINT" shown:"none: no traces" example:"http://otel-collector:4318" help:"Collector of traces (OTLP over HTTP, protobuf); /v1/traces is added."`
	TracesEndpoint string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" example:"http://otel-collector:4318/v1/traces" help:"Complete URL for traces; takes precedence."`
	Protocol       string `envconfig:"OTEL_EXPORTER_OTLP_PROTOCOL" shown:"http/protobuf" example:"http/protobuf" help:"Only http/protobuf is supported, whatever this says."`
	// Headers are a secret because they contain tokens.
	Headers     Secret `envconfig:"OTEL_EXPORTER_OTLP_HEADERS" example:"authorization=Bearer%20token" help:"Headers for the collector, name=value, separated by commas, values percent-encoded."`
	CAFile      string `envconfig:"OTEL_EXPORTER_OTLP_CERTIFICATE" shown:"the system's" example:"/etc/otel/ca.pem" help:"PEM file with additional authorities to trust for the collector's certificate; read again when it changes."`
	Limit       string `envconfig:"OTEL_EXPORTER_OTLP_TIMEOUT" shown:"10000" example:"10000" help:"Time limit of one export of spans, in milliseconds."`
	ServiceName string `envconfig:"OTEL_SERVICE_NAME" shown:"leadhit-sync" example:"leadhit-sync" help:"The service's name in traces."`
	Disabled    string `envconfig:"OTEL_SDK_DISABLED" shown:"false" example:"true" help:"true sends no traces, whatever else is set."`
}

// Address returns the URL that spans are posted to, or "" if none are sent.
func (t *traces) Address() string {
	endpoint := t.TracesEndpoint
	if endpoint == "" && t.Endpoint != "" {
		endpoint = strings.TrimSuffix(t.Endpoint, "/") + tracesPath
	}
	switch {
	case strings.EqualFold(t.Disabled, "true"):
		return ""
	case t.Exporter == "":
		return endpoint
	case t.Exporter != "otlp":
		return ""
	case endpoint == "":
		return "http://localhost:4318" + tracesPath
	}
	return endpoint
}

// Timeout limits one export of spans.
func (t *traces) Timeout() time.Duration {
	ms, err := strconv.ParseUint(t.Limit, 10, 32)
	if err != nil || ms == 0 {
		return defaultTracesTimeout
	}
	return time.Duration(ms) * time.Millisecond
}

func (c *Config) checkTraces(p *problems) {
	for name, endpoint := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.Traces.Endpoint, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": c.Traces.TracesEndpoint,
	} {
		if endpoint == "" {
			continue
		}
		// A query or a fragment would come before the path that we append. Errors quote the address, so it must not
		// contain credentials.
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil ||
			strings.ContainsAny(endpoint, "?#") {
			p.add(name, "not an http or https URL, or has a user name, a query or a fragment")
		}
	}
	p.addFile("OTEL_EXPORTER_OTLP_CERTIFICATE", c.Traces.CAFile)
}

// warnings returns lines about standard settings whose values are not supported. Such values are not mistakes, because
// platforms set these variables for all their programs alike, and the worker must start anyway.
func (t *traces) warnings() []string {
	var lines []string
	switch t.Exporter {
	case "", "otlp", "none":
	default:
		lines = append(lines,
			fmt.Sprintf("OTEL_TRACES_EXPORTER %q is not supported, so no traces are sent; use otlp", clip(t.Exporter)))
	}
	if t.Protocol != "" && t.Protocol != "http/protobuf" && t.Address() != "" {
		lines = append(lines, fmt.Sprintf("OTEL_EXPORTER_OTLP_PROTOCOL %q is not supported: traces use http/protobuf, "+
			"which collectors accept on port 4318", clip(t.Protocol)))
	}
	if t.Limit != "" && t.Timeout() == defaultTracesTimeout && t.Limit != "10000" {
		lines = append(lines,
			fmt.Sprintf("OTEL_EXPORTER_OTLP_TIMEOUT %q is not a number of milliseconds; using 10000", clip(t.Limit)))
	}
	return lines
}
