package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An avroTrimmer reduces schemas to the parts that reading needs. Registries and Java accept schemas that the
// specification and our parser refuse: a default of the wrong type, an alias that is not a name, the same definition
// of a type twice. None of that changes how a payload is read, because we never resolve one schema against another.
//
// A schema and its references share one trimmer, because they share their types.
type avroTrimmer map[string]string // the shape of each named type, by full name

// trim returns the schema's text with only the parts that reading needs. Text that is not JSON is returned unchanged,
// because the parser's message about it is better.
func (t avroTrimmer) trim(text string) string {
	decoder := json.NewDecoder(strings.NewReader(withoutComments(strings.TrimPrefix(text, "\ufeff"))))
	decoder.UseNumber() // so that a size keeps its digits
	var schema any
	if decoder.Decode(&schema) != nil || decoder.More() {
		return text
	}
	trimmed, _ := t.schema(schema, "")
	out, err := json.Marshal(trimmed)
	if err != nil {
		return text
	}
	return string(out)
}

// withoutComments replaces comments with spaces. Java accepts comments in schemas.
func withoutComments(text string) string {
	if !strings.Contains(text, "//") && !strings.Contains(text, "/*") {
		return text
	}
	comment := regexp.MustCompile(`"(?:[^"\\]|\\.)*"|//[^\n]*|(?s:/\*.*?\*/)`)
	return comment.ReplaceAllStringFunc(text, func(found string) string {
		if found[0] == '"' {
			return found
		}
		return " "
	})
}

// schema returns a trimmed schema and its shape: a string in which each named type is represented by its full name
// alone. Two schemas with the same shape read the same payloads.
func (t avroTrimmer) schema(s any, namespace string) (trimmed any, shape string) {
	switch s := s.(type) {
	case string:
		if _, ok := t[fullName(s, namespace)]; ok {
			return s, quoted(fullName(s, namespace))
		}
		return s, quoted(s)
	case []any:
		branches, shapes := make([]any, len(s)), make([]string, len(s))
		for i, branch := range s {
			branches[i], shapes[i] = t.schema(branch, namespace)
		}
		return branches, brief("[" + strings.Join(shapes, ",") + "]")
	case map[string]any:
		return t.object(s, namespace)
	}
	return s, ""
}

// object trims a schema that is an object.
func (t avroTrimmer) object(s map[string]any, namespace string) (trimmed any, shape string) {
	kind, ok := s["type"].(string)
	switch s["type"].(type) {
	// An array here is a union, as in {"type": ["null", "string"]}.
	case []any, map[string]any: // the type is a schema itself, which some tools write
		return t.schema(s["type"], namespace)
	}
	if !ok {
		return s, ""
	}
	out := kept(s, "type", "name", "namespace", "symbols", "size", "logicalType", "precision", "scale")
	if _, ok := out["namespace"].(string); !ok {
		delete(out, "namespace")
	}
	if !validLogical(out) {
		delete(out, "logicalType")
	}
	switch kind {
	case "record", "error", "enum", "fixed":
		return t.named(s, out, namespace)
	case "array", "map":
		member := map[string]string{"array": "items", "map": "values"}[kind]
		var shape string
		if item, ok := s[member]; ok {
			out[member], shape = t.schema(item, namespace)
		}
		return out, brief(kind + shape)
	}
	_, shape = t.schema(kind, namespace)
	return out, brief(shape + attributes(out))
}

// named trims a named type. If the same type has already been defined, named returns a reference to that definition.
func (t avroTrimmer) named(s, out map[string]any, namespace string) (trimmed any, shape string) {
	name, _ := s["name"].(string)
	if own, ok := s["namespace"].(string); ok {
		namespace = own
	}
	full := fullName(name, namespace)
	namespace = full[:max(strings.LastIndexByte(full, '.'), 0)]
	// A second definition with the same shape becomes a reference. A second definition with another shape stays, and
	// the parser refuses it.
	before, twice := t[full]
	if !twice {
		t[full] = "" // its fields may refer to it
	}
	shape = attributes(out)
	if fields, ok := s["fields"].([]any); ok {
		all, shapes := make([]any, len(fields)), make([]string, len(fields))
		for i, field := range fields {
			all[i], shapes[i] = t.field(field, namespace)
		}
		out["fields"] = all
		shape = brief(shape + "{" + strings.Join(shapes, ",") + "}")
	}
	if twice && before == shape {
		return full, quoted(full)
	}
	if !twice {
		t[full] = shape
	}
	return out, quoted(full)
}

// propDefault marks a field that has a default. The default itself is not used; see [avroReader.root].
const propDefault = "leadhit-sync.default"

// field trims a record's field.
func (t avroTrimmer) field(field any, namespace string) (trimmed any, shape string) {
	f, ok := field.(map[string]any)
	if !ok {
		return field, ""
	}
	out := kept(f, "name")
	if _, ok := f["default"]; ok {
		out[propDefault] = true
	}
	name, _ := f["name"].(string)
	if of, ok := f["type"]; ok {
		out["type"], shape = t.schema(of, namespace)
	}
	return out, quoted(name) + ":" + shape
}

// brief returns a shape, or its hash if the shape is long, so that a deeply nested schema takes linear time.
func brief(shape string) string {
	if len(shape) <= 2*sha256.Size {
		return shape
	}
	sum := sha256.Sum256([]byte(shape))
	return hex.EncodeToString(sum[:])
}

// validLogical reports whether the logical type is valid and changes the output. The specification tells readers to
// ignore an invalid one, but our parser refuses the schema.
func validLogical(s map[string]any) bool {
	if s["logicalType"] != "decimal" {
		return s["logicalType"] == "uuid"
	}
	precision, err := whole(s["precision"])
	if err != nil || precision < 1 {
		return false
	}
	if scale, err := whole(s["scale"]); s["scale"] != nil && (err != nil || scale < 0 || scale > precision) {
		return false
	}
	if s["type"] != "fixed" {
		return true
	}
	size, err := whole(s["size"])
	const digitsOfByte = 2.408 // log10(256)
	return err == nil && float64(precision) <= math.Floor(digitsOfByte*float64(size)-math.Log10(2))
}

// whole reads a whole number in a schema's JSON. A number with a fraction is an error, and is not rounded.
func whole(v any) (int, error) {
	number, ok := v.(json.Number)
	if !ok {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(number.String())
}

// attributes returns the properties that distinguish two types, excluding the types inside them.
func attributes(s map[string]any) string {
	text, err := json.Marshal(kept(s, "type", "symbols", "size", "logicalType", "precision", "scale"))
	if err != nil {
		return ""
	}
	return string(text)
}

func kept(s map[string]any, names ...string) map[string]any {
	out := make(map[string]any, len(names))
	for name, value := range s {
		if slices.Contains(names, name) {
			out[name] = value
		}
	}
	return out
}

// fullName returns a name with its namespace.
func fullName(name, namespace string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

func quoted(name string) string {
	return string(appendQuoted(nil, name))
}
