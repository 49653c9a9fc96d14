package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"leadhit-sync/config"
)

// pipe makes a named pipe with something to read in it, so that reading it would not block.
func pipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	open, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = open.Close() })
	if _, err := open.WriteString("the-key"); err != nil {
		t.Fatal(err)
	}
	return path
}

// link makes a symbolic link, as Kubernetes does for each file of a Secret.
func link(t *testing.T, to string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	empty, full := file(t, ""), file(t, "x")
	absent := filepath.Join(t.TempDir(), "absent")
	for _, test := range []struct {
		name string
		env  []string
		want string // How the only line starts.
	}{
		{"a broker without a port", []string{"KAFKA_BROKERS", "kafka-1"}, `KAFKA_BROKERS: "kafka-1" is not host:port`},
		{"a broker without a host", []string{"KAFKA_BROKERS", ":9092"}, `KAFKA_BROKERS: ":9092" is not host:port`},
		{"a broker with port 0", []string{"KAFKA_BROKERS", "a:0"}, `KAFKA_BROKERS: "a:0" is not host:port`},
		{"a broker with a port too high", []string{"KAFKA_BROKERS", "a:65536"}, `KAFKA_BROKERS: "a:65536" is not host:port`},
		{"a broker with a scheme", []string{"KAFKA_BROKERS", "PLAINTEXT://a:9092"}, `KAFKA_BROKERS: "PLAINTEXT://a:9092" has a scheme`},
		{"an extra comma", []string{"KAFKA_BROKERS", "a:1,"}, `KAFKA_BROKERS: has an empty item`},
		{"a topic twice", []string{"KAFKA_TOPICS", "a,b, a"}, `KAFKA_TOPICS: names "a" twice`},
		{"an illegal topic", []string{"KAFKA_TOPICS", "a b"}, `KAFKA_TOPICS: "a b" is not a topic name`},
		{"the topic ..", []string{"KAFKA_TOPICS", ".."}, `KAFKA_TOPICS: ".." is not a topic name`},
		{"a topic that is the letters'", []string{"KAFKA_TOPICS", "orders,dlq.leadhit-sync"}, `KAFKA_TOPICS: "dlq.leadhit-sync" is the DEAD_LETTER_TOPIC`},
		{"letters to a source topic", []string{"DEAD_LETTER_TOPIC", "orders"}, `KAFKA_TOPICS: "orders" is the DEAD_LETTER_TOPIC`},
		{"a topic that is the ledger", []string{"KAFKA_TOPICS", "dlq.leadhit-sync.ledger"}, `KAFKA_TOPICS: "dlq.leadhit-sync.ledger" is reserved for the worker itself`},
		{"a topic that is the replay's", []string{"KAFKA_TOPICS", "leadhit-sync.replay"}, `KAFKA_TOPICS: "leadhit-sync.replay" is reserved for the worker itself`},
		{"a topic of Kafka's own", []string{"KAFKA_TOPICS", "orders,__consumer_offsets"}, `KAFKA_TOPICS: "__consumer_offsets" is an internal topic of Kafka; for example KAFKA_TOPICS=orders`},
		{"the topic of Kafka's transactions", []string{"KAFKA_TOPICS", "__transaction_state"}, `KAFKA_TOPICS: "__transaction_state" is an internal topic of Kafka; for example KAFKA_TOPICS=orders`},
		{"letters to a topic of Kafka's own", []string{"DEAD_LETTER_TOPIC", "__consumer_offsets"}, `DEAD_LETTER_TOPIC: "__consumer_offsets" is an internal topic of Kafka`},
		{"an illegal group", []string{"KAFKA_GROUP", "my group"}, `KAFKA_GROUP: "my group" has characters other than`},
		{"an illegal letters' topic", []string{"DEAD_LETTER_TOPIC", "a/b"}, `DEAD_LETTER_TOPIC: "a/b" is not a topic name`},
		{"a letters' topic too long", []string{"DEAD_LETTER_TOPIC", strings.Repeat("a", 243)}, `DEAD_LETTER_TOPIC: "aaa`},
		{"a start that is not a time", []string{"KAFKA_START", "yesterday"}, `KAFKA_START: "yesterday" is not earliest, latest`},
		{"a start without a zone", []string{"KAFKA_START", "2026-01-31T00:00:00"}, `KAFKA_START: "2026-01-31T00:00:00" is not earliest, latest`},
		{"a session too short", []string{"KAFKA_SESSION_TIMEOUT", "5999ms"}, `KAFKA_SESSION_TIMEOUT: "5999ms" is not between 6s and 30s`},
		{"a session too long", []string{"KAFKA_SESSION_TIMEOUT", "31s"}, `KAFKA_SESSION_TIMEOUT: "31s" is not between 6s and 30s`},
		{
			"a call that leaves the lease no time",
			[]string{"LEADHIT_TIMEOUT", "8s"},
			"LEADHIT_TIMEOUT: 8s is too long for KAFKA_SESSION_TIMEOUT 10s: 10s - 8s - 1s (margin) leaves 1s to start calls in, " +
				"but a third of the session, 3.333s, is needed; for example LEADHIT_TIMEOUT=5s",
		},
		{"a call just too long for the session", []string{"KAFKA_SESSION_TIMEOUT", "6s", "LEADHIT_TIMEOUT", "3401ms"}, "LEADHIT_TIMEOUT: 3.401s is too long"},
		{
			"a call too long for a long session, whose margin is longer, too",
			[]string{"KAFKA_SESSION_TIMEOUT", "20s", "LEADHIT_TIMEOUT", "12s"},
			"LEADHIT_TIMEOUT: 12s is too long for KAFKA_SESSION_TIMEOUT 20s: 20s - 12s - 2s (margin) leaves 6s to start calls in, " +
				"but a third of the session, 6.667s, is needed; for example LEADHIT_TIMEOUT=11s",
		},
		{"TLS that is neither true nor false", []string{"KAFKA_TLS", "on"}, `KAFKA_TLS: "on" is neither true nor false`},
		{"a TLS file without TLS", []string{"KAFKA_TLS_CA_FILE", full}, "KAFKA_TLS_CA_FILE: not used while KAFKA_TLS is false"},
		{"a certificate without its key", []string{"KAFKA_TLS", "true", "KAFKA_TLS_CERT_FILE", full}, "KAFKA_TLS_KEY_FILE: required with KAFKA_TLS_CERT_FILE"},
		{"a key without its certificate", []string{"KAFKA_TLS", "true", "KAFKA_TLS_KEY_FILE", full}, "KAFKA_TLS_CERT_FILE: required with KAFKA_TLS_KEY_FILE"},
		{"a file that does not exist", []string{"LEADHIT_CA_FILE", absent}, "LEADHIT_CA_FILE: the file cannot be used: no such file or directory"},
		{"a file that is a folder", []string{"LEADHIT_CA_FILE", "/"}, "LEADHIT_CA_FILE: the file cannot be used: is a directory"},
		{"a file that is a device", []string{"LEADHIT_CA_FILE", "/dev/null"}, "LEADHIT_CA_FILE: the file cannot be used: not a regular file"},
		{"a key from a pipe", []string{"LEADHIT_API_KEY", "", "LEADHIT_API_KEY_FILE", pipe(t)}, "LEADHIT_API_KEY_FILE: the file cannot be used: not a regular file"},
		{
			"a password from a link to a pipe",
			[]string{"KAFKA_SASL_MECHANISM", "SCRAM-SHA-256", "KAFKA_SASL_USERNAME", "me", "KAFKA_SASL_PASSWORD_FILE", link(t, pipe(t))},
			"KAFKA_SASL_PASSWORD_FILE: the file cannot be used: not a regular file",
		},
		{"an empty file", []string{"LEADHIT_CA_FILE", empty}, "LEADHIT_CA_FILE: the file cannot be used: it is empty"},
		{"an unknown mechanism", []string{"KAFKA_SASL_MECHANISM", "GSSAPI"}, `KAFKA_SASL_MECHANISM: "GSSAPI" is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512`},
		{"a user without a mechanism", []string{"KAFKA_SASL_USERNAME", "me"}, "KAFKA_SASL_USERNAME: not used without KAFKA_SASL_MECHANISM"},
		{"a mechanism without a user", []string{"KAFKA_SASL_MECHANISM", "SCRAM-SHA-256", "KAFKA_SASL_PASSWORD_FILE", full}, "KAFKA_SASL_USERNAME: required with"},
		{"a mechanism without a password", []string{"KAFKA_SASL_MECHANISM", "SCRAM-SHA-256", "KAFKA_SASL_USERNAME", "me"}, "KAFKA_SASL_PASSWORD_FILE: required with"},
		{
			"a password in clear text",
			[]string{"KAFKA_SASL_MECHANISM", "PLAIN", "KAFKA_SASL_USERNAME", "me", "KAFKA_SASL_PASSWORD_FILE", full},
			"KAFKA_SASL_MECHANISM: PLAIN sends the password unencrypted while KAFKA_TLS is false",
		},
		{"a desk's address without a port", []string{"DESK_ADDR", "127.0.0.1"}, `DESK_ADDR: "127.0.0.1" is not host:port`},
		{
			"a desk that nobody may write to",
			[]string{"DESK_WRITE", "true"},
			"DESK_WRITE: true, but nothing identifies users: set DESK_TOKEN_FILE or DESK_USER_HEADER",
		},
		{"a user's header from anybody", []string{"DESK_USER_HEADER", "X-User"}, "DESK_TRUSTED_PROXIES: required with DESK_USER_HEADER"},
		{"a proxy without a header", []string{"DESK_TRUSTED_PROXIES", "10.0.0.1"}, "DESK_USER_HEADER: required with DESK_TRUSTED_PROXIES"},
		{
			"a header's name with a colon",
			[]string{"DESK_USER_HEADER", "X-User:", "DESK_TRUSTED_PROXIES", "10.0.0.1"},
			`DESK_USER_HEADER: "X-User:" is not a header name`,
		},
		{
			"every address as a proxy",
			[]string{"DESK_USER_HEADER", "X-User", "DESK_TRUSTED_PROXIES", "10.0.0.1,::/0"},
			"DESK_TRUSTED_PROXIES: ::/0 covers every address: anybody could pose as any user",
		},
		{
			"a proxy by name",
			[]string{"DESK_USER_HEADER", "X-User", "DESK_TRUSTED_PROXIES", "proxy"},
			`DESK_TRUSTED_PROXIES: "proxy" is neither an address nor a network, such as 10.1.2.3 or 10.1.0.0/16`,
		},
		{
			"a proxy's network with host bits set",
			[]string{"DESK_USER_HEADER", "X-User", "DESK_TRUSTED_PROXIES", "10.1.2.3/16"},
			`DESK_TRUSTED_PROXIES: "10.1.2.3/16" has host bits set; the network is 10.1.0.0/16`,
		},
		{
			"an IPv4 network in IPv6's form",
			[]string{"DESK_USER_HEADER", "X-User", "DESK_TRUSTED_PROXIES", "::ffff:10.0.0.0/104"},
			`DESK_TRUSTED_PROXIES: "::ffff:10.0.0.0/104" is neither an address nor a network`,
		},
		{"a missing file of the desk's users", []string{"DESK_TOKEN_FILE", absent}, "DESK_TOKEN_FILE: the file cannot be used: no such file or directory"},
		{
			"two ways to identify users",
			[]string{"DESK_USER_HEADER", "X-User", "DESK_TRUSTED_PROXIES", "10.0.0.1", "DESK_TOKEN_FILE", full},
			"DESK_TOKEN_FILE: not allowed together with DESK_USER_HEADER: only one of them can identify users",
		},
		{"an address that is not a URL", []string{"LEADHIT_URL", "leadhit"}, "LEADHIT_URL: not an https URL"},
		{"an address of another scheme", []string{"LEADHIT_URL", "ftp://leadhit/"}, "LEADHIT_URL: not an https URL"},
		{"an address with a user", []string{"LEADHIT_URL", "https://u:p@leadhit/"}, "LEADHIT_URL: has a user name, a query or a fragment"},
		{"an address with a query", []string{"LEADHIT_URL", "https://leadhit/?key=1"}, "LEADHIT_URL: has a user name, a query or a fragment"},
		{"an unencrypted address", []string{"LEADHIT_URL", "http://10.0.0.1/"}, "LEADHIT_URL: http to another machine"},
		{"two keys", []string{"LEADHIT_API_KEY_FILE", full}, "LEADHIT_API_KEY: not allowed together with LEADHIT_API_KEY_FILE"},
		{"a key with a line's end", []string{"LEADHIT_API_KEY", "key\n"}, "LEADHIT_API_KEY: contains a space or a control character"},
		{"a proxy that is not a URL", []string{"LEADHIT_PROXY", "proxy:3128"}, "LEADHIT_PROXY: not an http, https or socks5 URL"},
		{
			"a proxy that would see the key",
			[]string{"LEADHIT_URL", "http://127.0.0.1/", "LEADHIT_PROXY", "http://proxy:3128"},
			"LEADHIT_PROXY: not allowed while LEADHIT_URL is http, which would show the key to the proxy",
		},
		{"a registry that is not a URL", []string{"SCHEMA_REGISTRY_URL", "registry:8081"}, "SCHEMA_REGISTRY_URL: not an https URL"},
		{"a registry with a user", []string{"SCHEMA_REGISTRY_URL", "https://u:p@registry/"}, "SCHEMA_REGISTRY_URL: has a user name, a query or a fragment; use SCHEMA_REGISTRY_USERNAME"},
		{"a registry with a query", []string{"SCHEMA_REGISTRY_URL", "https://registry/?"}, "SCHEMA_REGISTRY_URL: has a user name, a query or a fragment"},
		{"an unencrypted registry", []string{"SCHEMA_REGISTRY_URL", "http://registry:8081"}, "SCHEMA_REGISTRY_URL: http to another machine"},
		{"a registry's authority without a registry", []string{"SCHEMA_REGISTRY_CA_FILE", full}, "SCHEMA_REGISTRY_CA_FILE: not used without SCHEMA_REGISTRY_URL"},
		{"a registry's authority that does not exist", []string{"SCHEMA_REGISTRY_URL", "https://registry", "SCHEMA_REGISTRY_CA_FILE", absent}, "SCHEMA_REGISTRY_CA_FILE: the file cannot be used"},
		{"a registry's user without a password", []string{"SCHEMA_REGISTRY_URL", "https://registry", "SCHEMA_REGISTRY_USERNAME", "me"}, "SCHEMA_REGISTRY_PASSWORD_FILE: required with SCHEMA_REGISTRY_USERNAME"},
		{"a registry's password without a user", []string{"SCHEMA_REGISTRY_URL", "https://registry", "SCHEMA_REGISTRY_PASSWORD_FILE", full}, "SCHEMA_REGISTRY_USERNAME: required with SCHEMA_REGISTRY_PASSWORD_FILE"},
		{"a registry's password that is empty", []string{"SCHEMA_REGISTRY_URL", "https://registry", "SCHEMA_REGISTRY_USERNAME", "me", "SCHEMA_REGISTRY_PASSWORD_FILE", empty}, "SCHEMA_REGISTRY_PASSWORD_FILE: the file cannot be used: it is empty"},
		{"too many calls", []string{"CALLS_IN_FLIGHT", "1025"}, `CALLS_IN_FLIGHT: "1025" is not between 1 and 1024`},
		{"calls that are not a number", []string{"CALLS_IN_FLIGHT", "many"}, `CALLS_IN_FLIGHT: "many" is not a whole number`},
		{"a rate that is not a number", []string{"CALLS_PER_SECOND", "many"}, `CALLS_PER_SECOND: "many" is not a number`},
		{"a rate that is not a plain number", []string{"CALLS_PER_SECOND", "NaN"}, `CALLS_PER_SECOND: "NaN" is not a plain decimal number`},
		{"too high a rate", []string{"CALLS_PER_SECOND", "10000.5"}, `CALLS_PER_SECOND: "10000.5" is not between 0 and 10000`},
		{"too low a rate", []string{"CALLS_PER_SECOND", "0.001"}, `CALLS_PER_SECOND: 0.001 is neither 0 nor at least 0.01`},
		{"a number that may be octal", []string{"CALLS_IN_FLIGHT", "010"}, `CALLS_IN_FLIGHT: "010" is not a plain decimal number`},
		{"a window too small", []string{"WINDOW_BYTES", "1023KiB"}, `WINDOW_BYTES: "1023KiB" is not between 1MiB and 64GiB`},
		{"a window in thousands", []string{"WINDOW_BYTES", "16MB"}, `WINDOW_BYTES: "16MB" is not a size`},
		{"a retry that shrinks", []string{"RETRY_INITIAL", "30s", "RETRY_MAX", "10s"}, "RETRY_MAX: 10s is shorter than RETRY_INITIAL 30s; for example RETRY_MAX=1m"},
		{"an end before the second attempt", []string{"RETRY_MAX_ELAPSED", "100ms"}, "RETRY_MAX_ELAPSED: 100ms is shorter than RETRY_INITIAL 500ms"},
		{"a time below zero", []string{"RETRY_MAX_ELAPSED", "-1s"}, `RETRY_MAX_ELAPSED: "-1s" is not between 0 and 168h`},
		{"an address without a colon", []string{"HTTP_ADDR", "8080"}, `HTTP_ADDR: "8080" is not host:port`},
		{"an unknown level", []string{"LOG_LEVEL", "loud"}, `LOG_LEVEL: "loud" is not one of debug, info, warn, error`},
	} {
		t.Run(test.name, func(t *testing.T) {
			setup(t, test.env...)
			got := mistakes(t)
			if len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
				t.Fatalf("got %q, want one line that begins with %q", got, test.want)
			}
			followExample(t, got[0])
		})
	}
}

