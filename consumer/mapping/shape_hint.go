package mapping

import "bytes"

// hinted returns the message, followed by a hint that says why something is missing, if the event shows why. If both
// together are too long, the message is cut and not the hint, because the hint says what to change.
func (r *run) hinted(cause, message string) string {
	hint := r.hint
	switch cause {
	case causeMissingOrderID, causeMissingStatus, causeRuleRefused, causeNotAList:
		if hint == "" && !r.absent {
			hint = r.shapeHint()
		}
	case causeFieldError:
	default:
		return message
	}
	if hint == "" {
		return message
	}
	hint = "; " + hint
	return shorten(message, maxMessage-len(hint)) + hint
}

// shapeHint recognises events that need a different setting in the mapping or the producer, and names that setting.
func (r *run) shapeHint() string {
	m := &r.program.markers
	switch kind := r.scan.Kind(); {
	case kind == '[' && r.program.each:
		return "the event is itself a list: each: $[*] reads its items"
	case kind == '[':
		return "the event is a list: each: $[*] reads its items"
	case kind == '"':
		return "the event is a JSON string without an object: let the producer write the object itself"
	case kind != '{':
		return ""
	}
	if payload := r.scan.At(m.payload); bytes.HasPrefix(payload, []byte(`"{`)) {
		return "payload is JSON in a string: set table.expand.json.payload=true in Debezium's outbox router, " +
			"or write it as an object"
	}
	row := r.scan.At(m.before) != nil || r.scan.At(m.after) != nil
	if row && r.scan.At(m.op) != nil && r.scan.At(m.source) != nil && !r.program.debezium {
		return "this looks like a change event of Debezium: unwrap: debezium opens it"
	}
	return ""
}
