package config_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"leadhit-sync/config"
)

func table(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	if err := config.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheReadmeShowsTheTable(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "<!-- config table begin -->\n")
	got, _, ended := strings.Cut(rest, "<!-- config table end -->")
	if !found || !ended {
		t.Fatal("got no table in README.md, want one between <!-- config table begin --> and <!-- config table end -->")
	}
	if want := table(t); strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("got another table in README.md; want what `leadhit-sync config` prints:\n%s", want)
	}
}

func TestTheFirstPageShowsRowsOfTheTable(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := table(t)
	rows := regexp.MustCompile("(?m)^\\| `[A-Z_]+` \\|.*\n").FindAllString(string(text), -1)
	if len(rows) < 8 {
		t.Errorf("got %d settings in ../README.md, want at least 8", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(all, row) {
			t.Errorf("got in ../README.md\n%swant a row of `leadhit-sync config --table`", row)
		}
	}
}

func TestEachRowHasANameAndAMeaning(t *testing.T) {
	for _, v := range config.Variables() {
		if v.Name == "" || v.Meaning == "" || !strings.HasSuffix(v.Meaning, ".") || strings.Contains(v.Meaning, "|") {
			t.Errorf("got %+v, want a name and a sentence without a bar", v)
		}
		if v.Required && v.Default != "" {
			t.Errorf("%s: got a default %q, want none for what is required", v.Name, v.Default)
		}
	}
	rows := strings.Count(table(t), "\n") - 2
	if want := len(config.Variables()); rows != want {
		t.Errorf("got %d rows, want %d", rows, want)
	}
}

func TestLimitsAndChoicesAreInTheTable(t *testing.T) {
	got := table(t)
	for _, want := range []string{
		"| `KAFKA_BROKERS` | required |",
		"| `DEAD_LETTER_TOPIC` | dlq.\\<group\\> |",
		"| `CALLS_IN_FLIGHT` | `64` | Calls in flight at once, per worker. 1 to 1024. |",
		"| `CALLS_PER_SECOND` | `0` | Calls per second, per worker; 0 means no limit, and any other value must be at least 0.01. 0 to 10000. |",
		"One of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512. |",
		"| `LEADHIT_PROXY` | none |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got a table without %q:\n%s", want, got)
		}
	}
}

// full is a writer that fails, as on a full disk.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestATableThatCannotBeWrittenIsAnError(t *testing.T) {
	setup(t)
	if err := config.WriteTable(full{}); !errors.Is(err, errFull) {
		t.Errorf("table: got %v, want %v", err, errFull)
	}
	if err := mustLoad(t).WriteValues(full{}); !errors.Is(err, errFull) {
		t.Errorf("values: got %v, want %v", err, errFull)
	}
}

func TestDurationsAreShownAsPeopleWriteThem(t *testing.T) {
	for given, want := range map[string]string{"60m": "1h", "90m": "1h30m", "90s": "1m30s", "120s": "2m", "0": "0s", "1h0m10s": "1h0m10s"} {
		setup(t, "RETRY_MAX_ELAPSED", given)
		var out strings.Builder
		if err := mustLoad(t).WriteValues(&out); err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`(?m)^RETRY_MAX_ELAPSED +` + want + `$`).MatchString(out.String()) {
			t.Errorf("%s: got no line with %s in\n%s", given, want, out.String())
		}
	}
}

func TestTheValuesInForceAreShown(t *testing.T) {
	setup(t, "KAFKA_TOPICS", "a,b", "LEADHIT_PROXY", "http://u:p@proxy:1", "WINDOW_BYTES", "2048KiB", "RETRY_MAX", "2m", "LOG_LEVEL", "warn", "KAFKA_START", "latest")
	var out strings.Builder
	if err := mustLoad(t).WriteValues(&out); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"KAFKA_TOPICS":      "a,b",
		"KAFKA_START":       "latest",
		"KAFKA_TLS":         "false",
		"KAFKA_TLS_CA_FILE": "-",
		"LEADHIT_API_KEY":   `\*\*\*`,
		"LEADHIT_PROXY":     `\*\*\*`,
		"WINDOW_BYTES":      "2MiB",
		"RETRY_INITIAL":     "500ms",
		"RETRY_MAX":         "2m",
		"DEAD_LETTER_TOPIC": "dlq.leadhit-sync",
		"LOG_LEVEL":         "warn",
	} {
		if line := regexp.MustCompile(`(?m)^` + name + ` +` + want + `$`); !line.MatchString(out.String()) {
			t.Errorf("got no line for %s with %s in\n%s", name, want, out.String())
		}
	}
}

func TestSecretsAndRequiredSettingsAreMarked(t *testing.T) {
	var secrets, required []string
	for _, v := range config.Variables() {
		if v.Secret {
			secrets = append(secrets, v.Name)
		}
		if v.Required {
			required = append(required, v.Name)
		}
	}
	if got, want := strings.Join(secrets, " "), "LEADHIT_API_KEY LEADHIT_PROXY OTEL_EXPORTER_OTLP_HEADERS"; got != want {
		t.Errorf("got secrets %s, want %s", got, want)
	}
	if got, want := strings.Join(required, " "), "KAFKA_BROKERS KAFKA_TOPICS"; got != want {
		t.Errorf("got required %s, want %s", got, want)
	}
}
