package spec

import (
	"maps"

	"go.yaml.in/yaml/v3"
)

// fields reads the declared fields. It leaves out a field that is not an object.
func (r *reader) fields(where string, n *yaml.Node) []*Field {
	var all []*Field
	r.each(where, n, func(name string, key, value *yaml.Node) {
		f := &Field{Place: r.at(key), Name: name, Where: within(where, name)}
		if r.object(f.Where, value, r.fieldNames(f)) {
			all = append(all, f)
		}
	})
	return all
}

// fieldNames returns the names that a field's object may have.
func (r *reader) fieldNames(f *Field) names {
	known := r.sourceNames(func(s Source) { f.Sources = append(f.Sources, s) })
	maps.Copy(known, names{
		"first_of": func(where string, key, n *yaml.Node) {
			f.FirstOf = true
			if len(f.Sources) > 0 {
				r.Add(r.at(key), where, "a field has one source, or first_of")
			}
			r.list(where, n, func(where string, n *yaml.Node) {
				f.Sources = append(f.Sources, r.alternative(where, n))
			})
		},
		"extract": func(where string, _, n *yaml.Node) { f.Extract = r.text(where, n) },
		"normalize": func(where string, _, n *yaml.Node) {
			r.list(where, n, func(where string, n *yaml.Node) {
				f.Normalize = append(f.Normalize, r.choice(where, n, "trim", "lower"))
			})
		},
		"pattern": func(where string, _, n *yaml.Node) { f.Pattern = r.text(where, n) },
		"type":    func(where string, _, n *yaml.Node) { f.Type = r.choice(where, n, Types()...) },
		"layout":  func(where string, _, n *yaml.Node) { f.Layout = r.text(where, n) },
		"unix":    func(where string, _, n *yaml.Node) { f.Unix = r.choice(where, n, "s", "ms", "us") },
		"zone":    func(where string, _, n *yaml.Node) { f.Zone = r.text(where, n) },
	})
	return known
}

// sourceNames returns the names that specify a source, such as path and header.
func (r *reader) sourceNames(found func(Source)) names {
	known := names{}
	for _, kind := range []string{"path", "envelope", "header", "key", "ce"} {
		known[kind] = func(where string, key, n *yaml.Node) {
			found(Source{Place: r.at(key), Where: where, Kind: kind, From: r.text(where, n)})
		}
	}
	return known
}

// alternative reads one element of first_of.
func (r *reader) alternative(where string, n *yaml.Node) Source {
	var all []Source
	var extract Text
	// Sources are collected and counted, so that two sources in one element are reported as a mistake.
	known := r.sourceNames(func(s Source) { all = append(all, s) })
	known["extract"] = func(where string, _, n *yaml.Node) { extract = r.text(where, n) }
	if ok := r.object(where, n, known); ok && len(all) != 1 {
		r.Add(r.at(n), where, "has %d sources, must have one: path, envelope, header, key or ce", len(all))
	}
	// If there is no source, that problem was recorded above or by r.object. The compiler skips a source without text.
	if len(all) == 0 {
		return Source{}
	}
	all[0].Extract = extract
	return all[0]
}
