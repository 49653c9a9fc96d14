package mapping

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping/schema"
	"leadhit-sync/consumer/mapping/tree"
)

const (
	maxValue   = 4 << 20  // bytes of a record's value
	maxDecoded = 16 << 20 // bytes of the JSON that an Avro or Protobuf value becomes

	byteOrderMark = "\xef\xbb\xbf"
)

// markers holds the slots of the members that identify envelopes.
type markers struct {
	schema, payload, specversion, kind, source, id, data, data64, dataType, op, before, after, updateDescription int
}

// add adds the members that identify envelopes to the plan, so that one pass over the value finds them and the fields.
func (m *markers) add(p *tree.Plan) {
	for _, marker := range []struct {
		slot *int
		name string
	}{
		{&m.schema, "schema"},
		{&m.payload, "payload"},
		{&m.specversion, "specversion"},
		{&m.kind, "type"},
		{&m.source, "source"},
		{&m.id, "id"},
		{&m.data, "data"},
		{&m.data64, "data_base64"},
		{&m.dataType, "datacontenttype"},
		{&m.op, "op"},
		{&m.before, "before"},
		{&m.after, "after"},
		{&m.updateDescription, "updateDescription"},
	} {
		*marker.slot = p.Add(tree.Member(marker.name))
	}
}

// The names that Explain uses for the envelopes.
const (
	envelopeFrame      = "Confluent framing"
	envelopeBOM        = "byte order mark"
	envelopeString     = "JSON in a string"
	envelopeConnect    = "Connect schema and payload"
	envelopeStructured = "CloudEvents structured"
	envelopeBinary     = "CloudEvents binary"
	envelopeDebezium   = "Debezium"
)

// open removes all envelopes around the order, in the sequence that the package comment lists. It returns an item if
// the record contains no order to decide on, else nil. An error means that the schema cannot be looked up now.
func (r *run) open(ctx context.Context) (*event.Item, error) {
	value := r.record.Value
	r.binary = isCloudEvent(r.record.Headers)
	switch {
	case value == nil && r.binary:
		// An event without data is still an event, because its attributes may be enough.
		r.found(envelopeBinary)
		r.absent = true
		return nil, nil
	case value == nil:
		return ignored("a tombstone"), nil
	case len(value) == 0:
		return refused(causeEmptyValue, "the value is empty, which is neither a tombstone nor JSON"), nil
	// This check comes before any parsing, because the limit bounds the memory and the time that parsing takes.
	case len(value) > maxValue:
		return refused(causeTooLarge, fmt.Sprintf("the value has %d bytes, more than %d", len(value), maxValue)), nil
	}
	r.contentType = r.contentTypeHeader()
	if hasPrefixFold(r.contentType, "application/cloudevents-batch") {
		return refused(causeUnsupportedEncoding, "a batch of CloudEvents, which their Kafka binding does not define"), nil
	}
	doc, out, err := r.decoded(ctx, value)
	if out != nil || err != nil {
		return out, err
	}
	return r.unwrap(doc), nil
}

// decoded decodes a value as the mapping's "decode" specifies, and returns its JSON text.
func (r *run) decoded(ctx context.Context, value []byte) ([]byte, *event.Item, error) {
	id, payload, framed := schema.Frame(value)
	r.framed = framed
	if framed {
		r.found(envelopeFrame)
	}
	switch {
	case r.program.encoding == encodingJSON && framed:
		return payload, nil, nil
	case r.program.encoding == encodingJSON:
		return value, nil, nil
	case !framed:
		return nil, r.unframed(value), nil
	}
	s, err := r.program.lookup(ctx, id)
	switch {
	case errors.Is(err, schema.ErrUnknown):
		// The first four bytes of an Apicurio id are zero, so such a frame seems to name the unknown schema 0.
		if f, ok := apicurioForm(value); ok {
			return nil, f.refusal(), nil
		}
		return nil, refused(causeUnknownSchema, fmt.Sprintf("schema %d is unknown", id)), nil
	case errors.Is(err, schema.ErrNotDecodable):
		return nil, refused(causeNotDecodable, shorten(fmt.Sprintf("schema %d: %v", id, err), maxMessage)), nil
	case err != nil:
		at := r.record
		return nil, nil, fmt.Errorf("schema %d of %s/%d/%d: %w", id, at.Topic, at.Partition, at.Offset, err)
	}
	text, err := s.JSON(payload)
	switch {
	case err != nil:
		return nil, refused(causeNotDecodable, shorten(fmt.Sprintf("schema %d: %v", id, err), maxMessage)), nil
	case len(text) > maxDecoded:
		message := fmt.Sprintf("the decoded value has %d bytes, more than %d", len(text), maxDecoded)
		return nil, refused(causeTooLarge, message), nil
	}
	return text, nil, nil
}

