package schema_test

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"strings"
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
		"orders/order.json":   {Data: []byte(`{}`)},
		"broken.avsc":         {Data: []byte(`{`)},
	}
}

func TestFilesReadWhatWasWrittenWithThem(t *testing.T) {
	t.Parallel()
	lookup, err := schema.FromFiles(
		t.Context(), orderFiles().ReadFile,
		schema.File{ID: 41, Path: "orders/order.avsc", Type: "avro"},
		schema.File{ID: 42, Path: "orders/order.proto", Type: "protobuf"},
		schema.File{ID: 43, Path: "orders/order.json", Type: "json"},
		schema.File{ID: 44, Path: "orders/order.avsc", Type: "avro"},
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ value, want string }{
		"avro":                      {"AAAAACmCgICAgICAIAhBVi0xAgKwg/67m2c=", `{"order_id":9007199254740993,"number":"AV-1","status":"PAID","occurred_at":1773213303000}`},
		"avro without a status":     {"AAAAACmGgICAgICAIAhBVi0yALCD/rubZw==", `{"order_id":9007199254740995,"number":"AV-2","status":null,"occurred_at":1773213303000}`},
		"avro of another version":   {"AAAAACyCgICAgICAIAhBVi0xAgKwg/67m2c=", `{"order_id":9007199254740993,"number":"AV-1","status":"PAID","occurred_at":1773213303000}`},
		"protobuf":                  {"AAAAACoCAgiBgICAgICAEBACGNiB/93NMw==", `{"order_id":9007199254740993,"status":"STATUS_PAID","occurred_at_ms":1773213303000}`},
		"protobuf without a status": {"AAAAACoCAgiCgICAgICAEBjYgf/dzTM=", `{"order_id":9007199254740994,"status":"STATUS_UNSPECIFIED","occurred_at_ms":1773213303000}`},
		"json":                      {"AAAAACt7ImlkIjogMX0=", `{"id": 1}`},
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
			s, err := lookup(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if got := mustJSON(t, s, payload); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAnIDThatNoFileHasIsUnknown(t *testing.T) {
	t.Parallel()
	lookup, err := schema.FromFiles(t.Context(), orderFiles().ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := lookup(t.Context(), 999); s != nil || !errors.Is(err, schema.ErrUnknown) || errors.Is(err, schema.ErrUnreachable) {
		t.Errorf("got %v, %v, want ErrUnknown", s, err)
	}
}

func TestAllMistakesOfTheFilesComeAtOnce(t *testing.T) {
	t.Parallel()
	lookup, err := schema.FromFiles(
		t.Context(), orderFiles().ReadFile,
		schema.File{ID: 41, Path: "orders/order.avsc", Type: "avro"},
		schema.File{ID: 41, Path: "orders/order.proto", Type: "protobuf"},
		schema.File{ID: 42, Path: "missing.avsc", Type: "avro"},
		schema.File{ID: 43, Path: "broken.avsc", Type: "avro"},
		schema.File{ID: 44, Path: "orders/order.avsc", Type: "protobuf"},
		schema.File{ID: 45, Path: "orders/order.avsc", Type: "thrift"},
	)
	if lookup != nil || err == nil {
		t.Fatalf("got %v, want the mistakes", err)
	}
	if !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, schema.ErrNotDecodable) {
		t.Errorf("got %v, want both fs.ErrNotExist and ErrNotDecodable in it", err)
	}
	for _, want := range []string{
		"schema 41: orders/order.proto: another file has this id",
		"schema 42: missing.avsc: ", "schema 43: broken.avsc: ", "schema 44: orders/order.avsc: ",
		`schema 45: orders/order.avsc: type "thrift": must be avro, protobuf or json`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a line with %q", err, want)
		}
	}
}
