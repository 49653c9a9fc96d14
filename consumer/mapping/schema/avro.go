package schema

import (
	"strings"

	"github.com/twmb/avro"
)

// avroKind is the encoding of a node's values, on the wire and in JSON.
type avroKind int

const (
	avroNull avroKind = iota
	avroBoolean
	avroInt
	avroLong
	avroFloat
	avroDouble
	avroBytes
	avroString
	avroFixed
	avroDecimal // bytes, or a fixed if size is not negative
	avroUUID    // a fixed of 16 bytes
	avroEnum
	avroRecord
	avroArray
	avroMap
	avroUnion
)

// An avroNode is a schema with its names resolved. The nodes of a recursive schema form a cycle.
type avroNode struct {
	kind     avroKind
	name     string
	fields   []avroField
	item     *avroNode // of an array or a map
	branches []*avroNode
	symbols  []string // as JSON strings
	size     int      // of a fixed; else -1
	scale    int
}

// An avroField is a field of a record. Its member is the name in quotes, followed by a colon, ready to be written.
type avroField struct {
	member     string
	node       *avroNode
	hasDefault bool
}

// Avro compiles a schema's JSON text. The references are in the order of their dependencies: each may use the names in
// those before it. An error is always an ErrNotDecodable.
//
// It accepts more than the specification, because registries do too: names with any characters, defaults of the wrong
// type, and repeated identical definitions of a type. None of these changes the meaning of a payload.
//
// Logical types: a decimal becomes a number with its point, and a uuid becomes text. All others are written as their
// base type, for instance a timestamp as the number of milliseconds.
func Avro(text string, references ...Reference) (*Schema, error) {
	if err := checkSize(text, references); err != nil {
		return nil, err
	}
	// The cache contains the types from the references, which the text may then use by name.
	var cache avro.SchemaCache
	trimmer, anyName := avroTrimmer{}, avro.WithLaxNames(func(string) error { return nil })
	for _, r := range references {
		if _, err := cache.Parse(trimmer.trim(r.Text), anyName); err != nil {
			return nil, refuse("avro reference %s: %w", r.Name, err)
		}
	}
	parsed, err := cache.Parse(trimmer.trim(text), anyName)
	if err != nil {
		return nil, refuse("avro: %w", err)
	}
	b := avroBuilder{known: make(map[string]*avroNode)}
	root, err := b.node(parsed.Root(), "")
	if err == nil {
		err = b.resolve()
	}
	if err != nil {
		return nil, err
	}
	return &Schema{decode: func(payload []byte) ([]byte, error) {
		r := avroReader{in: payload, writer: newWriter(len(payload))}
		if err := r.root(root); err != nil {
			return nil, err
		}
		// Bytes left over mean that the payload was written with another schema, so the values before them are wrong
		// too.
		if r.at != len(r.in) {
			return nil, refuse("avro: bytes after the end of the value: %d", len(r.in)-r.at)
		}
		return r.out, nil
	}}, nil
}

// An avroBuilder collects the named types found so far, by full name, and the references to types that are defined
// later.
type avroBuilder struct {
	known map[string]*avroNode
	later []avroLater
}

// An avroLater is a reference to a type that is defined later in the schema.
type avroLater struct {
	node            *avroNode
	name, namespace string
}

