package config_test

import (
	"runtime/debug"
	"strings"
	"testing"

	"leadhit-sync/config"
)

// followExample does what the line's example says, if it has one, and fails the test if the mistake is still there.
func followExample(t *testing.T, line string) {
	t.Helper()
	before, example, found := strings.Cut(line, "; for example ")
	if !found {
		return
	}
	name, value, _ := strings.Cut(example, "=")
	t.Setenv(name, value)
	variable, _, _ := strings.Cut(before, ":")
	for _, left := range mistakes(t) {
		if strings.HasPrefix(left, variable+": ") && !strings.Contains(left, "cannot be used") {
			t.Errorf("got %q after %s, want the mistake gone", left, example)
		}
	}
}

func TestNoExampleIsItselfTheMistake(t *testing.T) {
	for _, test := range []struct {
		name string
		env  []string
		want string
	}{
		{
			"the letters go to the topic of the example",
			[]string{"KAFKA_TOPICS", "a b", "DEAD_LETTER_TOPIC", "orders"},
			"for example KAFKA_TOPICS=shop.orders",
		},
		{
			"one topic of two is the letters'",
			[]string{"KAFKA_TOPICS", "orders,shop", "DEAD_LETTER_TOPIC", "orders"},
			"for example KAFKA_TOPICS=shop",
		},
		{
			"the letters' example is read",
			[]string{"KAFKA_TOPICS", "dlq.leadhit-sync", "DEAD_LETTER_TOPIC", "a/b"},
			"for example DEAD_LETTER_TOPIC=letters.dlq.leadhit-sync",
		},
		{"the key beside its file", []string{"LEADHIT_API_KEY_FILE", file(t, "x"), "LEADHIT_API_KEY", "two words"}, "LEADHIT_API_KEY: contains a space or a control character"},
		{"the file of the example is absent", []string{"LEADHIT_CA_FILE", "/etc/leadhit/ca.pem"}, "LEADHIT_CA_FILE: the file cannot be used: no such file or directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			setup(t, test.env...)
			got := mistakes(t)
			if len(got) == 0 || !strings.HasSuffix(got[0], test.want) {
				t.Fatalf("got %q, want the first line to end with %q", got, test.want)
			}
			followExample(t, got[0])
		})
	}
}

func TestAMemoryLimitTooSmallForAnyWindowIsTheSettingToChange(t *testing.T) {
	before := debug.SetMemoryLimit(20 << 20)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	setup(t)
	want := "WINDOW_BYTES: 16MiB is too much for GOMEMLIMIT 20MiB: 16MiB + 32MiB (everything else) = 48MiB; for example GOMEMLIMIT=48MiB"
	if got := mistakes(t); len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAMissingVariableNamesAMisspeltOne(t *testing.T) {
	for name, missing := range map[string]string{
		"KAFKA_BROKER": "KAFKA_BROKERS", "KAFKA_BOOTSTRAP_SERVERS": "KAFKA_BROKERS", "kafka_brokers": "KAFKA_BROKERS",
		"KAFKA_TOPIC": "KAFKA_TOPICS", "LEADHIT_KEY": "LEADHIT_API_KEY_FILE", "LEADHIT_API_KEY_FILES": "LEADHIT_API_KEY_FILE",
	} {
		t.Run(name, func(t *testing.T) {
			setup(t, name, "canary-value")
			unset(t, missing)
			unset(t, strings.TrimSuffix(missing, "_FILE"))
			got := strings.Join(mistakes(t), "\n")
			if want := "; " + name + " is set but is not a setting (did you mean " + missing + "?)"; !strings.Contains(got, missing+": required") || !strings.Contains(got, want) {
				t.Errorf("got %q, want it to contain %q", got, want)
			}
			if strings.Contains(got, "?;") {
				t.Errorf("got %q, want no semicolon right after a question mark", got)
			}
			if strings.Contains(got, "canary") {
				t.Errorf("got %q, want no value of a variable that may hold a secret", got)
			}
		})
	}
	setup(t, "KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", "KAFKA_SASL_USERNAME", "me", "KAFKA_SASL_PASSWORD", "canary-value")
	if got := strings.Join(mistakes(t), "\n"); !strings.Contains(got, "KAFKA_SASL_PASSWORD is set but is not a setting") || strings.Contains(got, "canary") {
		t.Errorf("got %q, want it to say that the password goes into a file, without the password", got)
	}
}

func TestASlashIsAddedToTheAddress(t *testing.T) {
	for given, want := range map[string]string{
		"https://leadhit.example/api/v1/orders": "https://leadhit.example/api/v1/orders/",
		"https://leadhit.example":               "https://leadhit.example/",
		"http://127.0.0.1:8000/a/":              "http://127.0.0.1:8000/a/",
	} {
		setup(t, "LEADHIT_URL", given)
		if got := mustLoad(t).LeadHit.URL; got != want {
			t.Errorf("%s: got %s, want %s", given, got, want)
		}
	}
}

func TestInspectReturnsSettingsBesideMistakes(t *testing.T) {
	setup(t, "CALLS_IN_FLIGHT", "many", "KAFKA_GROUP", "mine", "LEADHIT_CA_FILE", "/nowhere")
	c, mistakes := config.Inspect()
	if c.Kafka.Group != "mine" || !mistakes.Has("CALLS_IN_FLIGHT", "KAFKA_GROUP") || !mistakes.Has("LEADHIT_CA_FILE") || mistakes.Has("KAFKA_GROUP") {
		t.Errorf("got %v, want the group, and mistakes of CALLS_IN_FLIGHT and LEADHIT_CA_FILE alone", mistakes)
	}
	if _, mistakes := config.InspectWithoutFiles(); mistakes.Has("LEADHIT_CA_FILE") || !mistakes.Has("CALLS_IN_FLIGHT") {
		t.Errorf("got %v, want no file to be opened", mistakes)
	}
	unset(t, "LEADHIT_CA_FILE")
	unset(t, "CALLS_IN_FLIGHT")
	if _, mistakes := config.Inspect(); mistakes != nil || mistakes.Has("KAFKA_GROUP") {
		t.Errorf("got %v, want no mistake", mistakes)
	}
}

func TestFurtherMistakesJoinInTheOrderOfTheTable(t *testing.T) {
	setup(t, "LEADHIT_TIMEOUT", "soon")
	_, found := config.Inspect()
	all := found.Add(config.Problem{Variable: "MAPPING", What: "is odd"}, config.Problem{Variable: "KAFKA_TLS_CA_FILE", What: "is no PEM"})
	want := "KAFKA_TLS_CA_FILE: is no PEM\nLEADHIT_TIMEOUT: \"soon\" is not a duration; for example LEADHIT_TIMEOUT=3s\nMAPPING: is odd"
	if got := all.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if all := (*config.Error)(nil).Add(); all != nil {
		t.Errorf("got %v for none and none, want nil", all)
	}
}
