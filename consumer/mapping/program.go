package mapping

import (
	"regexp"
	"sync"
	"time"

	"leadhit-sync/consumer/mapping/schema"
	"leadhit-sync/consumer/mapping/spec"
	"leadhit-sync/consumer/mapping/tree"
)

// A program is one mapping, compiled. It never changes once it runs.
type program struct {
	name        string
	description string
	encoding    encoding
	debezium    bool
	each        bool
	eachText    string
	lookup      schema.Lookup // nil where the encoding needs none

	plan       tree.Plan
	markers    markers
	headers    headerPlan
	attributes []debeziumAttribute // op first, then the members of source; empty without unwrap: debezium
	list       int                 // the slot of the list, with each
	listPath   tree.Path

	fields    []field
	index     map[string]int // of the fields, by name
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

// none is the index of a field that the mapping does not declare, and of a slot that nobody reads.
const none = -1

// A verdict is what a rule or a list says.
type verdict struct {
	action verdictKind
	status string // of a call
	by     string // what said so: rules[0], status.paid, otherwise
	text   string // of the rule, behind the name and a colon
	reason reason
}

type verdictKind uint8

const (
	sayRefuse verdictKind = iota
	sayCall
	sayIgnore
	sayPass // the status as it stands
)

type codeList struct {
	status string
	codes  []spec.Text
}

// A field is one declared field.
type field struct {
	at      spec.Place
	name    string
	sources []source
	firstOf bool
	kind    fieldKind
	extract *regexp.Regexp
	// Some extract, of the field or of a source, takes a part of the text.
	extracts bool
	trim     bool
	lower    bool
	pattern  *regexp.Regexp
	time     timeFormat
	limit    int  // bytes of the text
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

// String returns the type as the language names it.
func (k fieldKind) String() string {
	return spec.Types()[k]
}

type timeFormat struct {
	layout string         // Go's; empty for RFC 3339
	unit   time.Duration  // of a count since 1970; 0 for text
	zone   *time.Location // of a text without one; nil where it must have one
}

// A source is one place where a field's value may stand.
type source struct {
	kind sourceKind
	slot int
	name string // of the header or the attribute
	path tree.Path
	plan *tree.Plan // of a key that is read as JSON
	// The slots by which Connect's envelope around a key is known.
	keySchema, keyPayload int
	extract               *regexp.Regexp
	text                  string // as it is written, for people
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
