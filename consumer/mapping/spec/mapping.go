package spec

import (
	"slices"
)

// Words with a meaning of their own. A status cannot be one of them.
const (
	Ignore     = "ignore"
	DeadLetter = "dead-letter"
	Pass       = "pass"
	otherwise  = "otherwise"
)

// A File is the content of a mapping file.
type File struct {
	// Statuses are LeadHit's statuses. If there are none, the defaults apply.
	Statuses []string
	Mappings []*Mapping
}

// A Mapping is one mapping as it is written. An unknown word is a problem, and its Text has an empty Value. The
// compiler checks everything else.
type Mapping struct {
	Place

	// Name is the name in the file, or else the preset's. Without either, it is the name that [Read] was given, or ""
	// in a list of mappings.
	Name string
	// Preset is a name. The caller reads the preset and calls Over.
	Preset      Text
	Description string
	Match       *Match // nil if there is none
	// Decode is json, avro or protobuf. Unwrap is auto or debezium.
	Decode Text
	Unwrap Text
	// Each is the path of a list with one order in each element.
	Each    Text
	Schemas []Schema
	// Fields are in the order of the file. Their names are unique, because the reader refuses a second field with the same
	// name.
	Fields []*Field
	// Rules are tried in this order, before the lists.
	Rules []Rule
	Lists []List
	// Otherwise says what to do with a code that is in no list: dead-letter, ignore or pass.
	Otherwise Text

	hasRules bool // an empty list of rules replaces the preset's too
}

// A Match says which topics a mapping is for, by names or by one pattern.
type Match struct {
	Place

	// Names are whole names. They are empty if Pattern is given.
	Names []Text
	// Pattern is an RE2 pattern that must match the whole name, without ^ and $.
	Pattern Text
}

// A Schema is a schema in a file beside the mapping.
type Schema struct {
	Place

	// ID is the id in a payload's frame, never negative.
	ID int
	// Path is as written: absolute, or relative to the mapping file's folder.
	Path Text
}

// A Field is one declared field. Its Where is fields.NAME, as problems show it.
type Field struct {
	Place

	Name  string
	Where string
	// Sources are tried in this order. FirstOf is true if several are allowed.
	Sources []Source
	FirstOf bool
	// Extract, Normalize and Pattern are applied in this order, before the text is converted to the type.
	Extract   Text   // an RE2 pattern whose one group is the value
	Normalize []Text // trim and lower
	Pattern   Text   // an RE2 pattern that must match somewhere in the text
	Type      Text   // one of Types
	// Layout, Unix and Zone belong to the type time. A field has Layout or Unix, not both.
	Layout Text // in the form of package time
	Unix   Text // s, ms or us
	Zone   Text
}

// A Source says where in an event a field's value may be found.
type Source struct {
	Place

	Where string
	Kind  string // path, envelope, header, key or ce
	// From is the path, the header's name or the attribute's.
	From    Text
	Extract Text
}

// A Rule is one element of rules.
type Rule struct {
	Place

	// Where is rules[n], as problems and letters show it, with n counting from 0.
	Where  string
	When   Text
	Then   Text
	Reason Text
}

// A List is the list of the shop's codes for one status.
type List struct {
	Place

	// Status is one of LeadHit's, or ignore.
	Status string
	Codes  []Text
}

// Types returns the types of fields, in the order of the documentation.
func Types() []string {
	return []string{"string", "id", "bool", "number", "present", "time"}
}

// Over adds to m the parts of its preset that m does not replace. Fields and lists are replaced by name, rules all
// together.
func (m *Mapping) Over(preset *Mapping) {
	for _, pair := range []struct{ own, theirs *Text }{
		{&m.Decode, &preset.Decode},
		{&m.Unwrap, &preset.Unwrap},
		{&m.Each, &preset.Each},
		{&m.Otherwise, &preset.Otherwise},
	} {
		if !pair.own.Given() {
			*pair.own = *pair.theirs
		}
	}
	if m.Description == "" {
		m.Description = preset.Description
	}
	// For "schemas: []" the reader makes an empty list, not nil, so that the list replaces the preset's.
	if m.Schemas == nil {
		m.Schemas = preset.Schemas
	}
	// An empty list of rules replaces the preset's too, so the length does not show whether rules were written.
	if !m.hasRules {
		m.Rules = preset.Rules
	}
	m.Fields = replaced(preset.Fields, m.Fields, func(f *Field) string { return f.Name })
	m.Lists = replaced(preset.Lists, m.Lists, func(l List) string { return l.Status })
}

// replaced returns the elements of base, followed by those of own. An element of own replaces the element of base that
// has the same name.
func replaced[E any](base, own []E, name func(E) string) []E {
	all := slices.Clone(base)
	for _, e := range own {
		if i := slices.IndexFunc(all, func(b E) bool { return name(b) == name(e) }); i >= 0 {
			all[i] = e
		} else {
			all = append(all, e)
		}
	}
	return all
}
