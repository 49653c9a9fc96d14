package lint_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"leadhit-sync/deploy/lint"
)

// What the tests of the component prove holds for an overlay that changes nothing of it but the runbook's address.
func TestTheMonitoringOfEveryOverlayIsTheComponents(t *testing.T) {
	t.Parallel()
	seen := 0
	for name, o := range overlays(t) {
		for _, object := range o.Objects {
			if strings.HasPrefix(object.String(), "PrometheusRule/") {
				seen++
			}
		}
		for _, v := range checkMonitoring(t, o) {
			t.Errorf("%s: %s", name, v)
		}
	}
	if seen == 0 {
		t.Error("got no overlay with alerts")
	}
}

func TestAChangedAlertOrScrapeOfAnOverlayIsFound(t *testing.T) {
	t.Parallel()
	const rules, monitor = "PrometheusRule/leadhit-sync", "PodMonitor/leadhit-sync"
	o := overlays(t)[production]
	for name, v := range map[string]violation{
		"another expression": {object: rules, want: rules, patch: replace("/spec/groups/0/rules/0/expr", `"vector(0) > 1"`)},
		"an alert less":      {object: rules, want: rules, patch: remove("/spec/groups/0/rules/3")},
		"another wait":       {object: rules, want: rules, patch: replace("/spec/groups/0/rules/0/for", `"1h"`)},
		"another heading":    {object: rules, want: rules, patch: replace("/spec/groups/0/rules/0/annotations/runbook_url", `"https://git.example.com/README.md#stalled"`)},
		"no address":         {object: rules, want: rules, patch: replace("/spec/groups/0/rules/0/annotations/runbook_url", `"workerabsent"`)},
		"another interval":   {object: monitor, want: monitor, patch: replace("/spec/podMetricsEndpoints/0/interval", `"5m"`)},
		"no alerts at all":   {object: rules, want: "PodMonitor and PrometheusRule"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFound(t, checkMonitoring(t, v.planted(t, o)), v.want)
		})
	}
}

// checkMonitoring compares what an overlay renders with the component's files. An overlay without any of it has nothing to say.
func checkMonitoring(t *testing.T, o *lint.Overlay) []string {
	t.Helper()
	var found []string
	kinds := map[string]bool{}
	for _, object := range o.Objects {
		kind, _, _ := strings.Cut(object.String(), "/")
		file := map[string]string{"PodMonitor": "podmonitor.yaml", "PrometheusRule": "prometheusrule.yaml"}[kind]
		if file == "" {
			continue
		}
		kinds[kind] = true
		var source map[string]any
		if err := yaml.Unmarshal([]byte(read(t, monitoring, file)), &source); err != nil {
			t.Fatal(err)
		}
		if want, got := headings(source["spec"]), headings(object.Fields["spec"]); !reflect.DeepEqual(got, want) {
			found = append(found, fmt.Sprintf("%s differs from components/monitoring/%s", object, file))
		}
	}
	if len(kinds) == 1 {
		found = append(found, fmt.Sprintf("has %v, want both PodMonitor and PrometheusRule", slices.Collect(maps.Keys(kinds))))
	}
	return found
}

// headings returns a copy without the runbook's address: of each runbook_url the heading is left.
func headings(v any) any {
	switch v := v.(type) {
	case map[string]any:
		into := map[string]any{}
		for key, below := range v {
			into[key] = headings(below)
			if url, ok := below.(string); ok && key == "runbook_url" {
				_, heading, _ := strings.Cut(url, "#")
				into[key] = "#" + heading
			}
		}
		return into
	case []any:
		into := make([]any, 0, len(v))
		for _, below := range v {
			into = append(into, headings(below))
		}
		return into
	}
	return v
}

// The example sets the runbook's address in one place, and each alert has it.
func TestTheRunbooksAddressIsSetInOnePlace(t *testing.T) {
	t.Parallel()
	var rule struct {
		Metadata struct{ Annotations map[string]string }
		Spec     struct {
			Groups []struct{ Rules []alert }
		}
	}
	for _, object := range overlays(t)[production].Objects {
		if object.String() == "PrometheusRule/leadhit-sync" {
			if err := yaml.Unmarshal(object.JSON, &rule); err != nil {
				t.Fatal(err)
			}
		}
	}
	address := rule.Metadata.Annotations["runbook"]
	if !strings.HasPrefix(address, "https://") || len(rule.Spec.Groups) == 0 {
		t.Fatalf("got the address %q in the example, want one that a browser opens", address)
	}
	for _, a := range rule.Spec.Groups[0].Rules {
		if got, want := a.Annotations["runbook_url"], address+"#"+strings.ToLower(a.Name); got != want {
			t.Errorf("%s: got runbook_url %s, want %s", a.Name, got, want)
		}
	}
}
