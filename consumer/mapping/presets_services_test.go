package mapping_test

import "strings"

// services returns the platforms that are hosted by their vendors.
func services() []platform {
	return []platform{
		shopify(), shopifyEventBridge(), medusa(), commercetools(), vtex(), vtexFeed(),
		{
			preset:    "bigcommerce",
			event:     `{"scope":"store/order/statusUpdated","data":{"type":"order","id":%id%,"status":{"previous_status_id":11,"new_status_id":"%st%"}},"created_at":1773213303}`,
			numbers:   true,
			submitted: []string{"1", "7", "12"},
			paid:      []string{"2", "3", "8", "9", "10", "11"},
			ignore:    []string{"0", "4", "5", "6", "13", "14"},
			reads:     map[string]string{"event_time": "2026-03-11T07:15:03Z"},
			name:      "store/order/statusUpdated",
			aside: []string{
				"store/order/created", "store/order/updated", "store/order/archived", "store/order/message/created", "store/order/metafield/created",
				"store/order/metafield/updated", "store/order/metafield/deleted", "store/order/refund/created", "store/order/transaction/created",
				"store/order/transaction/updated", "store/cart/abandoned", "store/product/inventory/order/updated", "store/customer/created",
				"store/sku/updated", "store/information", "store/channel/created", "store/channel/metafield/updated", "store/modifier/updated",
				"store/channel/5/order/created", "store/channel/5/order/refund/created", "store/channel/5/cart/converted",
				"store/channel/5/settings/site/updated", "store/channel/5/categoryTree/updated",
			},
			read: []string{"store/channel/5/order/statusUpdated"},
			strange: []string{
				"store/order/paid", "store/order/*", "store/invoice/created", "store/channel/5/order/paid", "store/channel/5/invoice/created",
				"store/channel/five/order/statusUpdated",
			},
			more: []variant{
				{name: "created, which a failed payment does too", value: `{"scope":"store/order/created","data":{"type":"order","id":250}}`, want: "ignore"},
				{name: "a transaction", value: `{"scope":"store/order/transaction/created","data":{"id":77,"order_id":"250","status":{"new_status_id":11}}}`, want: "ignore"},
				{name: "no scope", value: `{"data":{"id":250,"status":{"new_status_id":11}}}`, want: "paid 250"},
				{name: "a number that nobody knows", value: `{"scope":"store/order/statusUpdated","data":{"id":250,"status":{"new_status_id":15}}}`, want: unknownStatus},
			},
		},
		{
			preset:  "segment",
			event:   `{"type":"track","event":"Order Updated","messageId":"022bb90c","sentAt":"2026-03-12T00:00:00Z","timestamp":"2026-03-11T07:15:03.200Z","properties":{"order_id":%id%,"checkout_id":"fks1","status":"%st%"}}`,
			paid:    []string{"paid"},
			ignore:  []string{"cancelled", "refunded"},
			missing: "ignore",
			reads:   map[string]string{"event_time": "2026-03-11T07:15:03.2Z", "event_id": "022bb90c"},
			name:    "track",
			aside:   []string{"identify", "page", "screen", "group", "alias"},
			strange: []string{"Track", "library"},
			more: []variant{
				{name: "an order that nobody knows", value: `{"type":"track","event":"Order Shipped","properties":{"order_id":"1","status":"paid"}}`, want: byRule, says: `"Order Shipped"`},
				{name: "completed, in another case", value: `{"type":"track","event":"order completed","properties":{"order_id":"1"}}`, want: byRule},
				{name: "completed, in quotes", value: `{"type":"track","event":"\"Order Completed\"","properties":{"order_id":"1"}}`, want: byRule},
				{name: "completed, by a call that nobody knows", value: `{"type":"library","event":"Order Completed","properties":{"order_id":"1"}}`, want: byRule},
				{name: "a purchase", value: `{"type":"track","event":"Purchase","properties":{"order_id":"1"}}`, want: byRule},
				{name: "an order in Russian", value: `{"type":"track","event":"Заказ оплачен","properties":{"order_id":"1"}}`, want: byRule},
				{name: "a purchase in Russian", value: `{"type":"track","event":"Покупка","properties":{"order_id":"1"}}`, want: byRule},
				{name: "a transaction", value: `{"type":"track","event":"Transaction Completed","properties":{"order_id":"1"}}`, want: byRule},
				{name: "an empty name", value: `{"type":"track","event":"","properties":{"order_id":"1","status":"paid"}}`, want: byRule},
				{name: "no name", value: `{"type":"track","properties":{"order_id":"1","status":"paid"}}`, want: byRule, says: "(missing)"},
				{name: "a click", value: `{"type":"track","event":"Button Clicked","properties":{"status":"paid","order_id":"1"}}`, want: "ignore"},
				{name: "cancelled, with a status", value: `{"type":"track","event":"Order Cancelled","properties":{"order_id":"1","status":"paid"}}`, want: "ignore"},
				{name: "completed", value: `{"type":"track","event":"Order Completed","properties":{"order_id":"1"}}`, want: "submitted 1"},
				{name: "completed, of version 1", value: `{"type":"track","event":"Completed Order","properties":{"orderId":"1"}}`, want: "submitted 1"},
				{name: "completed with a status", value: `{"type":"track","event":"Order Completed","properties":{"order_id":"1","status":"paid"}}`, want: "submitted 1"},
				{name: "completed without an id", value: `{"type":"track","event":"Order Completed","properties":{}}`, want: missingID},
				{name: "refunded", value: `{"type":"track","event":"Order Refunded","properties":{"order_id":"1","status":"paid"}}`, want: "ignore"},
				{name: "cancelled", value: `{"type":"track","event":"Order Cancelled","properties":{"order_id":"1"}}`, want: "ignore"},
				{name: "another event", value: `{"type":"track","event":"Product Viewed","properties":{"order_id":"1"}}`, want: "ignore"},
				{name: "a page of that name", value: `{"type":"page","event":"Order Completed","properties":{"order_id":"1"}}`, want: "ignore"},
				{name: "both ids", value: `{"type":"track","event":"Order Completed","properties":{"order_id":"1","orderId":"2"}}`, want: "submitted 1"},
				{name: "no type", value: `{"event":"Order Completed","properties":{"order_id":"1"}}`, want: "submitted 1"},
			},
		},
	}
}

