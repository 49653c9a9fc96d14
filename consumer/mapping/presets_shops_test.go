package mapping_test

import (
	"slices"
	"strings"
)

// shops are the platforms that a shop runs itself, or a Russian or European service runs for it.
func shops() []platform {
	return []platform{
		woocommerce(), magento(), bitrix(),
		{
			preset:    "insales",
			event:     `{"id":%id%,"number":1045,"financial_status":"%st%","fulfillment_status":"new","custom_status":{"title":"Новый"},"updated_at":"2026-03-11T10:15:00.692+03:00"}`,
			submitted: []string{"pending"},
			paid:      []string{"paid"},
			reads:     map[string]string{"event_time": "2026-03-11T07:15:00.692Z"},
			more: []variant{
				{name: "declined though paid", value: `{"id":1,"financial_status":"paid","fulfillment_status":"declined"}`, want: "ignore"},
				{name: "returned though paid", value: `{"id":1,"financial_status":"paid","fulfillment_status":"returned"}`, want: "ignore"},
				{name: "declined and pending", value: `{"id":1,"financial_status":"pending","fulfillment_status":"declined"}`, want: "ignore"},
				{name: "delivered and paid", value: `{"id":1,"financial_status":"paid","fulfillment_status":"delivered"}`, want: "paid 1"},
				{name: "new and pending", value: `{"id":1,"financial_status":"pending","fulfillment_status":"new"}`, want: "submitted 1"},
				{name: "accepted", value: `{"id":1,"financial_status":"paid","fulfillment_status":"accepted"}`, want: "paid 1"},
				{name: "approved", value: `{"id":1,"financial_status":"paid","fulfillment_status":"approved"}`, want: "paid 1"},
				{name: "dispatched", value: `{"id":1,"financial_status":"paid","fulfillment_status":"dispatched"}`, want: "paid 1"},
				{name: "no fulfilment", value: `{"id":1,"financial_status":"paid"}`, want: byRule, says: "fulfillment_status is (missing)"},
				{name: "null for fulfilment", value: `{"id":1,"financial_status":"paid","fulfillment_status":null}`, want: byRule, says: "(null)"},
				{name: "a fulfilment that nobody knows", value: `{"id":1,"financial_status":"paid","fulfillment_status":"lost"}`, want: byRule, says: `"lost"`},
			},
		},
		{
			preset:    "cscart",
			event:     `{"event":"change_order_status","order_id":%id%,"status_from":"N","status_to":"%st%","timestamp":1773213303}`,
			submitted: []string{"O", "Y"},
			paid:      []string{"P", "C"},
			name:      "change_order_status",
			read:      []string{"change_order_status_post"},
			aside:     []string{"update_product_post", "create_shipment_post", "add_discussion_post", "delete_cart_item", "update_user_pre", "place_page"},
			strange:   []string{"place_order", "change_status", "update_order"},
			ignore:    []string{"N", "T", "I", "F", "D", "B"},
			reads:     map[string]string{"event_time": "2026-03-11T07:15:03Z"},
			more: []variant{
				{name: "codes have a case", value: `{"order_id":"1","status_to":"p"}`, want: unknownStatus},
				{name: "a letter of the shop's own", value: `{"order_id":"1","status_to":"G"}`, want: unknownStatus},
				{name: "no name", value: `{"order_id":"1","status_to":"P"}`, want: "paid 1"},
			},
		},
		{
			preset:    "opencart",
			event:     `{"event":"catalog/model/checkout/order/addHistory/after","order_id":%id%,"order_status_id":"%st%","status_name":"Complete","date_added":"2026-03-11 10:15:03"}`,
			name:      "catalog/model/checkout/order/addHistory/after",
			read:      []string{"catalog/model/checkout/order.addHistory/after", "catalog/model/checkout/order/addOrderHistory/after"},
			aside:     []string{"catalog/model/account/customer/addCustomer/after", "admin/model/catalog/product.editProduct/after", "catalog/controller/common/header/before"},
			strange:   []string{"catalog/model/checkout/order/addOrder/after", "admin/model/sale/order/editOrder/after", "catalog/model/checkout/order/addHistory/before"},
			numbers:   true,
			submitted: []string{"1"},
			paid:      []string{"2", "5", "15"},
			ignore:    []string{"0", "3", "7", "8", "9", "10", "11", "12", "13", "14", "16"},
			more: []variant{
				{name: "a number that nobody knows", value: `{"order_id":1,"order_status_id":17}`, want: unknownStatus},
				{name: "no name", value: `{"order_id":1,"order_status_id":5}`, want: "paid 1"},
			},
		},
		{
			preset:    "opencart-name",
			event:     `{"order_id":%id%,"language_id":2,"status_name":"%st%","date_added":"2026-03-11 10:15:03"}`,
			submitted: []string{"pending", "Pending", "Ожидание"},
			paid:      []string{"processing", "Processing", "complete", "  Complete ", "processed", "ОПЛАЧЕН", " оплачен"},
			ignore: []string{
				"Shipped", "Canceled", "Denied", "Canceled Reversal", "Failed", "Refunded", "Reversed", "Chargeback",
				"Expired", "Voided",
			},
		},
		{
			preset:    "prestashop",
			event:     `{"hook":"actionOrderStatusPostUpdate","id_order":%id%,"reference":"XKBKNABJK","newOrderStatus":{"id":"%st%","name":"x","paid":"0"},"oldOrderStatus":{"id":2,"paid":"1"}}`,
			numbers:   true,
			submitted: []string{"1", "10", "12", "13"},
			ignore:    []string{"6", "7", "8"},
			off:       `{"hook":"actionOrderStatusPostUpdate","id_order":1,"newOrderStatus":{"id":6,"paid":"0"}}`,
			name:      "actionOrderStatusPostUpdate",
			read:      []string{"actionOrderStatusUpdate"},
			aside:     []string{"actionProductUpdate", "actionCartSave", "actionObjectCustomerAddAfter", "actionUpdateQuantity", "displayAdminProductsExtra"},
			strange:   []string{"actionValidateOrder", "actionPaymentConfirmation", "actionObjectOrderUpdateAfter"},
			more: []variant{
				{name: "payment accepted", value: `{"id_order":17,"newOrderStatus":{"id":2,"paid":"1"}}`, want: "paid 17"},
				{name: "a state of the shop's own, paid", value: `{"id_order":20,"newOrderStatus":{"id":27,"paid":1}}`, want: "paid 20"},
				{name: "a state of the shop's own, paid as a bool", value: `{"id_order":20,"newOrderStatus":{"id":27,"paid":true}}`, want: "paid 20"},
				{name: "a state of the shop's own, not paid", value: `{"id_order":20,"newOrderStatus":{"id":27,"paid":"0"}}`, want: unknownStatus},
				{name: "bank wire that is paid after all", value: `{"id_order":18,"newOrderStatus":{"id":10,"paid":"1"}}`, want: "paid 18"},
				{name: "canceled with the flag", value: `{"id_order":18,"newOrderStatus":{"id":6,"paid":"1"}}`, want: "ignore"},
				{name: "refunded with the flag", value: `{"id_order":18,"newOrderStatus":{"id":7,"paid":"1"}}`, want: "ignore"},
				{name: "payment error with the flag", value: `{"id_order":18,"newOrderStatus":{"id":8,"paid":"1"}}`, want: "ignore"},
				{name: "refunded without an id", value: `{"newOrderStatus":{"id":7,"paid":"0"}}`, want: "ignore"},
				{name: "no flag", value: `{"id_order":18,"newOrderStatus":{"id":10}}`, want: byRule, says: "newOrderStatus.paid is missing"},
				{name: "null for a flag", value: `{"id_order":18,"newOrderStatus":{"id":2,"paid":null}}`, want: byRule},
				{name: "canceled without a flag", value: `{"id_order":18,"newOrderStatus":{"id":6}}`, want: "ignore"},
				{name: "no state", value: `{"id_order":18}`, want: missingStatus, says: "$.newOrderStatus.id"},
				{name: "a flag that is neither", value: `{"id_order":18,"newOrderStatus":{"id":10,"paid":"maybe"}}`, want: fieldError},
			},
		},
		{
			preset:    "spree",
			event:     `{"id":"550e8400","name":"order.updated","created_at":"2026-03-11T07:15:03Z","data":{"id":"or_m3Rp9wXz","number":%id%,"state":"complete","payment_state":"%st%","completed_at":"2026-03-11T07:15:00Z"}}`,
			submitted: []string{"balance_due", "none", "authorized", "partially_paid"},
			paid:      []string{"paid", "credit_owed", "overcharged"},
			ignore:    []string{"void", "failed", "refunded", "partially_refunded"},
			reads:     map[string]string{"event_time": "2026-03-11T07:15:03Z", "event_id": "550e8400"},
			off:       `{"name":"order.updated","data":{"number":"R1","state":"payment","payment_state":"paid","completed_at":null}}`,
			name:      "order.updated",
			read: []string{
				"order.created", "order.placed", "order.completed", "order.approved", "order.paid", "order.fulfilled", "order.shipped", "order.resumed",
			},
			aside:   []string{"product.updated", "payment.paid", "shipment.shipped", "stock_item.updated", "wishlist_item.created", "order.deleted", "order.canceled"},
			strange: []string{"order.refunded", "orders.updated", "checkout.completed"},
			more: []variant{
				{name: "the name of version 6", value: `{"name":"order.updated","data":{"number":"R1","state":"complete","payment_status":"paid","completed_at":"2026-03-11T07:15:00Z"}}`, want: "paid R1"},
				{name: "both names", value: `{"name":"order.updated","data":{"number":"R1","state":"complete","payment_state":"paid","payment_status":"refunded","completed_at":"2026-03-11T07:15:00Z"}}`, want: "paid R1"},
				{name: "a cart", value: `{"name":"order.updated","data":{"number":"R1","payment_state":"paid","completed_at":null}}`, want: "ignore"},
				{name: "another event", value: `{"name":"product.updated","data":{"id":"prod_1"}}`, want: "ignore"},
				{name: "no name", value: `{"data":{"number":"R1","state":"complete","payment_state":"paid","completed_at":"2026-03-11T07:15:00Z"}}`, want: "paid R1"},
				{name: "nothing about completion", value: `{"name":"order.updated","data":{"number":"R1","state":"complete","payment_state":"paid"}}`, want: byRule, says: "completed_at or state is missing"},
				{name: "nothing about completion, canceled", value: `{"name":"order.updated","data":{"number":"R1","state":"canceled","payment_state":"paid"}}`, want: "ignore"},
				{name: "no state", value: `{"name":"order.updated","data":{"number":"R1","payment_state":"paid","completed_at":"2026-03-11T07:15:00Z"}}`, want: byRule},
				{name: "a status for a state", value: `{"name":"order.updated","data":{"number":"R1","status":"placed","payment_status":"paid","completed_at":"2026-03-11T07:15:00Z"}}`, want: "paid R1"},
				{name: "canceled by its status", value: `{"name":"order.updated","data":{"number":"R1","status":"canceled","payment_status":"paid","completed_at":"2026-03-11T07:15:00Z"}}`, want: "ignore"},
				{name: "canceled by its state, placed by its status", value: `{"name":"order.updated","data":{"number":"R1","state":"canceled","status":"placed","payment_state":"paid","completed_at":"2026-03-11T07:15:00Z"}}`, want: "ignore"},
				{name: "canceled by its event", value: `{"name":"order.canceled","data":{"number":"R1","payment_state":"paid","completed_at":"2026-03-11T07:15:00Z"}}`, want: "ignore"},
				{name: "canceled by its state", value: `{"name":"order.updated","data":{"number":"R1","state":"canceled","payment_state":"paid","completed_at":"2026-03-11T07:15:00Z"}}`, want: "ignore"},
				{name: "returned", value: `{"name":"order.updated","data":{"number":"R1","state":"returned","payment_state":"paid","completed_at":"2026-03-11T07:15:00Z"}}`, want: "ignore"},
				{name: "on its way back", value: `{"name":"order.updated","data":{"number":"R1","state":"awaiting_return","payment_state":"paid","completed_at":"2026-03-11T07:15:00Z"}}`, want: "ignore"},
			},
		},
		{
			preset:    "sylius",
			event:     `{"event":"sylius.order","order":{"id":22,"number":%id%,"tokenValue":"nEM","state":"new","paymentState":"%st%"},"occurredAt":"2026-03-11T07:15:03+00:00"}`,
			id:        `"000000022"`,
			submitted: []string{"awaiting_payment", "authorized", "partially_authorized", "partially_paid"},
			paid:      []string{"paid"},
			ignore:    []string{"cart", "cancelled", "refunded", "partially_refunded"},
			reads:     map[string]string{"event_time": "2026-03-11T07:15:03Z"},
			off:       `{"event":"sylius.order","order":{"number":"1","state":"cancelled","paymentState":"paid"}}`,
			name:      "sylius.order",
			read:      []string{"sylius.order.paid", "sylius.order.post_complete", "sylius.order.post_create"},
			aside:     []string{"sylius.product.post_update", "sylius.order_item.pre_create", "sylius_payment", "workflow.sylius.customer"},
			strange:   []string{"sylius_order.paid", "app.order.paid", "sylius.order.", "sylius.refund.created"},
			more: []variant{
				{name: "no name", value: `{"order":{"number":"1","state":"new","paymentState":"paid"}}`, want: "paid 1"},
				{name: "no state", value: `{"order":{"number":"1","paymentState":"paid"}}`, want: byRule, says: "order.state is (missing)"},
				{name: "a state that nobody knows", value: `{"order":{"number":"1","state":"lost","paymentState":"paid"}}`, want: byRule, says: `"lost"`},
				{name: "a cart without a number", value: `{"order":{"number":null,"state":"cart","paymentState":"awaiting_payment"}}`, want: "ignore"},
				{name: "cancelled though paid", value: `{"order":{"number":"1","state":"cancelled","paymentState":"paid"}}`, want: "ignore"},
				{name: "fulfilled and paid", value: `{"order":{"number":"1","state":"fulfilled","paymentState":"paid"}}`, want: "paid 1"},
			},
		},
		{
			preset: "shopware",
			event:  `{"data":{"payload":{"order":{"id":"7b04","orderNumber":%id%,"stateMachineState":{"technicalName":"open","name":"Offen"}}},"event":"%st%"},"source":{"eventId":"7b05"},"timestamp":1773213303}`,
			submitted: []string{
				"checkout.order.placed", "state_enter.order_transaction.state.paid_partially",
				"state_enter.order_transaction.state.authorized",
			},
			paid: []string{"state_enter.order_transaction.state.paid"},
			ignore: []string{
				"state_enter.order_transaction.state.refunded", "state_enter.order_transaction.state.refunded_partially",
				"state_enter.order_transaction.state.cancelled", "state_enter.order.state.cancelled",
				"state_leave.order_transaction.state.paid", "product.written", "checkout.order.payment_method.changed", "order.written", "order.deleted",
				"order_address.written", "state_enter.order.state.completed", "state_enter.order.state.in_progress", "state_enter.order.state.open",
				"state_enter.order_transaction.state.chargeback", "state_enter.order_transaction.state.failed",
				"state_enter.order_transaction.state.in_progress", "state_enter.order_transaction.state.open",
				"state_enter.order_transaction.state.reminded", "state_enter.order_transaction.state.unconfirmed",
				"state_enter.order_delivery.state.shipped", "state_enter.order_transaction_capture.state.completed",
				"state_enter.order_transaction_capture_refund.state.open", "state_leave.order.state.open", "checkout.customer.login",
				"customer.recovery.request", "mail.sent", "newsletter.register", "product_price.written", "sales_channel_domain.deleted", "app.installed",
			},
			unknown: byRule,
			missing: byRule,
			reads:   map[string]string{"event_time": "2026-03-11T07:15:03Z", "event_id": "7b05"},
			name:    "%st%",
			strange: []string{
				"state_enter.order_transaction.state.paid.x", "state_enter.order_transaction.state.settled", "state_enter.order.state.lost",
				"checkout.order.confirmed", "checkout.cart.saved",
			},
			more: []variant{
				{
					name:  "a name that nobody knows, of a cancelled order",
					value: `{"data":{"payload":{"order":{"orderNumber":"1","stateMachineState":{"technicalName":"cancelled"}}},"event":"state_enter.order_transaction.state.settled"}}`,
					want:  byRule,
				},
				{
					name:  "no state of the order",
					value: `{"data":{"payload":{"order":{"orderNumber":"1"}},"event":"state_enter.order_transaction.state.paid"}}`,
					want:  byRule, says: "stateMachineState is (missing)",
				},
				{
					name:  "a state of the order that was not loaded",
					value: `{"data":{"payload":{"order":{"orderNumber":"1","stateMachineState":null}},"event":"state_enter.order_transaction.state.paid"}}`,
					want:  byRule,
				},
				{
					name:  "a state of the order that nobody knows",
					value: `{"data":{"payload":{"order":{"orderNumber":"1","stateMachineState":{"technicalName":"lost"}}},"event":"state_enter.order_transaction.state.authorized"}}`,
					want:  byRule, says: `"lost"`,
				},
				{
					name:  "in progress",
					value: `{"data":{"payload":{"order":{"orderNumber":"1","stateMachineState":{"technicalName":"in_progress"}}},"event":"state_enter.order_transaction.state.paid"}}`,
					want:  "paid 1",
				},
				{
					name:  "completed",
					value: `{"data":{"payload":{"order":{"orderNumber":"1","stateMachineState":{"technicalName":"completed"}}},"event":"state_enter.order_transaction.state.paid"}}`,
					want:  "paid 1",
				},
				{name: "placed, no state of the order", value: `{"data":{"payload":{"order":{"orderNumber":"1"}},"event":"checkout.order.placed"}}`, want: "submitted 1"},
				{
					name:  "cancelled, the money came late",
					value: `{"data":{"payload":{"order":{"orderNumber":"1","stateMachineState":{"technicalName":"cancelled"}}},"event":"state_enter.order_transaction.state.paid"}}`,
					want:  "ignore",
				},
			},
		},
		{
			preset:    "saleor",
			event:     `{"__typename":"OrderPaid","issuedAt":"2026-03-11T07:15:03.123456+00:00","order":{"id":"T3JkZXI6","number":%id%,"status":"UNFULFILLED","chargeStatus":"%st%"}}`,
			submitted: []string{"NONE", "PARTIAL"},
			paid:      []string{"FULL", "OVERCHARGED"},
			reads:     map[string]string{"event_time": "2026-03-11T07:15:03.123456Z"},
			off:       `{"__typename":"OrderPaid","order":{"number":"1","status":"CANCELED","chargeStatus":"FULL"}}`,
			name:      "OrderPaid",
			read: []string{
				"OrderCreated", "OrderConfirmed", "OrderFullyPaid", "OrderUpdated", "OrderFulfilled", "OrderMetadataUpdated",
			},
			aside:   []string{"ProductUpdated", "CustomerCreated", "CheckoutUpdated", "DraftOrderCreated", "GiftCardSent", "FulfillmentApproved", "OrderRefunded", "OrderFullyRefunded", "OrderCancelled", "OrderExpired"},
			strange: []string{"OrderBulkCreated", "OrderReturned", "Order", "RobotCreated"},
			more: slices.Concat(saleorHeaders(), []variant{
				{name: "unconfirmed", value: `{"order":{"number":"1","status":"UNCONFIRMED","chargeStatus":"FULL"}}`, want: "paid 1"},
				{name: "fulfilled in part", value: `{"order":{"number":"1","status":"PARTIALLY_FULFILLED","chargeStatus":"FULL"}}`, want: "paid 1"},
				{name: "fulfilled", value: `{"order":{"number":"1","status":"FULFILLED","chargeStatus":"FULL"}}`, want: "paid 1"},
				{name: "returned in part", value: `{"order":{"number":"1","status":"PARTIALLY_RETURNED","chargeStatus":"FULL"}}`, want: "paid 1"},
				{name: "a query without the status", value: `{"__typename":"OrderPaid","order":{"number":"1","chargeStatus":"FULL"}}`, want: byRule, says: "order.status is (missing)"},
				{name: "a query without the charge", value: `{"__typename":"OrderPaid","order":{"number":"1","status":"UNFULFILLED"}}`, want: missingStatus, says: "$.order.chargeStatus"},
				{name: "a status that nobody knows", value: `{"order":{"number":"1","status":"LOST","chargeStatus":"FULL"}}`, want: byRule, says: `"LOST"`},
				{name: "a product without an order", value: `{"__typename":"ProductUpdated","product":{"id":"UHJv"}}`, want: "ignore"},
				{name: "draft", value: `{"order":{"number":"1","status":"DRAFT","chargeStatus":"NONE"}}`, want: "ignore"},
				{name: "canceled though charged", value: `{"order":{"number":"1","status":"CANCELED","chargeStatus":"FULL"}}`, want: "ignore"},
				{name: "expired", value: `{"order":{"number":"1","status":"EXPIRED","chargeStatus":"NONE"}}`, want: "ignore"},
				{name: "returned though charged", value: `{"order":{"number":"1","status":"RETURNED","chargeStatus":"FULL"}}`, want: "ignore"},
				{name: "canceled without a number", value: `{"order":{"status":"CANCELED","chargeStatus":"FULL"}}`, want: "ignore"},
				{name: "refunded in part", value: `{"__typename":"OrderRefunded","order":{"number":"1","status":"FULFILLED","chargeStatus":"PARTIAL"}}`, want: "ignore"},
				{name: "refunded", value: `{"__typename":"OrderFullyRefunded","order":{"number":"1","status":"FULFILLED","chargeStatus":"NONE"}}`, want: "ignore"},
				{name: "codes have a case", value: `{"order":{"number":"1","status":"UNFULFILLED","chargeStatus":"full"}}`, want: unknownStatus},
			}),
		},
		{
			preset:    "saleor-legacy",
			event:     `[{"type":"Order","id":"T3JkZXI6","number":%id%,"status":"%st%","meta":{"issued_at":"2026-03-11T07:15:04.000000+00:00"}}]`,
			submitted: []string{"unconfirmed", "unfulfilled", "partially fulfilled", "fulfilled"},
			ignore:    []string{"draft", "canceled", "expired", "returned", "partially_returned"},
			reads:     map[string]string{"event_time": "2026-03-11T07:15:04Z"},
			headers:   map[string]string{"saleor-event": "order_created"},
			off:       `[{"type":"Product","number":1,"status":"unfulfilled"}]`,
			name:      "order_created", nameHeader: "saleor-event",
			read: []string{
				"order_confirmed", "order_paid", "order_fully_paid", "order_updated", "order_fulfilled", "order_cancelled", "order_expired",
				"order_bulk_created", "order_metadata_updated",
			},
			aside:   []string{"product_updated", "customer_created", "draft_order_created", "gift_card_sent", "order_refunded", "order_fully_refunded"},
			strange: []string{"order_returned", "orders_created"},
			more: slices.Concat(saleorKinds(), []variant{
				{name: "no header", headers: map[string]string{}, value: `[{"type":"Order","number":1,"status":"unfulfilled"}]`, want: "submitted 1"},
				{name: "a type that nobody knows", value: `[{"type":"Robot","number":1,"status":"unfulfilled"}]`, want: byRule, says: `"Robot"`},
				{name: "an empty type", value: `[{"type":"","number":1,"status":"unfulfilled"}]`, want: byRule},
				{name: "no type", value: `[{"number":1,"status":"unfulfilled"}]`, want: "submitted 1"},
				{name: "a product that is no list", headers: map[string]string{"Saleor-Event": "product_updated"}, value: `{"id":"UHJv"}`, want: "ignore"},
				{name: "several orders", value: `[{"number":1,"status":"unfulfilled"},{"number":2,"status":"draft"},{"number":null,"status":"fulfilled"}]`, want: "submitted 1; ignore; " + missingID},
				{name: "not a list", value: `{"number":1,"status":"unfulfilled"}`, want: "refuse NotAList"},
			}),
		},
		{
			preset: "retailcrm",
			event:  `{"id":5021,"externalId":"S-77","number":%id%,"status":"%st%","statusUpdatedAt":"2026-03-11 10:15:03","fullPaidAt":null,"customFields":[]}`,
			submitted: []string{
				"new", "availability-confirmed", "client-confirmed", "prepayed", "send-to-assembling", "assembling",
				"assembling-complete", "send-to-delivery", "delivering", "redirect", "complete", "offer-analog", "ready-to-wait",
				"waiting-for-arrival", "ready-for-self-pickup", "arrived-in-pickup-point", "partially-completed",
			},
			ignore: []string{
				"cancel-other", "cancel-by-shop", "no-call", "no-product", "already-buyed", "delyvery-did-not-suit",
				"prices-did-not-suit", "return",
			},
			more: []variant{
				{name: "unpaid, as the API sends it", value: `{"number":"7141C","status":"assembling","prepaySum":0,"payments":{}}`, want: "submitted 7141C"},
				{name: "complete and unpaid, as the API sends it", value: `{"number":"1","status":"complete","prepaySum":37000}`, want: "submitted 1"},
				{name: "a few fields, not about money", value: `{"number":"1","status":"new"}`, want: "submitted 1"},
				{name: "a few fields, complete", value: `{"number":"1","status":"complete"}`, want: byRule, says: "fullPaidAt is missing"},
				{name: "a few fields, prepaid", value: `{"number":"1","status":"prepayed"}`, want: byRule, says: "fullPaidAt is missing"},
				{name: "a few fields, complete and said to be unpaid", value: `{"number":"1","status":"complete","fullPaidAt":null}`, want: "submitted 1"},
				{name: "no date of payment, cancelled", value: `{"number":"1","status":"cancel-other"}`, want: "ignore"},
				{name: "paid in full", value: `{"number":"1234A","status":"client-confirmed","fullPaidAt":"2026-03-11 10:15:03"}`, want: "paid 1234A"},
				{name: "paid in full in a status of the shop's own", value: `{"number":"1","status":"v-puti","fullPaidAt":"2026-03-11 10:15:03"}`, want: "paid 1"},
				{name: "paid in full without a status", value: `{"number":"1","fullPaidAt":"2026-03-11 10:15:03"}`, want: missingStatus, says: "$.status"},
				{name: "cancelled though paid", value: `{"number":"1","status":"cancel-other","fullPaidAt":"2026-03-11 10:15:03"}`, want: "ignore"},
				{name: "no product though paid", value: `{"number":"1","status":"no-product","fullPaidAt":"2026-03-11 10:15:03"}`, want: "ignore"},
				{name: "the shop's own id does not stand in", value: `{"externalId":"S-77","id":1,"status":"new","fullPaidAt":null}`, want: missingID},
			},
		},
	}
}

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
			{name: "an amount that is none", value: order("processing", `"129.0000"`, `"E68Q"`), want: fieldError},
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

// saleorHeaders are events of queries without __typename, which only the header names.
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

// saleorKinds are items of other types.
func saleorKinds() []variant {
	var all []variant
	for kind := range strings.FieldsSeq("App Checkout Collection Fulfillment Invoice Page Product ProductVariant Sale User") {
		all = append(all, variant{name: kind, value: `[{"type":"` + kind + `","number":1,"status":"unfulfilled"}]`, want: "ignore"})
	}
	return all
}
