package config_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/config"
)

// setup clears every setting that the environment has, and then sets the required ones and the pairs. A pair is a
// variable and its value; a later pair wins.
func setup(t *testing.T, pairs ...string) {
	t.Helper()
	for _, v := range config.Variables() {
		unset(t, v.Name)
	}
	t.Setenv("KAFKA_BROKERS", "kafka-1:9092")
	t.Setenv("KAFKA_TOPICS", "orders")
	t.Setenv("LEADHIT_API_KEY", "the-key")
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
	}
}

// unset removes a variable until the test ends.
func unset(t *testing.T, variable string) {
	t.Helper()
	t.Setenv(variable, "") // Puts the old value back at the end.
	if err := os.Unsetenv(variable); err != nil {
		t.Fatal(err)
	}
}

// file writes text to a file and returns the file's path.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustLoad(t *testing.T) *config.Config {
	t.Helper()
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mistakes loads the settings and returns the lines about mistakes.
func mistakes(t *testing.T) []string {
	t.Helper()
	c, err := config.Load()
	if err == nil {
		return nil
	}
	all, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("got an error of type %T, want *config.Error", err)
	}
	if c != nil {
		t.Error("got settings together with an error, want none")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(all.Problems) {
		t.Errorf("got %d lines for %d problems, want one each", len(lines), len(all.Problems))
	}
	return lines
}

func TestDefaultsAreThoseOfTheTable(t *testing.T) {
	setup(t)
	c := mustLoad(t)
	for _, check := range []struct {
		name      string
		got, want any
	}{
		{"KAFKA_GROUP", c.Kafka.Group, "leadhit-sync"},
		{"KAFKA_START", c.Kafka.Start, config.Start{}},
		{"KAFKA_SESSION_TIMEOUT", c.Kafka.SessionTimeout, 10 * time.Second},
		{"KAFKA_TLS", c.Kafka.TLS, false},
		{"LEADHIT_URL", c.LeadHit.URL, "https://service.leadhit.ru/api/v1/orders/"},
		{"LEADHIT_TIMEOUT", c.LeadHit.Timeout, 3 * time.Second},
		{"LEADHIT_PROXY", c.LeadHit.Proxy.Reveal(), ""},
		{"CALLS_IN_FLIGHT", c.CallsInFlight, 64},
		{"CALLS_PER_SECOND", c.CallsPerSecond, 0.0},
		{"WINDOW_EVENTS", c.WindowEvents, 10_000},
		{"WINDOW_BYTES", c.WindowBytes, config.Bytes(16 << 20)},
		{"MAPPING", c.Mapping, "plain"},
		{"SCHEMA_REGISTRY_URL", c.SchemaRegistry.URL, ""},
		{"RETRY_INITIAL", c.Retry.Initial, 500 * time.Millisecond},
		{"RETRY_MAX", c.Retry.Max, time.Minute},
		{"RETRY_MAX_ELAPSED", c.Retry.MaxElapsed, 15 * time.Minute},
		{"DEAD_LETTER_TOPIC", c.DeadLetter.Topic, "dlq.leadhit-sync"},
		{"DEAD_LETTER_TYPES", strings.Join(c.DeadLetter.Types, ","), "ValidationError"},
		{"HTTP_ADDR", c.HTTPAddr, ":8080"},
		{"LOG_LEVEL", c.Log.Level, slog.LevelInfo},
		{"LOG_FORMAT", c.Log.Format, "json"},
	} {
		if check.got != check.want {
			t.Errorf("%s: got %v, want %v", check.name, check.got, check.want)
		}
	}
	if len(c.Warnings) != 0 {
		t.Errorf("got warnings %q, want none", c.Warnings)
	}
}