func shopify() platform {
	topic := func(name string) map[string]string { return map[string]string{"x-shopify-topic": name} }
	return platform{
		preset:    "shopify",
		headers:   map[string]string{"X-Shopify-Topic": "orders/updated", "X-Shopify-Event-Id": "a2533945"},
		event:     `{"id":%id%,"name":"#1001","order_number":1001,"financial_status":"%st%","cancelled_at":null,"test":false,"updated_at":"2026-03-11T10:15:03+03:00"}`,
		id:        "5501112223334",
		submitted: []string{"pending", "authorized", "partially_paid"},
		paid:      []string{"paid"},
		ignore:    []string{"partially_refunded", "refunded", "voided", "expired"},
		reads:     map[string]string{"event_time": "2026-03-11T07:15:03Z", "event_id": "a2533945"},
		off:       `{"id":1,"financial_status":"paid","cancelled_at":"2026-03-12T08:00:00Z","test":false}`,
		name:      "orders/updated", nameHeader: "X-Shopify-Topic",
		read:    []string{"orders/create", "orders/paid"},
		aside:   shopifyOthers(),
		strange: shopifyStrangers(),
		more: []variant{
			{name: "created", headers: topic("orders/create"), value: `{"id":1,"financial_status":"pending","cancelled_at":null,"test":false}`, want: "submitted 1"},
			{name: "paid", headers: topic("orders/paid"), value: `{"id":1,"financial_status":"paid","cancelled_at":null,"test":false}`, want: "paid 1"},
			{name: "paid by its topic, pending by its state", headers: topic("orders/paid"), value: `{"id":1,"financial_status":"pending","cancelled_at":null,"test":false}`, want: "submitted 1"},
			{name: "cancelled by its topic", headers: topic("orders/cancelled"), value: `{"id":1,"financial_status":"paid"}`, want: "ignore"},
			{name: "deleted", headers: topic("orders/delete"), value: `{"id":1}`, want: "ignore"},
			{name: "fulfilled", headers: topic("orders/fulfilled"), value: `{"id":1,"financial_status":"paid"}`, want: "ignore"},
			{name: "a refund", headers: topic("refunds/create"), value: `{"id":7,"order_id":1,"financial_status":"paid"}`, want: "ignore"},
			{name: "a product", headers: topic("products/update"), value: `{"id":7}`, want: "ignore"},
			{name: "no headers", headers: map[string]string{}, value: `{"id":1,"financial_status":"paid","cancelled_at":null,"test":false}`, want: "paid 1"},
			{name: "a customer without headers", headers: map[string]string{}, value: `{"id":7,"email":"a@example.com"}`, want: missingStatus},
			{name: "cancelled", value: `{"id":1,"financial_status":"paid","cancelled_at":"2026-03-12T08:00:00+03:00"}`, want: "ignore"},
			{name: "cancelled without an id", value: `{"financial_status":"paid","cancelled_at":"2026-03-12T08:00:00+03:00"}`, want: "ignore"},
			{name: "a test", value: `{"id":1,"financial_status":"paid","test":true}`, want: "ignore"},
			{name: "a filter without cancelled_at", value: `{"id":1,"financial_status":"paid","test":false}`, want: byRule, says: "cancelled_at or test is missing"},
			{name: "a filter without cancelled_at, pending", value: `{"id":1,"financial_status":"pending","test":false}`, want: byRule},
			{name: "a filter without cancelled_at, authorized", value: `{"id":1,"financial_status":"authorized","test":false}`, want: byRule},
			{name: "a filter without cancelled_at, partially paid", value: `{"id":1,"financial_status":"partially_paid","test":false}`, want: byRule},
			{name: "a filter without cancelled_at, refunded", value: `{"id":1,"financial_status":"refunded","test":false}`, want: "ignore"},
			{name: "a filter without test", value: `{"id":1,"financial_status":"paid","cancelled_at":null}`, want: byRule},
			{name: "a filter without the state", value: `{"id":1,"cancelled_at":null,"test":false}`, want: missingStatus, says: "$.financial_status"},
			{name: "global id", value: `{"admin_graphql_api_id":"gid://shopify/Order/5501112223341","financial_status":"paid","cancelled_at":null,"test":false}`, want: "paid 5501112223341"},
			{name: "global id of another kind", value: `{"admin_graphql_api_id":"gid://shopify/Product/7","financial_status":"paid","cancelled_at":null,"test":false}`, want: missingID},
			{name: "both ids", value: `{"id":1,"admin_graphql_api_id":"gid://shopify/Order/2","financial_status":"paid","cancelled_at":null,"test":false}`, want: "paid 1"},
			{name: "the public name does not stand in", value: `{"name":"#1001","order_number":1001,"financial_status":"paid","cancelled_at":null,"test":false}`, want: missingID},
			{name: "codes have a case", value: `{"id":1,"financial_status":"PAID"}`, want: unknownStatus},
		},
	}
}

