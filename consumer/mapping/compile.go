package mapping

import (
	"context"
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"leadhit-sync/consumer/mapping/schema"
	"leadhit-sync/consumer/mapping/spec"
	"leadhit-sync/consumer/mapping/spelling"
	"leadhit-sync/consumer/mapping/tree"
)

// A compiler turns one mapping of a file into a program, and records every mistake on the way.
type compiler struct {
	problems *spec.Problems
	spec     *spec.Mapping
	statuses []string
	read     func(file string) (func(string) ([]byte, error), string)
	fallback schema.Lookup
	program  *program
}

// compile compiles each part after the parts that it depends on. With "each", the paths of fields start at an item, and
// rules and lists refer to fields. After a mistake it compiles what it can, so that all mistakes are reported at once.
func (c *compiler) compile() *program {
	s := c.spec
	c.program = &program{
		name: s.Name, description: s.Description, orderID: none, status: none, list: none,
		debezium: s.Unwrap.Value == "debezium", codes: make(map[string]verdict),
		index: make(map[string]int),
	}
	p := c.program
	p.markers.add(&p.plan)
	p.headers.prepare()
	if p.debezium {
		p.attributes = debeziumAttributes(&p.plan)
	}
	c.encoding()
	c.each()
	for _, f := range s.Fields {
		c.field(f)
	}
	c.rules()
	c.lists()
	c.whole()
	p.runs = sync.Pool{New: func() any { return newRun(p) }}
	return p
}

// add records a mistake under the name of this mapping, even if the mistake is in its preset.
func (c *compiler) add(at spec.Place, where, format string, args ...any) {
	at.Mapping = c.spec.Name
	c.problems.Add(at, where, format, args...)
}

// finding records something that is valid but probably unintended.
func (c *compiler) finding(at spec.Place, where, format string, args ...any) {
	at.Mapping = c.spec.Name
	c.program.findings.Add(at, where, format, args...)
}

// encoding compiles the mapping's "decode" and "schemas".
func (c *compiler) encoding() {
	p, s := c.program, c.spec
	switch s.Decode.Value {
	case "avro":
		p.encoding = encodingAvro
	case "protobuf":
		p.encoding = encodingProtobuf
	default:
		for _, f := range s.Schemas {
			c.add(f.Place, "schemas", "only used with decode: avro or decode: protobuf")
		}
		return
	}
	p.lookup = c.schemas(s.Decode.Value)
	if len(s.Schemas) == 0 && c.fallback == nil {
		c.finding(s.Decode.Place, "decode",
			"no schemas are listed: without SCHEMA_REGISTRY_URL every event is refused as %s", causeUnknownSchema)
	}
}

// schemas compiles the listed schemas, and returns a lookup that calls the fallback for all others.
func (c *compiler) schemas(encoding string) schema.Lookup {
	known := make(map[int]*schema.Schema)
	for _, f := range c.spec.Schemas {
		if f.Path.Value == "" {
			continue
		}
		if known[f.ID] != nil {
			c.add(f.Place, "schemas", "schema %d is listed twice", f.ID)
			continue
		}
		read, dir := c.read(f.Path.File)
		name := join(dir, f.Path.Value)
		//nolint:forbidigo // the file is local, so there is nothing to wait for
		s, err := schema.FromFile(context.Background(), encoding, name, read)
		if err != nil {
			c.add(f.Path.Place, "schemas", "schema %d: %s: %v", f.ID, name, err)
			continue
		}
		known[f.ID] = s
	}
	return withFallback(known, c.fallback)
}

// each compiles the path to the list of orders. It runs before the fields are compiled, because with "each" their paths
// start at an item.
func (c *compiler) each() {
	t := c.spec.Each
	if t.Value == "" {
		return
	}
	list, err := tree.ParseList(t.Value)
	if err != nil {
		c.badPath(t, "each", err)
		return
	}
	c.program.each = true
	c.program.eachText = t.Value
	c.program.list, c.program.listPath = c.program.plan.Each(list), list
}

// badPath records a mistake in a path, at the character where the mistake begins.
func (c *compiler) badPath(t spec.Text, where string, err error) {
	at := t.Place
	problem := err.Error()
	if bad, ok := errors.AsType[*tree.PathError](err); ok {
		at, problem = t.Inside(0, bad.At), bad.Problem
	}
	c.add(at, where, "%s", problem)
}

