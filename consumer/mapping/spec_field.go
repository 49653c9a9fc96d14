package mapping

import (
	"maps"

	"go.yaml.in/yaml/v3"
)

func (r *reader) fieldSpecs(where string, n *yaml.Node) []*fieldSpec {
	var all []*fieldSpec
	r.each(where, n, func(name string, key, value *yaml.Node) {
		f := &fieldSpec{place: r.at(key), name: name, where: within(where, name)}
		if r.object(f.where, value, r.fieldNames(f)) {
			all = append(all, f)
		}
	})
	return all
}

// fieldNames are the names of a field.
func (r *reader) fieldNames(f *fieldSpec) names {
	known := r.sourceNames(func(s sourceSpec) { f.sources = append(f.sources, s) })
	maps.Copy(known, names{
		"first_of": func(where string, key, n *yaml.Node) {
			f.firstOf = true
			if len(f.sources) > 0 {
				r.add(r.at(key), where, "a field has one source, or first_of")
			}
			r.list(where, n, func(where string, n *yaml.Node) { f.sources = append(f.sources, r.alternative(where, n)) })
		},
		"extract": func(where string, _, n *yaml.Node) { f.extract = r.text(where, n) },
		"normalize": func(where string, _, n *yaml.Node) {
			r.list(where, n, func(where string, n *yaml.Node) {
				f.normal = append(f.normal, r.choice(where, n, "trim", "lower"))
			})
		},
		"pattern": func(where string, _, n *yaml.Node) { f.pattern = r.text(where, n) },
		"type":    func(where string, _, n *yaml.Node) { f.typ = r.choice(where, n, typeNames()...) },
		"layout":  func(where string, _, n *yaml.Node) { f.layout = r.text(where, n) },
		"unix":    func(where string, _, n *yaml.Node) { f.unix = r.choice(where, n, "s", "ms", "us") },
		"zone":    func(where string, _, n *yaml.Node) { f.zone = r.text(where, n) },
	})
	return known
}

// sourceNames are the names under which a value can be found.
func (r *reader) sourceNames(found func(sourceSpec)) names {
	known := names{}
	for _, kind := range []string{"path", "envelope", "header", "key", "ce"} {
		known[kind] = func(where string, key, n *yaml.Node) {
			found(sourceSpec{place: r.at(key), where: where, kind: kind, from: r.text(where, n)})
		}
	}
	return known
}

// alternative reads one element of first_of.
func (r *reader) alternative(where string, n *yaml.Node) sourceSpec {
	var all []sourceSpec
	var extract text
	known := r.sourceNames(func(s sourceSpec) { all = append(all, s) })
	known["extract"] = func(where string, _, n *yaml.Node) { extract = r.text(where, n) }
	if ok := r.object(where, n, known); ok && len(all) != 1 {
		r.add(r.at(n), where, "has %d sources, must have one: path, envelope, header, key or ce", len(all))
	}
	if len(all) == 0 {
		return sourceSpec{}
	}
	all[0].extract = extract
	return all[0]
}
