package mapping

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// doubles turns an integer literal next to a field of type number into a double, so that a rule may say total > 0,
// although CEL requires total > 0.0. It works on the parsed expression, before CEL checks the types.
func doubles(a *ast.AST, p *program) {
	factory := ast.NewExprFactory()
	ast.PostOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || !arithmetic(e.AsCall().FunctionName()) {
			return
		}
		args := e.AsCall().Args()
		if len(args) == 2 && (numeric(args[0], p) || numeric(args[1], p)) {
			for _, arg := range args {
				double(arg, factory)
			}
		}
	}))
}

func arithmetic(function string) bool {
	return slices.Contains([]string{
		operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater,
		operators.GreaterEquals, operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.In,
		funcCovers,
	}, function)
}

// numeric reports whether an expression is a field of type number, or is computed from such a field.
func numeric(e ast.Expr, p *program) bool {
	switch e.Kind() {
	case ast.IdentKind:
		i, ok := p.index[e.AsIdent()]
		return ok && p.fields[i].kind == kindNumber
	case ast.CallKind:
		name := e.AsCall().FunctionName()
		computes := slices.Contains([]string{
			operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Negate,
		}, name)
		return computes && slices.ContainsFunc(e.AsCall().Args(), func(arg ast.Expr) bool { return numeric(arg, p) })
	default:
		return false
	}
}

// double turns an integer literal, or each one in a list, into a double.
func double(e ast.Expr, factory ast.ExprFactory) {
	switch e.Kind() {
	case ast.LiteralKind:
		if n, ok := e.AsLiteral().(types.Int); ok {
			e.SetKindCase(factory.NewLiteral(e.ID(), types.Double(n)))
		}
	case ast.ListKind:
		for _, element := range e.AsList().Elements() {
			double(element, factory)
		}
	default: // a computed number gets its type from its parts
	}
}