func TestEverySettingIsRead(t *testing.T) {
	password, pem := file(t, "secret"), file(t, "-----BEGIN")
	setup(t,
		"KAFKA_BROKERS", "kafka-1:9092, [::1]:9093", "KAFKA_TOPICS", "orders,shop.orders_2",
		"KAFKA_GROUP", "shop", "KAFKA_START", "2026-01-31T00:00:00+03:00", "KAFKA_SESSION_TIMEOUT", "30s",
		"KAFKA_TLS", "true", "KAFKA_TLS_CA_FILE", pem, "KAFKA_TLS_CERT_FILE", pem, "KAFKA_TLS_KEY_FILE", pem,
		"KAFKA_SASL_MECHANISM", "PLAIN", "KAFKA_SASL_USERNAME", "worker", "KAFKA_SASL_PASSWORD_FILE", password,
		"LEADHIT_URL", "https://127.0.0.1:8000/orders/", "LEADHIT_TIMEOUT", "17s", "LEADHIT_CA_FILE", pem,
		"LEADHIT_PROXY", "socks5://user:word@proxy:1080", "CALLS_IN_FLIGHT", "1024", "CALLS_PER_SECOND", "0.5", "WINDOW_EVENTS", "1",
		"WINDOW_BYTES", "1MiB", "MAPPING", "/etc/mapping.yaml", "SCHEMA_REGISTRY_URL", "http://localhost:8081",
		"SCHEMA_REGISTRY_CA_FILE", pem, "SCHEMA_REGISTRY_USERNAME", "reader", "SCHEMA_REGISTRY_PASSWORD_FILE", password,
		"RETRY_INITIAL", "1m", "RETRY_MAX", "1m",
		"RETRY_MAX_ELAPSED", "0", "DEAD_LETTER_TOPIC", "letters", "DEAD_LETTER_TYPES", "ValidationError, KeyError",
		"HTTP_ADDR", "127.0.0.1:0", "LOG_LEVEL", "debug", "LOG_FORMAT", "text",
	)
	c := mustLoad(t)
	for _, check := range []struct {
		name      string
		got, want any
	}{
		{"KAFKA_BROKERS", strings.Join(c.Kafka.Brokers, " "), "kafka-1:9092 [::1]:9093"},
		{"KAFKA_TOPICS", strings.Join(c.Kafka.Topics, " "), "orders shop.orders_2"},
		{"KAFKA_GROUP", c.Kafka.Group, "shop"},
		{"KAFKA_START", c.Kafka.Start.Time.UTC().String(), "2026-01-30 21:00:00 +0000 UTC"},
		{"KAFKA_SESSION_TIMEOUT", c.Kafka.SessionTimeout, 30 * time.Second},
		{"KAFKA_TLS", c.Kafka.TLS, true},
		{"KAFKA_TLS_CA_FILE", c.Kafka.TLSCAFile, pem},
		{"KAFKA_TLS_CERT_FILE", c.Kafka.TLSCertFile, pem},
		{"KAFKA_TLS_KEY_FILE", c.Kafka.TLSKeyFile, pem},
		{"KAFKA_SASL_MECHANISM", c.Kafka.SASLMechanism, "PLAIN"},
		{"KAFKA_SASL_USERNAME", c.Kafka.SASLUsername, "worker"},
		{"KAFKA_SASL_PASSWORD_FILE", c.Kafka.SASLPasswordFile, password},
		{"LEADHIT_URL", c.LeadHit.URL, "https://127.0.0.1:8000/orders/"},
		{"LEADHIT_API_KEY", c.LeadHit.APIKey.Reveal(), "the-key"},
		{"LEADHIT_TIMEOUT", c.LeadHit.Timeout, 17 * time.Second},
		{"LEADHIT_CA_FILE", c.LeadHit.CAFile, pem},
		{"LEADHIT_PROXY", c.LeadHit.Proxy.Reveal(), "socks5://user:word@proxy:1080"},
		{"CALLS_IN_FLIGHT", c.CallsInFlight, 1024},
		{"CALLS_PER_SECOND", c.CallsPerSecond, 0.5},
		{"WINDOW_EVENTS", c.WindowEvents, 1},
		{"WINDOW_BYTES", c.WindowBytes, config.Bytes(1 << 20)},
		{"MAPPING", c.Mapping, "/etc/mapping.yaml"},
		{"SCHEMA_REGISTRY_URL", c.SchemaRegistry.URL, "http://localhost:8081"},
		{"SCHEMA_REGISTRY_CA_FILE", c.SchemaRegistry.CAFile, pem},
		{"SCHEMA_REGISTRY_USERNAME", c.SchemaRegistry.Username, "reader"},
		{"SCHEMA_REGISTRY_PASSWORD_FILE", c.SchemaRegistry.PasswordFile, password},
		{"RETRY_INITIAL", c.Retry.Initial, time.Minute},
		{"RETRY_MAX", c.Retry.Max, time.Minute},
		{"RETRY_MAX_ELAPSED", c.Retry.MaxElapsed, time.Duration(0)},
		{"DEAD_LETTER_TOPIC", c.DeadLetter.Topic, "letters"},
		{"DEAD_LETTER_TYPES", strings.Join(c.DeadLetter.Types, " "), "ValidationError KeyError"},
		{"HTTP_ADDR", c.HTTPAddr, "127.0.0.1:0"},
		{"LOG_LEVEL", c.Log.Level, slog.LevelDebug},
		{"LOG_FORMAT", c.Log.Format, "text"},
	} {
		if check.got != check.want {
			t.Errorf("%s: got %v, want %v", check.name, check.got, check.want)
		}
	}
}

