package mapping

import (
	"regexp"
	"sync"
	"time"

	"leadhit-sync/consumer/mapping/schema"
	"leadhit-sync/consumer/mapping/spec"
	"leadhit-sync/consumer/mapping/tree"
)

// A program is one compiled mapping. It does not change after compiling, so any number of runs can share it.
type program struct {
	name        string
	description string
	encoding    encoding
	debezium    bool
	each        bool
	eachText    string
	lookup      schema.Lookup // nil if the encoding needs none

	plan       tree.Plan
	markers    markers
	headers    headerPlan
	attributes []debeziumAttribute // op first, then the members of source; empty without unwrap: debezium
	list       int                 // the slot of the list of orders, or none
	listPath   tree.Path

	fields    []field
	index     map[string]int // of each field, by name
	orderID   int            // index of the field, or none
	status    int
	rules     []rule
	codes     map[string]verdict
	lists     []codeList // for Check
	otherwise verdict
	findings  spec.Problems // valid but probably unintended parts, for Check

	runs sync.Pool // of *run
}

type encoding uint8

const (
	encodingJSON encoding = iota
	encodingAvro
	encodingProtobuf
)

// none stands for the index of a field, slot or current item that does not exist.
const none = -1

// A verdict is the result that a rule or a list prescribes.
type verdict struct {
	action verdictKind
	status string // of a call
	by     string // the deciding part: rules[0], status.paid, status.otherwise
	text   string // rules[0] with the text of the rule, for human readers
	reason reason
}

type verdictKind uint8

const (
	sayRefuse verdictKind = iota
	sayCall
	sayIgnore
	sayPass // send the status as it is
)

type codeList struct {
	status string
	codes  []spec.Text
}

// A field is one compiled field.
type field struct {
	at      spec.Place
	name    string
	missing string // the problem if no source has a value
	sources []source
	firstOf bool
	kind    fieldKind
	extract *regexp.Regexp
	// extracts is true if the field or one of its sources has an extract. The limit then applies to the extracted part,
	// and maxField to the whole text.
	extracts bool
	trim     bool
	lower    bool
	pattern  *regexp.Regexp
	time     timeFormat
	limit    int  // of the text, in bytes
	item     bool // read from an item of the list
}

// A fieldKind is a field's type, in the order of [spec.Types].
type fieldKind uint8

const (
	kindString fieldKind = iota
	kindID
	kindBool
	kindNumber
	kindPresent
	kindTime
)

// String returns the type as a mapping names it.
func (k fieldKind) String() string {
	return spec.Types()[k]
}

type timeFormat struct {
	layout string         // in Go's form; empty for RFC 3339
	unit   time.Duration  // of a count since 1970; 0 for a time written as text
	zone   *time.Location // for a time without a zone; nil if the time must have one
}

// A source is one place where a field's value may be found.
type source struct {
	kind sourceKind
	slot int
	name string // of the header or the attribute
	path tree.Path
	plan *tree.Plan // of a key that is read as JSON
	// keySchema and keyPayload are the slots that identify Connect's envelope around a key.
	keySchema, keyPayload int
	extract               *regexp.Regexp
	text                  string // as the mapping writes it, for messages and reports
}

type sourceKind uint8

const (
	fromPath sourceKind = iota
	fromItem
	fromEnvelope
	fromHeader
	fromKey
	fromCE
)
