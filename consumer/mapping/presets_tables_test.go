package mapping_test

import (
	"slices"
	"strings"
)

// tables returns the presets for changes to an orders table.
func tables() []platform {
	return []platform{
		change("cdc-woocommerce", `{"id":%id%,"status":"%st%","type":"shop_order","payment_method":"stripe"}`, platform{
			submitted: []string{"wc-pending", "wc-on-hold"},
			paid:      []string{"wc-processing", "wc-completed"},
			ignore:    []string{"wc-cancelled", "wc-refunded", "wc-failed", "wc-checkout-draft", "auto-draft", "trash"},
			more: []variant{
				row("a refund", `{"id":740,"status":"wc-completed","type":"shop_order_refund","parent_order_id":729}`, "ignore"),
				row("a refund of cash on delivery", `{"id":740,"status":"wc-processing","type":"shop_order_refund","payment_method":"cod"}`, "ignore"),
				row("a subscription", `{"id":740,"status":"wc-completed","type":"shop_subscription"}`, "ignore"),
				row("a placeholder", `{"id":740,"status":"wc-completed","type":"shop_order_placehold"}`, "ignore"),
				row("no type", `{"id":740,"status":"wc-completed"}`, byRule),
				row("a type that nobody knows", `{"id":740,"status":"wc-completed","type":"shop_robot"}`, byRule),
				row("no method of payment", `{"id":1,"status":"wc-processing","type":"shop_order"}`, byRule),
				row("no method of payment, completed", `{"id":1,"status":"wc-completed","type":"shop_order"}`, "paid 1"),
				row("null for the method of payment, as of a free order", `{"id":1,"status":"wc-processing","type":"shop_order","payment_method":null}`, "paid 1"),
				row("cash on delivery", `{"id":1,"status":"wc-processing","type":"shop_order","payment_method":"cod"}`, "submitted 1"),
				row("cash on delivery, completed", `{"id":1,"status":"wc-completed","type":"shop_order","payment_method":"cod"}`, "paid 1"),
				row("the names of the REST API", `{"id":1,"status":"processing","type":"shop_order"}`, unknownStatus),
			},
		}),
		change("cdc-opencart", `{"order_id":%id%,"order_status_id":"%st%","date_modified":1773224163000}`, platform{
			numbers:   true,
			submitted: []string{"1"},
			paid:      []string{"2", "5", "15"},
			ignore:    []string{"0", "3", "7", "8", "9", "10", "11", "12", "13", "14", "16"},
		}),
		change("cdc-prestashop", `{"id_order":%id%,"reference":"XKBKNABJK","current_state":"%st%","valid":1}`, platform{
			numbers:   true,
			submitted: []string{"1", "10", "12", "13"},
			paid:      []string{"2", "3", "4", "5", "9", "11"},
			ignore:    []string{"0", "6", "7", "8"},
			more:      []variant{row("a state of the shop's own", `{"id_order":20,"current_state":27}`, unknownStatus)},
		}),
		cdcMagento(), cdcBitrix(),
		change("debezium", `{"id":501,"number":%id%,"status":"%st%"}`, platform{
			submitted: []string{"new"},
			paid:      []string{"paid"},
			ignore:    []string{"draft", "cancelled", "refunded"},
			more: []variant{
				{name: "wrapped by Connect", value: `{"schema":{"type":"struct"},"payload":` + row("", `{"number":"N-1","status":"paid"}`, "").value + `}`, want: "paid N-1"},
				update("another column changed", `{"id":1,"number":"N-1","status":"paid","note":""}`, `{"id":1,"number":"N-1","status":"paid","note":"x"}`, "ignore"),
				update("another column of a number changed", `{"id":1,"number":7,"status":"new"}`, `{"id":1,"number":7,"status":"new"}`, "ignore"),
				update("the status changed", `{"number":"N-1","status":"new"}`, `{"number":"N-1","status":"paid"}`, "paid N-1"),
				update("the status changed from null", `{"number":"N-1","status":null}`, `{"number":"N-1","status":"paid"}`, "paid N-1"),
				update("the status stays null", `{"number":"N-1","status":null}`, `{"number":"N-1","status":null}`, missingStatus),
				update("no status before", `{"number":"N-1"}`, `{"number":"N-1","status":"paid"}`, "paid N-1"),
				update("no row before", `null`, `{"number":"N-1","status":"paid"}`, "paid N-1"),
				update("the number comes later", `{"number":null,"status":"new"}`, `{"number":"N-1","status":"new"}`, "submitted N-1"),
				update("the number changed", `{"number":"tmp","status":"new"}`, `{"number":"N-1","status":"new"}`, "submitted N-1"),
				update("no number yet", `{"number":null,"status":"new"}`, `{"number":null,"status":"new"}`, missingID),
				update("a status that nobody knows, as before", `{"number":"N-1","status":"lost"}`, `{"number":"N-1","status":"lost"}`, "ignore"),
				{name: "created with a row before", value: strings.Replace(update("", `{"number":"N-1","status":"paid"}`, `{"number":"N-1","status":"paid"}`, "").value, `"op":"u"`, `"op":"c"`, 1), want: "paid N-1"},
			},
		}),
		change("debezium-numeric-id", `{"id":%id%,"status":"%st%"}`, platform{
			id:        "10042",
			submitted: []string{"new"},
			paid:      []string{"paid"},
			ignore:    []string{"draft", "cancelled", "refunded"},
			more: []variant{
				row("bytes in base64", `{"id":"Adc=","status":"paid"}`, badID),
				row("bytes in base64, nothing to send", `{"id":"Adc=","status":"draft"}`, "ignore"),
				update("another column changed", `{"id":"7","status":"paid","note":""}`, `{"id":"7","status":"paid","note":"x"}`, "ignore"),
				update("the status changed", `{"id":"7","status":"new"}`, `{"id":"7","status":"paid"}`, "paid 7"),
				update("the status stays null", `{"id":"7","status":null}`, `{"id":"7","status":null}`, missingStatus),
			},
		}),
		{
			preset:    "debezium-flat",
			event:     `{"id":504,"number":%id%,"status":"%st%","__op":"u","__source_ts_ms":1773213303100,"__deleted":"false"}`,
			submitted: []string{"new"},
			paid:      []string{"paid"},
			ignore:    []string{"draft", "cancelled", "refunded"},
			reads:     map[string]string{"event_time": "2026-03-11T07:15:03.1Z"},
			more: []variant{
				{name: "deleted", value: `{"number":"N-1","status":"paid","__deleted":"true"}`, want: "ignore"},
				{name: "deleted, as a bool", value: `{"number":"N-1","status":"paid","__deleted":true}`, want: "ignore"},
				{name: "deleted by op", value: `{"number":"N-1","status":"paid","__op":"d"}`, want: "ignore"},
				{name: "an op that nobody knows", value: `{"number":"N-1","status":"paid","__op":"x"}`, want: byRule, says: `"x"`},
				{name: "an empty op", value: `{"number":"N-1","status":"paid","__op":""}`, want: byRule},
				{name: "deleted, without op", value: `{"number":"N-1","status":"paid","__deleted":"true"}`, want: "ignore"},
				{name: "not deleted, without op", value: `{"number":"N-1","status":"paid","__deleted":"false"}`, want: byRule},
				{name: "snapshot", value: `{"number":"N-1","status":"paid","__op":"r","__deleted":"false"}`, want: "ignore"},
				{name: "truncated", value: `{"number":"N-1","status":"paid","__op":"t"}`, want: "ignore"},
				{name: "message", value: `{"number":"N-1","status":"paid","__op":"m"}`, want: "ignore"},
				{name: "created", value: `{"number":"N-1","status":"paid","__op":"c"}`, want: "paid N-1"},
				{name: "no names of Debezium's", value: `{"id":1,"number":"N-1","status":"paid","updated_at":1388534400000}`, want: byRule, says: "add.fields=op"},
			},
		},
	}
}

