package mapping

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping/schema"
	"leadhit-sync/consumer/mapping/tree"
)

// connectDecimal is the logical type of a NUMERIC column: bytes, which JsonConverter writes as base64. Debezium uses it
// for NUMERIC by default, and for BIGINT UNSIGNED if bigint.unsigned.handling.mode is precise. Without decoding, "Adc="
// would pass for an order id.
const connectDecimal = "org.apache.kafka.connect.data.Decimal"

// openConnect opens the envelope of Connect's JsonConverter: an object with exactly the members schema and payload.
func (r *run) openConnect() *event.Item {
	types, payload := r.connect()
	if payload == nil {
		return nil
	}
	out := r.inner(envelopeConnect, payload)
	r.connectSchema, r.below = types, r.below[:0]
	if out != nil || r.scan.Kind() != 'n' {
		return out
	}
	return ignored("a tombstone within Connect's envelope") // as older converters write it (KAFKA-3832)
}

// openConnectData opens Connect's envelope inside the data of a CloudEvent, where Debezium's converter writes it. The
// mapping's envelope paths still read the CloudEvent, because Connect's envelope adds nothing but a schema.
func (r *run) openConnectData() *event.Item {
	types, payload := r.connect()
	if len(r.ce) == 0 || payload == nil {
		return nil
	}
	r.found(envelopeConnect)
	if tree.KindOf(payload) == 'n' {
		r.absent = true
		return nil
	}
	out := r.layer(payload)
	if r.connectSchema, r.below = types, r.below[:0]; out != nil {
		return out
	}
	return r.openString()
}

// connect returns the schema and the payload in Connect's envelope, or nil.
func (r *run) connect() (types, payload []byte) {
	m := &r.program.markers
	types, payload = r.scan.At(m.schema), r.scan.At(m.payload)
	if r.scan.Members() != 2 || types == nil {
		return nil, nil
	}
	return types, payload
}

// A connectType is a schema as JsonConverter writes it.
type connectType struct {
	Type       string            `json:"type"`
	Name       string            `json:"name"`
	Field      string            `json:"field"`
	Parameters map[string]string `json:"parameters"`
	Fields     []connectType     `json:"fields"`
	Items      *connectType      `json:"items"`
}

// decimal returns the digits of a value that is a NUMERIC according to Connect's schema, or nil for any other value.
func (r *run) decimal(src *source, text []byte) []byte {
	return decimalBy(r.connectSchema, text, func(t *connectType) *connectType {
		for _, name := range r.below {
			t = t.member(name)
		}
		if src.kind == fromItem {
			t = t.follow(r.program.listPath).items()
		}
		return t.follow(src.path)
	})
}

// decimalBy returns the digits of a value whose type is NUMERIC, or nil for any other value. find returns the value's
// type in the schema.
func decimalBy(types, text []byte, find func(*connectType) *connectType) []byte {
	// Most schemas declare no NUMERIC. Searching the text for its name is cheaper than parsing the schema.
	if tree.KindOf(text) != '"' || !bytes.Contains(types, []byte(connectDecimal)) {
		return nil
	}
	var root connectType
	if json.Unmarshal(types, &root) != nil {
		return nil
	}
	found := find(&root)
	// The NUMERIC may be another member of the schema, in which case this value is an ordinary string.
	if found == nil || found.Name != connectDecimal {
		return nil
	}
	scale, err := strconv.Atoi(found.Parameters["scale"])
	if err != nil || scale < 0 || scale > maxText {
		return nil
	}
	unquoted, err := jsontext.AppendUnquote(nil, text)
	if err != nil || len(unquoted) > maxText {
		return nil
	}
	unscaled, err := base64.StdEncoding.AppendDecode(nil, unquoted)
	if err != nil {
		return nil
	}
	return schema.AppendDecimal(nil, unscaled, scale)
}

// follow returns the type at the end of a path, or nil.
func (t *connectType) follow(path tree.Path) *connectType {
	for i := range path {
		if name, ok := path.Name(i); ok {
			t = t.member(name)
		} else {
			t = t.items()
		}
	}
	return t
}

// member returns the type of a member, or nil. It accepts a nil receiver, so that a path through an unknown type needs
// no checks on the way.
func (t *connectType) member(name string) *connectType {
	if t == nil {
		return nil
	}
	for i := range t.Fields {
		if t.Fields[i].Field == name {
			return &t.Fields[i]
		}
	}
	return nil
}

func (t *connectType) items() *connectType {
	if t == nil {
		return nil
	}
	return t.Items
}