func shopifyEventBridge() platform {
	webhook := func(topic, order string) string {
		return `{"version":"0","id":"33305a23","detail-type":"shopifyWebhook","source":"aws.partner/shopify.com/1/orders","time":"2026-03-11T07:20:12Z","detail":{"payload":` +
			order + `,"metadata":{"X-Shopify-Topic":"` + topic + `","X-Shopify-Event-Id":"a2533945"}}}`
	}
	return platform{
		preset:    "shopify-eventbridge",
		event:     webhook("orders/updated", `{"id":%id%,"name":"#1001","financial_status":"%st%","cancelled_at":null,"test":false,"updated_at":"2026-03-11T10:15:03+03:00"}`),
		id:        "5501112223334",
		submitted: []string{"pending", "authorized", "partially_paid"},
		paid:      []string{"paid"},
		ignore:    []string{"partially_refunded", "refunded", "voided", "expired"},
		reads:     map[string]string{"event_time": "2026-03-11T07:15:03Z", "event_id": "a2533945"},
		off:       webhook("orders/updated", `{"id":1,"financial_status":"paid","cancelled_at":"2026-03-12T08:00:00Z","test":false}`),
		name:      "orders/updated",
		read:      []string{"orders/create", "orders/paid"},
		aside:     shopifyOthers(),
		strange:   shopifyStrangers(),
		more: []variant{
			{name: "a filter without cancelled_at", value: webhook("orders/paid", `{"id":1,"financial_status":"paid","test":false}`), want: byRule, says: "cancelled_at"},
			{name: "a filter without cancelled_at, pending", value: webhook("orders/paid", `{"id":1,"financial_status":"pending","test":false}`), want: byRule},
			{name: "a filter without cancelled_at, authorized", value: webhook("orders/paid", `{"id":1,"financial_status":"authorized","test":false}`), want: byRule},
			{name: "a filter without cancelled_at, partially paid", value: webhook("orders/paid", `{"id":1,"financial_status":"partially_paid","test":false}`), want: byRule},
			{name: "a filter without cancelled_at, refunded", value: webhook("orders/paid", `{"id":1,"financial_status":"refunded"}`), want: "ignore"},
			{name: "created", value: webhook("orders/create", `{"id":1,"financial_status":"pending","cancelled_at":null,"test":false}`), want: "submitted 1"},
			{name: "paid", value: webhook("orders/paid", `{"id":1,"financial_status":"paid","cancelled_at":null,"test":false}`), want: "paid 1"},
			{name: "cancelled by its topic", value: webhook("orders/cancelled", `{"id":1,"financial_status":"paid"}`), want: "ignore"},
			{name: "a customer", value: webhook("customers/update", `{"id":7}`), want: "ignore"},
			{name: "no metadata", value: `{"detail":{"payload":{"id":1,"financial_status":"paid","cancelled_at":null,"test":false}}}`, want: "paid 1"},
			{name: "cancelled", value: webhook("orders/updated", `{"id":1,"financial_status":"paid","cancelled_at":"2026-03-12T08:00:00+03:00"}`), want: "ignore"},
			{name: "a test", value: webhook("orders/paid", `{"id":1,"financial_status":"paid","test":true}`), want: "ignore"},
			{name: "global id", value: webhook("orders/paid", `{"admin_graphql_api_id":"gid://shopify/Order/2","financial_status":"paid","cancelled_at":null,"test":false}`), want: "paid 2"},
			{name: "both ids", value: webhook("orders/paid", `{"id":1,"admin_graphql_api_id":"gid://shopify/Order/2","financial_status":"paid","cancelled_at":null,"test":false}`), want: "paid 1"},
		},
	}
}

