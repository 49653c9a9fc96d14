package schema

import (
	"context"
	"path"
)

// FromFile compiles the schema in a file. It calls read for each file that it needs; os.ReadFile and the ReadFile
// method of an embed.FS will do. The encoding is avro or protobuf. The imports of a Protobuf file are read from the
// same folder; an Avro file may only refer to its own types.
func FromFile(
	ctx context.Context, encoding, name string, read func(name string) ([]byte, error),
) (*Schema, error) {
	text, err := read(name)
	if err != nil {
		return nil, err
	}
	if encoding == "avro" {
		return Avro(string(text))
	}
	standard := standardFiles()
	return compileProtobuf(ctx, string(text), func(imported string) (string, error) {
		if found, ok := standard[imported]; ok {
			return found, nil
		}
		text, err := read(path.Join(path.Dir(name), imported))
		return string(text), err
	})
}
