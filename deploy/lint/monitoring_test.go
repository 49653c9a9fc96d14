package lint_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

const monitoring = "../components/monitoring"

func TestTheAlertsAskForMetricsThatTheWorkerHas(t *testing.T) {
	t.Parallel()
	for _, v := range checkRules(registered(t), read(t, monitoring, "rules.yaml")) {
		t.Error(v)
	}
}

// Each case plants a mistake in the real file, so that each check is seen to fail.
func TestMistakesInTheAlertsAreFound(t *testing.T) {
	t.Parallel()
	metrics, rules := registered(t), read(t, monitoring, "rules.yaml")
	for name, c := range map[string]struct{ old, new, want string }{
		"an unknown metric": {
			`leadhit_sync_letter_write_failures_total`, `leadhit_sync_letter_failures_total`,
			"LetterWriteFailing: no metric leadhit_sync_letter_failures_total",
		},
		"an unknown label": {
			`leadhit_sync_paused{reason="outage"}`, `leadhit_sync_paused{why="outage"}`,
			"GateClosed: leadhit_sync_paused has no label why",
		},
		"an unknown value of a label": {
			`leadhit_sync_paused{reason="flood"}`, `leadhit_sync_paused{reason="flooded"}`,
			`PausedFlood: reason of leadhit_sync_paused is never "flooded"`,
		},
		"an unknown label to sum by": {
			`sum by (namespace, job) (leadhit_sync_paused{reason="flood"})`, `sum by (group) (leadhit_sync_paused{reason="flood"})`,
			"PausedFlood: nothing has a label group",
		},
		"a rate of a gauge": {
			`sum by (namespace, job) (leadhit_sync_paused{reason="flood"})`, `sum by (namespace, job) (rate(leadhit_sync_paused{reason="flood"}[5m]))`,
			"PausedFlood: rate of leadhit_sync_paused, which is a gauge",
		},
		"an expression that does not parse": {
			`up{job="leadhit-sync"} == 0`, `up{job="leadhit-sync"} = 0`, "WorkerUnscraped",
		},
		"an unknown field": {
			"    for: 5m\n", "    four: 5m\n", `unknown field "four"`,
		},
		"an unknown severity": {
			"severity: ticket", "severity: warning", `severity "warning", want page or ticket`,
		},
		"two alerts with the same name": {
			"alert: LagHigh", "alert: Stalled", "Stalled (page): a second alert",
		},
		"no summary": {
			"summary: LeadHit rejects the API key", "subject: LeadHit rejects the API key", "PausedUnauthorised: no summary",
		},
		"a runbook of another alert": {
			"runbook_url: deploy/README.md#laghigh", "runbook_url: deploy/README.md#stalled", "LagHigh: runbook_url deploy/README.md#stalled",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFound(t, checkRules(metrics, plant(t, rules, c.old, c.new)), c.want)
		})
	}
}

