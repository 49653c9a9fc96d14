package mapping

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping/tree"
)

// openDebezium opens a change event, but only if the mapping says unwrap: debezium, because an order may happen to have
// members with the same names. A record without a change, such as transaction metadata, has no row.
func (r *run) openDebezium() *event.Item {
	if !r.program.debezium || r.scan.Kind() == 'n' {
		return nil
	}
	m := &r.program.markers
	change := r.scan.At(m.op) != nil && r.scan.At(m.source) != nil
	if !change && r.inCloudEvent() && (r.scan.At(m.before) != nil || r.scan.At(m.after) != nil) {
		if out := r.layer(r.changeOfCloudEvent()); out != nil {
			return out
		}
		change = true
	}
	if !change {
		return r.inner("", nil)
	}
	after := r.scan.At(m.after)
	if tree.KindOf(after) == 'n' {
		after = nil
	}
	if update := r.scan.At(m.updateDescription); after == nil && tree.KindOf(update) == '{' {
		r.hint = "a MongoDB update came without its document: set capture.mode=change_streams_update_full in Debezium"
	}
	r.below = append(r.below, "after")
	if out := r.inner(envelopeDebezium, after); out != nil || tree.KindOf(after) != '"' {
		return out
	}
	r.inString = false // MongoDB's document is JSON in a string, even inside another string
	return r.openString()
}

// inCloudEvent reports whether a CloudEvent in either mode was opened.
func (r *run) inCloudEvent() bool {
	return r.binary || len(r.ce) > 0
}

// A debeziumAttribute is an attribute that Debezium's CloudEvents converter makes from a member of the change event.
// Its name is debeziumPrefix followed by the member's name in lower case, without _.
type debeziumAttribute struct {
	name string // of the attribute
	slot int    // in the plan of the whole document, if the CloudEvent is structured
}

const (
	debeziumPrefix = "iodebezium"
	debeziumOp     = debeziumPrefix + "op"
)

// sourceMembers returns the members of Debezium's source for all databases. The list is needed because an attribute's
// name has neither capitals nor _, so the member's name cannot be derived from it.
func sourceMembers() []string {
	return []string{
		// All databases.
		"version", "connector", "name", "ts_ms", "ts_us", "ts_ns", "snapshot", "db", "sequence", "schema", "table",
		"txId", "lsn", "xmin", "origin", // PostgreSQL
		"server_id", "gtid", "file", "pos", "row", "thread", "query", // MySQL and MariaDB
		"rs", "collection", "ord", "h", "lsid", "txnNumber", "wallTime", // MongoDB
		"change_lsn", "commit_lsn", "event_serial_no", // SQL Server, Db2
		"scn", "commit_scn", "lcr_position", "rs_id", "ssn", "redo_thread", "user_name", "row_id", // Oracle
	}
}

// debeziumAttributes adds the converter's attributes to the plan.
func debeziumAttributes(plan *tree.Plan) []debeziumAttribute {
	members := append([]string{"op"}, sourceMembers()...)
	all := make([]debeziumAttribute, len(members))
	for i, member := range members {
		name := debeziumPrefix + string(bytes.ToLower(bytes.ReplaceAll([]byte(member), []byte("_"), nil)))
		all[i] = debeziumAttribute{name: name, slot: plan.Add(tree.Member(name))}
	}
	return all
}

// changeOfCloudEvent restores the change event that the CloudEvents converter took apart. The converter left before and
// after in the data and turned the rest into attributes. With the event restored, a mapping reads a change in the same
// way, whichever converter wrote it.
func (r *run) changeOfCloudEvent() []byte {
	m := &r.program.markers
	or := func(text []byte, otherwise string) []byte {
		if text == nil {
			return []byte(otherwise)
		}
		return text
	}
	out := append([]byte(`{"before":`), or(r.scan.At(m.before), "null")...)
	out = append(append(out, `,"after":`...), or(r.scan.At(m.after), "null")...)
	op := r.scan.At(m.op)
	attributes := r.program.attributes
	if op == nil {
		op = r.attribute(attributes[0])
	}
	if op == nil {
		r.hint = "the CloudEvent has no attribute " + debeziumOp +
			": set extension.attributes.enable=true in Debezium's converter"
	} else {
		out = append(append(out, `,"op":`...), op...)
	}
	if source := r.scan.At(m.source); source != nil {
		return append(append(append(out, `,"source":`...), source...), '}')
	}
	out = append(out, `,"source":{`...)
	for i, member := range sourceMembers() {
		if text := r.attribute(attributes[i+1]); text != nil {
			if out[len(out)-1] != '{' {
				out = append(out, ',')
			}
			out = append(append(out, `"`+member+`":`...), text...)
		}
	}
	return append(out, "}}"...)
}

// attribute returns an attribute of the CloudEvent as JSON, or nil.
func (r *run) attribute(a debeziumAttribute) []byte {
	if !r.binary {
		return r.ce[a.slot]
	}
	value := r.header("ce_" + a.name)
	if !value.plain {
		return value.text
	}
	quoted, err := jsontext.AppendQuote(nil, value.text)
	if err != nil {
		return nil // not UTF-8
	}
	return quoted
}
