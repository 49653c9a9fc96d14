package mapping

import (
	"context"
	"fmt"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping/tree"
)

// The causes of a refusal, which the package comment lists. They are metric labels and part of dead letters, so they
// never change.
const (
	causeNotJSON             = "NotJSON"
	causeDuplicateName       = "DuplicateName"
	causeEmptyValue          = "EmptyValue"
	causeTooLarge            = "TooLarge"
	causeTooDeep             = "TooDeep"
	causeUnsupportedEncoding = "UnsupportedEncoding"
	causeUnknownSchema       = "UnknownSchema"
	causeNotDecodable        = "NotDecodable"
	causeNotAList            = "NotAList"
	causeTooManyOrders       = "TooManyOrders"
	causeMissingOrderID      = "MissingOrderID"
	causeBadOrderID          = "BadOrderID"
	causeMissingStatus       = "MissingStatus"
	causeUnknownStatus       = "UnknownStatus"
	causeFieldError          = "FieldError"
	causeRuleRefused         = "RuleRefused"
	causeRuleCost            = "RuleCost"
)

// Causes returns all causes that a refusal may have. The package comment describes them.
func Causes() []string {
	return []string{
		causeNotJSON, causeDuplicateName, causeEmptyValue, causeTooLarge, causeTooDeep, causeUnsupportedEncoding,
		causeUnknownSchema, causeNotDecodable, causeNotAList, causeTooManyOrders, causeMissingOrderID, causeBadOrderID,
		causeMissingStatus, causeUnknownStatus, causeFieldError, causeRuleRefused, causeRuleCost,
	}
}

// maxMessage limits a message, in bytes. A message becomes a dead letter's header and part of a log line.
const maxMessage = 256

// maxBy limits the text of the deciding rule, in bytes.
const maxBy = 512

// Decode returns what the record asks for: one item for each order in the event, in the same sequence, and at least
// one. An error always means that a schema cannot be looked up now, so the same record can be decoded later. Any other
// failure becomes an item that refuses the event.
func (m *Mapping) Decode(ctx context.Context, record event.Record) ([]event.Item, error) {
	return m.decode(ctx, &record, nil)
}

// decode implements both Decode and Explain, so that an explanation cannot disagree with what a worker does. A trace
// costs time, so only Explain passes one.
func (m *Mapping) decode(ctx context.Context, record *event.Record, trace *Explanation) ([]event.Item, error) {
	p := m.program(record.Topic)
	if p == nil {
		out := refused(causeNotDecodable, "no mapping matches this topic")
		out.By = byTopics
		return []event.Item{*out}, nil
	}
	if trace != nil {
		trace.Mapping = p.name
	}
	r, _ := p.runs.Get().(*run)
	// Items contain copies of the text, so nothing points into the run after its release.
	defer r.release()
	r.record, r.trace = record, trace
	return r.decode(ctx)
}

// A run decodes one record. Runs are pooled, so that decoding a record allocates little.
type run struct {
	program *program
	record  *event.Record
	scan    *tree.Scanner
	keyScan *tree.Scanner
	trace   *Explanation

	doc         []byte // the innermost document, a part of record or of decoded text
	contentType string
	framed      bool
	binary      bool   // a CloudEvent in binary mode
	inString    bool   // JSON in a string was opened
	lossy       bool   // invalid UTF-8 in the string was replaced with U+FFFD
	absent      bool   // the event has no body
	hint        string // why something is missing, if known
	// connectSchema is the schema in Connect's envelope. below lists the members that were opened inside that envelope's
	// payload.
	connectSchema []byte
	below         []string
	envelope      [][]byte // the values in the document around the innermost one, by slot; empty if there is none
	ce            [][]byte // the values in a structured CloudEvent, by slot

	item    int  // the current item, or none
	noItem  bool // the list of items is missing
	values  []value
	scratch []byte
}

func newRun(p *program) *run {
	return &run{
		program: p, scan: new(tree.Scanner), keyScan: new(tree.Scanner),
		values: make([]value, len(p.fields)), item: none,
	}
}

// release drops all references to the record's bytes before the run goes back to the pool.
func (r *run) release() {
	r.scan.Release()
	r.keyScan.Release()
	clear(r.values)
	// Clear up to the capacity, because a slice that an earlier step shortened may hide references beyond its end.
	clear(r.envelope[:cap(r.envelope)])
	clear(r.ce[:cap(r.ce)])
	*r = run{
		program: r.program, scan: r.scan, keyScan: r.keyScan, values: r.values, envelope: r.envelope[:0], ce: r.ce[:0],
		scratch: r.scratch[:0], below: r.below[:0], item: none,
	}
	r.program.runs.Put(r)
}

// decode opens the envelopes and decides on each order.
func (r *run) decode(ctx context.Context) ([]event.Item, error) {
	out, err := r.open(ctx)
	switch {
	case err != nil:
		return nil, err
	case out != nil:
		return []event.Item{r.decidedBy(*out, byValue)}, nil
	case r.program.each:
		return r.items(), nil
	}
	return []event.Item{r.decide()}, nil
}

// items decides on each item in the list separately, so a broken item does not affect the others.
func (r *run) items() []event.Item {
	var list []byte
	if !r.absent {
		list = r.scan.At(r.program.list)
	}
	n := r.scan.Items()
	switch {
	case tree.KindOf(list) != '[':
		return []event.Item{r.withoutList(list)}
	case n == 0:
		return []event.Item{r.decidedBy(*ignored("a list without orders"), r.program.eachText)}
	case n > tree.MaxItems:
		out := refused(causeTooManyOrders, fmt.Sprintf("the event names %d orders, more than %d", n, tree.MaxItems))
		return []event.Item{r.decidedBy(*out, r.program.eachText)}
	}
	all := make([]event.Item, n)
	for i := range all {
		r.item = i
		// Fields of the whole document are reread for each item. There are few of them, and an error in one of them concerns
		// every order.
		clear(r.values)
		all[i] = r.decide()
	}
	return all
}

// withoutList decides on an event whose list of orders is missing. A rule may still ignore or refuse the event if the
// rule's result does not depend on the items, because a shop's other events in the same topic have no such list.
func (r *run) withoutList(list []byte) event.Item {
	r.noItem = true
	for i := range r.program.rules {
		rule := &r.program.rules[i]
		if r.flawed(rule) != nil {
			break
		}
		yes, err := rule.eval(r)
		if err != nil || yes && rule.then.action == sayCall {
			break
		}
		if yes {
			return r.say(rule.then)
		}
	}
	found := "missing"
	if list != nil {
		found = inWords(list)
	}
	out := refused(causeNotAList, r.hinted(causeNotAList, r.program.eachText+" is "+found+", not a list"))
	return r.decidedBy(*out, r.program.eachText)
}

func refused(cause, message string) *event.Item {
	return &event.Item{Action: event.Refuse, Cause: cause, Message: shorten(message, maxMessage)}
}

func ignored(message string) *event.Item {
	return &event.Item{Action: event.Ignore, Message: shorten(message, maxMessage)}
}
