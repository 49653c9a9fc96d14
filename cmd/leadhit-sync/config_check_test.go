package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"leadhit-sync/config"
)

// noSettings removes all settings from the environment.
func noSettings(t *testing.T) {
	t.Helper()
	for _, v := range config.Variables() {
		unset(t, v.Name)
	}
}

// unset removes a variable until the test ends.
func unset(t *testing.T, variable string) {
	t.Helper()
	t.Setenv(variable, "") // so that the old value is restored
	if err := os.Unsetenv(variable); err != nil {
		t.Fatal(err)
	}
}

const fewSettings = `# The minimum that a worker needs.
KAFKA_BROKERS=kafka-1:9092

  KAFKA_TOPICS=orders
LEADHIT_API_KEY=canary-key
#CALLS_IN_FLIGHT=many
`

func TestConfigCheckReportsWhetherAWorkerCouldStart(t *testing.T) {
	noSettings(t)
	got := command(t, "", "config", "--check")
	if got.code != exitUsage || got.out != "" || strings.Count(got.err, "\n") != 3 ||
		!strings.HasPrefix(got.err, "KAFKA_BROKERS: required") {
		t.Errorf("got %+v without a setting, want exit code 2, three lines of stderr and no table", got)
	}
	t.Setenv("KAFKA_BROKERS", "kafka-1:9092")
	t.Setenv("KAFKA_TOPICS", "orders")
	t.Setenv("LEADHIT_API_KEY", key)
	t.Setenv("KAFKA_TOPIC", "orders")
	got = command(t, "", "config", "--check")
	want := "ok    settings   complete and consistent\nwarn  settings   KAFKA_TOPIC is not a setting; did you mean " +
		"KAFKA_TOPICS?\n"
	if got.code != 0 || got.out != want || got.err != "" {
		t.Errorf("got %+v, want exit code 0 and %q", got, want)
	}
}

func TestConfigCheckOfAFileTakesNothingFromTheEnvironment(t *testing.T) {
	noSettings(t)
	t.Setenv("CALLS_IN_FLIGHT", "many")
	t.Setenv("KAFKA_GROUP", "mine")
	file := write(t, t.TempDir(), "settings.env", fewSettings)
	if got := command(t, "", "config", "--check", "--env-file", file); got.code != 0 ||
		!strings.HasPrefix(got.out, "ok ") || got.err != "" {
		t.Errorf("got %+v, want only the file to count", got)
	}
	if got := os.Getenv("CALLS_IN_FLIGHT") + " " + os.Getenv("KAFKA_GROUP"); got != "many mine" {
		t.Errorf("got %q in the environment afterwards, want what was there", got)
	}
	if got, set := os.LookupEnv("KAFKA_BROKERS"); set {
		t.Errorf("got KAFKA_BROKERS %q in the environment afterwards, want none", got)
	}
}

func TestConfigCheckOfAFileReportsEveryMistakeAndNoValue(t *testing.T) {
	noSettings(t)
	file := write(t, t.TempDir(), "settings.env", fewSettings+`KAFKA_GROUPS=canary-1
KAFKA_TOPICS=canary-2
canary-3
WINDOW_BYTES=1
`)
	got := command(t, "", "config", "--check", "--env-file", file)
	for _, want := range []string{
		file + ": line 7: KAFKA_GROUPS is not a setting; did you mean KAFKA_GROUP?\n", file +
			": line 8: KAFKA_TOPICS is set a second time\n",
		file + ": line 9 is not NAME=value\n", "WINDOW_BYTES: ",
	} {
		if !strings.Contains(got.err, want) {
			t.Errorf("got %q, want it to contain %q", got.err, want)
		}
	}
	if got.code != exitUsage || got.out != "" || strings.Contains(got.err, "canary") {
		t.Errorf("got %+v, want exit code 2 and no value of a line that is not understood", got)
	}
}

