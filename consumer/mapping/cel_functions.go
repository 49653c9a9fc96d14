package mapping

import (
	"maps"
	"math"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"leadhit-sync/consumer/mapping/spelling"
)

// The functions that rules have in addition to CEL's own.
const (
	funcCovers = "covers"
	funcAbsent = "absent"
)

// absentPrefix followed by a field's name is the name of the variable that says whether the field is absent. No field
// can have such a name.
const absentPrefix = "@absent:"

// halfCent is the tolerance of covers. Platforms compute amounts as floats or with four decimals, so 299.99 arrives as
// 299.98999999999995, and 18.4501 due is paid with 18.45. In a currency with three decimals the tolerance is five of
// the smallest units. In a currency without decimals it is less than the smallest unit.
const halfCent = 0.005

// functions declares covers as a function and absent as a macro.
func (c *compiler) functions() []cel.EnvOption {
	amount := cel.NullableType(cel.DoubleType)
	return []cel.EnvOption{
		cel.Function(funcCovers, cel.Overload("covers_double_double", []*cel.Type{amount, amount}, cel.BoolType,
			cel.BinaryBinding(covers))),
		cel.Macros(cel.GlobalMacro(funcAbsent, 1, c.expandAbsent)),
	}
}

// covers reports whether the amount paid is at least the amount due, within the tolerance. Null makes the rule fail, as
// it does with >=.
func covers(paid, due ref.Val) ref.Val {
	has, ok := paid.(types.Double)
	wants, also := due.(types.Double)
	if !ok || !also {
		return types.NewErr("covers compares two amounts, but one is null")
	}
	// Without rounding, the last digit of a float would decide whether a shortfall of 0.005 is within the tolerance.
	short := math.Round((float64(wants)-float64(has))*1e6) / 1e6
	return types.Bool(short < halfCent)
}

// expandAbsent turns absent(field) into a variable. A function would see only the field's value, which is null whether
// the field is absent or null.
func (c *compiler) expandAbsent(h cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	if args[0].Kind() != ast.IdentKind {
		return nil, h.NewError(args[0].ID(), "absent takes the name of a field")
	}
	name := args[0].AsIdent()
	if _, ok := c.program.index[name]; !ok {
		return nil, h.NewError(args[0].ID(), spelling.Unknown("field", name, c.fieldNames()))
	}
	return h.NewIdent(absentPrefix + name), nil
}

// fieldNames returns the names of the declared fields.
func (c *compiler) fieldNames() []string {
	return slices.Collect(maps.Keys(c.program.index))
}