// node converts a part of the parsed schema. The namespace is that of the enclosing named type.
func (b *avroBuilder) node(s *avro.SchemaNode, namespace string) (*avroNode, error) {
	n := &avroNode{size: -1}
	switch s.Type {
	case "record", "error", "enum", "fixed":
		if s.Name == "" {
			return nil, refuse("avro: %s without a name", s.Type)
		}
		n.name, namespace = s.Name, s.Namespace
		if dot := strings.LastIndexByte(s.Name, '.'); dot >= 0 {
			namespace = s.Name[:dot]
		} else if namespace != "" {
			n.name = namespace + "." + s.Name
		}
		// The type must be known before its fields are read, because they may refer to it.
		b.known[n.name] = n
		return n, b.named(n, s, namespace)
	case "array", "map":
		items := s.Items
		n.kind = avroArray
		if s.Type == "map" {
			n.kind, items = avroMap, s.Values
		}
		var err error
		n.item, err = b.node(items, namespace)
		return n, err
	case "union":
		n.kind = avroUnion
		for i := range s.Branches {
			branch, err := b.node(&s.Branches[i], namespace)
			if err != nil {
				return nil, err
			}
			n.branches = append(n.branches, branch)
		}
		return n, nil
	}
	return b.plain(n, s, namespace)
}

// named fills in a type that has a name.
func (b *avroBuilder) named(n *avroNode, s *avro.SchemaNode, namespace string) error {
	switch s.Type {
	case "enum":
		n.kind = avroEnum
		for _, symbol := range s.Symbols {
			n.symbols = append(n.symbols, string(appendQuoted(nil, symbol)))
		}
	case "fixed":
		n.kind, n.size = avroFixed, s.Size
		if s.LogicalType == "uuid" && s.Size == 16 {
			n.kind = avroUUID
		}
		n.decimal(s)
	default:
		n.kind = avroRecord
		for i := range s.Fields {
			if s.Fields[i].Name == "" {
				return refuse("avro: %s has a field without a name", n.name)
			}
			field, err := b.node(&s.Fields[i].Type, namespace)
			if err != nil {
				return err
			}
			member := string(append(appendQuoted(nil, s.Fields[i].Name), ':'))
			_, hasDefault := s.Fields[i].Props[propDefault]
			n.fields = append(n.fields, avroField{member: member, node: field, hasDefault: hasDefault})
		}
	}
	return nil
}

// plain returns a primitive type, or a named type that is defined elsewhere.
func (b *avroBuilder) plain(n *avroNode, s *avro.SchemaNode, namespace string) (*avroNode, error) {
	n.name = s.Type
	kind, primitive := map[string]avroKind{
		"null": avroNull, "boolean": avroBoolean, "int": avroInt, "long": avroLong, "float": avroFloat,
		"double": avroDouble, "bytes": avroBytes, "string": avroString,
	}[s.Type]
	if primitive {
		if n.kind = kind; kind == avroBytes {
			n.decimal(s)
		}
		return n, nil
	}
	if known := b.find(s.Type, namespace); known != nil {
		return known, nil
	}
	// resolve copies the type into n, so the parts that point to n need no change.
	b.later = append(b.later, avroLater{n, s.Type, namespace})
	return n, nil
}

// find returns a known named type, or nil. A name without a dot is looked up in the namespace first.
func (b *avroBuilder) find(name, namespace string) *avroNode {
	if known, ok := b.known[namespace+"."+name]; ok && !strings.Contains(name, ".") {
		return known
	}
	return b.known[name]
}

// resolve finds the types that are used before they are defined, which Java has allowed since Avro 1.12.
func (b *avroBuilder) resolve() error {
	for _, l := range b.later {
		known := b.find(l.name, l.namespace)
		if known == nil {
			return refuse("avro: no type is named %q", l.name)
		}
		// A copy is enough, because a node does not change after the schema is built.
		*l.node = *known
	}
	return nil
}

// decimal turns n into a decimal if the schema says so. If the decimal is invalid, the type stays bytes or a fixed,
// because the specification tells readers to ignore an invalid logical type.
func (n *avroNode) decimal(s *avro.SchemaNode) {
	if s.LogicalType == "decimal" && s.Scale >= 0 && s.Scale <= s.Precision {
		n.kind, n.scale = avroDecimal, s.Scale
	}
}

// weightless reports whether values of the type have no bytes on the wire.
func (n *avroNode) weightless() bool {
	return n.kind == avroNull || n.size == 0 || n.kind == avroRecord && len(n.fields) == 0
}
