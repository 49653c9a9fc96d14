package mapping

import (
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"
)

// idleRules finds rules that can never match: a rule is an "or" of "ands"; it is idle when each of these contradicts
// itself or asks for no less than one of an earlier rule did.
func (p *program) idleRules(found *problems) {
	var earlier []term
	for i := range p.rules {
		rule := &p.rules[i]
		terms := splitTerms(rule.ast.NativeRep(), rule.then.by)
		switch idle, because := covered(terms, earlier); {
		case idle && because != "":
			found.add(rule.at, rule.then.by, "can never match: %s matches before", because)
		case idle:
			found.add(rule.at, rule.then.by, "can never match: it is always false")
		}
		earlier = append(earlier, terms...)
	}
	for _, e := range earlier {
		if !e.never && len(e.conditions) == 0 && len(p.codes) > 0 {
			found.add(p.place, "status", "the status lists are never used: %s always matches", e.rule)
			return
		}
	}
}

// decidedCodes finds codes of the lists that a rule decides before any list is asked: a rule, or one alternative of it,
// that asks for nothing but the status.
func (p *program) decidedCodes(found *problems) {
	decided := p.statusesOfRules()
	for _, l := range p.lists {
		for _, c := range l.codes {
			if by := decided[c.value]; by != "" {
				found.add(c.place, within("status", l.status), "the code %q is never used: %s decides before", c.value, by)
			}
		}
	}
}

// statusesOfRules returns the statuses that rules alone decide, each with the first such rule.
func (p *program) statusesOfRules() map[string]string {
	decided := make(map[string]string)
	for i := len(p.rules) - 1; i >= 0; i-- {
		rule := &p.rules[i]
		for _, alternative := range operands(rule.ast.NativeRep().Expr(), operators.LogicalOr) {
			for _, code := range statusCodes(alternative) {
				decided[code] = rule.then.by
			}
		}
	}
	return decided
}

// statusCodes returns the texts of status == "…" and of status in ["…"].
func statusCodes(e ast.Expr) []string {
	if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
		return nil
	}
	left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
	elements := []ast.Expr{right}
	switch e.AsCall().FunctionName() {
	case operators.Equals:
		if left.Kind() == ast.LiteralKind {
			left, elements = right, []ast.Expr{left}
		}
	case operators.In:
		if right.Kind() != ast.ListKind {
			return nil
		}
		elements = right.AsList().Elements()
	default:
		return nil
	}
	if left.Kind() != ast.IdentKind || left.AsIdent() != "status" {
		return nil
	}
	var codes []string
	for _, element := range elements {
		if element.Kind() != ast.LiteralKind {
			continue
		}
		if code, ok := element.AsLiteral().(types.String); ok {
			codes = append(codes, string(code))
		}
	}
	return codes
}

// covered tells whether no term can decide any more, and the earlier rule that is to blame.
func covered(terms, earlier []term) (idle bool, because string) {
	for _, t := range terms {
		if t.never {
			continue
		}
		at := slices.IndexFunc(earlier, func(e term) bool { return !e.never && e.within(&t) })
		if at < 0 {
			return false, ""
		}
		because = earlier[at].rule
	}
	return true, because
}

// A term is conditions that must all hold.
type term struct {
	conditions []string
	never      bool
	rule       string
}

// within tells that whatever satisfies other satisfies t.
func (t *term) within(other *term) bool {
	for _, c := range t.conditions {
		if !slices.Contains(other.conditions, c) {
			return false
		}
	}
	return true
}

// splitTerms writes a rule as an "or" of "ands", as far as it is written so.
func splitTerms(a *ast.AST, rule string) []term {
	var terms []term
	for _, alternative := range operands(a.Expr(), operators.LogicalOr) {
		t := term{rule: rule}
		equal := make(map[string]string)
		for _, e := range operands(alternative, operators.LogicalAnd) {
			t.add(e, a, equal)
		}
		terms = append(terms, t)
	}
	return terms
}

// add puts one more condition into the term.
func (t *term) add(e ast.Expr, a *ast.AST, equal map[string]string) {
	if e.Kind() == ast.LiteralKind {
		t.never = t.never || e.AsLiteral() == types.False
		return
	}
	text, err := parser.Unparse(e, a.SourceInfo())
	if err != nil {
		text = "? " + strconv.FormatInt(e.ID(), 10) // equal to nothing else
	}
	opposite, negated := strings.CutPrefix(text, "!")
	if !negated {
		opposite = "!" + text
	}
	t.never = t.never || slices.Contains(t.conditions, opposite)
	t.conditions = append(t.conditions, text)
	if field, literal := equality(e, a); field != "" {
		t.never = t.never || equal[field] != "" && equal[field] != literal
		equal[field] = literal
	}
}

// operands returns what an operator joins, at any depth.
func operands(e ast.Expr, operator string) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operator {
		return []ast.Expr{e}
	}
	var all []ast.Expr
	for _, arg := range e.AsCall().Args() {
		all = append(all, operands(arg, operator)...)
	}
	return all
}

// equality returns the field and the literal of field == literal.
func equality(e ast.Expr, a *ast.AST) (field, literal string) {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.Equals {
		return "", ""
	}
	left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
	if left.Kind() == ast.LiteralKind {
		left, right = right, left
	}
	if left.Kind() != ast.IdentKind || right.Kind() != ast.LiteralKind {
		return "", ""
	}
	literal, err := parser.Unparse(right, a.SourceInfo())
	if err != nil {
		return "", ""
	}
	return left.AsIdent(), literal
}
