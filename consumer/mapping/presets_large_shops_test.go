package mapping_test

import (
	"strings"
)

func woocommerce() platform {
	updated := map[string]string{"X-WC-Webhook-Topic": "order.updated"}
	topic := func(name string) map[string]string { return map[string]string{"x-wc-webhook-topic": name} }
	return platform{
		preset:    "woocommerce",
		headers:   updated,
		event:     `{"id":%id%,"number":"2026-000733","status":"%st%","date_modified_gmt":"2026-03-22T13:28:08","date_paid_gmt":"2026-03-22T13:30:00","refunds":[]}`,
		submitted: []string{"pending", "on-hold"},
		paid:      []string{"processing", "completed"},
		ignore:    []string{"cancelled", "refunded", "failed", "trash", "checkout-draft", "auto-draft"},
		reads:     map[string]string{"event_time": "2026-03-22T13:28:08Z"},
		off:       `{"id":1,"status":"processing","date_paid_gmt":null,"refunds":[{"id":2}]}`,
		name:      "order.updated", nameHeader: "X-WC-Webhook-Topic",
		read:    []string{"order.created", "order.restored"},
		aside:   []string{"order.deleted", "coupon.created", "customer.updated", "product.restored", "subscription.created", "user_membership.updated", "membership_plan.created", "booking.created"},
		strange: []string{"order.paid", "action.woocommerce_payment_complete", "orders/paid", "refund.created"},
		more: []variant{
			{name: "cash on delivery", value: `{"id":1,"status":"processing","date_paid_gmt":null}`, want: "submitted 1"},
			{name: "cash on delivery, completed", value: `{"id":1,"status":"completed","date_paid_gmt":null}`, want: "submitted 1"},
			{name: "created", headers: topic("order.created"), value: `{"id":1,"status":"pending"}`, want: "submitted 1"},
			{name: "API version 1, paid", value: `{"id":1,"status":"processing","date_paid":"2026-03-10T11:01:59"}`, want: "paid 1"},
			{name: "API version 1, completed and paid", value: `{"id":1,"status":"completed","date_paid":"2026-03-10T11:01:59"}`, want: "paid 1"},
			{name: "API version 1, cash on delivery", value: `{"id":1,"status":"processing","date_paid":null}`, want: "submitted 1"},
			{name: "only the other one null", value: `{"id":1,"status":"processing","date_paid_gmt":null,"date_paid":"2026-03-10T11:01:59"}`, want: "paid 1"},
			{name: "no date of payment, refunded in part", value: `{"id":1,"status":"processing","refunds":[{"id":2}]}`, want: "ignore"},
			{name: "no date of payment", value: `{"id":1,"status":"processing"}`, want: byRule, says: "date_paid_gmt and date_paid are missing"},
			{name: "no date of payment, completed", value: `{"id":1,"status":"completed"}`, want: byRule},
			{name: "the last of equal headers", headers: topic("order.updated"), value: `{"id":1,"status":"pending"}`, want: "submitted 1"},
			{name: "deleted", headers: topic("order.deleted"), value: `{"id":1}`, want: "ignore"},
			{name: "a product", headers: topic("product.updated"), value: `{"id":1,"status":"pending"}`, want: "ignore"},
			{name: "no header", headers: map[string]string{}, value: `{"id":1,"status":"pending"}`, want: "submitted 1"},
			{name: "refunded in part, processing", value: `{"id":1,"status":"processing","date_paid_gmt":"2026-03-22T13:30:00","refunds":[{"id":2,"total":"-5.00"}]}`, want: "ignore"},
			{name: "refunded in part, completed", value: `{"id":1,"status":"completed","date_paid_gmt":"2026-03-22T13:30:00","refunds":[{"id":2,"total":"-5.00"}]}`, want: "ignore"},
			{name: "refunded in part, no date of payment", value: `{"id":1,"status":"processing","date_paid_gmt":null,"refunds":[{"id":2}]}`, want: "ignore"},
			{name: "refunded in part, a plugin's status", value: `{"id":1,"status":"awaiting-pickup","refunds":[{"id":2}]}`, want: unknownStatus},
		},
	}
}