// unwrap opens the envelopes in a JSON document. JSON in a string is opened once, whichever envelope it is in, because
// the outbox router writes its payload as a string even inside Connect's envelope.
func (r *run) unwrap(doc []byte) *event.Item {
	if bytes.HasPrefix(doc, []byte(byteOrderMark)) {
		r.found(envelopeBOM)
		doc = doc[len(byteOrderMark):]
	}
	if out := r.layer(doc); out != nil {
		return r.foreign(out)
	}
	for _, open := range []func() *event.Item{
		r.openString, r.openConnect, r.openString, r.openCloudEvent, r.openString, r.openConnectData, r.openDebezium,
	} {
		if out := open(); out != nil || r.absent {
			return out
		}
	}
	if r.scan.Kind() == 'n' {
		return ignored("JSON null, treated as a tombstone")
	}
	return nil
}

// layer reads a document and makes it the innermost one. It returns a refusal if the document cannot be read, else nil.
func (r *run) layer(doc []byte) *event.Item {
	err := r.scan.Scan(&r.program.plan, doc)
	switch {
	case err == nil:
		r.doc = doc
		return nil
	case errors.Is(err, tree.ErrDuplicateName):
		return refused(causeDuplicateName, err.Error())
	case errors.Is(err, tree.ErrTooDeep):
		return refused(causeTooDeep, err.Error())
	}
	return refused(causeNotJSON, err.Error())
}

// foreign replaces "not JSON" with the name of the encoding, if the encoding is recognised, so that the operator learns
// what to change.
func (r *run) foreign(out *event.Item) *event.Item {
	if out.Cause != causeNotJSON || r.program.encoding != encodingJSON {
		return out
	}
	value := r.record.Value
	if r.framed {
		return framedForm(value).refusal()
	}
	if f, ok := formOf(value); ok {
		return f.refusal()
	}
	switch {
	case r.schemaInHeader():
		return refused(causeUnsupportedEncoding, schemaNamedByHeader)
	case hasPrefixFold(r.contentType, "application/cloudevents") && !r.structured():
		return refused(causeUnsupportedEncoding, "a CloudEvent in a format other than JSON")
	}
	if f, ok := headerForm(r.record.Headers, r.contentType); ok {
		return f.refusal()
	}
	return out
}

// unframed refuses a value that does not start with a schema's id. The refusal names the value's encoding, if the
// encoding is recognised.
func (r *run) unframed(value []byte) *event.Item {
	if r.schemaInHeader() {
		return refused(causeUnsupportedEncoding, schemaNamedByHeader)
	}
	if f, ok := signed(value); ok {
		return f.refusal()
	}
	if first := trimmed(value); len(first) > 0 && (first[0] == '{' || first[0] == '[') {
		return refused(causeNotDecodable,
			"the value is JSON without the id of a schema; to read it, remove decode from the mapping")
	}
	if f, ok := formOf(value); ok {
		return f.refusal()
	}
	if f, ok := headerForm(r.record.Headers, ""); ok {
		return f.refusal()
	}
	return refused(causeNotDecodable, "the value does not begin with the id of a schema: a zero byte, then four bytes")
}

const schemaNamedByHeader = "the header __value_schema_id names the schema, but it is not supported; " +
	"let the serializer write the id into the value"

// inner makes a part of the current document the innermost one. The current document stays readable as the envelope.
func (r *run) inner(name string, body []byte) *event.Item {
	if name != "" {
		r.found(name)
	}
	// Keep the slots, because the scanner overwrites them when it reads the inner document.
	r.envelope = r.scan.Keep(r.envelope[:0])
	if body == nil {
		r.absent = true
		return nil
	}
	return r.layer(body)
}

// openString opens a string that contains an object, a list or null. Any other string is a value, not an envelope.
func (r *run) openString() *event.Item {
	if r.scan.Kind() != '"' || r.inString {
		return nil
	}
	text, err := jsontext.AppendUnquote(nil, bytes.TrimSpace(r.doc))
	text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	switch first := bytes.TrimLeft(text, " \t\r\n"); {
	case len(first) == 0, first[0] != '{' && first[0] != '[' && !bytes.Equal(bytes.TrimSpace(first), []byte("null")):
		return nil
	}
	// Unquoting replaces invalid UTF-8 with U+FFFD, which could make two ids equal. After a replacement, therefore, no
	// text with U+FFFD is accepted.
	r.lossy = r.lossy || err != nil
	r.inString = true
	r.connectSchema = nil // it describes the string, not the text in it
	r.found(envelopeString)
	out := r.layer(text)
	if out != nil {
		out.Message = "the JSON in a string: " + out.Message
	}
	return out
}

// schemaInHeader reports whether a header names the schema, as with newer Confluent serializers. The value then has no
// frame.
func (r *run) schemaInHeader() bool {
	return hasHeader(r.record.Headers, "__value_schema_id")
}
