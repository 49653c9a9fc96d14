package config_test

import (
	"strings"
	"testing"
	"time"
)

func TestTracesGoWhereTheStandardSays(t *testing.T) {
	for _, test := range []struct {
		name string
		set  []string
		want string
	}{
		{"off by default", nil, ""},
		{"an endpoint turns them on", []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}, "http://c:4318/v1/traces"},
		{"a slash at its end", []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/"}, "http://c:4318/v1/traces"},
		{"a path is kept", []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c/otlp"}, "https://c/otlp/v1/traces"},
		{
			"the signal's own endpoint wins, unchanged",
			[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://d/spans"},
			"http://d/spans",
		},
		{"otlp without an endpoint", []string{"OTEL_TRACES_EXPORTER", "otlp"}, "http://localhost:4318/v1/traces"},
		{"none", []string{"OTEL_TRACES_EXPORTER", "none", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}, ""},
		{"disabled", []string{"OTEL_SDK_DISABLED", "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}, ""},
		{"not disabled", []string{"OTEL_SDK_DISABLED", "false", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"}, "http://c/v1/traces"},
	} {
		t.Run(test.name, func(t *testing.T) {
			setup(t, test.set...)
			c := mustLoad(t)
			if got := c.Traces.Address(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if len(c.Warnings) > 0 {
				t.Errorf("got warnings %q, want none", c.Warnings)
			}
		})
	}
}

func TestAnUnsupportedStandardSettingIsOnlyAWarning(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"OTEL_TRACES_EXPORTER", "zipkin", `OTEL_TRACES_EXPORTER "zipkin" is not supported, so no traces are sent; use otlp`},
		{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", `OTEL_EXPORTER_OTLP_PROTOCOL "grpc" is not supported`},
		{"OTEL_EXPORTER_OTLP_TIMEOUT", "10s", `OTEL_EXPORTER_OTLP_TIMEOUT "10s" is not a number of milliseconds`},
	} {
		setup(t, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318", test.name, test.value)
		if got := mustLoad(t).Warnings; len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
			t.Errorf("got %q, want %q", got, test.want)
		}
		unset(t, test.name)
	}
}

func TestStandardVariablesForOtherReadersAreNotMistakes(t *testing.T) {
	setup(t, "OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.1", "OTEL_RESOURCE_ATTRIBUTES", "a=b",
		"OTEL_METRICS_EXPORTER", "none", "OTEL_LOGS_EXPORTER", "none", "OTEL_PROPAGATORS", "tracecontext", "OTEL_BSP_SCHEDULE_DELAY", "1",
		"OTEL_EXPORTER_OTLP_TIMEOUT", "2500", "OTEL_SERVICE_NAME", "", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c/v1/metrics")
	c := mustLoad(t)
	if len(c.Warnings) > 0 {
		t.Errorf("got warnings %q, want none", c.Warnings)
	}
	if got := c.Traces.Timeout(); got != 2500*time.Millisecond {
		t.Errorf("got %v, want 2.5 s", got)
	}
}

func TestAnInvalidCollectorAddressIsRefused(t *testing.T) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		for _, value := range []string{
			"collector:4318", "ftp://c/", "http://", "http://user:canary@c:4318", "http://canary@c:4318", "http://c:4318?token=canary",
			"https://c/v1/traces?api-key=canary", "http://c:4318?", "http://c:4318#canary", "http://c:4318/#", "http://user:canary@c:port",
		} {
			setup(t, name, value)
			got := mistakes(t)
			if len(got) != 1 || !strings.HasPrefix(got[0], name+": not an http or https URL, or has a user name, a query or a fragment") || strings.Contains(got[0], "canary") {
				t.Errorf("%s: got %q, want one mistake without the value", value, got)
			}
		}
		unset(t, name)
	}
}