func medusa() platform {
	return platform{
		preset:    "medusa",
		event:     `{"name":"order.updated","data":{"id":%id%,"display_id":42,"status":"pending","payment_status":"%st%","updated_at":"2026-03-11T07:15:03.123Z"}}`,
		prefix:    "order_",
		submitted: []string{"not_paid", "awaiting", "authorized", "partially_authorized", "partially_captured", "requires_action"},
		paid:      []string{"captured"},
		ignore:    []string{"canceled", "refunded", "partially_refunded"},
		missing:   byRule,
		reads:     map[string]string{"event_time": "2026-03-11T07:15:03.123Z"},
		off:       `{"name":"order.updated","data":{"id":"order_1","status":"canceled","payment_status":"captured"}}`,
		name:      "order.updated",
		read:      []string{"order.placed", "order.completed", "payment.captured"},
		aside: []string{
			"product.updated", "cart.created", "customer.created", "product-variant.updated", "price-list-prices.batch-updated", "order-edit.confirmed",
			"shipment.created", "order.archived", "order.claim_created", "order.exchange_created", "order.fulfillment_canceled",
			"order.fulfillment_created", "order.return_received", "order.return_requested", "order.transfer_requested", "payment.refunded",
			"pricing.price-set.created", "inventory.inventory-level.updated", "payment.payment-session.updated", "sales_channel.sales-channel.created",
			"tax.tax-rate.deleted", "refund-reason.created",
		},
		strange: []string{"order.payment_captured", "order.refund_created", "payment.authorized", "orders.updated", "robot.created", "payment.voided", "order.order.paid"},
		more: []variant{
			{name: "a product without an order", value: `{"name":"product.updated","data":{"id":"prod_01"},"metadata":{}}`, want: "ignore"},
			{name: "completed", value: `{"name":"order.updated","data":{"id":"order_1","status":"completed","payment_status":"captured"}}`, want: "paid order_1"},
			{name: "archived", value: `{"name":"order.updated","data":{"id":"order_1","status":"archived","payment_status":"captured"}}`, want: "paid order_1"},
			{name: "requires action", value: `{"name":"order.updated","data":{"id":"order_1","status":"requires_action","payment_status":"captured"}}`, want: "paid order_1"},
			{name: "no status of the order", value: `{"name":"order.updated","data":{"id":"order_1","payment_status":"captured"}}`, want: byRule, says: "status is (missing)"},
			{name: "a status of the order that nobody knows", value: `{"name":"order.updated","data":{"id":"order_1","status":"lost","payment_status":"captured"}}`, want: byRule, says: `"lost"`},
			{name: "placed", value: `{"name":"order.placed","data":{"id":"order_1"}}`, want: "submitted order_1"},
			{name: "placed and captured", value: `{"name":"order.placed","data":{"id":"order_1","payment_status":"captured"}}`, want: "paid order_1"},
			{name: "canceled", value: `{"name":"order.canceled","data":{"id":"order_1"}}`, want: "ignore"},
			{name: "canceled though captured", value: `{"name":"order.canceled","data":{"id":"order_1","payment_status":"captured"}}`, want: "ignore"},
			{name: "canceled by its status", value: `{"name":"order.updated","data":{"id":"order_1","status":"canceled","payment_status":"captured"}}`, want: "ignore"},
			{name: "a draft", value: `{"name":"order.updated","data":{"id":"order_1","status":"draft","payment_status":"not_paid"}}`, want: "ignore"},
			{name: "a payment, captured", value: `{"name":"payment.captured","data":{"id":"pay_01JABCDEF"}}`, want: byRule},
			{name: "a payment, enriched", value: `{"name":"payment.captured","data":{"id":"pay_01JABCDEF","status":"pending","payment_status":"captured"}}`, want: badID},
			{name: "updated, only an id", value: `{"name":"order.updated","data":{"id":"order_1"}}`, want: byRule},
			{name: "completed, only an id", value: `{"name":"order.completed","data":{"id":"order_1"}}`, want: byRule},
			{name: "no name", value: `{"data":{"id":"order_1","status":"pending","payment_status":"captured"}}`, want: "paid order_1"},
			{name: "neither name nor status", value: `{"data":{"id":"order_1"}}`, want: missingStatus},
			{name: "display_id does not stand in", value: `{"name":"order.placed","data":{"display_id":42}}`, want: missingID},
		},
	}
}