func magento() platform {
	const envelope = `{"specversion":"1.0","id":"23f76cef","source":"urn:uuid:fb58963f","type":"com.adobe.commerce.observer.sales_order_save_after","data":{"value":`
	order := func(state, total, paid string) string {
		return envelope + `{"entity_id":"142","increment_id":"000000001","state":"` + state + `","grand_total":` + total + `,"total_paid":` + paid + `}}}`
	}
	sparse := func(state, rest string) string {
		return envelope + `{"increment_id":"000000001","state":"` + state + `",` + rest + `}}}`
	}
	return platform{
		preset: "magento",
		off:    envelope + `{"increment_id":"1","state":"complete","grand_total":"129","total_paid":"129","total_refunded":"5"}}}`,
		name:   "com.adobe.commerce.observer.sales_order_save_after",
		read:   []string{"com.adobe.commerce.observer.sales_order_save_commit_after", "com.adobe.commerce.shop1.observer.sales_order_save_commit_after"},
		aside: []string{
			"com.adobe.commerce.observer.sales_order_invoice_save_after", "com.adobe.commerce.observer.sales_order_shipment_save_after",
			"com.adobe.commerce.observer.sales_order_creditmemo_save_after", "com.adobe.commerce.observer.sales_order_item_save_after",
			"com.adobe.commerce.observer.sales_order_status_history_save_after", "com.adobe.commerce.observer.catalog_product_save_commit_after",
			"com.adobe.commerce.observer.customer_save_after", "com.adobe.commerce.observer.sales_quote_save_after",
			"com.adobe.commerce.plugin.magento.catalog.api.product_repository.save",
		},
		strange: []string{
			"com.adobe.commerce.observer.sales_order_place_after", "com.adobe.commerce.observer.checkout_submit_all_after", "com.adobe.commerce.observer.order_cancel_after",
			"com.adobe.commerce.plugin.magento.sales.api.order_repository.save", "sales_order_save_after",
		},
		headers:   map[string]string{"content-type": "application/cloudevents+json; charset=UTF-8"},
		event:     envelope + `{"entity_id":"142","increment_id":%id%,"state":"%st%","status":"my_own","grand_total":"129.0000","total_paid":"129.0000","total_refunded":null,"updated_at":"2026-03-10 08:00:05"}}}`,
		id:        `"000000123"`,
		submitted: []string{"new", "pending_payment", "payment_review"},
		paid:      []string{"processing", "complete"},
		ignore:    []string{"canceled", "closed", "holded"},
		reads:     map[string]string{"event_time": "2026-03-10T08:00:05Z", "event_id": "23f76cef"},
		more: []variant{
			{name: "paid in part", value: order("processing", `"129.0000"`, `"9.0000"`), want: "submitted 000000001"},
			{name: "amounts are compared as numbers", value: order("processing", `"129.0000"`, `"1000.0000"`), want: "paid 000000001"},
			{name: "amounts as JSON numbers", value: order("complete", `129`, `129.0`), want: "paid 000000001"},
			{name: "a difference below half a cent", value: order("complete", `"129.0000"`, `"128.9999"`), want: "paid 000000001"},
			{name: "a total of a float", value: order("processing", `299.99`, `299.98999999999995`), want: "paid 000000001"},
			{name: "four decimals", value: order("processing", `"18.4501"`, `"18.4500"`), want: "paid 000000001"},
			{name: "complete and paid in part", value: order("complete", `"129.0000"`, `"128.9900"`), want: "submitted 000000001"},
			{name: "complete, a sparse save that is due", value: sparse("complete", `"total_due":"129.0000"`), want: "submitted 000000001"},
			{name: "a sparse save that is due", value: sparse("processing", `"total_due":"129.0000"`), want: "submitted 000000001"},
			{name: "a sparse save that is paid", value: sparse("processing", `"total_due":0.0001`), want: "paid 000000001"},
			{name: "complete, a sparse save that is paid", value: sparse("complete", `"total_due":"0.0000","grand_total":"129.0000"`), want: "paid 000000001"},
			{name: "a sparse save without amounts", value: sparse("processing", `"status":"processing"`), want: byRule, says: "total_paid or grand_total is missing"},
			{name: "complete, a sparse save without amounts", value: sparse("complete", `"grand_total":"129.0000"`), want: byRule},
			{name: "a sparse save without a total", value: sparse("complete", `"total_paid":"129.0000"`), want: byRule},
			{name: "a sparse save without a state", value: envelope + `{"increment_id":"1","status":"processing"}}}`, want: missingStatus, says: "$.value.state"},
			{name: "a new order needs no amounts", value: sparse("new", `"status":"x"`), want: "submitted 000000001"},
			{name: "what was paid counts before what is due", value: sparse("processing", `"grand_total":"129.0000","total_paid":"9.0000","total_due":"0.0000"`), want: "submitted 000000001"},
			{name: "nothing paid", value: order("processing", `"129.0000"`, `null`), want: "submitted 000000001"},
			{name: "complete, nothing paid", value: order("complete", `"129.0000"`, `null`), want: "submitted 000000001"},
			{name: "no total", value: order("complete", `null`, `"1.0000"`), want: byRule},
			{name: "an invalid amount", value: order("processing", `"129.0000"`, `"E68Q"`), want: fieldError},
			{name: "an amount that no rule asks for", value: order("new", `"129.0000"`, `"129.0000"`), want: "submitted 000000001"},
			{name: "closed, with what was paid", value: order("closed", `"129.0000"`, `"129.0000"`), want: "ignore"},
			{
				name:  "refunded in part",
				value: envelope + `{"increment_id":"1","state":"processing","grand_total":"129.0000","total_paid":"129.0000","total_refunded":"5.0000"}}}`,
				want:  "ignore",
			},
			{
				name:  "paid and refunded in part",
				value: envelope + `{"increment_id":"1","state":"processing","grand_total":"129.0000","total_paid":"9.0000","total_refunded":"5.0000"}}}`,
				want:  "ignore",
			},
			{
				name:  "complete, refunded in part",
				value: envelope + `{"increment_id":"1","state":"complete","grand_total":"129.0000","total_paid":"129.0000","total_refunded":"5.0000"}}}`,
				want:  "ignore",
			},
			{
				name:  "less than half a cent refunded",
				value: envelope + `{"increment_id":"1","state":"complete","grand_total":"129.0000","total_paid":"129.0000","total_refunded":"0.0001"}}}`,
				want:  "paid 1",
			},
			{
				name:  "nothing refunded",
				value: envelope + `{"increment_id":"1","state":"complete","grand_total":"129.0000","total_paid":"129.0000","total_refunded":"0.0000"}}}`,
				want:  "paid 1",
			},
			{
				name:  "an invoice",
				value: `{"specversion":"1.0","id":"2","source":"s","type":"com.adobe.commerce.observer.sales_order_invoice_save_after","data":{"value":{"increment_id":"000000009","order_id":"142","state":"complete","grand_total":"1.0","total_paid":"1.0"}}}`,
				want:  "ignore",
			},
			{
				name: "no header, known by its body", headers: map[string]string{}, value: order("new", `"129.0000"`, `null`),
				want: "submitted 000000001",
			},
			{
				name: "no envelope", headers: map[string]string{},
				value: `{"value":{"increment_id":"000000001","state":"new"}}`, want: "submitted 000000001",
			},
			{
				name: "the data alone, without the value", headers: map[string]string{},
				value: `{"increment_id":"000000001","state":"new"}`, want: missingStatus,
			},
		},
	}
}

