package mapping

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"leadhit-sync/consumer/mapping/schema"
)

// Options say what to load.
type Options struct {
	// Source is a preset's name, or a file's path: what contains a separator or ends in .yaml or .yml.
	Source string
	// Topics are those that will be read: each must be matched by exactly one mapping. With none given nothing is
	// checked, and a record finds its mapping by its topic.
	Topics []string
	// Schemas finds the schemas that no mapping lists. Nil means that there are no others. Its errors are told apart by
	// [schema.ErrUnknown] and [schema.ErrNotDecodable]; any other says that nobody can be asked now.
	Schemas schema.Lookup
}

// Load reads and compiles a mapping. The mistakes of a file are a [*FileError], all at once; an unknown name is
// [ErrUnknownPreset].
func Load(o Options) (*Mapping, error) {
	if err := checkTopics(o.Topics); err != nil {
		return nil, fmt.Errorf("mapping %s: %w", o.Source, err)
	}
	l := loader{options: o, problems: &problems{}}
	r := &reader{problems: l.problems, file: o.Source}
	f, err := l.file(r)
	if err != nil {
		return nil, err
	}
	m := l.compile(r, f)
	if err := l.err(); err != nil {
		return nil, err
	}
	m.digest = l.digest()
	return m, nil
}

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

// A loader gathers what belongs to one load.
type loader struct {
	*problems
	sources
	options Options
}

// IsFile says whether a source is the path of a file, and not the name of a preset.
func IsFile(source string) bool {
	return strings.ContainsAny(source, `/\`) || strings.HasSuffix(source, ".yaml") || strings.HasSuffix(source, ".yml")
}

// file reads what the source names.
func (l *loader) file(r *reader) (*fileSpec, error) {
	name := l.options.Source
	if !IsFile(name) {
		f := l.preset(name, name)
		if f == nil {
			return nil, unknownPreset(name)
		}
		return f, nil
	}
	source, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	l.took(source)
	root := r.document(source)
	if root == nil {
		return &fileSpec{}, nil
	}
	base := filepath.Base(name)
	return r.spec(root, strings.TrimSuffix(base, filepath.Ext(base))), nil
}

// preset reads an embedded mapping; nil where there is none of that name. Its problems bear the name of the mapping
// that builds on it.
func (l *loader) preset(name, mapping string) *fileSpec {
	source, err := Preset(name)
	if err != nil {
		return nil
	}
	l.took(source)
	r := &reader{problems: l.problems, file: presetFile(name)}
	root := r.document(source)
	if root == nil {
		return nil
	}
	f := r.spec(root, name)
	for _, s := range f.mappings {
		s.rename(mapping)
	}
	return f
}

// rename gives all places of a spec the name of another mapping.
func (s *spec) rename(mapping string) {
	s.name, s.mapping = mapping, mapping
}

// compile makes programs of all mappings of a file.
func (l *loader) compile(r *reader, f *fileSpec) *Mapping {
	statuses := f.statuses
	if len(statuses) == 0 {
		statuses = []string{"submitted", "paid"}
	}
	m := &Mapping{topics: make(map[string]*program), configured: l.options.Topics, statuses: statuses}
	var seen []string
	for _, s := range f.mappings {
		switch {
		case s.name == "":
			l.add(s.place, "", "a mapping needs a name or a preset")
		case slices.Contains(seen, s.name):
			l.add(s.place, "", "another mapping has the same name; give this one a name of its own")
		}
		seen = append(seen, s.name)
		l.base(s)
		c := &compiler{problems: l.problems, spec: s, statuses: statuses, read: l.reader, fallback: l.options.Schemas}
		m.programs = append(m.programs, c.compile())
		m.matchers = append(m.matchers, l.matcher(s, len(f.mappings) == 1))
	}
	if len(f.mappings) == 0 && len(l.found) == 0 {
		l.add(place{file: r.file, line: 1, column: 1}, "", "the file has no mappings")
	}
	l.bind(r, m)
	return m
}

// base lays a mapping over its preset.
func (l *loader) base(s *spec) {
	if !s.preset.given() || s.preset.value == "" {
		return
	}
	f := l.preset(s.preset.value, s.name)
	switch {
	case strings.HasPrefix(s.file, presetPrefix):
		l.add(s.preset.place, "preset", "a preset does not build on another")
	case f == nil:
		l.add(s.preset.place, "preset", "%s", unknown("preset", s.preset.value, presetNames()))
	case len(f.mappings) == 1:
		s.over(f.mappings[0])
	}
}

// readerFor returns how the files beside a mapping file are read, and the folder that they are in.
func readerFor(file string) (read func(string) ([]byte, error), dir string) {
	if strings.HasPrefix(file, presetPrefix) {
		return presetFiles.ReadFile, presetDir
	}
	return readLimited, filepath.Dir(file)
}

// readLimited reads a file that nobody should need larger.
func readLimited(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxValue {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("larger than 4 MiB")}
	}
	return os.ReadFile(name)
}

func join(dir, file string) string {
	if dir == presetDir {
		return path.Join(dir, file)
	}
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}

func schemaFromFile(read func(string) ([]byte, error), f schema.File) (schema.Lookup, error) {
	return schema.FromFiles(context.Background(), read, f) //nolint:forbidigo // files beside the program: nothing to wait for
}

// withFallback asks the listed schemas first.
func withFallback(known map[int]schema.Lookup, fallback schema.Lookup) schema.Lookup {
	return func(ctx context.Context, id int) (*schema.Schema, error) {
		if lookup, ok := known[id]; ok {
			return lookup(ctx, id)
		}
		if fallback != nil {
			return fallback(ctx, id)
		}
		return nil, schema.ErrUnknown
	}
}
