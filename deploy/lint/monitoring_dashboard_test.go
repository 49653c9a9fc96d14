package lint_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// dashboard is what is looked at of Grafana's model.
type dashboard struct {
	UID         string  `json:"uid"`
	Panels      []panel `json:"panels"`
	Annotations struct {
		List []struct {
			Enable bool   `json:"enable"`
			Name   string `json:"name"`
			Expr   string `json:"expr"`
		} `json:"list"`
	} `json:"annotations"`
	Templating struct {
		List []variable `json:"list"`
	} `json:"templating"`
}

type variable struct {
	Name string `json:"name"`
}

type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Datasource  struct {
		UID string `json:"uid"`
	} `json:"datasource"`
	Grid struct {
		H, W, X, Y int
	} `json:"gridPos"`
	Targets []struct {
		Expr    string `json:"expr"`
		Instant bool   `json:"instant"`
	} `json:"targets"`
	FieldConfig struct {
		Defaults struct {
			Unit       string            `json:"unit"`
			NoValue    string            `json:"noValue"`
			Mappings   []json.RawMessage `json:"mappings"`
			Thresholds struct {
				Steps []struct {
					Color string   `json:"color"`
					Value *float64 `json:"value"`
				} `json:"steps"`
			} `json:"thresholds"`
			Custom struct {
				SpanNulls any `json:"spanNulls"`
			} `json:"custom"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
}

func TestTheDashboardAsksForWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, v := range checkDashboard(registered(t), read(t, monitoring, "dashboard.json")) {
		t.Error(v)
	}
}

func TestMistakesInTheDashboardAreFound(t *testing.T) {
	t.Parallel()
	metrics, file := registered(t), read(t, monitoring, "dashboard.json")
	for name, c := range map[string]struct{ old, new, want string }{
		"no JSON":                     {`"panels": [`, `"panels": [,`, "invalid character"},
		"a metric that nobody has":    {"leadhit_sync_call_seconds_bucket", "leadhit_sync_calls_seconds_bucket", "no metric leadhit_sync_calls_seconds_bucket"},
		"a query that does not parse": {"sum by (kind, cause) (", "sum by kind, cause (", "unexpected"},
		"two panels of one id":        {`"id": 2,`, `"id": 1,`, "id 1 is another's too"},
		"no description":              {`"description": "`, `"descriptive": "`, "no description"},
		"no unit":                     {`"unit": "`, `"units": "`, "no unit"},
		"a data source of its own":    {`"uid": "${datasource}"`, `"uid": "prometheus"`, "does not ask the chosen data source"},
		"another namespace's figures": {`leadhit_sync_calls_limit{job=~\"$job\", namespace=~\"$namespace\"}`, `leadhit_sync_calls_limit{job=~\"$job\"}`, "leadhit_sync_calls_limit is not asked for the chosen namespace"},
		"nothing told as 0":           {" - sum(up{", " - vector(0) - sum(up{", "vector() makes a figure of nothing"},
		"green without a figure":      {`"color": "purple"`, `"color": "green"`, "green where nothing is known"},
		"no word for nothing":         {`"noValue": "`, `"noneValue": "`, "no word for no figures"},
		"a line over what is missing": {`"spanNulls": false`, `"spanNulls": true`, "draws a line over what is missing"},
		"silent without a worker":     {"absent(", "count(", "is silent when no worker is seen"},
		"no mark on the graphs":       {`"enable": true`, `"enable": false`, "no mark on the graphs"},
		"an old figure for today's":   {`"instant": true`, `"instant": false`, "shows an old figure"},
		"a state that is forgotten":   {`state=\"joining\"`, `state=\"running\"`, "shows nothing for the state joining"},
		"no thresholds":               {`"steps": [`, `"step": [`, "Grafana's default is green"},
		"a kind that nobody tested":   {`"type": "stat"`, `"type": "gauge"`, "nobody knows what it shows"},
		"panels one over another":     {`"y": 0`, `"y": 1`, "lies over"},
		"a variable is missing":       {`"name": "namespace"`, `"name": "space"`, "no variable namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFound(t, checkDashboard(metrics, plant(t, file, c.old, c.new)), c.want)
		})
	}
}

// checkDashboard returns what is wrong with the dashboard. How it looks nobody can check.
func checkDashboard(metrics registry, file string) []string {
	var d dashboard
	if err := json.Unmarshal([]byte(file), &d); err != nil {
		return []string{err.Error()}
	}
	found := checkFrame(metrics, d)
	ids := map[int]bool{}
	for i, p := range d.Panels {
		say := func(format string, a ...any) {
			found = append(found, fmt.Sprintf("%d %q: ", p.ID, p.Title)+fmt.Sprintf(format, a...))
		}
		if ids[p.ID] || p.ID == 0 {
			say("id %d is another's too", p.ID)
		}
		ids[p.ID] = true
		for _, other := range d.Panels[:i] {
			if p.over(other) {
				say("lies over %q", other.Title)
			}
		}
		if p.Type == "row" || p.Type == "text" {
			continue
		}
		for _, v := range slices.Concat(p.words(), p.honest(metrics), p.queries(metrics)) {
			say("%s", v)
		}
	}
	return found
}

// checkFrame looks at what is not a panel: the variables, and the mark on every graph where figures are missing.
func checkFrame(metrics registry, d dashboard) []string {
	var found []string
	for _, want := range []string{"datasource", "namespace", "job"} {
		if !slices.Contains(d.Templating.List, variable{want}) {
			found = append(found, "no variable "+want)
		}
	}
	var marks []string
	for _, a := range d.Annotations.List {
		if a.Expr == "" {
			continue
		}
		for _, v := range checkQuery(metrics, a.Expr) {
			found = append(found, a.Name+": "+v)
		}
		if a.Enable {
			marks = append(marks, a.Expr)
		}
	}
	if !tellsOfTheMissing(marks) {
		found = append(found, "no mark on the graphs where figures are missing")
	}
	return found
}

func (p panel) over(o panel) bool {
	return p.Grid.X < o.Grid.X+o.Grid.W && o.Grid.X < p.Grid.X+p.Grid.W && p.Grid.Y < o.Grid.Y+o.Grid.H && o.Grid.Y < p.Grid.Y+p.Grid.H
}

// words are what a reader needs.
func (p panel) words() []string {
	var found []string
	for name, value := range map[string]string{"title": p.Title, "description": p.Description, "unit": p.FieldConfig.Defaults.Unit} {
		if value == "" {
			found = append(found, "no "+name)
		}
	}
	if p.Grid.W < 1 || p.Grid.H < 1 || p.Grid.X+p.Grid.W > 24 {
		found = append(found, "does not fit into the grid")
	}
	return found
}

// honest says where a panel would show that all is well when nothing is known.
func (p panel) honest(metrics registry) []string {
	var found []string
	d := p.FieldConfig.Defaults
	if len(d.Thresholds.Steps) > 0 && strings.Contains(d.Thresholds.Steps[0].Color, "green") {
		found = append(found, "green where nothing is known")
	}
	switch p.Type {
	case "timeseries":
		// The gap is the message, and the dashboard's annotation names it.
		if d.Custom.SpanNulls != false {
			found = append(found, "draws a line over what is missing")
		}
	case "state-timeline":
		found = append(found, p.honestStates(metrics["leadhit_sync_state"].values["state"])...)
	case "stat":
		found = append(found, p.honestNumber()...)
	default:
		found = append(found, "a kind of panel of which nobody knows what it shows without figures: "+p.Type)
	}
	return found
}

// honestStates is about the bands of a state timeline. Grafana shows no noValue there (grafana#88004), so the query has to
// answer.
func (p panel) honestStates(states []string) []string {
	var asked, found []string
	for _, target := range p.Targets {
		asked = append(asked, target.Expr)
	}
	if !tellsOfTheMissing(asked) {
		found = append(found, "is silent when no worker is seen, or one is not scraped")
	}
	for _, state := range states {
		if !strings.Contains(strings.Join(asked, "\n"), fmt.Sprintf("state=%q", state)) {
			found = append(found, "shows nothing for the state "+state)
		}
	}
	return found
}

// honestNumber is about a single number and its colour.
func (p panel) honestNumber() []string {
	var found []string
	if p.FieldConfig.Defaults.NoValue == "" {
		found = append(found, "no word for no figures")
	}
	if len(p.FieldConfig.Defaults.Thresholds.Steps) == 0 {
		found = append(found, "no thresholds: Grafana's default is green where nothing is known")
	}
	for _, target := range p.Targets {
		if !target.Instant { // of a range Grafana would show the last figure there was
			found = append(found, "shows an old figure when there is none now")
		}
	}
	return found
}

// tellsOfTheMissing says that queries answer when no worker is seen, and when one is not scraped.
func tellsOfTheMissing(queries []string) bool {
	all := strings.Join(queries, "\n")
	return strings.Contains(all, "absent(") && strings.Contains(all, "up{")
}

func (p panel) queries(metrics registry) []string {
	var found []string
	if p.Datasource.UID != "${datasource}" {
		found = append(found, "does not ask the chosen data source")
	}
	if len(p.Targets) == 0 {
		found = append(found, "asks for nothing")
	}
	for _, target := range p.Targets {
		found = append(found, checkQuery(metrics, target.Expr)...)
	}
	return found
}

// checkQuery looks at one expression of the dashboard, its variables filled in.
func checkQuery(metrics registry, query string) []string {
	query = strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h").Replace(query)
	found := metrics.check(query)
	expr, err := newParser().ParseExpr(query)
	if err != nil {
		return found
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.Call:
			if n.Func.Name == "vector" {
				found = append(found, "vector() makes a figure of nothing")
			}
		case *parser.VectorSelector:
			for _, name := range []string{"job", "namespace"} {
				if !chosen(n, name) && !strings.HasPrefix(n.Name, "kube_") {
					found = append(found, fmt.Sprintf("%s is not asked for the chosen %s", n.Name, name))
				}
			}
		}
		return nil
	})
	return found
}

// chosen says that a selector is bound to the dashboard's variable.
func chosen(s *parser.VectorSelector, name string) bool {
	return slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
		return m.Name == name && m.Type == labels.MatchRegexp && m.Value == "$"+name
	})
}
