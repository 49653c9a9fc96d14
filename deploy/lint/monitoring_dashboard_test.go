package lint_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// queriesOf returns every expression in the dashboard, with values for its time variables.
func queriesOf(t *testing.T, dashboard string) []string {
	t.Helper()
	var d struct {
		Panels []struct {
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
		Annotations struct {
			List []struct {
				Expr string `json:"expr"`
			} `json:"list"`
		} `json:"annotations"`
	}
	if err := json.Unmarshal([]byte(dashboard), &d); err != nil {
		t.Fatal(err)
	}
	var all []string
	add := func(query string) {
		if query != "" {
			all = append(all, strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h").Replace(query))
		}
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			add(target.Expr)
		}
	}
	for _, a := range d.Annotations.List {
		add(a.Expr)
	}
	return all
}

func checkQueries(metrics registry, queries []string) []string {
	var found []string
	for _, query := range queries {
		found = append(found, metrics.check(query)...)
	}
	return found
}

func TestTheDashboardAsksForMetricsThatTheWorkerHas(t *testing.T) {
	t.Parallel()
	metrics, file := registered(t), read(t, monitoring, "dashboard.json")
	queries := queriesOf(t, file)
	if len(queries) < 10 {
		t.Errorf("got %d queries: are we looking in the right place?", len(queries))
	}
	for _, v := range checkQueries(metrics, queries) {
		t.Error(v)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"an unknown metric":           {"leadhit_sync_call_seconds_bucket", "leadhit_sync_calls_seconds_bucket", "no metric leadhit_sync_calls_seconds_bucket"},
		"a query that does not parse": {"sum by (kind, cause) (", "sum by kind, cause (", "unexpected"},
		"an unknown state":            {`state=\"joining\"`, `state=\"entering\"`, `is never "entering"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFound(t, checkQueries(metrics, queriesOf(t, plant(t, file, c.old, c.new))), c.want)
		})
	}
}