func commercetools() platform {
	message := func(kind, rest string) string {
		return `{"notificationType":"Message","resource":{"typeId":"order","id":"b32d1013"},"resourceUserProvidedIdentifiers":{"orderNumber":"ORD-1"},"type":"` +
			kind + `"` + rest + `}`
	}
	cloudEvent := `{"id":"81ee6da8","source":"/example/orders","specversion":"1.0","type":"com.commercetools.order.message.OrderPaymentStateChanged","subject":"b32d1013","data":` +
		message("OrderPaymentStateChanged", `,"paymentState":"Paid"`) + `}`
	return platform{
		preset:    "commercetools",
		event:     `{"notificationType":"Message","id":"81ee6da8","sequenceNumber":4,"resource":{"typeId":"order"},"resourceUserProvidedIdentifiers":{"orderNumber":%id%},"type":"OrderPaymentStateChanged","createdAt":"2026-03-11T07:15:03.066Z","paymentState":"%st%"}`,
		submitted: []string{"Pending", "BalanceDue", "CreditOwed"},
		paid:      []string{"Paid"},
		ignore:    []string{"Failed"},
		missing:   unknownStatus,
		reads:     map[string]string{"event_time": "2026-03-11T07:15:03.066Z", "version": "4"},
		off:       message("OrderPaymentStateChanged", `,"paymentState":"BalanceDue","orderState":"Cancelled"`),
		name:      "OrderPaymentStateChanged",
		read:      []string{"OrderCreated", "OrderImported", "OrderStateChanged"},
		aside: []string{
			"CustomerCreated", "ProductPublished", "PaymentTransactionAdded", "LineItemStateTransition", "CustomLineItemStateTransition", "DeliveryAdded",
			"ParcelAddedToDelivery", "ReturnInfoAdded", "OrderBillingAddressSet", "OrderCustomFieldAdded", "OrderCustomLineItemRemoved",
			"OrderCustomTypeSet", "OrderCustomerSet", "OrderCustomerEmailSet", "OrderCustomerGroupSet", "OrderDeleted", "OrderDiscountCodeAdded",
			"OrderEditApplied", "OrderLineItemAdded", "OrderPaymentAdded", "OrderPurchaseOrderNumberSet", "OrderReturnShipmentStateChanged",
			"OrderShipmentStateChanged", "OrderShippingAddressSet", "OrderShippingInfoSet", "OrderShippingRateInputSet", "OrderStateTransition",
			"OrderStoreSet",
		},
		strange: []string{"OrderPaid", "OrderRefunded", "RobotCreated"},
		more: []variant{
			{name: "imported", value: message("OrderImported", `,"order":{"orderState":"Complete"}`), want: "submitted ORD-1"},
			{name: "imported and paid", value: message("OrderImported", `,"order":{"orderState":"Complete","paymentState":"Paid"}`), want: "paid ORD-1"},
			{name: "imported without states", value: message("OrderImported", `,"order":{}`), want: "submitted ORD-1"},
			{name: "a kind of notification that nobody knows", value: strings.Replace(message("OrderCreated", ``), "Message", "Event", 1), want: byRule, says: `"Event"`},
			{name: "an empty kind of notification", value: strings.Replace(message("OrderCreated", ``), "Message", "", 1), want: byRule},
			{name: "a deletion without a message", value: strings.Replace(message("OrderCreated", ``), "Message", "ResourceDeleted", 1), want: "ignore"},
			{name: "a creation without a message", value: strings.Replace(message("OrderCreated", ``), "Message", "ResourceCreated", 1), want: "ignore"},
			{name: "created", value: message("OrderCreated", `,"order":{"orderState":"Open"}`), want: "submitted ORD-1"},
			{name: "created and paid", value: message("OrderCreated", `,"order":{"orderState":"Open","paymentState":"Paid"}`), want: "paid ORD-1"},
			{name: "created, payment failed", value: message("OrderCreated", `,"order":{"orderState":"Open","paymentState":"Failed"}`), want: "ignore"},
			{name: "created as cancelled", value: message("OrderCreated", `,"order":{"orderState":"Cancelled","paymentState":"Paid"}`), want: "ignore"},
			{name: "cancelled", value: message("OrderStateChanged", `,"orderState":"Cancelled","oldOrderState":"Open"`), want: "ignore"},
			{name: "cancelled though paid", value: message("OrderStateChanged", `,"orderState":"Cancelled","paymentState":"Paid"`), want: "ignore"},
			{name: "cancelled, not as it was created", value: message("OrderStateChanged", `,"orderState":"Cancelled","order":{"orderState":"Open"}`), want: "ignore"},
			{name: "payment states of message and order", value: message("OrderPaymentStateChanged", `,"paymentState":"Paid","order":{"paymentState":"Pending"}`), want: "paid ORD-1"},
			{name: "states of payment and order", value: message("OrderStateChanged", `,"orderState":"Confirmed","order":{"paymentState":"Paid"}`), want: "paid ORD-1"},
			{name: "open", value: message("OrderStateChanged", `,"orderState":"Open"`), want: "ignore"},
			{name: "confirmed", value: message("OrderStateChanged", `,"orderState":"Confirmed"`), want: "ignore"},
			{name: "complete", value: message("OrderStateChanged", `,"orderState":"Complete"`), want: "ignore"},
			{name: "a state of an order that nobody knows", value: message("OrderStateChanged", `,"orderState":"Elsewhere"`), want: unknownStatus},
			{name: "from paid to owing", value: message("OrderPaymentStateChanged", `,"paymentState":"BalanceDue","oldPaymentState":"Paid"`), want: "ignore"},
			{name: "from paid to pending", value: message("OrderPaymentStateChanged", `,"paymentState":"Pending","oldPaymentState":"Paid"`), want: "ignore"},
			{name: "from paid to too much", value: message("OrderPaymentStateChanged", `,"paymentState":"CreditOwed","oldPaymentState":"Paid"`), want: "ignore"},
			{name: "from paid to something new", value: message("OrderPaymentStateChanged", `,"paymentState":"Elsewhere","oldPaymentState":"Paid"`), want: unknownStatus},
			{name: "from owing to paid", value: message("OrderPaymentStateChanged", `,"paymentState":"Paid","oldPaymentState":"BalanceDue"`), want: "paid ORD-1"},
			{name: "from pending to owing", value: message("OrderPaymentStateChanged", `,"paymentState":"BalanceDue","oldPaymentState":"Pending"`), want: "submitted ORD-1"},
			{name: "another message", value: message("OrderShipmentStateChanged", `,"orderState":"Open","paymentState":"Paid"`), want: "ignore"},
			{name: "a payment's message", value: message("PaymentTransactionAdded", ``), want: "ignore"},
			{name: "test of a subscription", value: `{"notificationType":"ResourceCreated","resource":{"typeId":"subscription","id":"0d1e"}}`, want: "ignore"},
			{name: "a change without a message", value: strings.Replace(message("OrderCreated", ``), "Message", "ResourceUpdated", 1), want: "ignore"},
			{
				name:  "payload not included",
				value: `{"notificationType":"Message","resource":{"typeId":"order","id":"b32d1013"},"payloadNotIncluded":{"reason":"too large","payloadType":"OrderCreated"}}`,
				want:  byRule,
			},
			{
				name:  "payload of another message not included",
				value: `{"notificationType":"Message","type":"ParcelAddedToDelivery","resource":{"id":"b32d1013"},"payloadNotIncluded":{"reason":"too large"}}`,
				want:  byRule,
			},
			{name: "payload of a change not included", value: `{"notificationType":"ResourceUpdated","payloadNotIncluded":{"reason":"too large"}}`, want: "ignore"},
			{name: "no order number", value: `{"notificationType":"Message","resource":{"id":"b32d1013"},"type":"OrderCreated"}`, want: "submitted b32d1013"},
			{name: "no notification type", value: `{"resource":{"id":"b32d1013"},"type":"OrderCreated"}`, want: "submitted b32d1013"},
			{name: "no type", value: `{"notificationType":"Message","resource":{"id":"b32d1013"},"paymentState":"Paid"}`, want: "paid b32d1013"},
			{name: "a CloudEvent", value: cloudEvent, want: "paid ORD-1"},
		},
	}
}

