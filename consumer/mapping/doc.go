// Package mapping turns a Kafka record into status changes, as a YAML file specifies.
//
//	m, err := mapping.Load(mapping.Options{Source: "shop.yaml", Topics: []string{"shop.orders"}})
//	…
//	items, err := m.Decode(ctx, record) // for each order: call LeadHit, ignore, or refuse with a cause
//
// Each record is decoded alone and in the same way every time. The package keeps no state between records, starts no
// goroutine, and knows neither Kafka nor LeadHit nor the clock. [Mapping.Decode] never panics and never returns an
// empty list, whatever the bytes are. A record that cannot be read becomes a refusal, and the caller writes a dead
// letter. An error from Decode has only one meaning: a schema cannot be looked up now. The caller waits and decodes the
// same record again.
//
// Subpackages: spec reads the YAML, tree reads JSON, schema decodes Avro and Protobuf, registry looks schemas up.
//
// # Promises
//
// An order id is opaque. A JSON string is passed on unchanged. A JSON integer literal is passed on as its digits,
// however many there are. Nothing is trimmed unless the mapping says so, no # or leading zero is removed, and no id is
// ever read as a float. A number below zero is refused, because it usually comes from an unsigned column that was read
// as signed. An id that cannot be passed on unchanged is refused, because two orders must not become one. The id is
// read last, because an ignored event needs none.
//
// A message never quotes a value from the payload. It says what kind of value was found, and where. There are two
// exceptions: the order id, and the fields that a rule's reason names. A refusal includes the order id if it could be
// read, and likewise the status. [Mapping.Explain] quotes fields.
//
// Memory is bounded. Values over 4 MiB and nesting beyond 512 levels are refused. The limit is 512 bytes for an order
// id and for a status, 64 KiB for any other field, and 1,000 orders for an event. The evaluation of a rule has a cost
// limit.
//
// # The file
//
// A file contains a list of mappings, or a single mapping without the list. A preset is such a file too:
//
//	version: 1
//	statuses: [submitted, paid]       # LeadHit's; this is the default
//	mappings:
//	- name: atelier                   # default: the preset's name
//	  preset: shopify                 # supplies everything that is not written here
//	  match: {topics: [shop.orders]}  # names, or one RE2 for the whole name; optional for a single mapping
//	  decode: json                    # or avro, protobuf
//	  schemas: [{id: 41, file: order.avsc}]  # beside this file; other ids are looked up by Options.Schemas
//	  unwrap: auto                    # or debezium
//	  each: $.orders[*]               # several orders in one event
//	  fields:
//	    order_id: {path: $.name, type: id}
//	    status:   {first_of: [{path: $.state}, {header: state}], normalize: [trim, lower]}
//	    test:     {path: $.test, type: bool}
//	  rules:
//	  - {when: 'test == true', then: ignore}
//	  status:
//	    submitted: [new]
//	    paid: [paid, "10"]
//	    ignore: [cancelled]
//	    otherwise: dead-letter        # or ignore, or pass: send the status as it is
//
// A field or a status list replaces the preset's of the same name as a whole. Rules replace all of the preset's rules.
// All mistakes in a file are reported at once, as a [spec.FileError]. A code is text, or an integer that every YAML
// library reads as the same number and writes unchanged; Y, no, 010 and 1e3 must be quoted. A code may be in one list
// only.
//
// # Envelopes
//
// Envelopes are opened in this sequence: Confluent framing; a byte order mark; JSON in a string; Connect's schema and
// payload; CloudEvents; Connect's envelope in a CloudEvent's data; Debezium. JSON in a string is opened once, and may
// be inside Connect's payload or a CloudEvent. Debezium is opened only if the mapping says so. A change event that
// Debezium's CloudEvents converter has taken apart is reassembled, so paths find op and source as if that converter
// were not in use. MongoDB's document, which is JSON in a string, is opened even inside another string. A value in
// MongoDB's Extended JSON, such as {"$numberLong": "17"}, is read as the value inside. A NUMERIC in Connect's envelope
// is read as its digits if the schema declares it. Other encodings are refused, and the message names them.
//
// A null value is a tombstone and is ignored, unless the record has the four ce_ headers of a CloudEvent, in which case
// it is an event without data. JSON null is ignored too.
//
// # Fields
//
// A field has one source:
//
//   - path, a singular query as defined by RFC 9535, in the unwrapped document, or in the item if the mapping has
//     "each";
//   - envelope, a path in the document that contained the unwrapped one, or in the whole document if there was no
//     envelope;
//   - header (names are case-insensitive); if several match, the last one is used;
//   - key, where $ is the whole key;
//   - ce, an attribute of the CloudEvent.
//
// Headers and keys are unquoted if they are JSON strings, and taken out of Connect's envelope. Instead of one source, a
// field may have several in first_of; null and "" are skipped. After that, extract keeps what its one group matches
// (null if nothing matches), normalize trims and lowercases, and pattern must match. The types:
//
//   - string, the default: a string, a number as written, a bool.
//   - id, the type of order_id: a string or an integer literal.
//   - bool: true, false, 1 or 0, quoted or not.
//   - number: a number or a numeric string. Rules compare it as a double.
//   - present: true unless absent, null or "".
//   - time, the default type of event_time: RFC 3339, or layout (Go's), or unix: s, ms or us; zone for values without a
//     zone. A time that is unreadable or not in the years 2000 to 9999 counts as null. The record's time, if it is in
//     those years, replaces a null event_time.
//
// Anything else is a field error. The names order_id, status, event_time, event_id and version have a special meaning.
//
// # Rules
//
// Rules are CEL expressions over the declared fields. A field has a value of its type or is null; only a field of type
// present is never null. The first rule that is true determines the result; the lists are used only if no rule is true.
// A field error refuses the event at the first rule that names the field, and has no effect on other rules. A rule that
// fails refuses the event too. The usual reason is a null field in a comparison such as < or >=. The message names that
// field, and lists its sources if it is absent. If the path in "each" finds no list, a rule may still ignore or refuse
// the event, provided that its result does not depend on the items.
//
// Rules have two functions in addition to CEL's own. absent(field) is true if no source of the field has anything, not
// even null. covers(paid, due) is true if paid is at least due, or falls short of due by less than half a cent (0.005).
// covers fails if either is null. A path finds only one value, so a rule cannot add up a list of payments.
//
// The reason of a rule becomes the message. In a reason, {field} stands for the field's text in quotes, cut to 80
// bytes. By naming the field, the author permits its content to appear in letters and logs.
//
// # Causes
//
// NotJSON, DuplicateName, EmptyValue, TooLarge, TooDeep, UnsupportedEncoding, UnknownSchema, NotDecodable, NotAList and
// TooManyOrders concern the value. MissingOrderID, BadOrderID, MissingStatus, UnknownStatus and FieldError concern a
// field. RuleRefused and RuleCost concern a rule. Causes are metric labels and never change.
package mapping
