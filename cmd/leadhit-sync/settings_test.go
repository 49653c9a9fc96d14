package main

import (
	"path/filepath"
	"strings"
	"testing"

	"leadhit-sync/integration/authority"
)

// certificates writes the certificate of an authority, and two certificates with their keys, to a folder.
func certificates(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	ca, err := authority.New("test")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "ca.pem", string(ca.PEM()))
	for _, name := range []string{"one", "two"} {
		pair, err := ca.Issue(authority.Subject{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name+".crt", string(pair.Cert))
		write(t, dir, name+".key", string(pair.Key))
	}
	return dir
}

// TestRunAndBothChecksRefuseTheSameSettings goes through the settings that keep a worker from starting. All commands
// that judge settings must print the same message.
func TestRunAndBothChecksRefuseTheSameSettings(t *testing.T) {
	pems, dir := certificates(t), t.TempDir()
	file := func(text string) string { return write(t, t.TempDir(), "file", text) }
	sasl := func(mechanism, password string) []string {
		return []string{
			"KAFKA_TLS", "true", "KAFKA_SASL_MECHANISM", mechanism, "KAFKA_SASL_USERNAME", "worker",
			"KAFKA_SASL_PASSWORD_FILE", write(t, t.TempDir(), "password", password),
		}
	}
	keyFile := func(text string) []string {
		return []string{"LEADHIT_API_KEY_FILE", write(t, t.TempDir(), "key", text)}
	}
	for _, c := range []struct {
		name string
		env  []string
		want string // how the only line starts
	}{
		{
			"a key with a byte order mark", keyFile("\ufeffcanary-key"),
			"LEADHIT_API_KEY_FILE: the file cannot be used: API key in ",
		},
		{"a key of two lines", keyFile("a\nb\n"), "LEADHIT_API_KEY_FILE: "},
		{"a key in another alphabet", keyFile("ключ"), "LEADHIT_API_KEY_FILE: "},
		{"a key with a tab inside", keyFile("canary\tx"), "LEADHIT_API_KEY_FILE: "},
		{"a key with a zero byte", keyFile("canary\x00x"), "LEADHIT_API_KEY_FILE: "},
		{"a key of white space", keyFile(" \r\n"), "LEADHIT_API_KEY_FILE: "},
		{
			"a key that is a folder",
			[]string{"LEADHIT_API_KEY_FILE", dir},
			"LEADHIT_API_KEY_FILE: the file cannot be used: is a directory",
		},
		{
			"a missing key",
			[]string{"LEADHIT_API_KEY_FILE", filepath.Join(dir, "none")},
			"LEADHIT_API_KEY_FILE: the file cannot be used: no such file",
		},
		{"a key too long for a header", keyFile(strings.Repeat("k", 5000)), "LEADHIT_API_KEY_FILE: "},
		{"a key by itself, in another alphabet", []string{"LEADHIT_API_KEY", "ключ"}, "LEADHIT_API_KEY: "},
		{"a key by itself, too long for a header", []string{"LEADHIT_API_KEY", strings.Repeat("k", 5000)}, "LEADHIT_API_KEY: "},
		{
			"LeadHit's authorities without a certificate",
			[]string{"LEADHIT_CA_FILE", file("no PEM")},
			"LEADHIT_CA_FILE: the file cannot be used: contains no certificate",
		},
		{
			"a proxy without a host",
			[]string{"LEADHIT_URL", "https://leadhit.example/", "LEADHIT_PROXY", "http://:3128"},
			"LEADHIT_PROXY: ",
		},
		{
			"an address too long for a request",
			[]string{"LEADHIT_URL", "https://leadhit.example/" + strings.Repeat("a", 3000)},
			"LEADHIT_URL: ",
		},
		{
			"the brokers' authorities without a certificate",
			[]string{"KAFKA_TLS", "true", "KAFKA_TLS_CA_FILE", file("no PEM")},
			"KAFKA_TLS_CA_FILE: ",
		},
		{
			"a certificate file without a certificate",
			[]string{
				"KAFKA_TLS", "true", "KAFKA_TLS_CERT_FILE", file("no PEM"), "KAFKA_TLS_KEY_FILE",
				filepath.Join(pems, "one.key"),
			},
			"KAFKA_TLS_CERT_FILE: ",
		},
		{
			"a certificate with another certificate's key",
			[]string{
				"KAFKA_TLS", "true", "KAFKA_TLS_CERT_FILE", filepath.Join(pems, "one.crt"), "KAFKA_TLS_KEY_FILE",
				filepath.Join(pems, "two.key"),
			},
			"KAFKA_TLS_KEY_FILE: ",
		},
		{"a password with a byte order mark", sasl("SCRAM-SHA-512", "\ufeffcanary"), "KAFKA_SASL_PASSWORD_FILE: "},
		{"a password of two lines", sasl("PLAIN", "canary\nx"), "KAFKA_SASL_PASSWORD_FILE: "},
		{"a password of only a line end", sasl("SCRAM-SHA-256", "\r\n"), "KAFKA_SASL_PASSWORD_FILE: "},
		{"a password that SCRAM does not take", sasl("SCRAM-SHA-512", "canary\a"), "KAFKA_SASL_PASSWORD_FILE: "},
		{
			"a mapping with mistakes",
			[]string{"MAPPING", write(t, dir, "bad.yaml", "fields: {order_id: {path: x}}\n")},
			"MAPPING: the mapping has mistakes\n",
		},
		{"a missing mapping", []string{"MAPPING", filepath.Join(dir, "none.yaml")}, "MAPPING: "},
		{
			"a mapping that is a device",
			[]string{"MAPPING", "/dev/zero"},
			"MAPPING: mapping: read /dev/zero: not a regular file",
		},
		{
			"a key that is a device",
			[]string{"LEADHIT_API_KEY_FILE", "/dev/zero"},
			"LEADHIT_API_KEY_FILE: the file cannot be used: not a regular file",
		},
		{
			"an unknown preset",
			[]string{"MAPPING", "shopfy"},
			`MAPPING: mapping: unknown preset "shopfy" (did you mean "shopify"?)`,
		},
		{
			"the registry's authorities without a certificate",
			[]string{"SCHEMA_REGISTRY_URL", "https://registry:8081", "SCHEMA_REGISTRY_CA_FILE", file("no PEM")},
			"SCHEMA_REGISTRY_CA_FILE: ",
		},
		{
			"a registry's password of two lines",
			[]string{
				"SCHEMA_REGISTRY_URL", "https://registry:8081", "SCHEMA_REGISTRY_USERNAME", "me",
				"SCHEMA_REGISTRY_PASSWORD_FILE", file("canary\nx"),
			},
			"SCHEMA_REGISTRY_PASSWORD_FILE: ",
		},
		{
			"the collector's authorities without a certificate",
			[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318", "OTEL_EXPORTER_OTLP_CERTIFICATE", file("no PEM")},
			"OTEL_EXPORTER_OTLP_CERTIFICATE: ",
		},
	} {
		t.Run(c.name, func(t *testing.T) { allRefuse(t, c.env, c.want) })
	}
}

// allRefuse fails the test unless every command that judges settings prints the same message.
func allRefuse(t *testing.T, env []string, want string) {
	t.Helper()
	needed(t, env...)
	first := command(t, "", "run")
	if first.code != exitUsage || !strings.HasPrefix(first.err, want) || first.out != "" {
		t.Fatalf("got %+v from run, want exit code 2 and %q", first, want)
	}
	if strings.Contains(first.err, "canary") {
		t.Errorf("got %q, want none of the file's content", first.err)
	}
	for _, line := range []string{"check", "config", "config --check"} {
		if got := command(t, "", strings.Fields(line)...); got.code != exitUsage || got.err != first.err {
			t.Errorf("got %+v from %s, want what run says: %q", got, line, first.err)
		}
	}
}

// needed sets the settings that every worker needs, and the given pairs. No broker listens at KAFKA_BROKERS.
func needed(t *testing.T, pairs ...string) {
	t.Helper()
	noSettings(t)
	t.Setenv("KAFKA_BROKERS", "127.0.0.1:1")
	t.Setenv("KAFKA_TOPICS", "orders")
	t.Setenv("LEADHIT_API_KEY", key)
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
		if pairs[i] == "LEADHIT_API_KEY_FILE" {
			unset(t, "LEADHIT_API_KEY")
		}
	}
}

