package mapping_test

// markets returns the presets of marketplaces.
func markets() []platform {
	return []platform{
		{
			preset:    "ozon",
			event:     `{"message_type":"TYPE_STATE_CHANGED","posting_number":%id%,"new_state":"%st%","changed_state_date":"2026-02-02T15:07:46.765Z"}`,
			submitted: []string{"TYPE_NEW_POSTING"},
			paid:      []string{"posting_delivered"},
			ignore: []string{
				"posting_acceptance_in_progress", "posting_awaiting_passport_data", "posting_awaiting_registration", "posting_canceled",
				"posting_conditionally_delivered", "posting_created", "posting_driver_pick_up", "posting_in_arbitration",
				"posting_in_carriage", "posting_in_client_arbitration", "posting_in_courier_service", "posting_in_pickup_point",
				"posting_not_in_carriage", "posting_not_in_sort_center", "posting_on_way_to_city", "posting_on_way_to_pickup_point",
				"posting_packing", "posting_received", "posting_registered", "posting_registration_error",
				"posting_returned_to_warehouse", "posting_split_pending", "posting_transferred_to_courier_service",
				"posting_transferring_to_delivery", "ship_failed",
			},
			missing: unknownStatus,
			name:    "TYPE_STATE_CHANGED",
			read:    []string{"TYPE_NEW_POSTING", "TYPE_FBO_POSTING_NEW", "TYPE_FBO_POSTING_STATE_CHANGED"},
			aside: []string{
				"TYPE_PING", "TYPE_POSTING_CANCELLED", "TYPE_CUTOFF_DATE_CHANGED", "TYPE_DELIVERY_DATE_CHANGED", "TYPE_FBO_POSTING_CANCELLED",
				"TYPE_FBO_POSTING_DELIVERY_DATE_CHANGED", "TYPE_CREATE_ITEM", "TYPE_CREATE_OR_UPDATE_ITEM", "TYPE_STOCKS_CHANGED", "TYPE_NEW_MESSAGE",
				"TYPE_CHAT_CLOSED", "TYPE_PRICE_INDEX_CHANGED",
			},
			strange: []string{"TYPE_POSTING_PAID", "TYPE_ORDER_NEW", "TYPE_PINGED"},
			reads:   map[string]string{"event_time": "2026-02-02T15:07:46.765Z"},
			more: []variant{
				{
					name: "a new posting", value: `{"message_type":"TYPE_NEW_POSTING","posting_number":"24219509-0020-1","in_process_at":"2026-01-26T06:56:36.294Z"}`,
					want: "submitted 24219509-0020-1", reads: map[string]string{"event_time": "2026-01-26T06:56:36.294Z"},
				},
				{
					name: "both times", value: `{"new_state":"posting_delivered","posting_number":"1","in_process_at":"2026-01-26T06:56:36Z","changed_state_date":"2026-02-02T15:07:46Z"}`,
					want: "paid 1", reads: map[string]string{"event_time": "2026-02-02T15:07:46Z"},
				},
				{name: "a new posting of Ozon's own stock", value: `{"message_type":"TYPE_FBO_POSTING_NEW","posting_number":"1"}`, want: "submitted 1"},
				{name: "no type", value: `{"posting_number":"1","new_state":"posting_delivered"}`, want: "paid 1"},
				{name: "a new posting without its number", value: `{"message_type":"TYPE_NEW_POSTING"}`, want: missingID},
				{name: "cancelled", value: `{"message_type":"TYPE_POSTING_CANCELLED","posting_number":"1","new_state":"posting_canceled"}`, want: "ignore"},
				{name: "a ping", value: `{"message_type":"TYPE_PING","time":"2026-01-26T06:56:36.294Z"}`, want: "ignore"},
			},
		},
		{
			preset:    "yandex-market",
			event:     `{"notificationType":"ORDER_STATUS_UPDATED","campaignId":21700001,"orderId":%id%,"status":"%st%","updatedAt":"2026-03-11T07:15:03Z"}`,
			id:        "71234567890",
			submitted: []string{"UNPAID", "PENDING", "PROCESSING", "DELIVERY", "PICKUP"},
			paid:      []string{"DELIVERED"},
			ignore:    []string{"CANCELLED", "RETURNED", "PARTIALLY_RETURNED", "AWAITING_SOMETHING"},
			unknown:   "ignore",
			reads:     map[string]string{"event_time": "2026-03-11T07:15:03Z"},
			name:      "ORDER_STATUS_UPDATED",
			aside: []string{
				"PING", "ORDER_CANCELLED", "ORDER_CANCELLATION_REQUEST", "ORDER_UPDATED", "ORDER_RETURN_CREATED", "ORDER_RETURN_STATUS_UPDATED",
				"CHAT_CREATED", "CHAT_ARBITRAGE_FINISHED", "GOODS_FEEDBACK_CREATED", "QUESTION_CREATED",
			},
			strange: []string{"ORDER_PAID", "order_created", "CHATS"},
			more: []variant{
				{
					name: "created", value: `{"notificationType":"ORDER_CREATED","campaignId":21700001,"orderId":1,"createdAt":"2026-03-11T07:15:03Z","items":[]}`,
					want: "submitted 1", reads: map[string]string{"event_time": "2026-03-11T07:15:03Z"},
				},
				{
					name: "both times", value: `{"notificationType":"ORDER_STATUS_UPDATED","orderId":1,"status":"DELIVERED","createdAt":"2026-03-10T00:00:00Z","updatedAt":"2026-03-11T07:15:03Z"}`,
					want: "paid 1", reads: map[string]string{"event_time": "2026-03-11T07:15:03Z"},
				},
				{name: "a ping", value: `{"notificationType":"PING","time":"2026-03-11T07:15:03Z"}`, want: "ignore"},
				{name: "a return", value: `{"notificationType":"ORDER_RETURN_CREATED","orderId":1,"status":"DELIVERED"}`, want: "ignore"},
				{name: "no type", value: `{"orderId":1,"status":"DELIVERED"}`, want: "paid 1"},
			},
		},
		{
			preset:    "wildberries",
			event:     `{"orders":[{"id":%id%,"supplierStatus":"complete","wbStatus":"%st%"}]}`,
			id:        "5632423",
			submitted: []string{"waiting", "sorted", "ready_for_pickup", "accepted_by_carrier", "sent_to_carrier", "postponed_delivery"},
			paid:      []string{"sold"},
			ignore:    []string{"canceled", "canceled_by_client", "canceled_by_missed_call", "declined_by_client", "declined", "defect"},
			more: []variant{
				{
					name:  "a bad one does not affect the others",
					value: `{"orders":[{"id":1,"wbStatus":"sold"},{"id":2.0,"wbStatus":"sold"},{"id":3,"wbStatus":"lost"},{"wbStatus":"waiting"},{"id":5,"wbStatus":"waiting"},{"wbStatus":"defect"}]}`,
					want:  "paid 1; " + badID + "; " + unknownStatus + "; " + missingID + "; submitted 5; ignore",
				},
				{name: "cancelled by the shop", value: `{"orders":[{"id":1,"supplierStatus":"cancel","wbStatus":"waiting"}]}`, want: "ignore"},
				{name: "cancelled by the carrier", value: `{"orders":[{"id":1,"supplierStatus":"cancel_carrier","wbStatus":"waiting"}]}`, want: "ignore"},
				{name: "rejected by the shop", value: `{"orders":[{"id":1,"supplierStatus":"reject","wbStatus":"sorted"}]}`, want: "ignore"},
				{name: "no list", value: `{"id":1,"wbStatus":"sold"}`, want: "refuse NotAList"},
			},
		},
	}
}
