package mapping

import (
	"errors"
	"strings"

	"leadhit-sync/consumer/event"
)

// decide returns the item for one order. The rules come first, then the status lists, then the mapping's "otherwise".
func (r *run) decide() event.Item {
	for i := range r.program.rules {
		rule := &r.program.rules[i]
		if bad := r.flawed(rule); bad != nil {
			return r.refuse(rule.then.by, causeFieldError, rule.then.by+": "+bad.problem)
		}
		yes, err := rule.eval(r)
		switch {
		case errors.Is(err, errCost):
			return r.refuse(rule.then.by, causeRuleCost, rule.then.by+" takes too long for this event")
		case err != nil:
			return r.refuse(rule.then.by, causeFieldError, rule.then.by+" fails: "+r.nulls(rule))
		case yes:
			return r.say(rule.then)
		}
	}
	return r.byStatus()
}

// byStatus returns the item that the status lists prescribe, or else the mapping's "otherwise".
func (r *run) byStatus() event.Item {
	p := r.program
	if p.status == none {
		if p.otherwise.action == sayIgnore {
			return r.say(p.otherwise)
		}
		return r.refuse(p.otherwise.by, causeMissingStatus, "no rule matches, and the mapping has no field named status")
	}
	v := r.value(p.status)
	switch {
	case v.state == stateFlawed:
		return r.refuse("fields.status", causeFieldError, v.problem)
	case v.state == stateNull:
		return r.refuse("fields.status", causeMissingStatus, r.lacks(p.status))
	// A field without first_of may have empty text; first_of skips empty text.
	case v.text == "":
		return r.refuse("fields.status", causeMissingStatus, "status is an empty string")
	}
	// A code in a list takes precedence over "otherwise: pass", so that lists can make exceptions.
	if found, ok := p.codes[v.text]; ok {
		return r.say(found)
	}
	if p.otherwise.action == sayRefuse {
		return r.refuse(p.otherwise.by, causeUnknownStatus, "the status is in no list")
	}
	return r.say(p.otherwise)
}

// say turns a verdict into an item. The order id is read last, because only a call needs it.
func (r *run) say(v verdict) event.Item {
	switch v.action {
	case sayIgnore:
		return r.decidedBy(*ignored(r.because(v.reason)), v.by)
	case sayRefuse:
		return r.refuse(v.by, causeRuleRefused, r.because(v.reason))
	case sayPass:
		v.status = r.value(r.program.status).text
	case sayCall:
	}
	id := r.value(r.program.orderID)
	out := event.Item{Action: event.Call, OrderID: id.text, Status: v.status}
	if id.state != statePresent {
		out = event.Item{
			Action: event.Refuse, Status: v.status, Cause: causeMissingOrderID,
			Message: r.hinted(causeMissingOrderID, r.lacks(r.program.orderID)),
		}
	}
	if id.state == stateFlawed {
		out.Cause, out.Message = causeBadOrderID, id.problem
	}
	return r.decidedBy(out, v.by)
}

// refuse returns a refusal with the order id if it could be read, and with the status if it could be read.
func (r *run) refuse(by, cause, message string) event.Item {
	out := *refused(cause, r.hinted(cause, message))
	if i := r.program.orderID; i != none && r.value(i).state == statePresent {
		out.OrderID = r.value(i).text
	}
	if i := r.program.status; i != none && r.value(i).state == statePresent {
		out.Status = r.value(i).text
	}
	return r.decidedBy(out, by)
}

// flawed returns the first unreadable field of a rule, or nil. If such a field were treated as null, the rule could
// report a paid order as submitted.
func (r *run) flawed(rule *rule) *value {
	for _, i := range rule.reads {
		if r.noItem && r.program.fields[i].item {
			continue
		}
		if v := r.value(i); v.state == stateFlawed {
			return v
		}
	}
	return nil
}

// nulls returns a message that names the first null field of a rule. A null field is the usual reason why a rule fails.
func (r *run) nulls(rule *rule) string {
	for _, i := range rule.reads {
		if v := r.value(i); v.state == stateNull {
			return r.lacks(i)
		}
	}
	return "it cannot be evaluated with these values"
}

// lacks returns why a field has no value. For an absent field it lists the sources that were searched, so that the
// author can compare them with the event.
func (r *run) lacks(i int) string {
	v := r.value(i)
	if !v.absent {
		return v.problem
	}
	return shorten(v.problem+": "+r.program.fields[i].lookedFor(), maxMessage)
}

// lookedFor returns the sources of a field as text, such as "no path $.due, no header due".
func (f *field) lookedFor() string {
	var places []string
	for i := range f.sources {
		places = append(places, f.sources[i].text)
	}
	return "no " + strings.Join(places, ", no ")
}
