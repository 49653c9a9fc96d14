package mapping

import (
	"errors"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// costLimit bounds a rule: steps of CEL's own count, a hundred times what a long rule takes.
const costLimit = 1000

var (
	// errCost says that a rule went over its limit.
	errCost = errors.New("cost limit exceeded")
	// errNotBool says that a rule came to null.
	errNotBool = errors.New("neither true nor false")
	// errNoItem stands for the fields of an item where there is none.
	errNoItem = errors.New("no item")
)

// A rule is one line of rules.
type rule struct {
	text    string // as it is written
	program cel.Program
	reads   []int // indexes of the fields, in their order
	then    verdict
}

// eval tells whether the rule matches.
func (rule *rule) eval(r *run) (bool, error) {
	out, _, err := rule.program.Eval(r)
	if err != nil {
		if stopped := (interpreter.EvalCancelledError{}); errors.As(err, &stopped) && stopped.Cause == interpreter.CostLimitExceeded {
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

// ResolveName gives CEL the value of a field, or whether it is absent.
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

// Parent says that there are no other names.
func (*run) Parent() interpreter.Activation {
	return nil
}

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
