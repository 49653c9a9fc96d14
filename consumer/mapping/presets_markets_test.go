package mapping_test

// markets are the marketplaces.
func markets() []platform {
	return []platform{
		{
			preset:    "ozon",
			event:     `{"message_type":"TYPE_STATE_CHANGED","posting_number":%id%,"new_state":"%st%","changed_state_date":"2026-02-02T15:07:46.765Z"}`,
			submitted: []string{"TYPE_NEW_POSTING"},
			paid:      []string{"posting_delivered"},
			ignore:    []string{"posting_canceled", "posting_transferred_to_courier_service", "posting_driver_pick_up", "TYPE_PING"},
			unknown:   "ignore",
			missing:   "ignore",
			reads:     map[string]string{"event_time": "2026-02-02T15:07:46.765Z"},
			more: []event{
				{
					name: "a new posting", value: `{"message_type":"TYPE_NEW_POSTING","posting_number":"24219509-0020-1","in_process_at":"2026-01-26T06:56:36.294Z"}`,
					want: "submitted 24219509-0020-1", reads: map[string]string{"event_time": "2026-01-26T06:56:36.294Z"},
				},
				{
					name: "both times", value: `{"new_state":"posting_delivered","posting_number":"1","in_process_at":"2026-01-26T06:56:36Z","changed_state_date":"2026-02-02T15:07:46Z"}`,
					want: "paid 1", reads: map[string]string{"event_time": "2026-02-02T15:07:46Z"},
				},
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
			more: []event{
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
			more: []event{
				{
					name:  "a bad one does not sink its neighbours",
					value: `{"orders":[{"id":1,"wbStatus":"sold"},{"id":2.0,"wbStatus":"sold"},{"id":3,"wbStatus":"lost"},{"wbStatus":"waiting"},{"id":5,"wbStatus":"waiting"},{"wbStatus":"defect"}]}`,
					want:  "paid 1; " + badID + "; " + unknownStatus + "; " + missingID + "; submitted 5; ignore",
				},
				{name: "no list", value: `{"id":1,"wbStatus":"sold"}`, want: "refuse NotAList"},
			},
		},
	}
}