func TestConfigCheckOfAFileDoesNotTakeAPartOfASecretForAName(t *testing.T) {
	noSettings(t)
	lines := []string{
		"c2VjcmV0Y2FuYXJ5Cg==", "Y2FuYXJ5=", "canary pass=word", "canary=1", "=canary", "1CANARY=x",
		"CANARY-2=x", "export CANARY=x",
	}
	file := write(t, t.TempDir(), "settings.env", fewSettings+strings.Join(lines, "\n")+"\n")
	got := command(t, "", "config", "--check", "--env-file", file)
	for n, line := range lines {
		if want := fmt.Sprintf("%s: line %d is not NAME=value\n", file, 7+n); !strings.Contains(got.err, want) {
			t.Errorf("%s: got %q, want it to contain %q", line, got.err, want)
		}
	}
	if said := strings.ToLower(got.err); strings.Contains(said, "canary") || strings.Contains(said, "c2vjcmv0") ||
		strings.Contains(said, "y2fuyxj5") {
		t.Errorf("got %q, want nothing of the lines", got.err)
	}
}

func TestConfigCheckOfAFileFailsForOneUnknownName(t *testing.T) {
	noSettings(t)
	file := write(t, t.TempDir(), "settings.env", fewSettings+
		"GOMEMLIMIT=1GiB\nOTEL_BSP_SCHEDULE_DELAY=1\nOTEL_EXPORTER_OTLP_ENDPONT=x\n")
	got := command(t, "", "config", "--check", "--env-file", file)
	if want := ": line 9: OTEL_EXPORTER_OTLP_ENDPONT is not a setting; did you mean " +
		"OTEL_EXPORTER_OTLP_ENDPOINT?\nleadhit-sync: 1 mistake in " + file + "\n"; got.code != exitUsage ||
		!strings.HasSuffix(got.err, want) {
		t.Errorf("got %+v, want exit code 2 and %q", got, want)
	}
	if got := command(t, "", "config", "--check", "--env-file", file+".absent"); got.code != exitUsage ||
		!strings.Contains(got.err, "no such file") {
		t.Errorf("got %+v, want exit code 2 for a missing file", got)
	}
	if got := command(t, "", "config", "--env-file", file); got.code != exitUsage ||
		!strings.Contains(got.err, "--env-file needs --check") {
		t.Errorf("got %+v, want exit code 2 without --check", got)
	}
}

func TestConfigCheckWithoutFilesReadsNone(t *testing.T) {
	noSettings(t)
	file := write(t, t.TempDir(), "settings.env", `KAFKA_BROKERS=kafka-1:9092
KAFKA_TOPICS=orders
KAFKA_TLS=true
KAFKA_TLS_CA_FILE=/nowhere/ca.pem
KAFKA_TLS_CERT_FILE=/nowhere/tls.crt
KAFKA_TLS_KEY_FILE=/nowhere/tls.key
KAFKA_SASL_MECHANISM=SCRAM-SHA-512
KAFKA_SASL_USERNAME=me
KAFKA_SASL_PASSWORD_FILE=/nowhere/password
LEADHIT_API_KEY_FILE=/nowhere/key
LEADHIT_CA_FILE=/nowhere/ca.pem
MAPPING=/nowhere/mapping.yaml
SCHEMA_REGISTRY_URL=https://registry:8081
SCHEMA_REGISTRY_CA_FILE=/nowhere/ca.pem
SCHEMA_REGISTRY_USERNAME=me
SCHEMA_REGISTRY_PASSWORD_FILE=/nowhere/password
OTEL_EXPORTER_OTLP_ENDPOINT=https://collector:4318
OTEL_EXPORTER_OTLP_CERTIFICATE=/nowhere/ca.pem
`)
	got := command(t, "", "config", "--check", "--skip-files", "--env-file", file)
	want := "ok    settings   complete and consistent\nskip  settings   files were not read: KAFKA_TLS_CA_FILE, " +
		"KAFKA_TLS_CERT_FILE, KAFKA_TLS_KEY_FILE, KAFKA_SASL_PASSWORD_FILE, LEADHIT_API_KEY_FILE, LEADHIT_CA_FILE, " +
		"MAPPING, SCHEMA_REGISTRY_CA_FILE, SCHEMA_REGISTRY_PASSWORD_FILE, OTEL_EXPORTER_OTLP_CERTIFICATE\n"
	if got.code != 0 || got.out != want || got.err != "" {
		t.Errorf("got %+v, want exit code 0 and %q", got, want)
	}
	if got := command(t, "", "config", "--check", "--env-file", file); got.code != exitUsage ||
		strings.Count(got.err, "the file cannot be used") != 9 {
		t.Errorf("got %+v without --skip-files, want exit code 2 and a line for each file", got)
	}
	if got := command(t, "", "config", "--skip-files"); got.code != exitUsage ||
		!strings.Contains(got.err, "--skip-files needs --check") {
		t.Errorf("got %+v without --check, want a usage error", got)
	}
}

