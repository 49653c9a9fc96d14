package spec

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// bodyNames returns the names that a mapping's object may have.
func (r *reader) bodyNames(m *Mapping) names {
	return names{
		"name":        func(string, *yaml.Node, *yaml.Node) {}, // was read first, because problems show the name
		"preset":      func(where string, _, n *yaml.Node) { m.Preset = r.text(where, n) },
		"description": func(where string, _, n *yaml.Node) { m.Description = r.text(where, n).Value },
		"match":       func(where string, _, n *yaml.Node) { m.Match = r.match(where, n) },
		"decode": func(where string, _, n *yaml.Node) {
			m.Decode = r.choice(where, n, "json", "avro", "protobuf")
		},
		"unwrap":  func(where string, _, n *yaml.Node) { m.Unwrap = r.choice(where, n, "auto", "debezium") },
		"each":    func(where string, _, n *yaml.Node) { m.Each = r.text(where, n) },
		"schemas": func(where string, _, n *yaml.Node) { m.Schemas = r.schemas(where, n) },
		"fields":  func(where string, _, n *yaml.Node) { m.Fields = r.fields(where, n) },
		"rules": func(where string, _, n *yaml.Node) {
			m.hasRules = true
			r.list(where, n, func(where string, n *yaml.Node) { m.Rules = append(m.Rules, r.rule(where, n)) })
		},
		"status": func(where string, _, n *yaml.Node) { r.status(where, n, m) },
	}
}

// headNames returns the names that a file may have in addition to its mappings.
func (r *reader) headNames(f *File) names {
	return names{
		"version":  r.version,
		"statuses": func(where string, _, n *yaml.Node) { f.Statuses = r.statuses(where, n) },
	}
}

// fileNames returns the names that a file with a list of mappings may have.
func (r *reader) fileNames(f *File) names {
	known := r.headNames(f)
	known["mappings"] = func(where string, _, n *yaml.Node) {
		r.list(where, n, func(where string, n *yaml.Node) {
			// Until the name is read, problems show mappings[n]. So does a problem in the name itself.
			r.mapping = where
			m := &Mapping{Place: r.at(n)}
			if m.Name = r.name(n); m.Name != "" {
				r.mapping = m.Name
			}
			m.Mapping = r.mapping
			r.object("", n, r.bodyNames(m))
			f.Mappings = append(f.Mappings, m)
		})
		// Anything after the list belongs to no mapping.
		r.mapping = ""
	}
	return known
}

// Read reads the source of a mapping file, and adds its mistakes to the problems. It never returns nil. file is the
// path that problems show. name is used for a mapping that is alone in its file and has neither a name nor a preset.
func Read(file, name string, source []byte, problems *Problems) *File {
	r := &reader{Problems: problems, file: file}
	f := &File{}
	root := r.document(source)
	switch {
	case root == nil:
	// A misspelt "mappings" makes the file a single mapping, in which it is an unknown name.
	case lookup(root, "mappings") != nil:
		r.object("", root, r.fileNames(f))
	default:
		r.single(root, name, f)
	}
	return f
}

// single reads a file that is one mapping, without the list.
func (r *reader) single(root *yaml.Node, name string, f *File) {
	m := &Mapping{Place: r.at(root), Name: name}
	if own := r.name(root); own != "" {
		m.Name = own
	}
	r.mapping, m.Mapping = m.Name, m.Name
	known := r.bodyNames(m)
	maps.Copy(known, r.headNames(f))
	if r.object("", root, known) {
		f.Mappings = []*Mapping{m}
	}
}

// lookup returns the value of a name, or nil.
func lookup(n *yaml.Node, name string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return resolve(n.Content[i+1])
		}
	}
	return nil
}

// name returns the mapping's name, by default its preset's.
func (r *reader) name(n *yaml.Node) string {
	if named := lookup(n, "name"); named != nil {
		return r.text("name", named).Value
	}
	if preset := lookup(n, "preset"); preset != nil && preset.Kind == yaml.ScalarNode {
		return preset.Value
	}
	return ""
}

