package schema_test

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"leadhit-sync/consumer/mapping/schema"
)

const orderAvro = `{"type":"record","name":"OrderEvent","namespace":"example.shop","fields":[
	{"name":"order_id","type":"long"},
	{"name":"number","type":"string"},
	{"name":"status","type":["null",{"type":"enum","name":"Status","symbols":["NEW","PAID","CANCELLED"]}],"default":null},
	{"name":"occurred_at","type":{"type":"long","logicalType":"timestamp-millis"}}]}`

const orderProto = `syntax = "proto3";
package example.shop;
import "status.proto";
message Other { string x = 1; }
message OrderEvent { int64 order_id = 1; Status status = 2; int64 occurred_at_ms = 3; }`

const statusProto = `syntax = "proto3";
package example.shop;
enum Status { STATUS_UNSPECIFIED = 0; STATUS_NEW = 1; STATUS_PAID = 2; STATUS_CANCELLED = 3; }`

func orderFiles() fstest.MapFS {
	return fstest.MapFS{
		"orders/order.avsc":   {Data: []byte(orderAvro)},
		"orders/order.proto":  {Data: []byte(orderProto)},
		"orders/status.proto": {Data: []byte(statusProto)},
		"broken.avsc":         {Data: []byte(`{`)},
	}
}

func TestSchemasFromFilesReadTheirPayloads(t *testing.T) {
	t.Parallel()
	avro, err := schema.FromFile(t.Context(), "avro", "orders/order.avsc", orderFiles().ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	protobuf, err := schema.FromFile(t.Context(), "protobuf", "orders/order.proto", orderFiles().ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	schemas := map[int]*schema.Schema{41: avro, 42: protobuf, 44: avro}
	for name, test := range map[string]struct{ value, want string }{
		"avro":                      {"AAAAACmCgICAgICAIAhBVi0xAgKwg/67m2c=", `{"order_id":9007199254740993,"number":"AV-1","status":"PAID","occurred_at":1773213303000}`},
		"avro without a status":     {"AAAAACmGgICAgICAIAhBVi0yALCD/rubZw==", `{"order_id":9007199254740995,"number":"AV-2","status":null,"occurred_at":1773213303000}`},
		"avro of another version":   {"AAAAACyCgICAgICAIAhBVi0xAgKwg/67m2c=", `{"order_id":9007199254740993,"number":"AV-1","status":"PAID","occurred_at":1773213303000}`},
		"protobuf":                  {"AAAAACoCAgiBgICAgICAEBACGNiB/93NMw==", `{"order_id":9007199254740993,"status":"STATUS_PAID","occurred_at_ms":1773213303000}`},
		"protobuf without a status": {"AAAAACoCAgiCgICAgICAEBjYgf/dzTM=", `{"order_id":9007199254740994,"status":"STATUS_UNSPECIFIED","occurred_at_ms":1773213303000}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value, err := base64.StdEncoding.DecodeString(test.value)
			if err != nil {
				t.Fatal(err)
			}
			id, payload, ok := schema.Frame(value)
			if !ok {
				t.Fatal("got no frame")
			}
			if got := mustJSON(t, schemas[id], payload); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAFileThatIsMissingOrNotASchemaIsAnError(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		encoding, name string
		want           error
	}{
		{"avro", "missing.avsc", fs.ErrNotExist},
		{"avro", "broken.avsc", schema.ErrNotDecodable},
		{"protobuf", "orders/order.avsc", schema.ErrNotDecodable},
	} {
		s, err := schema.FromFile(t.Context(), test.encoding, test.name, orderFiles().ReadFile)
		if s != nil || !errors.Is(err, test.want) {
			t.Errorf("%s %s: got %v, %v, want %v", test.encoding, test.name, s, err, test.want)
		}
	}
}
