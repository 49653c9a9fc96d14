package mapping

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// bodyNames are the names of one mapping.
func (r *reader) bodyNames(s *spec) names {
	return names{
		"name":        func(string, *yaml.Node, *yaml.Node) {}, // read beforehand, for the sake of problems
		"preset":      func(where string, _, n *yaml.Node) { s.preset = r.text(where, n) },
		"description": func(where string, _, n *yaml.Node) { s.description = r.text(where, n).value },
		"match":       func(where string, _, n *yaml.Node) { s.match = r.matchSpec(where, n) },
		"decode": func(where string, _, n *yaml.Node) {
			s.decode = r.choice(where, n, "json", "avro", "protobuf")
		},
		"unwrap":  func(where string, _, n *yaml.Node) { s.unwrap = r.choice(where, n, "auto", "debezium") },
		"each":    func(where string, _, n *yaml.Node) { s.each = r.text(where, n) },
		"schemas": func(where string, _, n *yaml.Node) { s.schemas = r.schemaSpecs(where, n) },
		"fields":  func(where string, _, n *yaml.Node) { s.fields = r.fieldSpecs(where, n) },
		"rules": func(where string, _, n *yaml.Node) {
			s.hasRules = true
			r.list(where, n, func(where string, n *yaml.Node) { s.rules = append(s.rules, r.ruleSpec(where, n)) })
		},
		"status": func(where string, _, n *yaml.Node) { r.status(where, n, s) },
	}
}

// fileNames are the names of a file with several mappings.
func (r *reader) fileNames(f *fileSpec) names {
	return names{
		"version":  r.version,
		"statuses": func(where string, _, n *yaml.Node) { f.statuses = r.statuses(where, n) },
		"mappings": func(where string, _, n *yaml.Node) {
			r.list(where, n, func(where string, n *yaml.Node) {
				r.mapping = where
				s := &spec{place: r.at(n), readers: map[string]*reader{r.file: r}}
				if s.name = r.name(n); s.name != "" {
					r.mapping = s.name
				}
				s.mapping = r.mapping
				r.object("", n, r.bodyNames(s))
				f.mappings = append(f.mappings, s)
			})
			r.mapping = ""
		},
	}
}

// spec reads a file: either a list of mappings, or one mapping alone, which then bears the name given here unless it
// has one of its own.
func (r *reader) spec(root *yaml.Node, name string) *fileSpec {
	f := &fileSpec{}
	if lookup(root, "mappings") != nil {
		r.object("", root, r.fileNames(f))
		return f
	}
	s := &spec{place: r.at(root), name: name, readers: map[string]*reader{r.file: r}}
	if own := r.name(root); own != "" {
		s.name = own
	}
	r.mapping = s.name
	s.mapping = s.name
	known := r.bodyNames(s)
	known["version"] = r.version
	known["statuses"] = func(where string, _, n *yaml.Node) { f.statuses = r.statuses(where, n) }
	if r.object("", root, known) {
		f.mappings = []*spec{s}
	}
	return f
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

// name returns what the mapping is called: its name, or the name of its preset.
func (r *reader) name(n *yaml.Node) string {
	if named := lookup(n, "name"); named != nil {
		return r.text("name", named).value
	}
	if preset := lookup(n, "preset"); preset != nil && preset.Kind == yaml.ScalarNode {
		return preset.Value
	}
	return ""
}

func (r *reader) version(where string, _, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || n.Value != "1" {
		r.add(r.at(n), where, "the one version of the language is 1")
	}
}

func (r *reader) statuses(where string, n *yaml.Node) []string {
	var all []string
	r.list(where, n, func(where string, n *yaml.Node) {
		t := r.code(where, n)
		switch {
		case t.value == "":
		case slices.Contains(reservedWords(), t.value):
			r.add(t.place, where, "%q has a meaning of its own", t.value)
		case slices.Contains(all, t.value):
			r.add(t.place, where, "%q stands here twice", t.value)
		default:
			all = append(all, t.value)
		}
	})
	return all
}

func (r *reader) matchSpec(where string, n *yaml.Node) *matchSpec {
	m := &matchSpec{place: r.at(n)}
	found := false
	r.object(where, n, names{"topics": func(where string, _, n *yaml.Node) {
		found = true
		if n.Kind == yaml.ScalarNode {
			m.pattern = r.text(where, n)
			return
		}
		r.list(where, n, func(where string, n *yaml.Node) { m.names = append(m.names, r.text(where, n)) })
		if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
			r.add(r.at(n), where, "must name a topic")
		}
	}})
	if !found && n.Kind == yaml.MappingNode {
		r.add(m.place, where, "topics are missing: a list of names, or one RE2 for the whole name")
	}
	return m
}

func (r *reader) schemaSpecs(where string, n *yaml.Node) []schemaSpec {
	all := []schemaSpec{}
	r.list(where, n, func(where string, n *yaml.Node) {
		s := schemaSpec{place: r.at(n), id: -1}
		ok := r.object(where, n, names{
			"id":   func(where string, _, n *yaml.Node) { s.id = r.integer(where, n) },
			"file": func(where string, _, n *yaml.Node) { s.file = r.text(where, n) },
		})
		if ok && (s.id < 0 || !s.file.given()) {
			r.add(s.place, where, "a schema has an id and a file")
			return
		}
		all = append(all, s)
	})
	return all
}

func (r *reader) ruleSpec(where string, n *yaml.Node) ruleSpec {
	s := ruleSpec{place: r.at(n), where: where}
	ok := r.object(where, n, r.ruleNames(&s))
	if ok && !s.when.given() {
		r.add(s.place, where, "when is missing")
	}
	if ok && !s.then.given() {
		r.add(s.place, where, "then is missing")
	}
	return s
}

// ruleNames are the names of a rule.
func (r *reader) ruleNames(s *ruleSpec) names {
	return names{
		"when":   func(where string, _, n *yaml.Node) { s.when = r.text(where, n) },
		"then":   func(where string, _, n *yaml.Node) { s.then = r.text(where, n) },
		"reason": func(where string, _, n *yaml.Node) { s.reason = r.text(where, n) },
	}
}

func (r *reader) status(where string, n *yaml.Node, s *spec) {
	r.each(where, n, func(name string, key, value *yaml.Node) {
		where := within(where, name)
		if name == wordOtherwise {
			s.otherwise = r.choice(where, value, wordDeadLetter, wordIgnore, wordPass)
			return
		}
		list := listSpec{place: r.at(key), status: name}
		r.list(where, value, func(where string, n *yaml.Node) {
			if c := r.code(where, n); c.value != "" {
				list.codes = append(list.codes, c)
			}
		})
		s.lists = append(s.lists, list)
	})
}
