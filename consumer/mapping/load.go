package mapping

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"leadhit-sync/config/credentials"
	"leadhit-sync/consumer/mapping/schema"
	"leadhit-sync/consumer/mapping/spec"
	"leadhit-sync/consumer/mapping/spelling"
)

// Options say what to load.
type Options struct {
	// Source is a preset's name, or a file's path, which contains a separator or ends in .yaml or .yml.
	Source string
	// Topics are the topics that will be read. Exactly one mapping must match each of them. If Topics is empty, this is
	// not checked.
	Topics []string
	// Schemas finds the schemas that no mapping lists. It is nil if there is no such lookup. If its error is
	// [schema.ErrUnknown] or [schema.ErrNotDecodable], the record is refused. Any other error is returned by Decode.
	Schemas schema.Lookup
}

// Load reads and compiles a mapping. It returns all mistakes in a file at once, as a [*spec.FileError].
func Load(o Options) (*Mapping, error) {
	if err := checkTopics(o.Topics); err != nil {
		return nil, fmt.Errorf("mapping %s: %w", o.Source, err)
	}
	l := loader{options: o}
	f, err := l.file()
	if err != nil {
		return nil, err
	}
	m := l.compile(f)
	if err := l.Err(); err != nil {
		return nil, err
	}
	m.digest = l.digest()
	return m, nil
}

// checkTopics rejects an empty topic name, and a topic that is given twice, because one of the two is probably a typo
// for another topic.
func checkTopics(topics []string) error {
	for i, topic := range topics {
		if strings.TrimSpace(topic) == "" {
			return fmt.Errorf("topic %d of %d has no name", i+1, len(topics))
		}
		if slices.Contains(topics[:i], topic) {
			return fmt.Errorf("topic %q is given twice", topic)
		}
	}
	return nil
}

// A loader collects the problems of one load, and the checksums of the files that it read.
type loader struct {
	spec.Problems
	checksums

	options Options
}

// IsFile reports whether a source is the path of a file rather than the name of a preset.
func IsFile(source string) bool {
	return strings.ContainsAny(source, `/\`) || strings.HasSuffix(source, ".yaml") || strings.HasSuffix(source, ".yml")
}

// file reads the file or the preset that Options.Source names.
func (l *loader) file() (*spec.File, error) {
	name := l.options.Source
	if !IsFile(name) {
		f := l.preset(name, name)
		if f == nil {
			return nil, unknownPreset(name)
		}
		return f, nil
	}
	source, err := credentials.Read(name)
	if err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	l.took(source)
	base := filepath.Base(name)
	return spec.Read(name, strings.TrimSuffix(base, filepath.Ext(base)), source, &l.Problems), nil
}

// preset reads a preset for the mapping that uses it. It returns nil if no preset has that name.
func (l *loader) preset(name, mapping string) *spec.File {
	source, err := Preset(name)
	if err != nil {
		return nil
	}
	l.took(source)
	return spec.Read(presetPrefix+name, mapping, source, &l.Problems)
}

// compile compiles all mappings of a file.
func (l *loader) compile(f *spec.File) *Mapping {
	statuses := f.Statuses
	if len(statuses) == 0 {
		statuses = []string{"submitted", "paid"}
	}
	m := &Mapping{topics: make(map[string]*program), configured: l.options.Topics, statuses: statuses}
	var seen []string
	for _, s := range f.Mappings {
		switch {
		case s.Name == "":
			l.Add(s.Place, "", "a mapping needs a name or a preset")
		case slices.Contains(seen, s.Name):
			l.Add(s.Place, "", "another mapping has the same name; give this one a name of its own")
		}
		seen = append(seen, s.Name)
		l.layOverPreset(s)
		c := &compiler{problems: &l.Problems, spec: s, statuses: statuses, read: l.reader, fallback: l.options.Schemas}
		m.programs = append(m.programs, c.compile())
		m.matchers = append(m.matchers, l.matcher(s, len(f.Mappings) == 1))
	}
	if len(f.Mappings) == 0 && l.Err() == nil {
		l.Add(spec.Place{File: l.options.Source, Line: 1, Column: 1}, "", "the file has no mappings")
	}
	l.bind(m)
	return m
}

// layOverPreset adds the parts of a mapping's preset that the mapping does not replace.
func (l *loader) layOverPreset(s *spec.Mapping) {
	if s.Preset.Value == "" {
		return
	}
	f := l.preset(s.Preset.Value, s.Name)
	switch {
	// This is checked first, because a preset that names itself would otherwise be laid over itself.
	case strings.HasPrefix(s.File, presetPrefix):
		l.Add(s.Preset.Place, "preset", "a preset cannot build on another preset")
	case f == nil:
		l.Add(s.Preset.Place, "preset", "%s", spelling.Unknown("preset", s.Preset.Value, Presets()))
	case len(f.Mappings) == 1:
		s.Over(f.Mappings[0])
	}
}

// join joins a folder and a file name. For a preset it uses slashes on every system, because the presets are embedded.
func join(dir, file string) string {
	if dir == presetDir {
		return path.Join(dir, file)
	}
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}

// withFallback returns a lookup that calls the fallback for any schema that is not listed.
func withFallback(known map[int]*schema.Schema, fallback schema.Lookup) schema.Lookup {
	return func(ctx context.Context, id int) (*schema.Schema, error) {
		if s, ok := known[id]; ok {
			return s, nil
		}
		if fallback != nil {
			return fallback(ctx, id)
		}
		return nil, schema.ErrUnknown
	}
}
