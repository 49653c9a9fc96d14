package mapping

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"leadhit-sync/consumer/mapping/spec"
)

// findUnreachableTexts warns of a literal that the field's normalize never produces, such as "NEW" after lower. A rule
// with such a literal is valid CEL, but a comparison with != is always true, so the rule could report every cancelled
// order as paid.
func (c *compiler) findUnreachableTexts(s spec.Rule, a *ast.AST) {
	ast.PostOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		field, literals := c.comparison(e)
		for _, literal := range literals {
			text, ok := literal.AsLiteral().(types.String)
			if !ok || field.normal(string(text)) == string(text) {
				continue
			}
			at := a.SourceInfo().GetStartLocation(literal.ID())
			c.finding(s.When.Inside(at.Line()-1, at.Column()), s.Where+".when",
				"after normalize, %s is never %q; write %q", field.name, string(text), field.normal(string(text)))
		}
	}))
}

// comparison returns the field and the literals of field == "…", field != "…" and field in ["…"].
func (c *compiler) comparison(e ast.Expr) (f *field, literals []ast.Expr) {
	compares := []string{operators.Equals, operators.NotEquals, operators.In}
	if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 ||
		!slices.Contains(compares, e.AsCall().FunctionName()) {
		return nil, nil
	}
	left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
	if left.Kind() == ast.LiteralKind {
		left, right = right, left
	}
	if left.Kind() != ast.IdentKind {
		return nil, nil
	}
	i, ok := c.program.index[left.AsIdent()]
	if !ok {
		return nil, nil
	}
	elements := []ast.Expr{right}
	if right.Kind() == ast.ListKind {
		elements = right.AsList().Elements()
	}
	for _, e := range elements {
		if e.Kind() == ast.LiteralKind {
			literals = append(literals, e)
		}
	}
	return &c.program.fields[i], literals
}

// normal applies the field's normalize to text.
func (f *field) normal(text string) string {
	if f.trim {
		text = strings.TrimSpace(text)
	}
	if f.lower {
		text = strings.ToLower(text)
	}
	return text
}
