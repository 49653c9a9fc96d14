package mapping

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"leadhit-sync/consumer/mapping/tree"
)

// extended returns what a value of MongoDB's Extended JSON stands for: {"$oid": "64…"} for a text, {"$numberLong": "17"}
// for a number as it is written. It returns nil for any other object. Debezium and MongoDB's own connector write documents
// this way, of both versions of the form.
func extended(text []byte) []byte {
	d := jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowInvalidUTF8(true))
	if open, err := d.ReadToken(); err != nil || open.Kind() != jsontext.KindBeginObject {
		return nil
	}
	name, err := d.ReadToken()
	if err != nil || name.Kind() != jsontext.KindString {
		return nil
	}
	wrapper := name.String()
	value, err := d.ReadValue()
	if err != nil || d.PeekKind() != jsontext.KindEndObject {
		return nil
	}
	isText := tree.KindOf(value) == '"'
	switch wrapper {
	case "$oid", "$uuid", "$symbol":
		if isText {
			return bytes.Clone(value)
		}
	case "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal":
		if number := jsontext.Value(bytes.Trim(value, `"`)); isText && number.IsValid() && number.Kind() == jsontext.KindNumber {
			return bytes.Clone(number)
		}
	case "$date":
		if tree.KindOf(value) == '{' {
			return extended(value)
		}
		if isText || tree.KindOf(value) == '0' {
			return bytes.Clone(value)
		}
	}
	return nil
}
