package mapping

import (
	"slices"
	"time"
	_ "time/tzdata" // an image without zoneinfo must know Europe/Moscow too

	"leadhit-sync/consumer/mapping/tree"
)

const (
	maxText  = 512     // bytes of an order id or a status
	maxField = 1 << 16 // bytes of any other field's text
)

func (c *compiler) field(s *fieldSpec) {
	if !identifier(s.name) {
		c.add(s.place, s.where, "a field's name is a letter or _, then letters, digits and _, and no word of CEL")
		return
	}
	f := field{at: s.place, name: s.name, firstOf: s.firstOf, limit: maxField, kind: c.kind(s)}
	p := c.program
	switch s.name {
	case "order_id":
		p.orderID, f.limit = len(p.fields), maxText
		if f.kind != kindID {
			c.add(s.typ.place, s.where+".type", "an order_id is an id: it must reach LeadHit unchanged")
		}
	case "status":
		p.status, f.limit = len(p.fields), maxText
		if f.kind != kindString {
			c.add(s.typ.place, s.where+".type", "a status is a string")
		}
	}
	c.shape(s, &f)
	if len(s.sources) == 0 || len(s.sources) > 1 && !s.firstOf {
		c.add(s.place, s.where, "has %d sources, must have one: path, envelope, header, key, ce or first_of", len(s.sources))
	}
	for _, from := range s.sources {
		if from.from.value != "" {
			c.source(&f, from)
		}
	}
	p.index[f.name] = len(p.fields)
	p.fields = append(p.fields, f)
}

// shape reads what happens to a field's text.
func (c *compiler) shape(s *fieldSpec, f *field) {
	for _, n := range s.normal {
		f.trim = f.trim || n.value == "trim"
		f.lower = f.lower || n.value == "lower"
	}
	f.extract = c.regexp(s.extract, s.where+".extract", 1)
	f.extracts = f.extract != nil
	f.pattern = c.regexp(s.pattern, s.where+".pattern", none)
	f.time = c.timeFormat(s, f.kind)
	if f.kind == kindPresent && (f.pattern != nil || f.lower || f.trim) {
		c.add(s.place, s.where, "type present looks at no text: pattern and normalize do nothing")
	}
}

// kind returns the field's type: what is written, or what its name suggests.
func (c *compiler) kind(s *fieldSpec) fieldKind {
	if i := slices.Index(typeNames(), s.typ.value); i >= 0 {
		return fieldKind(i) //nolint:gosec // there are a handful
	}
	switch s.name {
	case "order_id":
		return kindID
	case "event_time":
		return kindTime
	}
	return kindString
}

func (c *compiler) source(f *field, s sourceSpec) {
	src := source{slot: none, text: s.String(), extract: c.regexp(s.extract, s.where+".extract", 1)}
	switch s.kind {
	case "header":
		src.kind, src.name = fromHeader, s.from.value
	case "ce":
		if !attribute(s.from.value) {
			c.add(s.from.place, s.where, "an attribute of a CloudEvent is lower-case letters and digits")
			return
		}
		src.kind, src.name = fromCE, "ce_"+s.from.value
		src.slot = c.program.plan.Add(tree.Member(s.from.value))
	case "key", "path", "envelope":
		path, err := tree.ParsePath(s.from.value)
		if err != nil {
			c.badPath(s.from, s.where, err)
			return
		}
		c.pathSource(&src, s.kind, path)
		c.pathIntoEnvelope(s, path)
	}
	f.extracts = f.extracts || src.extract != nil
	f.item = f.item || src.kind == fromItem
	f.sources = append(f.sources, src)
}

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

// pathIntoEnvelope finds a path that begins in an envelope which unwrap has taken off: it never finds anything.
func (c *compiler) pathIntoEnvelope(s sourceSpec, path tree.Path) {
	if !c.program.debezium || s.kind != "path" || c.program.each || len(path) < 2 {
		return
	}
	for _, name := range []string{"after", "before", "payload"} {
		if path.Begins(name) {
			c.finding(s.from.place, s.where, "with unwrap: debezium a path begins at the row: $.%s is not in it; leave it out, or read it with envelope", name)
		}
	}
}

func attribute(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

func (c *compiler) timeFormat(s *fieldSpec, kind fieldKind) timeFormat {
	for name, t := range map[string]text{"layout": s.layout, "unix": s.unix, "zone": s.zone} {
		if t.given() && kind != kindTime {
			c.add(t.place, within(s.where, name), "is for type: time")
		}
	}
	f := timeFormat{layout: s.layout.value}
	if s.layout.given() && s.unix.given() {
		c.add(s.unix.place, s.where+".unix", "a time has a layout or is a count since 1970, not both")
	}
	f.unit = map[string]time.Duration{"s": time.Second, "ms": time.Millisecond, "us": time.Microsecond}[s.unix.value]
	if f.layout != "" && !sensible(f.layout) {
		c.add(s.layout.place, s.where+".layout",
			"a layout shows how 2 January 2006, 15:04:05 is written, for instance 2006-01-02 15:04:05")
	}
	if s.zone.value != "" {
		zone, err := time.LoadLocation(s.zone.value)
		if err != nil || s.zone.value == "Local" {
			c.add(s.zone.place, s.where+".zone", "unknown time zone %q; want one like Europe/Moscow or UTC", s.zone.value)
		} else {
			f.zone = zone
		}
	}
	return f
}

// sensible tells whether a layout keeps the date: YYYY-MM-DD is a text without one.
func sensible(layout string) bool {
	day := time.Date(2021, time.November, 23, 0, 0, 0, 0, time.UTC)
	read, err := time.Parse(layout, day.Format(layout))
	return err == nil && read.Year() == day.Year() && read.YearDay() == day.YearDay()
}