func TestValidFilesOfEachKindAreAccepted(t *testing.T) {
	pems := certificates(t)
	for name, text := range map[string]string{
		"a line end": "secret-key\n", "a Windows line end": "secret-key\r\n", "spaces around it": " secret-key ",
		"base64": "c2VjcmV0LWtleQ==", "quotes": `"secret-key"`,
	} {
		t.Run("a key with "+name, func(t *testing.T) {
			needed(t, "LEADHIT_API_KEY_FILE", write(t, t.TempDir(), "key", text))
			if got := command(t, "", "config", "--check"); got.code != 0 || !strings.HasPrefix(got.out, "ok ") {
				t.Errorf("got %+v, want the key taken", got)
			}
		})
	}
	needed(t, "KAFKA_TLS", "true", "KAFKA_TLS_CA_FILE", filepath.Join(pems, "ca.pem"), "KAFKA_TLS_CERT_FILE",
		filepath.Join(pems, "one.crt"),
		"KAFKA_TLS_KEY_FILE", filepath.Join(pems, "one.key"), "KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", "KAFKA_SASL_USERNAME",
		"worker",
		"KAFKA_SASL_PASSWORD_FILE", write(t, t.TempDir(), "password", "p\r\n"))
	if got := command(t, "", "config", "--check"); got.code != 0 {
		t.Errorf("got %+v, want certificates and password taken", got)
	}
}

