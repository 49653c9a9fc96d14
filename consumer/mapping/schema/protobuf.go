package schema

import (
	"context"
	"encoding/binary"
	"io/fs"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// mainFile is the file name under which the compiler reads the schema's own text.
	mainFile = "the schema"
	// maxNesting limits the nesting of brackets in a .proto file, because the compiler is recursive.
	maxNesting = 200
)

// Protobuf compiles the text of a .proto file. Each reference is a file that the text or another reference imports,
// under the name in the import statement; google/protobuf/*.proto, confluent/meta.proto and
// confluent/type/decimal.proto need no reference. An error is an ErrNotDecodable or the context's cause.
//
// A payload starts with the indexes of its message in the file, as Confluent's serializers write them. They are zig-zag
// numbers: first how many follow, then the path through the nested messages. A single zero means the file's first
// message.
//
// Timestamp, Duration, FieldMask, Struct, Value and ListValue have Protobuf's JSON form. A wrapper becomes its value.
// An Any becomes the fields of its message beside "@type" if the schema knows that message. Unlike in Protobuf's JSON
// form, int64 and uint64 are numbers, not strings.
func Protobuf(ctx context.Context, text string, references ...Reference) (*Schema, error) {
	if err := checkSize(text, references); err != nil {
		return nil, err
	}
	texts := standardFiles()
	for _, r := range references {
		texts[r.Name] = r.Text
	}
	return compileProtobuf(ctx, text, func(name string) (string, error) {
		found, ok := texts[name]
		if !ok {
			return "", fs.ErrNotExist
		}
		return found, nil
	})
}

// compileProtobuf compiles a .proto file. find returns the text of an import.
func compileProtobuf(
	ctx context.Context, main string, find func(name string) (text string, err error),
) (*Schema, error) {
	sources := protocompile.ResolverFunc(func(name string) (protocompile.SearchResult, error) {
		text, err := main, error(nil)
		if name != mainFile {
			text, err = find(name)
		}
		if err != nil {
			return protocompile.SearchResult{}, err
		}
		if deep(text) {
			return protocompile.SearchResult{}, refuse("%s: brackets are more than %d deep", name, maxNesting)
		}
		return protocompile.SearchResult{Source: strings.NewReader(text)}, nil
	})
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(sources), MaxParallelism: 1}
	files, err := compiler.Compile(ctx, mainFile)
	// Check the context first, because an interrupted compiler reports mistakes that the text does not have.
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, refuse("protobuf: %w", err)
	}
	if files[0].Messages().Len() == 0 {
		return nil, refuse("protobuf: the schema has no message")
	}
	p := &protobuf{file: files[0], types: linker.ResolverFromFile(files[0])}
	return &Schema{decode: p.decode}, nil
}

// deep reports whether brackets are nested too deeply for a recursive compiler. It also counts brackets in comments and
// strings, where they usually come in pairs.
func deep(text string) bool {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{', '[', '(', '<':
			if depth++; depth > maxNesting {
				return true
			}
		case '}', ']', ')', '>':
			depth = max(depth-1, 0)
		}
	}
	return false
}

// standardFiles returns the imports that Confluent's registry supplies, in addition to Protobuf's own.
func standardFiles() map[string]string {
	return map[string]string{
		"confluent/meta.proto": `syntax = "proto3";
package confluent;
import "google/protobuf/descriptor.proto";
message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
extend google.protobuf.FileOptions { Meta file_meta = 1088; }
extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }
`,
		"confluent/type/decimal.proto": `syntax = "proto3";
package confluent.type;
message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }
`,
	}
}

// protobuf is a compiled .proto file.
type protobuf struct {
	file  protoreflect.FileDescriptor
	types linker.Resolver
}

// decode turns a payload into JSON.
func (p *protobuf) decode(payload []byte) ([]byte, error) {
	message, body, err := p.message(payload)
	if err != nil {
		return nil, err
	}
	w := protoWriter{writer: newWriter(len(body)), types: p.types, values: maxValues}
	if err := w.payload(message, body); err != nil {
		return nil, err
	}
	return w.out, nil
}

// message finds the type of the payload's message, which the indexes before the body identify.
func (p *protobuf) message(payload []byte) (protoreflect.MessageDescriptor, []byte, error) {
	count, payload, err := protoIndex(payload)
	if err != nil {
		return nil, nil, err
	}
	// A single zero is short for [0], the usual path.
	if count == 0 {
		return p.file.Messages().Get(0), payload, nil
	}
	var found protoreflect.MessageDescriptor
	among := p.file.Messages()
	for range count {
		var index int64
		if index, payload, err = protoIndex(payload); err != nil {
			return nil, nil, err
		}
		if found = nthMessage(among, index); found == nil {
			return nil, nil, refuse("protobuf: the schema has no message at index %d", index)
		}
		among = found.Messages()
	}
	return found, payload, nil
}

// protoIndex reads one number of the message indexes.
func protoIndex(payload []byte) (int64, []byte, error) {
	v, n := binary.Varint(payload)
	if n <= 0 || v < 0 {
		return 0, nil, refuse("protobuf: no message index before the message")
	}
	return v, payload[n:], nil
}

// nthMessage returns the n-th message in the text, or nil. It counts as Confluent's Java serializer does, skipping the
// messages that the compiler adds for map fields.
func nthMessage(among protoreflect.MessageDescriptors, n int64) protoreflect.MessageDescriptor {
	for i := range among.Len() {
		if among.Get(i).IsMapEntry() {
			continue
		}
		if n == 0 {
			return among.Get(i)
		}
		n--
	}
	return nil
}
