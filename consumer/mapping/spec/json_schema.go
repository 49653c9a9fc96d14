package spec

import _ "embed"

//go:embed mapping.schema.json
var editorSchema string

// EditorSchema returns the JSON Schema of mapping files, for editors that complete and check what is typed.
func EditorSchema() string {
	return editorSchema
}
