package mapping

import (
	"context"
	"fmt"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping/tree"
)

// The causes of a refusal, see the package comment.
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

// Causes returns the causes that a refusal may have, of which the package comment speaks.
func Causes() []string {
	return []string{
		causeNotJSON, causeDuplicateName, causeEmptyValue, causeTooLarge, causeTooDeep, causeUnsupportedEncoding, causeUnknownSchema,
		causeNotDecodable, causeNotAList, causeTooManyOrders, causeMissingOrderID, causeBadOrderID, causeMissingStatus,
		causeUnknownStatus, causeFieldError, causeRuleRefused, causeRuleCost,
	}
}

// maxMessage bounds a message, in bytes.
const maxMessage = 256

// maxBy bounds what decided, in bytes: a rule may be long.
const maxBy = 512

// Decode says what the record asks for: at least one outcome, each for one order, in the order of the event. The error
// is only ever a schema that cannot be had now: the same record may be decoded later. Everything else is an outcome.
func (m *Mapping) Decode(ctx context.Context, record event.Record) ([]Outcome, error) {
	return m.decode(ctx, &record, nil)
}

func (m *Mapping) decode(ctx context.Context, record *event.Record, trace *Explanation) ([]Outcome, error) {
	p := m.program(record.Topic)
	if p == nil {
		out := refused(causeNotDecodable, "no mapping is for this topic")
		out.By = byTopics
		return []Outcome{*out}, nil
	}
	if trace != nil {
		trace.Mapping = p.name
	}
	r, _ := p.runs.Get().(*run)
	defer r.release()
	r.record, r.trace = record, trace
	return r.outcomes(ctx)
}

// A run is the decoding of one record. It is used again for the next one.
type run struct {
	program *program
	record  *event.Record
	scan    *tree.Scanner
	keyScan *tree.Scanner
	trace   *Explanation

	doc         []byte // the innermost document
	contentType string
	framed      bool
	binary      bool   // a CloudEvent in headers
	inString    bool   // a string was opened
	lossy       bool   // the string's text had to be repaired
	absent      bool   // there is an event but no body
	hint        string // why something is missing, where that is known
	// connectSchema is the schema in Connect's envelope; below are the members that were opened below its payload.
	connectSchema []byte
	below         []string
	envelope      [][]byte // the slots of the document before the last one; empty where there is none
	ce            [][]byte // those of the CloudEvent

	item    int // the item that is looked at, or none
	noItem  bool
	values  []value
	scratch []byte
}

func newRun(p *program) *run {
	return &run{
		program: p, scan: new(tree.Scanner), keyScan: new(tree.Scanner),
		values: make([]value, len(p.fields)), item: none,
	}
}

// release lets go of the record's bytes.
func (r *run) release() {
	r.scan.Release()
	r.keyScan.Release()
	clear(r.values)
	clear(r.envelope[:cap(r.envelope)])
	clear(r.ce[:cap(r.ce)])
	*r = run{
		program: r.program, scan: r.scan, keyScan: r.keyScan, values: r.values, envelope: r.envelope[:0], ce: r.ce[:0],
		scratch: r.scratch[:0], below: r.below[:0], item: none,
	}
	r.program.runs.Put(r)
}

func (r *run) outcomes(ctx context.Context) ([]Outcome, error) {
	out, err := r.open(ctx)
	switch {
	case err != nil:
		return nil, err
	case out != nil:
		return []Outcome{r.told(*out, byValue)}, nil
	case r.program.each:
		return r.items(), nil
	}
	return []Outcome{r.decide()}, nil
}

// items decides each item of the list by itself.
func (r *run) items() []Outcome {
	var list []byte
	if !r.absent {
		list = r.scan.At(r.program.list)
	}
	n := r.scan.Items()
	switch {
	case tree.KindOf(list) != '[':
		return []Outcome{r.withoutList(list)}
	case n == 0:
		return []Outcome{r.told(*ignored("a list without orders"), r.program.eachText)}
	case n > tree.MaxItems:
		out := refused(causeTooManyOrders, fmt.Sprintf("the event names %d orders, more than %d", n, tree.MaxItems))
		return []Outcome{r.told(*out, r.program.eachText)}
	}
	all := make([]Outcome, n)
	for i := range all {
		r.item = i
		clear(r.values)
		all[i] = r.decide()
	}
	return all
}

// withoutList decides an event that has no list of orders: a rule may ignore or refuse it by what stands outside the
// list, whatever the items would be.
func (r *run) withoutList(list []byte) Outcome {
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
	return r.told(*out, r.program.eachText)
}

func refused(cause, message string) *Outcome {
	return &Outcome{Action: Refuse, Cause: cause, Message: shorten(message, maxMessage)}
}

func ignored(message string) *Outcome {
	return &Outcome{Action: Ignore, Message: message}
}