// vtexPlatform returns a platform with the statuses of VTEX's workflow, for the hook or for the feed.
func vtexPlatform(preset, example string) platform {
	return platform{
		preset: preset,
		event:  example,
		id:     `"v40484048naf-01"`,
		submitted: []string{
			"order-created", "on-order-completed", "on-order-completed-ffm", "order-completed", "payment-pending",
			"waiting-for-order-authorization", "approve-payment",
		},
		paid: []string{
			"payment-approved", "authorize-fulfillment", "window-to-cancel", "ready-for-handling", "start-handling", "handling",
			"ready-for-invoicing", "invoice", "invoiced",
		},
		ignore: []string{
			"unknow", "cancel", "canceled", "payment-denied", "cancellation-requested", "request-cancel", "replaced", "order-accepted",
			"order-create-error", "order-creation-error", "order-replaced", "window-to-change-payment", "window-to-change-seller",
			"waiting-for-authorization", "waiting-for-manual-authorization", "waiting-for-mkt-authorization", "waiting-ffmt-authorization",
			"waiting-for-fulfillment", "waiting-for-seller-confirmation", "waiting-for-seller-decision", "waiting-seller-handling",
			"release-to-fulfillment", "invoice-after-cancellation-deny", "ship",
		},
		more: []variant{{name: "a ping", value: `{"hookConfig":"ping"}`, want: "ignore"}},
	}
}

