package mapping

import (
	"context"
	"strconv"
	"time"

	"leadhit-sync/consumer/event"
)

// Explanation shows how one record was decoded, step by step. Unlike a message, it quotes the fields' values.
type Explanation struct {
	// Mapping is the name of the mapping that matches the record's topic.
	Mapping string `json:"mapping"`
	// Envelopes names the envelopes that were opened, the outermost first.
	Envelopes []string `json:"envelopes"`
	// Orders are the orders of the event, at least one.
	Orders []ExplainedOrder `json:"orders"`
}

// ExplainedOrder is one order of an event.
type ExplainedOrder struct {
	// Fields are all declared fields, in the order of declaration. There are none if DecidedBy is the value itself or
	// match.topics.
	Fields []ExplainedField `json:"fields,omitempty"`
	// DecidedBy names the deciding part: rules[1], status.paid, status.otherwise, a field, the path in "each",
	// match.topics, or the value itself.
	DecidedBy string `json:"decided_by"`
	// Rule is the text of the deciding part if it is a rule.
	Rule string `json:"rule,omitempty"`
	// Item is what Decode returns for the order.
	Item event.Item `json:"outcome"`
}

// ExplainedField is one field of one order.
type ExplainedField struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Value is nil if there is none, and Problem says why. For a field of type present, Problem says why it is false.
	Value *string `json:"value"`
	// Source is where the value was found, as the mapping writes it.
	Source string `json:"source,omitempty"`
	// Failed says that a value was found but cannot be used.
	Failed  bool   `json:"failed,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// Explain decodes a record as [Mapping.Decode] does, and returns each step.
func (m *Mapping) Explain(ctx context.Context, record event.Record) (Explanation, error) {
	e := Explanation{Envelopes: []string{}}
	items, err := m.decode(ctx, &record, &e)
	if err != nil {
		return Explanation{}, err
	}
	// If no mapping matches the topic, decode records no order, because no program runs.
	if len(e.Orders) == 0 {
		e.Orders = []ExplainedOrder{{DecidedBy: byTopics, Item: items[0]}}
	}
	return e, nil
}

func (r *run) found(envelope string) {
	if r.trace != nil {
		r.trace.Envelopes = append(r.trace.Envelopes, envelope)
	}
}

// decidedBy adds the deciding part of the mapping to an item, and records the order for Explain.
func (r *run) decidedBy(out event.Item, by string) event.Item {
	rule := r.program.ruleBy(by)
	if out.By = by; rule != nil {
		out.By = rule.then.text
	}
	if r.trace == nil {
		return out
	}
	o := ExplainedOrder{DecidedBy: by, Item: out}
	if rule != nil {
		o.Rule = rule.text
	}
	if by != byValue {
		for i := range r.program.fields {
			o.Fields = append(o.Fields, r.explained(i))
		}
	}
	r.trace.Orders = append(r.trace.Orders, o)
	return out
}

// ruleBy returns the deciding part if it is a rule, else nil.
func (p *program) ruleBy(by string) *rule {
	for i := range p.rules {
		if p.rules[i].then.by == by {
			return &p.rules[i]
		}
	}
	return nil
}

// byValue stands for a value that could not be read or contains no order, so the explanation has no fields. byTopics
// stands for a topic that no mapping matches.
const (
	byValue  = "the value"
	byTopics = "match.topics"
)

// explained returns a field as rules see it: a time or a bool after its conversion, not as it is in the event. A field
// of type present keeps its problem, because it is never null.
func (r *run) explained(i int) ExplainedField {
	f, v := &r.program.fields[i], r.value(i)
	e := ExplainedField{Name: f.name, Type: f.kind.String(), Problem: v.problem, Failed: v.state == stateFlawed}
	if v.source != nil {
		e.Source = v.source.text
	}
	if v.state != statePresent {
		return e
	}
	text := v.text
	switch f.kind {
	case kindTime:
		text = v.when.Format(time.RFC3339Nano)
		if v.source == nil {
			e.Source = "the record's time"
		}
	case kindPresent, kindBool:
		text = strconv.FormatBool(v.flag)
	case kindString, kindID, kindNumber:
	}
	e.Value = &text
	if f.kind != kindPresent {
		e.Problem = ""
	}
	return e
}