func TestMistakesInFilesAndInValuesAreInOneList(t *testing.T) {
	needed(t, "LEADHIT_API_KEY_FILE", write(t, t.TempDir(), "key", "a\nb"), "CALLS_IN_FLIGHT", "many", "MAPPING", "shopfy",
		"LEADHIT_PROXY", "http://:1",
		"KAFKA_TLS", "true", "KAFKA_TLS_CA_FILE", write(t, t.TempDir(), "ca.pem", "no PEM"), "LEADHIT_CA_FILE",
		"/nowhere/ca.pem")
	got := command(t, "", "check")
	var names []string
	for line := range strings.Lines(got.err) {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, name)
	}
	want := "KAFKA_TLS_CA_FILE LEADHIT_API_KEY_FILE LEADHIT_CA_FILE LEADHIT_PROXY CALLS_IN_FLIGHT MAPPING"
	if strings.Join(names, " ") != want || got.code != exitUsage {
		t.Errorf("got %+v, want exit code 2 and lines about %s", got, want)
	}
}

func TestAMappingThatCannotBeLoadedIsInTheListOfMistakes(t *testing.T) {
	bad := write(t, t.TempDir(), "bad.yaml", "fields: {order_id: {path: x}}\nrule: []\n")
	for _, c := range []struct {
		name, mapping, topics string
		want                  []string
	}{
		{"an unknown preset", "shopfy", "orders", []string{"CALLS_IN_FLIGHT: ", "MAPPING: ", "shopify"}},
		{"a file with mistakes", bad, "orders", []string{"CALLS_IN_FLIGHT: ", "MAPPING: ", "bad.yaml:1:", "bad.yaml:2:"}},
		{"topics that are wrong too", "shopfy", "orders,,", []string{"KAFKA_TOPICS: ", "CALLS_IN_FLIGHT: ", "MAPPING: "}},
		{"a mapping that is right", "plain", "orders", []string{"CALLS_IN_FLIGHT: "}},
	} {
		needed(t, "MAPPING", c.mapping, "KAFKA_TOPICS", c.topics, "CALLS_IN_FLIGHT", "many")
		for _, line := range []string{"run", "config", "check"} {
			got := command(t, "", line)
			at := 0
			for _, want := range c.want {
				next := strings.Index(got.err[at:], want)
				if next < 0 {
					t.Errorf("%s, %s: got exit code %d and\n%s\nwant %q in order", c.name, line, got.code, got.err, c.want)
					break
				}
				at += next
			}
			if got.code != exitUsage || strings.Contains(got.err, "leadhit-sync: ") || c.mapping == "plain" &&
				strings.Contains(got.err, "MAPPING") {
				t.Errorf("%s, %s: got exit code %d and\n%s\nwant 2 and the mistakes alone", c.name, line, got.code, got.err)
			}
		}
	}
}

func TestConfigReportsAMappingThatCannotBeLoadedEvenIfItIsTheOnlyMistake(t *testing.T) {
	needed(t, "MAPPING", "shopfy")
	if got := command(t, "", "config"); got.code != exitUsage || !strings.HasPrefix(got.out, "| variable |") ||
		!strings.Contains(got.err, "MAPPING: ") {
		t.Errorf("got %+v, want exit code 2, the table and the mistake", got)
	}
}

func TestCommandsThatNeedFewSettingsRefuseTheirFilesInTheSameWay(t *testing.T) {
	needed(t, "KAFKA_TLS", "true", "KAFKA_TLS_CA_FILE", write(t, t.TempDir(), "ca.pem", "no PEM"))
	for _, line := range []string{"letters list", "letters show a/0/1", "pause --reason x", "resume", "preview"} {
		if got := command(t, "", strings.Fields(line)...); got.code != exitUsage ||
			!strings.HasPrefix(got.err, "KAFKA_TLS_CA_FILE: the file cannot be used: ") {
			t.Errorf("got %+v for %s, want exit code 2 and the setting's name", got, line)
		}
	}
}