func vtex() platform {
	p := vtexPlatform("vtex", `{"Domain":"Marketplace","OrderId":%id%,"State":"%st%","LastChange":"2026-03-11T07:15:03.0617185Z","CurrentChange":"2026-03-11T07:16:48.0965893Z"}`)
	p.reads = map[string]string{"event_time": "2026-03-11T07:16:48.0965893Z"}
	p.more = append(p.more,
		variant{name: "invalid times", value: `{"OrderId":"1","State":"invoiced","CurrentChange":"0001-01-01T00:00:00"}`, want: "paid 1", reads: map[string]string{"event_time": ""}},
		variant{name: "a ping with an order", value: `{"hookConfig":"ping","OrderId":"1","State":"invoiced"}`, want: "ignore"},
		variant{name: "the feed's names", value: `{"orderId":"1","state":"invoiced"}`, want: missingStatus},
	)
	return p
}

func vtexFeed() platform {
	p := vtexPlatform("vtex-feed", `{"eventId":"ED423DDED4C1AE58","orderId":%id%,"state":"%st%","lastChange":"2026-03-11T07:15:03.0617185Z","currentChange":"2026-03-11T07:15:09.0617185Z"}`)
	p.reads = map[string]string{"event_time": "2026-03-11T07:15:09.0617185Z", "event_id": "ED423DDED4C1AE58"}
	p.more = append(p.more,
		variant{name: "a ping with an order", value: `{"hookConfig":"ping","orderId":"1","state":"invoiced"}`, want: "ignore"})
	return p
}