//nolint:misspell // payed is the platform's own spelling
func bitrix() platform {
	return platform{
		preset:    "bitrix",
		event:     `{"event":"ONSALEORDERSAVED","order":{"id":236,"accountNumber":%id%,"payed":"%st%","canceled":"N","dateUpdate":"2026-02-28T17:37:11+03:00"}}`,
		submitted: []string{"N"},
		paid:      []string{"Y"},
		reads:     map[string]string{"event_time": "2026-02-28T14:37:11Z"},
		off:       `{"event":"ONSALEORDERSAVED","order":{"accountNumber":"1","payed":"Y","canceled":"Y"}}`,
		name:      "ONSALEORDERSAVED",
		read:      []string{"ONSALEORDERPAID", "ONSALEORDERCANCELED", "ONSALESTATUSORDERCHANGE"},
		aside:     []string{"ONCRMDEALUPDATE", "ONSALESHIPMENTENTITYSAVED", "ONAFTERUSERADD", "ONSALEORDERDELETED", "ONSALEBEFOREORDERDELETE"},
		strange:   []string{"onsaleordermoved", "ONSALEPAYMENTENTITYSAVED"},
		more: []variant{
			{name: "canceled though paid", value: `{"order":{"accountNumber":"394","payed":"Y","canceled":"Y"}}`, want: "ignore"},
			{name: "canceled without a number", value: `{"order":{"payed":"N","canceled":"Y"}}`, want: "ignore"},
			{name: "the internal id does not stand in", value: `{"order":{"id":236,"payed":"Y","canceled":"N"}}`, want: missingID},
			{name: "stock notification", value: `{"event":"ONSALEORDERSAVED","data":{"FIELDS":{"ID":300,"XML_ID":"","ACTION":"save"}}}`, want: byRule},
			{name: "canceled, in a stock notification", value: `{"data":{"FIELDS":{"ID":300}},"order":{"accountNumber":"394","canceled":"Y"}}`, want: "ignore"},
			{name: "stock notification with the order", value: `{"data":{"FIELDS":{"ID":300}},"order":{"accountNumber":"394","payed":"Y","canceled":"N"}}`, want: "paid 394"},
			{name: "nothing about cancellation", value: `{"order":{"accountNumber":"394","payed":"Y"}}`, want: byRule, says: "order.canceled is (missing)"},
			{name: "nothing about cancellation, not paid", value: `{"order":{"accountNumber":"394","payed":"N"}}`, want: byRule},
			{name: "cancelled in another way", value: `{"order":{"accountNumber":"394","payed":"Y","canceled":"true"}}`, want: byRule, says: `"true"`},
			{name: "nothing about payment", value: `{"order":{"accountNumber":"394","canceled":"N"}}`, want: missingStatus, says: "$.order.payed"},
			{name: "the name as 1C-Bitrix writes it", value: `{"event":"OnSaleOrderSaved","order":{"accountNumber":"394","payed":"Y","canceled":"N"}}`, want: "paid 394"},
			{name: "a deal as Bitrix24 writes it", value: `{"event":"OnCrmDealUpdate","order":{"accountNumber":"394","payed":"Y","canceled":"N"}}`, want: "ignore"},
		},
	}
}

