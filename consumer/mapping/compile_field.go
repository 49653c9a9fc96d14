package mapping

import (
	"slices"
	"time"
	_ "time/tzdata" // an image without zoneinfo must know Europe/Moscow too

	"leadhit-sync/consumer/mapping/spec"
	"leadhit-sync/consumer/mapping/tree"
)

const (
	maxText  = 512     // bytes of an order id or a status
	maxField = 1 << 16 // bytes of any other field's text
)

// field compiles one declared field. A field with a mistake is compiled as far as possible, so that rules can refer to
// it.
func (c *compiler) field(s *spec.Field) {
	if !identifier(s.Name) {
		c.add(s.Place, s.Where, "a field's name must begin with a letter or _, contain only letters, digits and _, "+
			"and not be a reserved word of CEL")
		return
	}
	f := field{
		at: s.Place, name: s.Name, missing: s.Name + " is missing", firstOf: s.FirstOf, limit: maxField, kind: c.kind(s),
	}
	p := c.program
	switch s.Name {
	case "order_id":
		p.orderID, f.limit = len(p.fields), maxText
		if f.kind != kindID {
			c.add(s.Type.Place, s.Where+".type", "order_id must have the type id, so that it reaches LeadHit unchanged")
		}
	case "status":
		p.status, f.limit = len(p.fields), maxText
		if f.kind != kindString {
			c.add(s.Type.Place, s.Where+".type", "status must have the type string")
		}
	}
	c.shape(s, &f)
	if len(s.Sources) == 0 || len(s.Sources) > 1 && !s.FirstOf {
		c.add(s.Place, s.Where,
			"has %d sources, must have one: path, envelope, header, key, ce or first_of", len(s.Sources))
	}
	for _, from := range s.Sources {
		if from.From.Value != "" {
			c.source(&f, from)
		}
	}
	p.index[f.name] = len(p.fields)
	p.fields = append(p.fields, f)
}

// shape compiles the steps that turn a source's text into the field's value.
func (c *compiler) shape(s *spec.Field, f *field) {
	for _, n := range s.Normalize {
		f.trim = f.trim || n.Value == "trim"
		f.lower = f.lower || n.Value == "lower"
	}
	f.extract = c.regexp(s.Extract, s.Where+".extract", 1)
	f.extracts = f.extract != nil
	f.pattern = c.regexp(s.Pattern, s.Where+".pattern", none)
	f.time = c.timeFormat(s, f.kind)
	if f.kind == kindPresent && (f.pattern != nil || f.lower || f.trim) {
		c.add(s.Place, s.Where, "pattern and normalize have no effect with type: present, which ignores the text")
	}
}

// kind returns the field's type: the type in the mapping, or else the default for its name.
func (c *compiler) kind(s *spec.Field) fieldKind {
	if i := slices.Index(spec.Types(), s.Type.Value); i >= 0 {
		return fieldKind(i)
	}
	switch s.Name {
	case "order_id":
		return kindID
	case "event_time":
		return kindTime
	}
	return kindString
}

// source compiles one source of a field.
func (c *compiler) source(f *field, s spec.Source) {
	src := source{slot: none, text: s.Kind + " " + s.From.Value, extract: c.regexp(s.Extract, s.Where+".extract", 1)}
	switch s.Kind {
	case "header":
		src.kind, src.name = fromHeader, s.From.Value
	case "ce":
		if !attribute(s.From.Value) {
			c.add(s.From.Place, s.Where, "the name of a CloudEvents attribute contains only lower-case letters and digits")
			return
		}
		src.kind, src.name = fromCE, "ce_"+s.From.Value
		src.slot = c.program.plan.Add(tree.Member(s.From.Value))
	case "key", "path", "envelope":
		path, err := tree.ParsePath(s.From.Value)
		if err != nil {
			c.badPath(s.From, s.Where, err)
			return
		}
		c.pathSource(&src, s.Kind, path)
		c.pathIntoEnvelope(s, path)
	}
	f.extracts = f.extracts || src.extract != nil
	f.item = f.item || src.kind == fromItem
	f.sources = append(f.sources, src)
}

// pathSource adds the path to the plan for the text that the path reads: the document, each item in the document's
// list, or the record's key. A key has a plan of its own, because the key is read only if a field needs it.
func (c *compiler) pathSource(src *source, kind string, path tree.Path) {
	p := c.program
	src.path = path
	switch {
	case kind == "envelope":
		src.kind, src.slot = fromEnvelope, p.plan.Add(path)
	case kind == "path" && p.each:
		src.kind, src.slot = fromItem, p.plan.AddItem(path)
	case kind == "path":
		src.kind, src.slot = fromPath, p.plan.Add(path)
	default:
		src.kind, src.plan = fromKey, &tree.Plan{}
		src.keySchema, src.keyPayload = src.plan.Add(tree.Member("schema")), src.plan.Add(tree.Member("payload"))
		src.slot = src.plan.Add(path)
	}
}

// pathIntoEnvelope warns of a path that starts in the envelope that unwrap removes, because such a path never finds a
// value.
func (c *compiler) pathIntoEnvelope(s spec.Source, path tree.Path) {
	if !c.program.debezium || s.Kind != "path" || c.program.each || len(path) < 2 {
		return
	}
	if name, ok := path.Name(0); ok && slices.Contains([]string{"after", "before", "payload"}, name) {
		c.finding(s.From.Place, s.Where, "with unwrap: debezium a path begins at the row, which has no %s; "+
			"drop that step, or use envelope instead of path", name)
	}
}

// attribute reports whether CloudEvents allows an attribute with the given name.
func attribute(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// timeFormat compiles the format of a time. It refuses the zone Local, with which the same event would mean different
// times on different machines.
func (c *compiler) timeFormat(s *spec.Field, kind fieldKind) timeFormat {
	for name, t := range map[string]spec.Text{"layout": s.Layout, "unix": s.Unix, "zone": s.Zone} {
		if t.Given() && kind != kindTime {
			c.add(t.Place, s.Where+"."+name, "only used with type: time")
		}
	}
	f := timeFormat{layout: s.Layout.Value}
	if s.Layout.Given() && s.Unix.Given() {
		c.add(s.Unix.Place, s.Where+".unix", "give layout or unix, not both: "+
			"layout is for a time written as text, unix for a count since 1970")
	}
	f.unit = map[string]time.Duration{"s": time.Second, "ms": time.Millisecond, "us": time.Microsecond}[s.Unix.Value]
	if f.layout != "" && !sensible(f.layout) {
		c.add(s.Layout.Place, s.Where+".layout",
			"a layout shows how 2 January 2006, 15:04:05 is written, for instance 2006-01-02 15:04:05")
	}
	if s.Zone.Value != "" {
		zone, err := time.LoadLocation(s.Zone.Value)
		if err != nil || s.Zone.Value == "Local" {
			c.add(s.Zone.Place, s.Where+".zone",
				"unknown time zone %q; want one like Europe/Moscow or UTC", s.Zone.Value)
		} else {
			f.zone = zone
		}
	}
	return f
}

// sensible reports whether a layout contains a date. YYYY-MM-DD does not, because a layout in Go is an example date.
func sensible(layout string) bool {
	day := time.Date(2021, time.November, 23, 0, 0, 0, 0, time.UTC)
	read, err := time.Parse(layout, day.Format(layout))
	return err == nil && read.Year() == day.Year() && read.YearDay() == day.YearDay()
}