// shopifyOthers returns topics that do not concern the payment of an order. Most of them are for other objects.
func shopifyOthers() []string {
	return []string{
		"app/update", "app_purchases_one_time/update", "app_subscriptions/update", "audit_events/update",
		"bulk_operations/update", "carts/update", "channels/update", "checkouts/update", "collection_listings/update",
		"collection_publications/update", "collections/update", "companies/update", "company_contact_roles/update",
		"company_contacts/update", "company_locations/update", "customer.tags_added", "customer_account_settings/update",
		"customer_groups/update", "customer_payment_methods/update", "customers/update",
		"customers_email_marketing_consent/update", "customers_marketing_consent/update", "delivery_promise_settings/update",
		"discounts/update", "disputes/update", "domains/update", "draft_orders/update", "fulfillment_events/update",
		"fulfillment_holds/update", "fulfillment_orders/update", "fulfillments/update", "inventory_items/update",
		"inventory_levels/update", "inventory_shipments/update", "inventory_transfers/update", "locales/update",
		"locations/update", "markets/update", "metafield_definitions/update", "metaobjects/update", "order_transactions/update",
		"payment_schedules/update", "payment_terms/update", "product_feeds/update", "product_listings/update",
		"product_publications/update", "products/update", "profiles/update", "publications/update", "refunds/update",
		"returns/update", "reverse_deliveries/update", "reverse_fulfillment_orders/update", "scheduled_product_listings/update",
		"segments/update", "selling_plan_groups/update", "shop/update", "subscription_billing_attempts/update",
		"subscription_billing_cycle_edits/update", "subscription_billing_cycles/update", "subscription_contracts/update",
		"tax_partners/update", "tax_services/update", "tax_summaries/update", "tender_transactions/update", "themes/update",
		"variants/update", "orders/cancelled", "orders/delete", "orders/edited", "orders/fulfilled", "orders/link_requested",
		"orders/partially_fulfilled", "orders/risk_assessment_changed", "orders/shopify_protect_eligibility_changed",
	}
}

// shopifyStrangers returns topics that Shopify does not have, or spells differently.
func shopifyStrangers() []string {
	return []string{"orders/refunded", "ORDERS_PAID", "order/paid", "orders", "Orders/paid", "robots/create"}
}
