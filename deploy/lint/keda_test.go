package lint_test

import (
	"fmt"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestKEDAsQueryAsksForMetricsThatTheWorkerHas(t *testing.T) {
	t.Parallel()
	metrics, asked := registered(t), 0
	for name, o := range overlays(t) {
		for _, query := range o.Queries() {
			asked++
			for _, wrong := range metrics.check(query) {
				t.Errorf("%s: %s", name, wrong)
			}
		}
	}
	if asked == 0 {
		t.Error("got no query at all")
	}
}

// promtool runs the cases. This test makes sure that they use KEDA's query, and that at least one expects a number
// other than 0, one expects 0, and one expects no value.
func TestTheCasesOfTheQueryUseKEDAsQuery(t *testing.T) {
	t.Parallel()
	cases, queries := read(t, "../components/keda/query_test.yaml"), overlays(t)[production].Queries()
	for _, v := range checkQueryCases(t, cases, queries) {
		t.Error(v)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"another query": {"or 0 * max(", "or 1 * max(", "want it to ask"},
		"no pause":      {"value: 0}", "value: 1}", "no case that gives 0"},
		"no absence":    {"exp_samples: []", "exp_samples: [{labels: '{}', value: 0}]", "no case that gives nothing"},
		"no figure":     {"value: 9", "value: 0.", "no case that gives a figure"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFound(t, checkQueryCases(t, plant(t, cases, c.old, c.new), queries), c.want)
		})
	}
}

func checkQueryCases(t *testing.T, cases string, queries []string) []string {
	t.Helper()
	var found, queried []string
	for _, q := range queries {
		queried = append(queried, canonical(t, q))
	}
	seen := map[string]bool{}
	for _, c := range queryCases(t, cases) {
		if !slices.Contains(queried, canonical(t, c.Expr)) {
			found = append(found, fmt.Sprintf("a case asks %q, want it to ask what an overlay asks, %q", c.Expr, queries))
		}
		switch {
		case len(c.Want) == 0:
			seen["nothing"] = true
		case c.Want[0].Value == 0:
			seen["0"] = true
		default:
			seen["a figure"] = true
		}
	}
	for _, what := range []string{"nothing", "0", "a figure"} {
		if !seen[what] {
			found = append(found, "there is no case that gives "+what)
		}
	}
	return found
}

type queryCase struct {
	Expr string `json:"expr"`
	Want []struct {
		Value float64 `json:"value"`
	} `json:"exp_samples"`
}

func queryCases(t *testing.T, text string) []queryCase {
	t.Helper()
	var file struct {
		Tests []struct {
			Cases []queryCase `json:"promql_expr_test"`
		} `json:"tests"`
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	var all []queryCase
	for _, test := range file.Tests {
		all = append(all, test.Cases...)
	}
	return all
}

// canonical returns a query as the parser formats it.
func canonical(t *testing.T, query string) string {
	t.Helper()
	expr, err := newParser().ParseExpr(query)
	if err != nil {
		t.Fatalf("%q: %v", query, err)
	}
	return expr.String()
}
