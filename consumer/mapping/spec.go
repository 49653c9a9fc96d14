package mapping

import (
	"maps"
	"slices"
)

// A spec is one mapping as it is written, not yet compiled. What is written nowhere has no node.
type spec struct {
	place
	name        string
	preset      text
	description string
	match       *matchSpec
	decode      text
	unwrap      text
	each        text
	schemas     []schemaSpec
	fields      []*fieldSpec
	rules       []ruleSpec
	hasRules    bool
	lists       []listSpec
	otherwise   text
	readers     map[string]*reader // by file, for places within a text
}

type matchSpec struct {
	place
	names   []text
	pattern text
}

type schemaSpec struct {
	place
	id   int
	file text
}

type fieldSpec struct {
	place
	name    string
	where   string
	sources []sourceSpec
	firstOf bool
	extract text
	normal  []text
	pattern text
	typ     text
	layout  text
	unix    text
	zone    text
}

type sourceSpec struct {
	place
	where   string
	kind    string // path, envelope, header, key or ce
	from    text
	extract text
}

type ruleSpec struct {
	place
	where  string
	when   text
	then   text
	reason text
}

type listSpec struct {
	place
	status string
	codes  []text
}

// A fileSpec is a whole file.
type fileSpec struct {
	statuses []string
	mappings []*spec
}

// over lays a user's mapping over its preset: a field of the user replaces the preset's whole, and so does a list; rules
// replace rules.
func (s *spec) over(preset *spec) {
	maps.Copy(s.readers, preset.readers)
	for _, pair := range []struct{ own, theirs *text }{
		{&s.decode, &preset.decode}, {&s.unwrap, &preset.unwrap}, {&s.each, &preset.each}, {&s.otherwise, &preset.otherwise},
	} {
		if !pair.own.given() {
			*pair.own = *pair.theirs
		}
	}
	if s.description == "" {
		s.description = preset.description
	}
	if s.schemas == nil {
		s.schemas = preset.schemas
	}
	if !s.hasRules {
		s.rules = preset.rules
	}
	s.fields = replaced(preset.fields, s.fields, func(f *fieldSpec) string { return f.name })
	s.lists = replaced(preset.lists, s.lists, func(l listSpec) string { return l.status })
}

// replaced returns the base with each element replaced by its namesake, and the others behind it.
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

func (s sourceSpec) String() string {
	return s.kind + " " + s.from.value
}

// The words of the language that a status cannot be.
const (
	wordIgnore     = "ignore"
	wordDeadLetter = "dead-letter"
	wordPass       = "pass"
	wordOtherwise  = "otherwise"
)

func reservedWords() []string {
	return []string{wordIgnore, wordDeadLetter, wordPass, wordOtherwise}
}
