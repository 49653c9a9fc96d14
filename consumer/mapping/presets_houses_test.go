package mapping_test

// houses returns the presets for a shop's own events.
func houses() []platform {
	return []platform{
		{
			preset: "plain",
			event:  `{"order_id":%id%,"status":"%st%"}`,
			more: []variant{
				{name: "paid", value: `{"order_id":"A-1","status":"paid"}`, want: "paid A-1"},
				{name: "a status that only LeadHit knows", value: `{"order_id":1,"status":"Отгружен"}`, want: "Отгружен 1"},
				{name: "a number for a status", value: `{"order_id":1,"status":10}`, want: "10 1"},
				{name: "an object for a status", value: `{"order_id":1,"status":{}}`, want: fieldError},
			},
		},
		{
			preset:    "inhouse",
			event:     `{"event_id":"0190b2f0","occurred_at":"2026-03-11T07:15:03.123Z","version":4,"order":{"id":%id%,"status":"%st%"}}`,
			submitted: []string{"new", "NEW", " New "},
			paid:      []string{"paid", "PAID ", "оплачен", "ОПЛАЧЕН", " Оплачен"},
			ignore:    []string{"draft", "cancelled", "refunded"},
			reads:     map[string]string{"event_time": "2026-03-11T07:15:03.123Z", "event_id": "0190b2f0", "version": "4"},
			more: []variant{
				{name: "names that differ in case", value: `{"order":{"id":"77","ID":"78","Id":"79","status":"paid","STATUS":"draft"}}`, want: "paid 77"},
				{name: "the same name twice", value: `{"order":{"id":"77","id":"78","status":"paid"}}`, want: "refuse DuplicateName"},
				{name: "not JSON", value: `{"order":`, want: "refuse NotJSON"},
				{name: "no value", value: ``, want: "refuse EmptyValue"},
				{name: "null", value: `null`, want: "ignore"},
				{name: "a byte order mark", value: "\ufeff" + `{"order":{"id":"1","status":"paid"}}`, want: "paid 1"},
				{name: "after the framing of a JSON Schema", value: "\x00\x00\x00\x00\x2b" + `{"order":{"id":"1","status":"paid"}}`, want: "paid 1"},
				{name: "Avro where no decoder is asked for", value: "\x00\x00\x00\x00\x29\x02\x04", want: "refuse UnsupportedEncoding"},
			},
		},
		{
			preset:    "inhouse-history",
			event:     `{"orderId":%id%,"history":[{"status":"draft","at":"2026-03-11T07:00:00Z"},{"status":"%st%","at":"2026-03-11T07:15:03Z"}]}`,
			submitted: []string{"new", "packed"},
			paid:      []string{"paid"},
			ignore:    []string{"draft", "cancelled", "refunded"},
			reads:     map[string]string{"event_time": "2026-03-11T07:15:03Z"},
			more: []variant{
				{name: "one entry", value: `{"orderId":1,"history":[{"status":"paid"}]}`, want: "paid 1"},
				{name: "no entry", value: `{"orderId":1,"history":[]}`, want: missingStatus},
			},
		},
		{
			preset: "inhouse-flag",
			event:  `{"order_id":%id%,"is_paid":true,"is_cancelled":false,"ts":1773213303123}`,
			paid:   []string{"-"},
			reads:  map[string]string{"event_time": "2026-03-11T07:15:03.123Z"},
			more: []variant{
				{name: "not paid", value: `{"order_id":1,"is_paid":false,"is_cancelled":false}`, want: "submitted 1"},
				{name: "flags as numbers", value: `{"order_id":1,"is_paid":1,"is_cancelled":0}`, want: "paid 1"},
				{name: "flags in quotes", value: `{"order_id":1,"is_paid":"0","is_cancelled":"false"}`, want: "submitted 1"},
				{name: "cancelled though paid", value: `{"order_id":1,"is_paid":true,"is_cancelled":true}`, want: "ignore"},
				{name: "no flag for cancelled", value: `{"order_id":1,"is_paid":true}`, want: byRule, says: "is_cancelled is missing"},
				{name: "no flag for cancelled, not paid", value: `{"order_id":1,"is_paid":false}`, want: byRule},
				{name: "null for cancelled", value: `{"order_id":1,"is_paid":true,"is_cancelled":null}`, want: byRule},
				{name: "cancelled is all that is known", value: `{"order_id":1,"is_cancelled":true}`, want: "ignore"},
				{name: "no flags", value: `{"order_id":1}`, want: byRule},
				{name: "no flag for paid", value: `{"order_id":1,"is_cancelled":false}`, want: byRule, says: "is_paid"},
				{name: "an invalid flag", value: `{"order_id":1,"is_paid":"yes","is_cancelled":false}`, want: fieldError},
			},
		},
		{
			preset:    "inhouse-bundle",
			event:     `{"bundle_id":"BND-5","orders":[{"number":%id%,"state":"%st%"}]}`,
			submitted: []string{"CREATED"},
			paid:      []string{"PAID"},
			ignore:    []string{"DRAFT", "CANCELLED", "REFUNDED"},
			more: []variant{
				{
					name:  "parts in several states",
					value: `{"orders":[{"number":"BND-5/1","state":"PAID"},{"number":"BND-5/2","state":"LOST"},{"number":"BND-5/3","state":"DRAFT"},{"number":"BND-5/4","state":"CREATED"}]}`,
					want:  "paid BND-5/1; " + unknownStatus + "; ignore; submitted BND-5/4",
				},
			},
		},
		cloudevents(),
		{
			preset:    "outbox",
			headers:   map[string]string{"id": "4d47e190", "type": "OrderChanged"},
			event:     `{"orderId":%id%,"status":"%st%"}`,
			submitted: []string{"NEW"},
			paid:      []string{"PAID"},
			ignore:    []string{"DRAFT", "CANCELLED", "REFUNDED"},
			reads:     map[string]string{"event_id": "4d47e190"},
			more: []variant{
				{name: "JSON in a string", value: `"{\"orderId\":\"OB-7\",\"status\":\"PAID\"}"`, want: "paid OB-7"},
				{name: "the key for an id", key: "OB-8", value: `{"status":"NEW"}`, want: "submitted OB-8"},
				{name: "both ids", key: "OB-8", value: `{"orderId":"OB-7","status":"NEW"}`, want: "submitted OB-7"},
			},
		},
		{
			preset:    "connect-jdbc",
			event:     `{"schema":{"type":"struct","name":"orders"},"payload":{"order_id":%id%,"status":"%st%","updated_at":1773213303000}}`,
			submitted: []string{"NEW"},
			paid:      []string{"PAID"},
			ignore:    []string{"DRAFT", "CANCELLED", "REFUNDED"},
			reads:     map[string]string{"event_time": "2026-03-11T07:15:03Z"},
			more:      []variant{{name: "without its schema", value: `{"order_id":1,"status":"PAID"}`, want: "paid 1"}},
		},
	}
}

