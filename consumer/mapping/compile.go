package mapping

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"leadhit-sync/consumer/mapping/schema"
	"leadhit-sync/consumer/mapping/tree"
)

// A compiler makes a program of a spec and notes every mistake on the way.
type compiler struct {
	*problems
	spec     *spec
	statuses []string
	read     func(file string) (func(string) ([]byte, error), string)
	fallback schema.Lookup
	program  *program
}

func (c *compiler) compile() *program {
	s := c.spec
	c.program = &program{
		place: s.place, name: s.name, description: s.description, orderID: none, status: none, list: none,
		debezium: s.unwrap.value == "debezium", codes: make(map[string]verdict),
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
	for _, f := range s.fields {
		c.field(f)
	}
	c.rules()
	c.lists()
	c.whole()
	p.runs = sync.Pool{New: func() any { return newRun(p) }}
	return p
}

// add notes a mistake under the name of the mapping that is compiled, wherever its text comes from.
func (c *compiler) add(at place, where, format string, args ...any) {
	at.mapping = c.spec.name
	c.problems.add(at, where, format, args...)
}

func (c *compiler) encoding() {
	p, s := c.program, c.spec
	switch s.decode.value {
	case "avro":
		p.encoding = encodingAvro
	case "protobuf":
		p.encoding = encodingProtobuf
	default:
		for _, f := range s.schemas {
			c.add(f.place, "schemas", "schemas are for decode: avro or protobuf")
		}
		return
	}
	p.lookup = c.schemas(s.decode.value)
	if len(s.schemas) == 0 && c.fallback == nil {
		c.finding(s.decode.place, "decode", "no schemas are listed: without SCHEMA_REGISTRY_URL every event is refused as %s", causeUnknownSchema)
	}
}

// finding notes what is no mistake but hardly meant.
func (c *compiler) finding(at place, where, format string, args ...any) {
	at.mapping = c.spec.name
	found := &problems{}
	found.add(at, where, format, args...)
	c.program.findings = append(c.program.findings, found.found...)
}

// schemas compiles the listed schemas, and asks the fallback for all others.
func (c *compiler) schemas(kind string) schema.Lookup {
	known := make(map[int]schema.Lookup)
	for _, f := range c.spec.schemas {
		if f.file.value == "" {
			continue
		}
		if known[f.id] != nil {
			c.add(f.place, "schemas", "the schema %d is listed twice", f.id)
			continue
		}
		read, path := c.read(f.file.file)
		lookup, err := schemaFromFile(read, schema.File{ID: f.id, Path: join(path, f.file.value), Type: kind})
		if err != nil {
			c.add(f.file.place, "schemas", "%v", err)
			continue
		}
		known[f.id] = lookup
	}
	return withFallback(known, c.fallback)
}

func (c *compiler) each() {
	t := c.spec.each
	if t.value == "" {
		return
	}
	list, err := tree.ParseList(t.value)
	if err != nil {
		c.badPath(t, "each", err)
		return
	}
	c.program.each = true
	c.program.eachText = t.value
	c.program.list, c.program.listPath = c.program.plan.Each(list), list
}

func (c *compiler) badPath(t text, where string, err error) {
	at := t.place
	problem := err.Error()
	if bad := (*tree.PathError)(nil); errors.As(err, &bad) {
		at, problem = c.reader(t).inside(t, 0, bad.At), bad.Problem
	}
	c.add(at, where, "%s", problem)
}

// reader returns the reader of the file in which a text stands.
func (c *compiler) reader(t text) *reader {
	return c.spec.readers[t.file]
}

func (c *compiler) regexp(t text, where string, groups int) *regexp.Regexp {
	if t.value == "" {
		return nil
	}
	re, err := regexp.Compile(t.value)
	if err != nil {
		c.add(t.place, where, "%s", notRE2(err))
		return nil
	}
	if groups >= 0 && re.NumSubexp() != groups {
		c.add(t.place, where, "has %d groups, must have one, around what is to be taken; (?:…) groups without taking",
			re.NumSubexp())
		return nil
	}
	return re
}

// notRE2 says what is wrong with a regular expression.
func notRE2(err error) string {
	if bad := (*syntax.Error)(nil); errors.As(err, &bad) {
		return "not an RE2: " + string(bad.Code) + ": " + bad.Expr
	}
	return "not an RE2"
}

// lists compiles the status lists. A code stands in one place only: which of two would count is nobody's guess.
func (c *compiler) lists() {
	p := c.program
	known := c.listNames()
	seen := make(map[string]string)
	for _, l := range c.spec.lists {
		where := within("status", l.status)
		if !known[l.status] {
			c.add(l.place, "status", "%s", unknown("status", l.status, known))
			continue
		}
		v := verdict{action: sayCall, status: l.status, by: where}
		if l.status == wordIgnore {
			v = verdict{action: sayIgnore, by: where}
		}
		for _, code := range l.codes {
			switch other, twice := seen[code.value]; {
			case twice && other == where:
				c.add(code.place, where, "the code %q stands here twice", code.value)
			case twice:
				c.add(code.place, where, "the code %q stands in %s too", code.value, other)
			default:
				seen[code.value] = where
				p.codes[code.value] = v
			}
		}
		p.lists = append(p.lists, codeList{status: l.status, codes: l.codes})
	}
	p.otherwise = verdict{action: sayRefuse, by: "status.otherwise"}
	switch c.spec.otherwise.value {
	case wordIgnore:
		p.otherwise.action = sayIgnore
	case wordPass:
		p.otherwise.action = sayPass
	}
}

func (c *compiler) listNames() map[string]bool {
	known := map[string]bool{wordIgnore: true, wordOtherwise: true}
	for _, s := range c.statuses {
		known[s] = true
	}
	return known
}

// whole looks for what no part alone can tell.
func (c *compiler) whole() {
	p, s := c.program, c.spec
	if slices.ContainsFunc(c.found, func(p Problem) bool { return p.Mapping == s.name }) {
		return // what is missing may stand in the part that cannot be read
	}
	hasCodes := slices.ContainsFunc(s.lists, func(l listSpec) bool { return len(l.codes) > 0 })
	if c.field0("status") == nil && (hasCodes || s.otherwise.value == wordPass) {
		c.add(s.place, "", "the status lists need a field status")
	}
	if len(s.rules) == 0 && !hasCodes && p.otherwise.action == sayRefuse {
		c.add(s.place, "", "every event would be refused: there are neither rules nor status lists")
	}
	calls := p.otherwise.action == sayPass
	for _, r := range p.rules {
		calls = calls || r.then.action == sayCall
	}
	for _, v := range p.codes {
		calls = calls || v.action == sayCall
	}
	if calls && c.field0("order_id") == nil {
		c.add(s.place, "", "the field order_id is missing")
	}
}

// field0 returns the spec of a field, or nil.
func (c *compiler) field0(name string) *fieldSpec {
	for _, f := range c.spec.fields {
		if f.name == name {
			return f
		}
	}
	return nil
}

// identifier tells whether a rule can name the field: a letter or _, then letters, digits and _.
func identifier(name string) bool {
	reserved := " as break const continue else false for function if import in let loop namespace null package return true " +
		"var void while __result__ "
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && len(name) <= 64 && !strings.Contains(reserved, " "+name+" ")
}
