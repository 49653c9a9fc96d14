package main

import (
	"strings"
	"testing"
)

func TestAMappingThatCannotBeLoadedStandsInTheListOfMistakes(t *testing.T) {
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
		installed(t)
		t.Setenv("MAPPING", c.mapping)
		t.Setenv("KAFKA_TOPICS", c.topics)
		t.Setenv("CALLS_IN_FLIGHT", "many")
		for _, line := range []string{"run", "config"} {
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
			if got.code != exitUsage || strings.Contains(got.err, "leadhit-sync: ") || c.mapping == "plain" && strings.Contains(got.err, "MAPPING") {
				t.Errorf("%s, %s: got exit code %d and\n%s\nwant 2 and the mistakes alone", c.name, line, got.code, got.err)
			}
		}
	}
}

func TestConfigTellsOfAMappingThatCannotBeLoadedEvenIfAllElseIsRight(t *testing.T) {
	installed(t)
	t.Setenv("MAPPING", "shopfy")
	if got := command(t, "", "config"); got.code != exitUsage || !strings.HasPrefix(got.out, "| variable |") || !strings.Contains(got.err, "MAPPING: ") {
		t.Errorf("got %+v, want exit code 2, the table and the mistake", got)
	}
}
