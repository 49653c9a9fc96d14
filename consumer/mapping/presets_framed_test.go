package mapping_test

import "encoding/binary"

// framed returns the presets whose events are not JSON. Their schemas are beside the presets.
func framed() []platform {
	return []platform{
		{
			preset: "confluent-avro",
			more: []variant{
				{name: "new", value: avroOrder(41, 7, 0), want: "submitted 7"},
				{
					name: "paid, a number above 2^53", value: avroOrder(41, 9007199254740993, 1), want: "paid 9007199254740993",
					reads: map[string]string{"event_time": "2026-03-11T07:15:03Z"},
				},
				{name: "cancelled", value: avroOrder(41, 7, 2), want: "ignore"},
				{name: "the null branch", value: avroOrder(41, 7, -1), want: missingStatus},
				{name: "an unknown schema", value: avroOrder(999, 7, 1), want: "refuse UnknownSchema"},
				{name: "a symbol that the schema lacks", value: avroOrder(41, 7, 3), want: "refuse NotDecodable"},
				{name: "JSON anyway", value: `{"order_id":7,"status":"PAID"}`, want: "refuse NotDecodable"},
			},
		},
		{
			preset: "confluent-protobuf",
			more: []variant{
				{name: "new", value: protobufOrder(42, 7, 1), want: "submitted 7"},
				{
					name: "paid, a number above 2^53", value: protobufOrder(42, 9007199254740993, 2), want: "paid 9007199254740993",
					reads: map[string]string{"event_time": "2026-03-11T07:15:03Z"},
				},
				{name: "cancelled", value: protobufOrder(42, 7, 3), want: "ignore"},
				{name: "the default, which is not on the wire", value: protobufOrder(42, 7, 0), want: unknownStatus},
				{name: "a number that the schema lacks", value: protobufOrder(42, 7, 9), want: unknownStatus},
				{name: "an unknown schema", value: protobufOrder(999, 7, 2), want: "refuse UnknownSchema"},
			},
		},
	}
}

func frame(id uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{0}, id)
}

// avroOrder returns an order whose status is the symbol with the given number. A negative number means the null branch.
func avroOrder(schema uint32, id, status int64) string {
	value := binary.AppendVarint(frame(schema), id)
	value = append(binary.AppendVarint(value, 3), "A-1"...)
	if status < 0 {
		value = append(value, 0)
	} else {
		value = binary.AppendVarint(append(value, 2), status)
	}
	return string(binary.AppendVarint(value, 1773213303000))
}

// protobufOrder returns an order as the second message in the .proto file. A status of 0 is not on the wire.
func protobufOrder(schema uint32, id, status uint64) string {
	value := append(frame(schema), 2, 2, 1<<3)
	value = binary.AppendUvarint(value, id)
	if status != 0 {
		value = binary.AppendUvarint(append(value, 2<<3), status)
	}
	return string(binary.AppendUvarint(append(value, 3<<3), 1773213303000))
}