func TestTheKeyMayBeInAFile(t *testing.T) {
	path := file(t, "the-key\n")
	setup(t, "LEADHIT_API_KEY_FILE", path)
	unset(t, "LEADHIT_API_KEY")
	if got := mustLoad(t).LeadHit.APIKeyFile; got != path {
		t.Errorf("got key file %q, want %q", got, path)
	}
}

func TestFiveMistakesGiveFiveLines(t *testing.T) {
	setup(t, "LOG_FORMAT", "xml", "KAFKA_SESSION_TIMEOUT", "ten", "CALLS_IN_FLIGHT", "0", "LEADHIT_URL", "http://leadhit.example/")
	unset(t, "KAFKA_TOPICS")
	want := []string{
		`KAFKA_TOPICS: required; for example KAFKA_TOPICS=orders`,
		`KAFKA_SESSION_TIMEOUT: "ten" is not a duration; for example KAFKA_SESSION_TIMEOUT=10s`,
		`LEADHIT_URL: http to another machine, which would send the key unencrypted; use https; for example LEADHIT_URL=https://service.leadhit.ru/api/v1/orders/`,
		`CALLS_IN_FLIGHT: "0" is not between 1 and 1024; for example CALLS_IN_FLIGHT=64`,
		`LOG_FORMAT: "xml" is not one of json, text; for example LOG_FORMAT=json`,
	}
	if got := mistakes(t); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAllMissingSettingsAreReportedAtOnce(t *testing.T) {
	setup(t)
	for _, v := range []string{"KAFKA_BROKERS", "KAFKA_TOPICS", "LEADHIT_API_KEY"} {
		unset(t, v)
	}
	want := []string{
		"KAFKA_BROKERS: required; for example KAFKA_BROKERS=kafka-1:9092,kafka-2:9092",
		"KAFKA_TOPICS: required; for example KAFKA_TOPICS=orders",
		"LEADHIT_API_KEY_FILE: required, unless LEADHIT_API_KEY is set; for example LEADHIT_API_KEY_FILE=/run/secrets/leadhit-api-key",
	}
	if got := mistakes(t); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAWindowBeyondTheMemoryLimitIsRefusedWithTheSum(t *testing.T) {
	before := debug.SetMemoryLimit(64 << 20)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	setup(t, "WINDOW_BYTES", "32MiB")
	if got := mistakes(t); got != nil {
		t.Errorf("window that fits: got %q, want none", got)
	}
	setup(t, "WINDOW_BYTES", "33MiB")
	want := []string{"WINDOW_BYTES: 33MiB is too much for GOMEMLIMIT 64MiB: 33MiB + 32MiB (everything else) = 65MiB; for example WINDOW_BYTES=32MiB"}
	if got := mistakes(t); !slices.Equal(got, want) {
		t.Errorf("window that does not fit: got %q, want %q", got, want)
	}
}

func TestEachExampleIsAGoodValue(t *testing.T) {
	for _, v := range config.Variables() {
		t.Run(v.Name, func(t *testing.T) {
			setup(t, "KAFKA_TLS", "true", "KAFKA_SASL_PASSWORD_FILE", file(t, "secret"),
				"KAFKA_SASL_MECHANISM", "PLAIN", "KAFKA_SASL_USERNAME", "worker", "SCHEMA_REGISTRY_URL", "https://registry:8081",
				"SCHEMA_REGISTRY_USERNAME", "worker", "SCHEMA_REGISTRY_PASSWORD_FILE", file(t, "secret"),
				"DESK_USER_HEADER", "X-User", "DESK_TRUSTED_PROXIES", "10.1.2.3")
			t.Setenv(v.Name, "no good value\t,")
			example := exampleOf(t, v.Name)
			if strings.HasSuffix(v.Name, "_FILE") || strings.HasSuffix(v.Name, "_CERTIFICATE") || example == "" {
				return // The example's file does not exist here, or there is no example because every value is valid.
			}
			t.Setenv(v.Name, example)
			if got := mistakes(t); got != nil {
				t.Errorf("got %q for the example itself, want none", got)
			}
		})
	}
}

// exampleOf loads the settings and returns the example in the line about a variable, or "" if there is no mistake.
func exampleOf(t *testing.T, variable string) string {
	t.Helper()
	lines := mistakes(t)
	for _, line := range lines {
		if _, example, found := strings.Cut(line, "; for example "+variable+"="); found {
			return example
		}
	}
	if lines != nil {
		t.Fatalf("got %q, want a line with an example for %s", lines, variable)
	}
	return ""
}

func TestAnEmptyVariableDoesNotMeanTheDefault(t *testing.T) {
	for _, v := range config.Variables() {
		if v.Default == "" && !v.Required {
			continue
		}
		setup(t, v.Name, "")
		if got := mistakes(t); len(got) != 1 || !strings.HasPrefix(got[0], v.Name+": set but empty; ") {
			t.Errorf("%s: got %q, want one line that says it is set but empty", v.Name, got)
		}
	}
}

func TestAllProblemsCanBeReadOneByOne(t *testing.T) {
	setup(t, "CALLS_IN_FLIGHT", "-1", "MAPPING", "")
	_, err := config.Load()
	all, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *config.Error", err)
	}
	want := []config.Problem{
		{Variable: "CALLS_IN_FLIGHT", What: `"-1" is not between 1 and 1024`, Example: "64"},
		{Variable: "MAPPING", What: "set but empty", Example: "plain"},
	}
	if !slices.Equal(all.Problems, want) {
		t.Errorf("got %+v, want %+v", all.Problems, want)
	}
}

func TestALongValueIsClippedInItsLine(t *testing.T) {
	setup(t, "LOG_LEVEL", strings.Repeat("x", 5000)+"\x1b[31m\n", "KAFKA_START", "\x1b[2J\nLOG_FORMAT: fine")
	got := mistakes(t)
	if len(got) != 2 {
		t.Fatalf("got %q, want two lines", got)
	}
	for _, line := range got {
		if len(line) > 250 || strings.ContainsRune(line, '\x1b') {
			t.Errorf("got %q, want a short line without control characters", line)
		}
	}
}

func TestUnprefixedVariablesAreNotRead(t *testing.T) {
	setup(t, "TIMEOUT", "1s", "GROUP", "other", "URL", "x", "TOPICS", "y")
	c := mustLoad(t)
	if c.LeadHit.Timeout != 3*time.Second || c.Kafka.Group != "leadhit-sync" {
		t.Errorf("got timeout %s and group %s, want the defaults", c.LeadHit.Timeout, c.Kafka.Group)
	}
}
