package leadhit

import "github.com/go-json-experiment/json/jsontext"

// appendCall appends the JSON-RPC request. If JSON cannot carry the call, or LeadHit could not understand it, the error
// is an *unsendableError.
func appendCall(dst []byte, call Call) ([]byte, error) {
	const frame = `{"jsonrpc":"2.0","id":,"method":"set_order_status","params":{"order_id":,"status":}}`
	if dst == nil {
		// Two quotes for each value, and some space for escapes.
		dst = make([]byte, 0, len(frame)+len(call.ID)+len(call.OrderID)+len(call.Status)+16)
	}
	for _, part := range [...]struct{ before, name, value string }{
		{`{"jsonrpc":"2.0","id":`, "call id", call.ID},
		{`,"method":"` + Method + `","params":{"order_id":`, "order id", call.OrderID},
		{`,"status":`, "status", call.Status},
	} {
		if part.value == "" {
			return nil, &unsendableError{Reason: "the " + part.name + " is empty"}
		}
		dst = append(dst, part.before...)
		var err error
		if dst, err = jsontext.AppendQuote(dst, part.value); err != nil {
			// With U+FFFD in place of the broken bytes, the id would name a different order.
			return nil, &unsendableError{Reason: "the " + part.name + " is not UTF-8"}
		}
	}
	return append(dst, "}}"...), nil
}