func TestSettingsAtTheirLimitsAreAccepted(t *testing.T) {
	for _, test := range []struct {
		name string
		env  []string
	}{
		{"the longest call for the session", []string{"KAFKA_SESSION_TIMEOUT", "6s", "LEADHIT_TIMEOUT", "3s"}},
		{"LeadHit on this machine, unencrypted", []string{"LEADHIT_URL", "http://[::1]:8000/"}},
		{"LeadHit on localhost, unencrypted", []string{"LEADHIT_URL", "http://localhost:8000/"}},
		{"a registry with every setting", []string{"SCHEMA_REGISTRY_URL", "https://registry:8081/below", "SCHEMA_REGISTRY_CA_FILE", file(t, "x"), "SCHEMA_REGISTRY_USERNAME", "me", "SCHEMA_REGISTRY_PASSWORD_FILE", file(t, "x")}},
		{"a registry on this machine, unencrypted", []string{"SCHEMA_REGISTRY_URL", "http://127.0.0.1:8081"}},
		{"a file behind a link", []string{"LEADHIT_CA_FILE", link(t, file(t, "x"))}},
		{"retries that never end", []string{"RETRY_MAX_ELAPSED", "0"}},
		{"a port of the system's choice", []string{"HTTP_ADDR", "127.0.0.1:0"}},
		{"the longest name for the letters", []string{"DEAD_LETTER_TOPIC", strings.Repeat("a", 242)}},
		{"no login, with empty settings", []string{"KAFKA_SASL_MECHANISM", "", "KAFKA_SASL_USERNAME", ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			setup(t, test.env...)
			if got := mistakes(t); got != nil {
				t.Errorf("got %q, want none", got)
			}
		})
	}
}