func cdcMagento() platform {
	order := func(state, total, paid string) string {
		return `{"increment_id":"000000001","state":"` + state + `","grand_total":` + total + `,"total_paid":` + paid + `}`
	}
	p := change("cdc-magento",
		`{"entity_id":142,"increment_id":%id%,"state":"%st%","status":"my_own","grand_total":"129.0000","total_paid":"129.0000"}`, platform{
			submitted: []string{"new", "pending_payment", "payment_review"},
			paid:      []string{"processing", "complete"},
			ignore:    []string{"canceled", "closed", "holded"},
			more: []variant{
				row("paid in part", order("processing", `"129.0000"`, `"9.0000"`), "submitted 000000001"),
				row("complete and paid in part", order("complete", `"129.0000"`, `"9.0000"`), "submitted 000000001"),
				row("nothing paid", order("processing", `"129.0000"`, `null`), "submitted 000000001"),
				row("complete, nothing paid", order("complete", `"129.0000"`, `null`), "submitted 000000001"),
				row("no total", order("complete", `null`, `"1.0000"`), byRule),
				row("a difference below half a cent", order("complete", `"18.4501"`, `"18.4500"`), "paid 000000001"),
				row("a total of a float", order("processing", `299.99`, `299.98999999999995`), "paid 000000001"),
				row("a cent less", order("processing", `299.99`, `299.98`), "submitted 000000001"),
				row("no columns of amounts", `{"increment_id":"1","state":"processing"}`, byRule),
				row("complete, no columns of amounts", `{"increment_id":"1","state":"complete"}`, byRule),
				row("only what is due", `{"increment_id":"1","state":"processing","total_due":"5.0000"}`, "submitted 1"),
				row("complete, only what is due", `{"increment_id":"1","state":"complete","total_due":"5.0000"}`, "submitted 1"),
				row("only that nothing is due", `{"increment_id":"1","state":"complete","total_due":"0.0000"}`, "paid 1"),
				row("what was paid counts before what is due", `{"increment_id":"1","state":"complete","grand_total":"5","total_paid":"1","total_due":"0"}`, "submitted 1"),
				row("bytes in base64", order("processing", `"E68Q"`, `"E68Q"`), fieldError),
				row("refunded in part", `{"increment_id":"1","state":"processing","grand_total":"129.0","total_paid":"129.0","total_refunded":"5.0"}`, "ignore"),
				row("paid and refunded in part", `{"increment_id":"1","state":"processing","grand_total":"129.0","total_paid":"9.0","total_refunded":"5.0"}`, "ignore"),
				row("complete, refunded in part", `{"increment_id":"1","state":"complete","grand_total":"129.0","total_paid":"129.0","total_refunded":"5.0"}`, "ignore"),
				row("less than half a cent refunded", `{"increment_id":"1","state":"complete","grand_total":"129.0","total_paid":"129.0","total_refunded":"0.0001"}`, "paid 1"),
				row("nothing refunded", `{"increment_id":"1","state":"complete","grand_total":"129.0","total_paid":"129.0","total_refunded":"0.0"}`, "paid 1"),
				row("the internal id does not stand in", `{"entity_id":142,"state":"new"}`, missingID),
			},
		})
	p.id = `"000000130"`
	return p
}