// alert is one rule in rules.yaml.
type alert struct {
	Name        string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// alerts reads a rules file, strictly. Templates are left to promtool.
func alerts(file string) ([]alert, error) {
	var rules struct {
		Groups []struct {
			Name  string  `json:"name"`
			Rules []alert `json:"rules"`
		} `json:"groups"`
	}
	if err := yaml.UnmarshalStrict([]byte(file), &rules); err != nil {
		return nil, err
	}
	var all []alert
	for _, group := range rules.Groups {
		all = append(all, group.Rules...)
	}
	if len(all) == 0 {
		return nil, errors.New("no alerts")
	}
	return all, nil
}

// checkRules returns what is wrong with the alerts.
func checkRules(metrics registry, file string) []string {
	all, err := alerts(file)
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	known := map[string]bool{}
	for _, a := range all {
		key := a.Name + " (" + a.Labels["severity"] + ")"
		if known[key] {
			found = append(found, key+": a second alert with this name and severity")
		}
		known[key] = true
		for _, v := range append(metrics.check(a.Expr), checkAlert(a)...) {
			found = append(found, a.Name+": "+v)
		}
	}
	return found
}

func checkAlert(rule alert) []string {
	var found []string
	if s := rule.Labels["severity"]; s != "page" && s != "ticket" {
		found = append(found, fmt.Sprintf("severity %q, want page or ticket", s))
	}
	for _, name := range []string{"summary", "description"} {
		if rule.Annotations[name] == "" {
			found = append(found, "no "+name)
		}
	}
	if !regexp.MustCompile(`\d|\$value`).MatchString(rule.Annotations["description"]) {
		found = append(found, "a description without a number")
	}
	if got, want := rule.Annotations["runbook_url"], "deploy/README.md#"+strings.ToLower(rule.Name); got != want {
		found = append(found, fmt.Sprintf("runbook_url %s, want %s", got, want))
	}
	return found
}

// The Prometheus Operator needs the rules in a resource of its own. UPDATE=1 writes it.
func TestThePrometheusRuleIsTheRulesWrapped(t *testing.T) {
	t.Parallel()
	rules := read(t, monitoring, "rules.yaml")
	want := wrapped(rules)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(filepath.Join(monitoring, "prometheusrule.yaml"), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := read(t, monitoring, "prometheusrule.yaml")
	if got != want {
		t.Error("prometheusrule.yaml is not what rules.yaml makes; UPDATE=1 go test ./... writes it")
	}

	// The indentation must not change the content.
	var bare map[string]any
	var resource struct {
		Spec map[string]any `json:"spec"`
	}
	for text, into := range map[string]any{rules: &bare, got: &resource} {
		if err := yaml.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(bare) != fmt.Sprint(resource.Spec) {
		t.Error("the spec of prometheusrule.yaml differs from rules.yaml")
	}
}

func wrapped(rules string) string {
	lines := []string{
		"# Generated from rules.yaml by UPDATE=1 go test in deploy/lint: change that file instead.",
		"apiVersion: monitoring.coreos.com/v1", "kind: PrometheusRule", "metadata:", "  name: leadhit-sync", "  labels:",
		"    app.kubernetes.io/name: leadhit-sync", "    app.kubernetes.io/component: monitoring",
		"    app.kubernetes.io/part-of: leadhit-sync", "spec:",
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(rules, "\n"), "\n") {
		if line != "" {
			line = "  " + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n") + "\n"
}

// promtool runs the unit tests of the alerts. This test only makes sure that each alert has both kinds of case.
func TestEachAlertHasACaseThatFiresAndOneThatDoesNot(t *testing.T) {
	t.Parallel()
	rules, cases := read(t, monitoring, "rules.yaml"), read(t, monitoring, "rules_test.yaml")
	for _, v := range checkCases(t, rules, cases) {
		t.Error(v)
	}
	wantFound(t, checkCases(t, rules, plant(t, cases, "alertname: LagHigh", "alertname: Stalled")), "LagHigh (page): no case in which it fires")
	wantFound(t, checkCases(t, plant(t, rules, "alert: LagHigh", "alert: LagHuge"), cases), "LagHigh: a case of an alert that does not exist")
}

func checkCases(t *testing.T, rules, cases string) []string {
	t.Helper()
	fires, silent := readCases(t, cases)
	all, err := alerts(rules)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, a := range all {
		if name := a.Name + " (" + a.Labels["severity"] + ")"; !fires[name] {
			found = append(found, name+": no case in which it fires")
		}
		if !silent[a.Name] {
			found = append(found, a.Name+": no case in which it does not fire")
		}
	}
	for _, name := range sorted(silent) {
		if !slices.ContainsFunc(all, func(a alert) bool { return a.Name == name }) {
			found = append(found, name+": a case of an alert that does not exist")
		}
	}
	return found
}

// readCases returns the alerts that fire in at least one case, with their severity, and the alerts that stay silent in
// at least one case.
func readCases(t *testing.T, cases string) (fires, silent map[string]bool) {
	t.Helper()
	var file struct {
		Tests []struct {
			AlertRuleTest []struct {
				Name string `json:"alertname"`
				Want []struct {
					Labels map[string]string `json:"exp_labels"`
				} `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		} `json:"tests"`
	}
	if err := yaml.Unmarshal([]byte(cases), &file); err != nil {
		t.Fatal(err)
	}
	fires, silent = map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, c := range test.AlertRuleTest {
			for _, want := range c.Want {
				fires[c.Name+" ("+want.Labels["severity"]+")"] = true
			}
			silent[c.Name] = silent[c.Name] || len(c.Want) == 0
		}
	}
	return fires, silent
}

func newParser() parser.Parser { return parser.NewParser(parser.Options{}) }

// read returns a file's text.
func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// plant puts a mistake into text, wherever the old words occur.
func plant(t *testing.T, text, old, mistake string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("nowhere to plant a mistake: no %q", old)
	}
	return strings.ReplaceAll(text, old, mistake)
}

func wantFound(t *testing.T, found []string, want string) {
	t.Helper()
	if !slices.ContainsFunc(found, func(v string) bool { return strings.Contains(v, want) }) {
		t.Errorf("got %q, want a finding with %q", found, want)
	}
}

func sorted[M ~map[string]V, V any](m M) []string { return slices.Sorted(maps.Keys(m)) }
