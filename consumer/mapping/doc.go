// Package mapping turns one Kafka record into the status changes that it asks for, by a declaration in YAML.
//
// A record goes in, a list of outcomes comes out: call LeadHit with an order id and a status, ignore, or refuse with a
// cause. Each record is judged alone and the same way each time: the package holds no state between records, starts no
// goroutine, and knows neither Kafka nor LeadHit nor the clock. [Mapping.Decode] never panics on any bytes and never
// returns an empty list: what cannot be read becomes a refusal, and the caller makes a dead letter of it. Its error means
// one thing only: a schema that cannot be had at the moment. The caller waits and decodes the same record again.
//
// # What it promises
//
// An order id is opaque. A JSON string is passed on unchanged, a JSON integer literal as its digits, however many: no
// trimming, no stripping of # or zeros unless the mapping says so, never through a float. A number below zero is no id:
// it is an unsigned column that somebody read as signed. What cannot be passed on
// unchanged is refused, for two orders must not become one. The id is asked for last: what is ignored needs none.
//
// A message never quotes the payload: it says what kind of thing was found and where. There are two exceptions: the order
// id, and fields that the reason of a rule names. A refusal carries the order id and the status as far as they could be
// read. [Mapping.Explain] quotes fields.
//
// Memory is bounded: a value over 4 MiB and a depth over 512 are refused, an order id and a status have 512 bytes at
// most, any other field 64 KiB, an event 1,000 orders, a rule a limit of CEL's cost.
//
// # The file
//
// A file holds several mappings, or one alone without the list, which is also how a preset may be written:
//
//	version: 1
//	statuses: [submitted, paid]       # LeadHit's; this is the default
//	mappings:
//	- name: atelier                   # default: the preset's name
//	  preset: shopify                 # what is not written here is taken from there
//	  match: {topics: [shop.orders]}  # names, or one RE2 for the whole name; a mapping alone may leave it out
//	  decode: json                    # or avro, protobuf
//	  schemas: [{id: 41, file: order.avsc}]  # beside this file; other ids are asked of Options.Schemas
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
//	    otherwise: dead-letter        # or ignore, or pass: the status as it stands
//
// Over its preset a mapping replaces a field whole, a status list whole, the rules whole. Every mistake of a file is told
// at once, see [FileError]. A code is text, or an integer that every YAML reader writes alike; Y, no, 010 and 1e3 must be
// quoted. A code stands in one list only.
//
// # Envelopes
//
// Opened in this order: Confluent framing, a byte order mark, JSON text, JSON in a string (once, and also where it turns
// up within one of the following), Connect's schema and payload, CloudEvents, Connect's envelope in a CloudEvent's data;
// Debezium only where the mapping says so. What Debezium's CloudEvents converter takes apart is put together again: op
// and source stand where they stand without it. MongoDB's document is JSON in a string, whatever else was one. A value of
// its Extended JSON, such as {"$numberLong": "17"}, is what stands inside. A NUMERIC in Connect's envelope is its digits,
// where the schema says that it is one. A value in a form that is not read is refused by its name. A null value is a
// tombstone, to be ignored, unless the record has the four ce_ headers of a CloudEvent: then it is an event without
// data. JSON null is ignored too.
//
// # Fields
//
// A field has one source: path, a singular path of RFC 9535 in what is left after unwrapping, or in the item with each;
// envelope, a path in the document that the last envelope was taken off, or in the whole document where there was none;
// header, in any case, the last of several; key, where $ is the whole key; ce, an attribute of the CloudEvent. Headers and
// keys are unquoted where they are JSON strings, and taken out of Connect's envelope. Or a field has first_of several
// sources, of which null and "" are passed over. Then extract takes what its one group matches (no match: absent), normalize trims
// and lowers, pattern must match. The types:
//
//   - string, the default: a string, a number as written, a bool.
//   - id, the type of order_id: a string or an integer literal.
//   - bool: true, false, 1 and 0, quoted too.
//   - number: a number, or a string that is one. Rules compare it as a double.
//   - present: true unless absent, null or "".
//   - time, the default of event_time: RFC 3339, or layout (Go's), or unix: s, ms or us; zone for texts without one.
//     Unreadable or before 2000 is absent; for event_time the record's time stands in.
//
// Anything else is a field error. The names order_id, status, event_time, event_id and version have a meaning.
//
// # Rules
//
// Rules are CEL over the declared fields, each of its type or null; only a field of type present is never null. The first
// that is true decides, before any list is asked. A field error refuses the event at the first rule that names the field,
// and does nothing to other rules. A rule that fails, usually because a field is null where it compares sizes, refuses
// too, and says where the field was looked for. Where each finds no list, rules that are true or false whatever the items are may still ignore or refuse.
//
// Two functions are the language's own. absent(field) is true where nothing stands at any source of the field, not even
// null. covers(paid, due) is true where the first amount pays the second, short of it by less than half a cent, 0.005; it
// fails where either is null. A path leads to one value, so a rule cannot add up a list of payments.
//
// The reason of a rule becomes the message. {field} in it stands for the field's text in quotes, at most 80 bytes of it:
// the author decides that it may be shown.
//
// # Causes
//
// NotJSON, DuplicateName, EmptyValue, TooLarge, TooDeep, UnsupportedEncoding, UnknownSchema, NotDecodable, NotAList and
// TooManyOrders speak of the value; MissingOrderID, BadOrderID, MissingStatus, UnknownStatus and FieldError of a field;
// RuleRefused and RuleCost of a rule. They are metric labels: the names stay.
package mapping