//nolint:misspell // payed is the platform's own spelling
func cdcBitrix() platform {
	return change("cdc-bitrix", `{"ID":237,"ACCOUNT_NUMBER":%id%,"PAYED":"%st%","CANCELED":"N"}`, platform{
		submitted: []string{"N"},
		paid:      []string{"Y"},
		more: []variant{
			row("canceled though paid", `{"ACCOUNT_NUMBER":"394","PAYED":"Y","CANCELED":"Y"}`, "ignore"),
			row("the internal id does not stand in", `{"ID":237,"PAYED":"Y","CANCELED":"N"}`, missingID),
			row("nothing about cancellation", `{"ACCOUNT_NUMBER":"394","PAYED":"Y"}`, byRule),
			row("nothing about cancellation, not paid", `{"ACCOUNT_NUMBER":"394","PAYED":"N"}`, byRule),
			row("null for cancellation", `{"ACCOUNT_NUMBER":"394","PAYED":"Y","CANCELED":null}`, byRule),
		},
	})
}

// debezium is the envelope of a change. %op% stands for the operation, and %row% for the row after the change.
const debezium = `{"before":{"id":1},"after":%row%,"source":{"connector":"postgresql","ts_ms":1773213303000,"lsn":24023128,"table":"orders"},"op":"%op%","ts_ms":1773299999999,"transaction":null}`

// row returns an event for the update of a row, with its verdict.
func row(name, after, want string) variant {
	return variant{name: name, value: strings.NewReplacer("%row%", after, "%op%", "u").Replace(debezium), want: want}
}

// update is like row, but the event also has the whole row before the change, as it does with REPLICA IDENTITY FULL and
// with MySQL.
func update(name, before, after, want string) variant {
	e := row(name, after, want)
	e.value = strings.Replace(e.value, `"before":{"id":1}`, `"before":`+before, 1)
	return e
}

// change returns the platform for a preset that reads changes to a table. The preset's own events test how the row is
// read. The events that all such presets share test the envelope.
func change(preset, after string, p platform) platform {
	p.preset = preset
	p.event = row("", after, "").value
	p.reads = map[string]string{"event_time": "2026-03-11T07:15:03Z"}
	if strings.HasPrefix(preset, "debezium") {
		p.reads["version"] = "24023128"
	}
	status, verdict := p.known()
	value := p.fill(or(p.id, `"10042"`), status)
	as := func(op string) string { return strings.Replace(value, `"op":"u"`, `"op":"`+op+`"`, 1) }
	full := strings.NewReplacer("%id%", p.literal(), "%st%", status).Replace(after)
	p.more = slices.Concat(p.more, []variant{
		{name: "created", value: as("c"), want: verdict + " " + p.text()},
		{name: "read by a snapshot", value: as("r"), want: "ignore"},
		{name: "deleted, as some connectors keep the row", value: as("d"), want: "ignore"},
		{name: "truncated", value: as("t"), want: "ignore"},
		{name: "a message", value: as("m"), want: "ignore"},
		{name: "an op that nobody knows", value: as("x"), want: byRule, says: `"x"`},
		{name: "an empty op", value: as(""), want: byRule},
		{name: "deleted", value: strings.NewReplacer("%row%", "null", "%op%", "d").Replace(debezium), want: "ignore"},
		{name: "begin of a transaction", value: `{"status":"BEGIN","id":"571:53195829","event_count":null,"data_collections":null,"ts_ms":1773213303523}`, want: "ignore"},
		{name: "end of a transaction", value: `{"status":"END","id":"571:53195832","event_count":2,"ts_ms":1773213303523}`, want: "ignore"},
		{name: "a row without its envelope", value: full, want: byRule},
	})
	return p
}