// version checks the version of the language. There is only one, so nothing is kept.
func (r *reader) version(where string, _, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || n.Value != "1" {
		r.Add(r.at(n), where, "the only version of the language is 1")
	}
}

// statuses reads LeadHit's statuses. A word with a meaning in the language would make rules ambiguous.
func (r *reader) statuses(where string, n *yaml.Node) []string {
	var all []string
	r.list(where, n, func(where string, n *yaml.Node) {
		t := r.code(where, n)
		switch {
		case t.Value == "":
		case slices.Contains([]string{Ignore, DeadLetter, Pass, otherwise}, t.Value):
			r.Add(t.Place, where, "%q has a meaning of its own", t.Value)
		case slices.Contains(all, t.Value):
			r.Add(t.Place, where, "%q is used twice", t.Value)
		default:
			all = append(all, t.Value)
		}
	})
	return all
}

// match reads the topics: a list of names, or a single RE2 pattern.
func (r *reader) match(where string, n *yaml.Node) *Match {
	m := &Match{Place: r.at(n)}
	found := false
	r.object(where, n, names{"topics": func(where string, _, n *yaml.Node) {
		found = true
		if n.Kind == yaml.ScalarNode {
			m.Pattern = r.text(where, n)
			return
		}
		r.list(where, n, func(where string, n *yaml.Node) { m.Names = append(m.Names, r.text(where, n)) })
		if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
			r.Add(r.at(n), where, "must name a topic")
		}
	}})
	if !found && n.Kind == yaml.MappingNode {
		r.Add(m.Place, where, "topics are missing: a list of names, or one RE2 for the whole name")
	}
	return m
}

// schemas reads the list of schemas. It is a list, not an object, because an id is a number and names must be text.
func (r *reader) schemas(where string, n *yaml.Node) []Schema {
	all := []Schema{}
	r.list(where, n, func(where string, n *yaml.Node) {
		s := Schema{Place: r.at(n), ID: -1}
		ok := r.object(where, n, names{
			"id":   func(where string, _, n *yaml.Node) { s.ID = r.integer(where, n) },
			"file": func(where string, _, n *yaml.Node) { s.Path = r.text(where, n) },
		})
		if ok && (s.ID < 0 || !s.Path.Given()) {
			r.Add(s.Place, where, "a schema needs an id and a file")
			return
		}
		all = append(all, s)
	})
	return all
}

// rule reads one rule.
func (r *reader) rule(where string, n *yaml.Node) Rule {
	s := Rule{Place: r.at(n), Where: where}
	ok := r.object(where, n, r.ruleNames(&s))
	if ok && !s.When.Given() {
		r.Add(s.Place, where, "when is missing")
	}
	if ok && !s.Then.Given() {
		r.Add(s.Place, where, "then is missing")
	}
	return s
}

// ruleNames returns the names that a rule's object may have.
func (r *reader) ruleNames(s *Rule) names {
	return names{
		"when":   func(where string, _, n *yaml.Node) { s.When = r.text(where, n) },
		"then":   func(where string, _, n *yaml.Node) { s.Then = r.text(where, n) },
		"reason": func(where string, _, n *yaml.Node) { s.Reason = r.text(where, n) },
	}
}

// status reads the status lists. Codes are elements of lists and never keys, because tools rewrite keys such as Y or
// 010.
func (r *reader) status(where string, n *yaml.Node, m *Mapping) {
	r.each(where, n, func(name string, key, value *yaml.Node) {
		where := within(where, name)
		if name == otherwise {
			m.Otherwise = r.choice(where, value, DeadLetter, Ignore, Pass)
			return
		}
		list := List{Place: r.at(key), Status: name}
		r.list(where, value, func(where string, n *yaml.Node) {
			if c := r.code(where, n); c.Value != "" {
				list.Codes = append(list.Codes, c)
			}
		})
		m.Lists = append(m.Lists, list)
	})
}