// saleorHeaders returns events from queries without __typename. The name of such an event is only in its header.
func saleorHeaders() []variant {
	const value = `{"order":{"number":"1","status":"UNFULFILLED","chargeStatus":"FULL"}}`
	var all []variant
	for want, names := range map[string]string{
		"paid 1": "order_created order_confirmed order_paid order_fully_paid order_updated order_fulfilled " +
			`order_metadata_updated "order_paid"`,
		"ignore": "order_refunded order_fully_refunded order_cancelled order_expired product_updated draft_order_created gift_card_sent shipping_zone_created",
		byRule:   "order_returned robot_created ORDER_PAID",
	} {
		for name := range strings.FieldsSeq(names) {
			all = append(all, variant{name: "header " + name, headers: map[string]string{"saleor-event": name}, value: value, want: want})
		}
	}
	return append(all,
		variant{name: "neither name nor header", headers: map[string]string{}, value: value, want: "paid 1"},
		variant{name: "an empty header", headers: map[string]string{"Saleor-Event": ""}, value: value, want: byRule},
		variant{
			name: "the name counts before the header", headers: map[string]string{"Saleor-Event": "order_paid"},
			value: strings.Replace(value, `{`, `{"__typename":"OrderRefunded",`, 1), want: "ignore",
		},
		variant{
			name: "the noun of the name counts before the header's", headers: map[string]string{"Saleor-Event": "order_paid"},
			value: strings.Replace(value, `{`, `{"__typename":"ProductUpdated",`, 1), want: "ignore",
		},
	)
}

// saleorKinds returns events for objects that are not orders.
func saleorKinds() []variant {
	var all []variant
	for kind := range strings.FieldsSeq("App Checkout Collection Fulfillment Invoice Page Product ProductVariant Sale User") {
		all = append(all, variant{name: kind, value: `[{"type":"` + kind + `","number":1,"status":"unfulfilled"}]`, want: "ignore"})
	}
	return all
}