func TestConfigCheckWithoutFilesChecksEverythingElse(t *testing.T) {
	needed(t, "LEADHIT_API_KEY_FILE", "/nowhere/key", "MAPPING", "shopfy", "LEADHIT_PROXY", "ftp://proxy",
		"KAFKA_SASL_USERNAME", "me")
	got := command(t, "", "config", "--check", "--skip-files")
	if got.code != exitUsage || strings.Count(got.err, "\n") != 3 || !strings.Contains(got.err, "MAPPING: ") ||
		!strings.Contains(got.err, "LEADHIT_PROXY: ") ||
		!strings.Contains(got.err, "KAFKA_SASL_USERNAME: ") {
		t.Errorf("got %+v, want exit code 2 and three mistakes", got)
	}
}

func TestConfigCheckOfAFileIsNotMisledByTheEnvironment(t *testing.T) {
	noSettings(t)
	t.Setenv("KAFKA_BROKER", "mine")
	t.Setenv("KAFKA_TOPIC", "mine")
	file := write(t, t.TempDir(), "settings.env", fewSettings)
	if got := command(t, "", "config", "--check", "--env-file", file); got.code != 0 || strings.Contains(got.out, "warn") {
		t.Errorf("got %+v, want no warning of a variable that is not in the file", got)
	}
	if got := os.Getenv("KAFKA_BROKER") + os.Getenv("KAFKA_TOPIC"); got != "minemine" {
		t.Errorf("got %q in the environment afterwards, want what was there", got)
	}
}

func TestConfigSpeaksJSON(t *testing.T) {
	needed(t, "KAFKA_TOPIC", "x", "LEADHIT_PROXY", "ftp://user:canary-word@proxy")
	got := command(t, "", "config", "-o", "json")
	said := decoded[printedSettings](t, got.out)
	if got.code != exitUsage || said.OK || len(said.Mistakes) != 1 || said.Mistakes[0].Variable != "LEADHIT_PROXY" ||
		said.Settings[0].Value != nil {
		t.Errorf("got %+v, want exit code 2, one mistake and no values", got)
	}
	unset(t, "LEADHIT_PROXY")
	got = command(t, "", "config", "-o", "json")
	said = decoded[printedSettings](t, got.out)
	if got.code != 0 || !said.OK || len(said.Settings) != len(config.Variables()) ||
		*said.Settings[0].Value != "127.0.0.1:1" || len(said.Warnings) != 1 || strings.Contains(got.out, key) {
		t.Errorf("got %+v, want the values without the key", got)
	}
	for _, s := range said.Settings {
		if s.Name == "LEADHIT_API_KEY" && *s.Value != "***" || s.Name == "LEADHIT_CA_FILE" && *s.Value != "" {
			t.Errorf("got %s=%s, want *** for a secret and nothing for what is not set", s.Name, *s.Value)
		}
	}
	got = command(t, "", "config", "--check", "-o", "json")
	checked := decoded[reportSchema](t, got.out)
	if got.code != 0 || !checked.OK || len(checked.Findings) != 2 || checked.Findings[1].Verdict != "warn" {
		t.Errorf("got %+v, want two findings", got)
	}
}
