package lint

import (
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// asked is what a query asks for.
type asked struct {
	// namespaces are those that it names, each once.
	namespaces []string
	// everywhere are the series of which it names none, and that nothing else holds to one.
	everywhere []string
	// invented are the functions in it that answer where there is no series.
	invented []string
}

func askedBy(query string) (*asked, error) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		return nil, fmt.Errorf("the query %q: %w", query, err)
	}
	a := &asked{}
	parser.Inspect(expr, func(n parser.Node, above []parser.Node) error {
		switch e := n.(type) {
		case *parser.VectorSelector:
			a.selects(e, above)
		case *parser.Call:
			if slices.Contains([]string{"vector", "absent", "absent_over_time"}, e.Func.Name) {
				a.invented = append(a.invented, e.Func.Name+"()")
			}
		}
		return nil
	})
	slices.Sort(a.namespaces)
	a.namespaces = slices.Compact(a.namespaces)
	return a, nil
}

// selects notes a selector's namespace. One without is held to that of what it is joined with, `on (namespace, …)`.
func (a *asked) selects(s *parser.VectorSelector, above []parser.Node) {
	named := slices.IndexFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == "namespace" && m.Type == labels.MatchEqual })
	joined := slices.ContainsFunc(above, func(n parser.Node) bool {
		b, ok := n.(*parser.BinaryExpr)
		return ok && b.Op == parser.LAND && b.VectorMatching.On && slices.Contains(b.VectorMatching.MatchingLabels, "namespace")
	})
	switch {
	case named >= 0:
		a.namespaces = append(a.namespaces, s.LabelMatchers[named].Value)
	case !joined:
		a.everywhere = append(a.everywhere, s.Name)
	}
}
