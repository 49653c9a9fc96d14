package lint_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// registry lists the metrics that a query may use, by name.
type registry map[string]metric

type metric struct {
	kind string // counter, gauge, histogram
	// labels are the metric's own. values has the values of a label, if the metric's help lists them.
	labels []string
	values map[string][]string
}

// registered returns the worker's own metrics, as its golden file lists them, and the few metrics from elsewhere that
// our queries use.
func registered(t *testing.T) registry {
	t.Helper()
	all := registry{
		// The metric up comes from Prometheus itself, and the restarts come from kube-state-metrics.
		"up": {kind: "gauge"},
		"kube_pod_container_status_restarts_total": {kind: "counter", labels: []string{"uid"}},
		// Prometheus's Go client exports the next three for every process.
		"process_start_time_seconds":    {kind: "gauge"},
		"process_resident_memory_bytes": {kind: "gauge"},
		"process_cpu_seconds_total":     {kind: "counter"},
	}
	for line := range strings.Lines(read(t, "../../cmd/worker/testdata/metrics.golden.txt")) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if len(fields) != 4 {
			t.Fatalf("metrics.golden.txt: got %q, want name, type, labels and help", line)
		}
		m := metric{kind: fields[1], labels: strings.FieldsFunc(fields[2], func(r rune) bool { return r == ',' }), values: map[string][]string{}}
		if len(m.labels) > 0 {
			// If there are several labels, the help lists the values of the last one. If the labels are cause and kind,
			// it lists the values of kind.
			m.values[m.labels[len(m.labels)-1]] = listed(fields[3])
		}
		all[fields[0]] = m
	}
	// A pause's reason and the membership's phase are states too. The help of leadhit_sync_state lists them.
	for name, label := range map[string]string{"leadhit_sync_paused": "reason", "leadhit_sync_phase": "phase"} {
		if len(all["leadhit_sync_state"].values["state"]) == 0 || !slices.Contains(all[name].labels, label) {
			t.Fatalf("no %s of %s, or no list of states in the help of leadhit_sync_state", label, name)
		}
		all[name].values[label] = all["leadhit_sync_state"].values["state"]
	}
	return all
}

// listed returns the values that a metric's help lists in parentheses: "(a, b)" or "(a: so; b: otherwise)".
func listed(help string) []string {
	var values []string
	for _, list := range regexp.MustCompile(`\(([^)]*)\)`).FindAllStringSubmatch(help, -1) {
		for _, item := range strings.FieldsFunc(list[1], func(r rune) bool { return r == ',' || r == ';' }) {
			value, _, _ := strings.Cut(item, ":")
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// targetLabels returns the labels that every scrape by the PodMonitor adds.
func targetLabels() []string {
	return []string{"namespace", "job", "instance", "pod", "container", "endpoint"}
}

// check returns what is wrong with an expression.
func (r registry) check(expression string) []string {
	expr, err := newParser().ParseExpr(expression)
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	parser.Inspect(expr, func(n parser.Node, path []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			found = append(found, r.checkSelector(n, path)...)
		case *parser.AggregateExpr:
			found = append(found, r.checkLabels(n.Expr, n.Grouping)...)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				found = append(found, r.checkLabels(n, slices.Concat(n.VectorMatching.MatchingLabels, n.VectorMatching.Include))...)
			}
		}
		return nil
	})
	return found
}

// find returns the metric to which the series with the given name belongs.
func (r registry) find(series string) (metric, bool) {
	if m, ok := r[series]; ok {
		return m, m.kind != "histogram"
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		m, ok := r[strings.TrimSuffix(series, suffix)]
		if !ok || m.kind != "histogram" || !strings.HasSuffix(series, suffix) {
			continue
		}
		m.kind = "counter"
		if suffix == "_bucket" {
			m.labels = append(slices.Clone(m.labels), "le")
		}
		return m, true
	}
	return metric{}, false
}

func (r registry) checkSelector(s *parser.VectorSelector, path []parser.Node) []string {
	m, ok := r.find(s.Name)
	if !ok {
		return []string{"no metric " + s.Name}
	}
	var found []string
	for _, matcher := range s.LabelMatchers {
		if matcher.Name != "__name__" {
			found = append(found, m.checkMatcher(s.Name, matcher.Name, matcher.Value)...)
		}
	}
	for _, n := range path {
		call, ok := n.(*parser.Call)
		if ok && slices.Contains([]string{"rate", "irate", "increase"}, call.Func.Name) && m.kind != "counter" {
			found = append(found, fmt.Sprintf("%s of %s, which is a %s", call.Func.Name, s.Name, m.kind))
		}
	}
	return found
}

// checkMatcher checks one label in a query, and its value. A regular expression a|b has two values.
func (m metric) checkMatcher(name, label, asked string) []string {
	var found []string
	if !slices.Contains(slices.Concat(targetLabels(), m.labels), label) {
		found = append(found, fmt.Sprintf("%s has no label %s", name, label))
	}
	for value := range strings.SplitSeq(asked, "|") {
		if known := m.values[label]; len(known) > 0 && !slices.Contains(known, value) {
			found = append(found, fmt.Sprintf("%s of %s is never %q", label, name, value))
		}
	}
	return found
}

// checkLabels reports each of the given labels that no metric in the expression has.
func (r registry) checkLabels(expr parser.Node, asked []string) []string {
	has := targetLabels()
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			m, _ := r.find(s.Name)
			has = append(has, m.labels...)
		}
		return nil
	})
	var found []string
	for _, label := range asked {
		if !slices.Contains(has, label) {
			found = append(found, "nothing has a label "+label)
		}
	}
	return found
}