// regexp compiles a regular expression, which must have the given number of groups. A negative number allows any. It
// returns nil if the expression is missing or invalid.
func (c *compiler) regexp(t spec.Text, where string, groups int) *regexp.Regexp {
	if t.Value == "" {
		return nil
	}
	re, err := regexp.Compile(t.Value)
	if err != nil {
		c.add(t.Place, where, "%s", notRE2(err))
		return nil
	}
	if groups >= 0 && re.NumSubexp() != groups {
		c.add(t.Place, where,
			"has %d groups, must have one, around the part to extract; write all others as (?:…)", re.NumSubexp())
		return nil
	}
	return re
}

// notRE2 returns what is wrong with a regular expression, in RE2's own words.
func notRE2(err error) string {
	if bad, ok := errors.AsType[*syntax.Error](err); ok {
		return "not a valid RE2 expression: " + string(bad.Code) + ": " + bad.Expr
	}
	return "not a valid RE2 expression"
}

// lists compiles the status lists. A code may be in one list only, because otherwise the order of the lists would
// matter.
func (c *compiler) lists() {
	p := c.program
	known := append([]string{spec.Ignore, "otherwise"}, c.statuses...)
	seen := make(map[string]string)
	for _, l := range c.spec.Lists {
		where := "status." + l.Status
		if !slices.Contains(known, l.Status) {
			c.add(l.Place, "status", "%s", spelling.Unknown("status", l.Status, known))
			continue
		}
		v := verdict{action: sayCall, status: l.Status, by: where}
		if l.Status == spec.Ignore {
			v = verdict{action: sayIgnore, by: where}
		}
		for _, code := range l.Codes {
			switch other, twice := seen[code.Value]; {
			case twice && other == where:
				c.add(code.Place, where, "the code %q is used twice", code.Value)
			case twice:
				c.add(code.Place, where, "the code %q is in %s too", code.Value, other)
			default:
				seen[code.Value] = where
				p.codes[code.Value] = v
			}
		}
		p.lists = append(p.lists, codeList{status: l.Status, codes: l.Codes})
	}
	p.otherwise = verdict{action: sayRefuse, by: "status.otherwise"}
	switch c.spec.Otherwise.Value {
	case spec.Ignore:
		p.otherwise.action = sayIgnore
	case spec.Pass:
		p.otherwise.action = sayPass
	}
}

// whole looks for mistakes that can be found only when all parts are known.
func (c *compiler) whole() {
	p, s := c.program, c.spec
	if slices.ContainsFunc(c.problems.All(), func(p spec.Problem) bool { return p.Mapping == s.Name }) {
		return // a part that seems to be missing may be one with a mistake
	}
	hasCodes := slices.ContainsFunc(s.Lists, func(l spec.List) bool { return len(l.Codes) > 0 })
	if !c.declares("status") && (hasCodes || s.Otherwise.Value == spec.Pass) {
		c.add(s.Place, "", "the status lists need a field named status")
	}
	if len(s.Rules) == 0 && !hasCodes && p.otherwise.action == sayRefuse {
		c.add(s.Place, "", "every event would be refused: there are neither rules nor status lists")
	}
	// A mapping that only ignores and refuses needs no order id.
	calls := p.otherwise.action == sayPass
	for _, r := range p.rules {
		calls = calls || r.then.action == sayCall
	}
	for _, v := range p.codes {
		calls = calls || v.action == sayCall
	}
	if calls && !c.declares("order_id") {
		c.add(s.Place, "", "the field order_id is missing")
	}
}

// declares reports whether the mapping has a field with the given name.
func (c *compiler) declares(name string) bool {
	return slices.ContainsFunc(c.spec.Fields, func(f *spec.Field) bool { return f.Name == name })
}

// identifier reports whether a rule can use a field's name. The name must start with a letter or _, contain only
// letters, digits and _, have at most 64 bytes, and not be a reserved word.
func identifier(name string) bool {
	reserved := " as break const continue else false for function if import in let loop namespace null package return " +
		"true var void while __result__ "
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && len(name) <= 64 && !strings.Contains(reserved, " "+name+" ")
}
