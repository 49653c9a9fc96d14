package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// method is the only method that the sandbox executes.
const method = "set_order_status"

// request is a parsed call.
type request struct {
	id            []byte // JSON, as received; nil if it could not be read
	name          string // the id as text, for the call log
	order, status string
	stray         bool // a call to a method that does not exist
	// fault is the node's error about the request itself, and answer is the request's outcome in the call log.
	fault  *rpcError
	answer Answer
}

type rpcError struct {
	Code    int        `json:"code"`
	Message string     `json:"message"`
	Data    *errorData `json:"data,omitempty"`
}

// errorData is an exception as the Python package json-rpc describes it.
type errorData struct {
	Type    string   `json:"type"`
	Message string   `json:"message"`
	Args    []string `json:"args"`
}

func validationError(message string) *rpcError {
	return &rpcError{Code: -32000, Message: "Server error", Data: &errorData{
		Type: "ValidationError", Message: message, Args: []string{message},
	}}
}

func invalidParams(missing string) *rpcError {
	message := "set_order_status() missing 1 required positional argument: '" + missing + "'"
	return &rpcError{Code: -32602, Message: "Invalid params", Data: &errorData{
		Type: "TypeError", Message: message, Args: []string{message},
	}}
}

// parseRequest reads a call. It does not keep the body.
func parseRequest(body []byte) *request {
	c := &request{answer: Accepted}
	if !c.parseFast(body) {
		c.parse(body)
	}
	if c.fault == nil && c.status != "paid" && c.status != "submitted" {
		c.answer, c.fault = Refused, validationError("Possible statuses: paid, submitted")
	}
	return c
}

// parseFast reads the form that most clients send: four members in the specification's order, without escapes and
// white space. This keeps the sandbox's own cost out of benchmarks.
func (c *request) parseFast(body []byte) bool {
	id, rest, ok1 := quoted(body, `{"jsonrpc":"2.0","id":`)
	order, rest, ok2 := quoted(rest, `,"method":"`+method+`","params":{"order_id":`)
	status, rest, ok3 := quoted(rest, `,"status":`)
	if !ok1 || !ok2 || !ok3 || string(rest) != "}}" {
		return false
	}
	// The name and the order share one string, because the call log keeps both.
	all := string(id) + string(order)
	c.name, c.order = all[1:len(id)-1], all[len(id)+1:len(all)-1]
	c.id = []byte(all[:len(id)])
	// Constants for the two usual statuses save an allocation per call in the log.
	switch string(status) {
	case `"paid"`:
		c.status = "paid"
	case `"submitted"`:
		c.status = "submitted"
	default:
		c.status = string(status[1 : len(status)-1])
	}
	return true
}

// quoted returns the plain JSON string after prefix at the start of text, with its quotes, and the rest of text.
func quoted(text []byte, prefix string) (value, rest []byte, ok bool) {
	if len(text) < len(prefix)+2 || string(text[:len(prefix)]) != prefix || text[len(prefix)] != '"' {
		return nil, nil, false
	}
	text = text[len(prefix):]
	for i := 1; i < len(text); i++ {
		switch b := text[i]; {
		case b == '"':
			return text[:i+1], text[i+1:], true
		case b == '\\', b < ' ', b > 0x7e:
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// parse reads any JSON-RPC request, and finds its faults in the order in which the server does.
func (c *request) parse(body []byte) {
	c.answer = Invalid
	if !json.Valid(body) {
		c.fault = &rpcError{Code: -32700, Message: "Parse error"}
		return
	}
	var r struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Method  string          `json:"method"`
		Params  json.RawMessage `json:"params"`
	}
	if json.Unmarshal(body, &r) != nil || r.Version != "2.0" || r.Method == "" || len(r.ID) == 0 {
		c.fault = &rpcError{Code: -32600, Message: "Invalid Request"}
		return
	}
	c.id = r.ID
	// JSON-RPC also allows numbers and null as ids.
	if json.Unmarshal(r.ID, &c.name) != nil {
		c.name = string(r.ID)
	}
	if r.Method != method {
		c.stray = true
		c.fault = &rpcError{Code: -32601, Message: "Method not found"}
		return
	}
	if missing := c.parseParams(r.Params); missing != "" {
		c.fault = invalidParams(missing)
		return
	}
	c.answer = Accepted
}

// parseParams reads the parameters, by name or by position. It returns the name of a parameter that is missing or not a
// string.
func (c *request) parseParams(params json.RawMessage) (missing string) {
	var order, status *string
	if bytes.HasPrefix(bytes.TrimSpace(params), []byte("[")) {
		var list []*string
		if json.Unmarshal(params, &list) == nil && len(list) == 2 {
			order, status = list[0], list[1]
		}
	} else {
		var named struct {
			Order  *string `json:"order_id"`
			Status *string `json:"status"`
		}
		if json.Unmarshal(params, &named) == nil {
			order, status = named.Order, named.Status
		}
	}
	if order != nil {
		c.order = *order
	}
	if status != nil {
		c.status = *status
	}
	switch {
	case order == nil:
		return "order_id"
	case status == nil:
		return "status"
	}
	return ""
}

// appendAnswer appends the JSON-RPC response.
func (p *plan) appendAnswer(dst []byte, c *request) []byte {
	id := c.id
	switch {
	case p.answer == WrongID:
		id = []byte(`"another-call"`)
	case id == nil:
		id = []byte("null")
	}
	if p.fault == nil {
		dst = append(dst, `{"result":true,"id":`...)
	} else {
		text, err := json.Marshal(p.fault)
		if err != nil {
			text = fmt.Appendf(nil, `{"code":%d,"message":"Server error"}`, p.fault.Code)
		}
		dst = append(append(append(dst, `{"error":`...), text...), `,"id":`...)
	}
	return append(append(dst, id...), `,"jsonrpc":"2.0"}`...)
}
