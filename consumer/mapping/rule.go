package mapping

import (
	"errors"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// costLimit limits one evaluation of a rule, in CEL's own unit of cost. Even a long rule costs only about a hundredth
// of the limit.
const costLimit = 1000

var (
	// errCost says that a rule exceeded the cost limit.
	errCost = errors.New("cost limit exceeded")
	// errNotBool says that a rule's result was null instead of a bool.
	errNotBool = errors.New("neither true nor false")
	// errNoItem is the value of an item's field if there is no item, so that a rule that needs the field fails.
	errNoItem = errors.New("no item")
)

// A rule is one compiled rule.
type rule struct {
	text    string // as it is written
	program cel.Program
	reads   []int // indexes of the fields, in the order of declaration
	then    verdict
}

// eval reports whether the rule matches.
func (rule *rule) eval(r *run) (bool, error) {
	out, _, err := rule.program.Eval(r)
	if err != nil {
		stopped, ok := errors.AsType[interpreter.EvalCancelledError](err)
		if ok && stopped.Cause == interpreter.CostLimitExceeded {
			return false, errCost
		}
		return false, err
	}
	yes, ok := out.(types.Bool)
	if !ok {
		return false, errNotBool
	}
	return bool(yes), nil
}

// ResolveName implements CEL's interpreter.Activation. It returns a field's value, or whether the field is absent.
func (r *run) ResolveName(name string) (any, bool) {
	field, absence := strings.CutPrefix(name, absentPrefix)
	i, ok := r.program.index[field]
	if !ok {
		return nil, false
	}
	f := &r.program.fields[i]
	if r.noItem && f.item {
		return types.WrapErr(errNoItem), true
	}
	if absence {
		return types.Bool(r.value(i).absent), true
	}
	return celValue(f, r.value(i)), true
}

// Parent implements interpreter.Activation. It returns nil, because there are no other names.
func (*run) Parent() interpreter.Activation {
	return nil
}

// celValue returns a field's value as a CEL value. A flawed field is null here, but no rule that reads one is
// evaluated.
func celValue(f *field, v *value) ref.Val {
	switch {
	case v.state != statePresent:
		return types.NullValue
	case f.kind == kindBool || f.kind == kindPresent:
		return types.Bool(v.flag)
	case f.kind == kindNumber:
		return types.Double(v.number)
	case f.kind == kindTime:
		return types.Timestamp{Time: v.when}
	}
	return types.String(v.text)
}
