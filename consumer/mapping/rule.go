package mapping

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

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

// environment declares the fields, each of its type or null.
func (c *compiler) environment() (*cel.Env, error) {
	options := append(c.functions(), cel.CrossTypeNumericComparisons(true))
	for i := range c.program.fields {
		f := &c.program.fields[i]
		options = append(options, cel.Variable(f.name, celType(f.kind)), cel.Variable(absentPrefix+f.name, cel.BoolType))
	}
	return cel.NewEnv(options...)
}

func celType(kind fieldKind) *cel.Type {
	switch kind {
	case kindBool:
		return cel.NullableType(cel.BoolType)
	case kindPresent:
		return cel.BoolType
	case kindNumber:
		return cel.NullableType(cel.DoubleType)
	case kindTime:
		return cel.NullableType(cel.TimestampType)
	case kindString, kindID:
	}
	return cel.NullableType(cel.StringType)
}

func (c *compiler) rules() {
	env, err := c.environment()
	if err != nil {
		c.add(c.spec.place, "fields", "%v", err)
		return
	}
	for _, s := range c.spec.rules {
		r := rule{text: s.when.value, then: c.then(s)}
		r.then.text = shorten(r.then.by+": "+r.text, maxBy)
		if s.when.value != "" && c.expression(env, s, &r) {
			c.program.rules = append(c.program.rules, r)
		}
	}
}

// then reads what a rule says.
func (c *compiler) then(s ruleSpec) verdict {
	v := verdict{by: s.where, reason: c.reason(s)}
	known := map[string]bool{wordIgnore: true, wordDeadLetter: true}
	for _, status := range c.statuses {
		known[status] = true
	}
	switch word := s.then.value; {
	case word == "":
	case !known[word]:
		c.add(s.then.place, s.where+".then", "%s", unknown("word", word, known))
	case word == wordIgnore:
		v.action = sayIgnore
	case word != wordDeadLetter:
		v.action, v.status = sayCall, word
	}
	return v
}

// expression compiles what a rule asks.
func (c *compiler) expression(env *cel.Env, s ruleSpec, r *rule) bool {
	where := s.where + ".when"
	parsed, issues := env.Parse(s.when.value)
	if issues.Err() != nil {
		c.issues(s.when, where, issues)
		return false
	}
	doubles(parsed.NativeRep(), c.program)
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		c.issues(s.when, where, issues)
		return false
	}
	if checked.OutputType().String() != cel.BoolType.String() { // exactly: a nullable bool is none
		c.add(s.when.place, where, "must be true or false, is %s", typeInWords(checked.OutputType()))
		return false
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(costLimit))
	if err != nil {
		c.add(s.when.place, where, "%v", err)
		return false
	}
	r.program = program
	for _, reference := range checked.NativeRep().ReferenceMap() {
		if i, ok := c.program.index[strings.TrimPrefix(reference.Name, absentPrefix)]; ok && !slices.Contains(r.reads, i) {
			r.reads = append(r.reads, i)
		}
	}
	slices.Sort(r.reads)
	c.findUnreachableTexts(s, checked.NativeRep())
	return true
}

// issues says what is wrong with a rule, with the place in the file. Where it is written as in another language we say
// what CEL has in place of that. Else CEL's own words are good.
func (c *compiler) issues(t text, where string, issues *cel.Issues) {
	foreign := slips(t.value, func(name string) bool { _, ok := c.program.index[name]; return ok })
	for _, s := range foreign {
		before := t.value[:s.at]
		line := strings.Count(before, "\n")
		column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
		c.add(c.reader(t).inside(t, line, column), where, "%s", s.text)
	}
	if len(foreign) > 0 {
		return
	}
	for _, e := range issues.Errors() {
		at := t.place
		if e.Location.Line() > 0 {
			at = c.reader(t).inside(t, e.Location.Line()-1, e.Location.Column())
		}
		message := e.Message
		if advice := functionAdvice(message); advice != "" {
			message += "; " + advice
		}
		c.add(at, where, "%s", message)
	}
}

func typeInWords(t *cel.Type) string {
	words := map[string]string{
		"int": "a number", "double": "a number", "uint": "a number", "string": "a text", "bytes": "bytes",
		"google.protobuf.Timestamp": "a time", "timestamp": "a time", "google.protobuf.Duration": "a duration",
		"wrapper(string)": "a text", "wrapper(double)": "a number", "null": "null", "list": "a list", "map": "a map",
		"wrapper(bool)": "a bool that may be null: write … == true",
	}
	name := t.String()
	if w := words[name]; w != "" {
		return w
	}
	if w := words[t.TypeName()]; w != "" {
		return w
	}
	return "of type " + name
}