func TestAnUnreadableValueIsReportedOnce(t *testing.T) {
	setup(t, "KAFKA_SESSION_TIMEOUT", "x", "LEADHIT_TIMEOUT", "8s", "RETRY_INITIAL", "y", "RETRY_MAX", "2ms", "KAFKA_TLS", "z", "KAFKA_TLS_CA_FILE", file(t, "x"))
	got := mistakes(t)
	if len(got) != 3 {
		t.Errorf("got %q, want three lines: KAFKA_SESSION_TIMEOUT, KAFKA_TLS, RETRY_INITIAL", got)
	}
}

func TestAMisspeltNameIsAWarning(t *testing.T) {
	for _, v := range []string{"KAFKA_BROKER", "LEADHIT_URI", "KAFKA_PORT_9092_TCP", "KAFKA_PORT", "KAFKA_SERVICE_HOST", "HTTP_PROXY"} {
		setup(t, v, "x")
		c := mustLoad(t)
		var want []string
		switch v {
		case "KAFKA_BROKER":
			want = []string{"KAFKA_BROKER is not a setting; did you mean KAFKA_BROKERS?"}
		case "LEADHIT_URI":
			want = []string{"LEADHIT_URI is not a setting; did you mean LEADHIT_URL?"}
		}
		if !slices.Equal(c.Warnings, want) {
			t.Errorf("%s: got warnings %q, want %q", v, c.Warnings, want)
		}
		unset(t, v)
	}
}

