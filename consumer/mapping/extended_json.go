package mapping

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"leadhit-sync/consumer/mapping/tree"
)

// extended returns the value inside an object of MongoDB's Extended JSON: a string for {"$oid": "64…"}, and a number as
// written for {"$numberLong": "17"}. It returns nil for any other object. Debezium and MongoDB's own connector write
// documents in this form, in one of its two versions.
func extended(text []byte) []byte {
	wrapper, value := onlyMember(text)
	isText := tree.KindOf(value) == '"'
	switch wrapper {
	case "$oid", "$uuid", "$symbol":
		if isText {
			return bytes.Clone(value)
		}
	case "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal":
		number := jsontext.Value(bytes.Trim(value, `"`))
		if isText && number.IsValid() && number.Kind() == jsontext.KindNumber {
			return bytes.Clone(number)
		}
	case "$date":
		// Canonical form: {"$date": {"$numberLong": "…"}}. The relaxed form has a string or a number.
		if tree.KindOf(value) == '{' {
			return extended(value)
		}
		if isText || tree.KindOf(value) == '0' {
			return bytes.Clone(value)
		}
	}
	return nil
}

// onlyMember returns the name and the value of an object's only member, or "" and nil for anything else.
func onlyMember(text []byte) (name string, value []byte) {
	d := jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowInvalidUTF8(true))
	if open, err := d.ReadToken(); err != nil || open.Kind() != jsontext.KindBeginObject {
		return "", nil
	}
	token, err := d.ReadToken()
	if err != nil || token.Kind() != jsontext.KindString {
		return "", nil
	}
	name = token.String() // before the next read, which reuses the token
	value, err = d.ReadValue()
	if err != nil || d.PeekKind() != jsontext.KindEndObject {
		return "", nil
	}
	return name, value
}