func cloudevents() platform {
	const attributes = `"specversion":"1.0","source":"/shop/orders","id":"1234-1","time":"2026-03-11T07:15:03Z"`
	binary := func(kind string) map[string]string {
		return map[string]string{
			"ce_specversion": "1.0", "ce_type": kind, "ce_source": "/shop", "ce_id": "1234-9", "ce_subject": "CE-3",
			"content-type": "application/json",
		}
	}
	return platform{
		preset:    "cloudevents",
		headers:   map[string]string{"content-type": "application/cloudevents+json; charset=UTF-8"},
		event:     `{` + attributes + `,"type":"com.example.order.%st%.v1","data":{"orderId":%id%,"status":"x"}}`,
		submitted: []string{"created", "placed"},
		paid:      []string{"paid"},
		ignore:    []string{"cancelled", "canceled", "refunded", "returned", "shipped", "delivered"},
		unknown:   byRule,
		name:      "com.example.order.%st%.v1",
		aside: []string{
			"com.example.customer.updated.v1", "customer.created", "com.example.product.created.2", "com.example.order-service.stock.changed.v1",
			"com.example.refund.created",
		},
		strange: []string{
			"com.example.order.not-paid.v1", "com.example.order.paid.partly", "com.example.order.item.added.v1", "com.example.OrderPaid", "order",
			"com.example.orders.paid.v1", "com.example.payment.captured", "com.example.invoice.paid.v1", "com.example.purchase.paid.v1", "order_paid", "com.example.order.payment.captured.v1",
		},
		reads: map[string]string{"event_time": "2026-03-11T07:15:03Z", "event_id": "1234-1"},
		more: []variant{
			{name: "another type", value: `{` + attributes + `,"type":"com.example.customer.paid.v1","data":{"orderId":"1"}}`, want: "ignore"},
			{name: "a type without a version", value: `{` + attributes + `,"type":"org.example.order.paid","data":{"orderId":"1"}}`, want: "paid 1"},
			{name: "a type without a company", value: `{` + attributes + `,"type":"order.paid","data":{"orderId":"1"}}`, want: "paid 1"},
			{name: "a version without its letter", value: `{` + attributes + `,"type":"com.example.order.paid.2","data":{"orderId":"1"}}`, want: "paid 1"},
			{name: "a version of two numbers", value: `{` + attributes + `,"type":"com.example.order.paid.v1.2","data":{"orderId":"1"}}`, want: "paid 1"},
			{name: "a type with another part", value: `{` + attributes + `,"type":"org.example.order.paid.partly","data":{"orderId":"1"}}`, want: byRule},
			{name: "no CloudEvent", headers: map[string]string{}, value: `{"orderId":"1","status":"paid"}`, want: missingStatus, says: "no ce type"},
			{name: "binary, in quotes", headers: binary(`"com.example.order.paid.v1"`), value: `{"orderId":"CE-3"}`, want: "paid CE-3"},
			{name: "binary, empty", headers: binary(""), value: `{"orderId":"CE-3"}`, want: byRule},
			{name: "the subject for an id", value: `{` + attributes + `,"type":"com.example.order.paid.v1","subject":"CE-1","data":{}}`, want: "paid CE-1"},
			{name: "both ids", value: `{` + attributes + `,"type":"com.example.order.paid.v1","subject":"CE-1","data":{"orderId":"CE-2"}}`, want: "paid CE-2"},
			{name: "binary", headers: binary("com.example.order.paid.v1"), value: `{"orderId":"CE-3"}`, want: "paid CE-3"},
			{name: "binary, of another type", headers: binary("com.example.customer.updated.v1"), value: `{"customerId":"77"}`, want: "ignore"},
			{name: "known by its body", headers: map[string]string{}, value: `{` + attributes + `,"type":"com.example.order.paid.v1","data":{"orderId":"1"}}`, want: "paid 1"},
			{
				name: "a batch", headers: map[string]string{"content-type": "application/cloudevents-batch+json"},
				value: `[{` + attributes + `,"type":"com.example.order.paid.v1","data":{"orderId":"1"}}]`, want: "refuse UnsupportedEncoding",
			},
		},
	}
}
