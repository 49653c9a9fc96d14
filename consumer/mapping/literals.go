package mapping

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// unreachableTexts finds texts in a rule that its field can never have, such as "NEW" where the field is lower-cased. The
// rule is valid CEL, and never does what its author meant.
func (c *compiler) unreachableTexts(s ruleSpec, a *ast.AST) {
	ast.PostOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		field, texts, whole := c.compared(e.AsCall())
		if field == nil {
			return
		}
		for _, literal := range texts {
			text, ok := literal.AsLiteral().(types.String)
			why := ""
			if ok {
				why = field.never(string(text), whole)
			}
			if why == "" {
				continue
			}
			at := a.SourceInfo().GetStartLocation(literal.ID())
			place := c.reader(s.when).inside(s.when, at.Line()-1, at.Column())
			verb := "contains"
			if whole {
				verb = "is"
			}
			c.finding(place, s.where+".when", "the field %s never %s %q: %s", field.name, verb, string(text), why)
		}
	}))
}

// compared returns the field that a call compares with texts, and whether it compares the whole text.
func (c *compiler) compared(call ast.CallExpr) (f *field, texts []ast.Expr, whole bool) {
	var left, right ast.Expr
	switch call.FunctionName() {
	case operators.Equals, operators.NotEquals, operators.In:
		if whole = true; len(call.Args()) != 2 {
			return nil, nil, false
		}
		left, right = call.Args()[0], call.Args()[1]
	case overloads.StartsWith, overloads.EndsWith, overloads.Contains:
		if !call.IsMemberFunction() || len(call.Args()) != 1 {
			return nil, nil, false
		}
		left, right = call.Target(), call.Args()[0]
	default:
		return nil, nil, false
	}
	if left.Kind() == ast.LiteralKind {
		left, right = right, left
	}
	if left.Kind() != ast.IdentKind {
		return nil, nil, false
	}
	i, ok := c.program.index[left.AsIdent()]
	if !ok {
		return nil, nil, false
	}
	elements := []ast.Expr{right}
	if right.Kind() == ast.ListKind {
		elements = right.AsList().Elements()
	}
	for _, e := range elements {
		if e.Kind() == ast.LiteralKind {
			texts = append(texts, e)
		}
	}
	return &c.program.fields[i], texts, whole
}

// never says why a field can never be a text, or contain it; "" if it can.
func (f *field) never(text string, whole bool) string {
	switch {
	case f.kind != kindString && f.kind != kindID:
		return ""
	case f.lower && strings.ToLower(text) != text:
		return fmt.Sprintf("it is normalised to lower case; write %q", strings.ToLower(text))
	case !whole:
		return ""
	case f.trim && strings.TrimSpace(text) != text:
		return fmt.Sprintf("it is trimmed; write %q", strings.TrimSpace(text))
	case text == "" && f.firstOf:
		return "first_of skips empty texts; compare with null"
	case text == "" && f.kind == kindID:
		return "an empty id is refused; compare with null"
	case f.pattern != nil && !f.pattern.MatchString(text):
		return "it does not match the field's pattern"
	}
	return ""
}