func TestALoginInClearTextIsAWarning(t *testing.T) {
	setup(t, "KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", "KAFKA_SASL_USERNAME", "me", "KAFKA_SASL_PASSWORD_FILE", file(t, "x"))
	if got := mustLoad(t).Warnings; len(got) != 1 || !strings.HasPrefix(got[0], "KAFKA_SASL_MECHANISM without KAFKA_TLS") {
		t.Errorf("got warnings %q, want one about KAFKA_TLS", got)
	}
}

func TestProblemsAreInTheOrderOfTheTable(t *testing.T) {
	setup(t, "LEADHIT_TIMEOUT", "8s", "LOG_LEVEL", "loud", "KAFKA_GROUP", "a b", "WINDOW_BYTES", "1", "DEAD_LETTER_TYPES", ",")
	got := mistakes(t)
	variables := config.Variables()
	position := func(line string) int {
		name, _, _ := strings.Cut(line, ":")
		return slices.IndexFunc(variables, func(v config.Variable) bool { return v.Name == name })
	}
	if len(got) != 5 || !slices.IsSortedFunc(got, func(a, b string) int { return position(a) - position(b) }) {
		t.Errorf("got %q, want five lines in the order of the table", got)
	}
}

func TestANameIsSuggestedUpToAFewTypingErrors(t *testing.T) {
	for variable, meant := range map[string]string{
		"CALLS_IN_FLIHGT":  "CALLS_IN_FLIGHT", // Two letters swapped.
		"CALL_IN_FLIGHTS":  "CALLS_IN_FLIGHT", // One missing, one too many.
		"WINDOW_BYTE":      "WINDOW_BYTES",
		"MAPPINGS":         "MAPPING",
		"LEADHIT_API_KEYS": "LEADHIT_API_KEY",
		"MAP":              "",
		"LOG":              "",
		// Different letter case, or other separators between the words.
		"kafka_brokers": "KAFKA_BROKERS",
		"Kafka-Brokers": "KAFKA_BROKERS",
		// A word too many, or one too few.
		"KAFKA_GROUP_ID":           "KAFKA_GROUP",
		"KAFKA_CONSUMER_GROUP":     "KAFKA_GROUP",
		"KAFKA_SASL_PASSWORD":      "KAFKA_SASL_PASSWORD_FILE",
		"LEADHIT_KEY":              "LEADHIT_API_KEY",
		"LEADHIT_API_URL":          "LEADHIT_URL",
		"KAFKA_TLS_ENABLED":        "KAFKA_TLS",
		"SCHEMA_REGISTRY_PASSWORD": "SCHEMA_REGISTRY_PASSWORD_FILE",
		// Another program's name for a setting, or our program's name as a prefix.
		"KAFKA_BOOTSTRAP_SERVERS": "KAFKA_BROKERS",
		"LEADHIT_SYNC_LOG_LEVEL":  "LOG_LEVEL",
		// Other programs' own variables, which are not misspelt.
		"KAFKA_BROKERS_SERVICE_HOST":          "",
		"KAFKA_BROKERS_PORT":                  "",
		"KAFKA_GROUP_PORT_9092_TCP_ADDR":      "",
		"KAFKA_HEAP_OPTS":                     "",
		"OTEL_METRICS_EXPORTER":               "",
		"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS":   "",
	} {
		setup(t, variable, "x")
		var want []string
		if meant != "" {
			want = []string{variable + " is not a setting; did you mean " + meant + "?"}
		}
		if got := mustLoad(t).Warnings; !slices.Equal(got, want) {
			t.Errorf("%s: got warnings %q, want %q", variable, got, want)
		}
		unset(t, variable)
	}
}
