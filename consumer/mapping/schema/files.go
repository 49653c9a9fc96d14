package schema

import (
	"context"
	"errors"
	"fmt"
	"path"
)

// A File is a schema in a file.
type File struct {
	// ID is the id in the frames of the events that were written with this schema.
	ID int
	// Path is the file's name for the read function.
	Path string
	// Type is avro, protobuf or json.
	Type string
}

// FromFiles compiles schemas from files, which it reads with read: os.ReadFile for instance, or the ReadFile of an
// embed.FS. The imports of a Protobuf file are read from its folder; an Avro file may only refer to its own types. All
// mistakes come back at once, each with its file. An id that no file has is ErrUnknown.
func FromFiles(ctx context.Context, read func(name string) ([]byte, error), files ...File) (Lookup, error) {
	schemas := make(map[int]*Schema, len(files))
	var mistakes []error
	for _, f := range files {
		s, err := f.compile(ctx, read)
		if _, twice := schemas[f.ID]; twice {
			err = errors.Join(err, errors.New("another file has this id"))
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("schema %d: %s: %w", f.ID, f.Path, err))
		}
		schemas[f.ID] = s
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	return func(_ context.Context, id int) (*Schema, error) {
		if s, ok := schemas[id]; ok {
			return s, nil
		}
		return nil, fmt.Errorf("%w: %d", ErrUnknown, id)
	}, nil
}

// compile reads and compiles the file.
func (f File) compile(ctx context.Context, read func(name string) ([]byte, error)) (*Schema, error) {
	text, err := read(f.Path)
	if err != nil {
		return nil, err
	}
	switch f.Type {
	case "avro":
		return Avro(string(text))
	case "protobuf":
		standard := standardFiles()
		return compileProtobuf(ctx, string(text), func(name string) (string, error) {
			if found, ok := standard[name]; ok {
				return found, nil
			}
			imported, err := read(path.Join(path.Dir(f.Path), name))
			return string(imported), err
		})
	case "json":
		return JSON(), nil
	}
	return nil, fmt.Errorf("type %q: must be avro, protobuf or json", f.Type)
}
