package mapping

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"

	"leadhit-sync/consumer/mapping/spec"
	"leadhit-sync/consumer/mapping/spelling"
)

// environment returns a CEL environment with two variables for each field: its value, and whether it is absent.
func (c *compiler) environment() (*cel.Env, error) {
	options := append(c.functions(), cel.CrossTypeNumericComparisons(true))
	for i := range c.program.fields {
		f := &c.program.fields[i]
		options = append(options,
			cel.Variable(f.name, celType(f.kind)), cel.Variable(absentPrefix+f.name, cel.BoolType))
	}
	return cel.NewEnv(options...)
}

// celType returns the CEL type of a field. All types except present are nullable, so that a rule may compare a field
// that is missing.
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

// rules compiles the rules. A rule without a valid expression is left out.
func (c *compiler) rules() {
	env, err := c.environment()
	if err != nil {
		c.add(c.spec.Place, "fields", "%v", err)
		return
	}
	for _, s := range c.spec.Rules {
		r := rule{text: s.When.Value, then: c.then(s)}
		r.then.text = shorten(r.then.by+": "+r.text, maxBy)
		if s.When.Value != "" && c.expression(env, s, &r) {
			c.program.rules = append(c.program.rules, r)
		}
	}
}

// then compiles the part of a rule that follows the word "then".
func (c *compiler) then(s spec.Rule) verdict {
	v := verdict{by: s.Where, reason: c.reason(s)}
	known := append([]string{spec.Ignore, spec.DeadLetter}, c.statuses...)
	switch word := s.Then.Value; {
	case word == "":
	case !slices.Contains(known, word):
		c.add(s.Then.Place, s.Where+".then", "%s", spelling.Unknown("word", word, known))
	case word == spec.Ignore:
		v.action = sayIgnore
	case word != spec.DeadLetter:
		v.action, v.status = sayCall, word
	}
	return v
}

// expression compiles the part of a rule that follows the word "when".
func (c *compiler) expression(env *cel.Env, s spec.Rule, r *rule) bool {
	where := s.Where + ".when"
	parsed, issues := env.Parse(s.When.Value)
	if issues.Err() != nil {
		c.issues(s.When, where, issues)
		return false
	}
	// The literals are changed between parsing and checking, so that CEL checks the types of the changed expression.
	doubles(parsed.NativeRep(), c.program)
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		c.issues(s.When, where, issues)
		return false
	}
	if checked.OutputType().String() != cel.BoolType.String() { // a nullable bool is not enough
		c.add(s.When.Place, where, "must be true or false, is %s", typeInWords(checked.OutputType()))
		return false
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(costLimit))
	if err != nil {
		c.add(s.When.Place, where, "%v", err)
		return false
	}
	r.program = program
	for _, reference := range checked.NativeRep().ReferenceMap() {
		i, ok := c.program.index[strings.TrimPrefix(reference.Name, absentPrefix)]
		if ok && !slices.Contains(r.reads, i) {
			r.reads = append(r.reads, i)
		}
	}
	// Sort into declaration order, because the references come from a map, and a refusal must name the same field each
	// time.
	slices.Sort(r.reads)
	c.findUnreachableTexts(s, checked.NativeRep())
	return true
}

// issues records each mistake in a rule with its place in the file. If the rule uses the syntax of another language,
// only the uses of that syntax are recorded, because CEL's messages about them are misleading. Otherwise CEL's own
// messages are recorded.
func (c *compiler) issues(t spec.Text, where string, issues *cel.Issues) {
	foreign := slips(t.Value, func(name string) bool { _, ok := c.program.index[name]; return ok })
	for _, s := range foreign {
		before := t.Value[:s.at]
		line := strings.Count(before, "\n")
		column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
		c.add(t.Inside(line, column), where, "%s", s.text)
	}
	if len(foreign) > 0 {
		return
	}
	for _, e := range issues.Errors() {
		at := t.Place
		if e.Location.Line() > 0 {
			at = t.Inside(e.Location.Line()-1, e.Location.Column())
		}
		message := e.Message
		if advice := functionAdvice(message); advice != "" {
			message += "; " + advice
		}
		c.add(at, where, "%s", message)
	}
}

// typeInWords names a CEL type for people who do not know CEL.
func typeInWords(t *cel.Type) string {
	words := map[string]string{
		"int": "a number", "double": "a number", "uint": "a number", "string": "a string", "bytes": "bytes",
		"google.protobuf.Timestamp": "a time", "timestamp": "a time", "google.protobuf.Duration": "a duration",
		"wrapper(string)": "a string", "wrapper(double)": "a number", "null": "null", "list": "a list", "map": "a map",
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

// reason compiles a rule's reason, in which {field} stands for the field's text.
func (c *compiler) reason(s spec.Rule) reason {
	text := s.Reason.Value
	if text == "" {
		text = s.Where
	}
	placeholder := regexp.MustCompile(`\{([A-Za-z_][A-Za-z0-9_]*)\}`)
	var r reason
	end := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		name := text[at[2]:at[3]]
		i, ok := c.program.index[name]
		if !ok {
			c.add(s.Reason.Place, s.Where+".reason", "%s", spelling.Unknown("field", name, c.fieldNames()))
			continue
		}
		r.texts, r.fields = append(r.texts, text[end:at[0]]), append(r.fields, i)
		end = at[1]
	}
	r.texts = append(r.texts, text[end:])
	return r
}
