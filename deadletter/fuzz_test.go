package deadletter_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
)

// unpack makes a record from fuzzed bytes: key, value, then the name and the value of each header, separated by 0xfe. A
// part that is a single 0xfd is null.
func unpack(data []byte) event.Record {
	var r event.Record
	parts := bytes.Split(data, []byte{0xfe})
	null := func(b []byte) []byte {
		if bytes.Equal(b, []byte{0xfd}) {
			return nil
		}
		return b
	}
	for i, p := range parts {
		switch {
		case i == 0:
			r.Key = null(p)
		case i == 1:
			r.Value = null(p)
		case i%2 == 0:
			r.Headers = append(r.Headers, event.Header{Key: string(p)})
		default:
			r.Headers[len(r.Headers)-1].Value = null(p)
		}
	}
	return r
}

func pack(r event.Record) []byte {
	null := func(b []byte) []byte {
		if b == nil {
			return []byte{0xfd}
		}
		return b
	}
	parts := [][]byte{null(r.Key), null(r.Value)}
	for _, h := range r.Headers {
		parts = append(parts, []byte(h.Key), null(h.Value))
	}
	return bytes.Join(parts, []byte{0xfe})
}

// FuzzParse reads arbitrary records. If a record can be read as a letter, writing the letter again must keep its event
// byte for byte, and writing it once more must not change the added headers.
func FuzzParse(f *testing.F) {
	kept := refused()
	kept.Headers = []event.Header{{Key: "dlq.id", Value: []byte("x")}, {Key: "dlq.kept.dlq.id"}}
	kept.Item, kept.OrderID, kept.ReplayRun = 3, "\"\n", "r_1"
	f.Add(pack(refused().Encode()))
	f.Add(pack(refused().WithoutValue().Encode()))
	f.Add(pack(kept.Encode()))
	f.Add([]byte("\xfd\xfe\xfd\xfedlq.id\xfet/0/0\xfedlq.order_id\xfe\"a\xfe__connect.errors.exception.message\xfe'a b' c@d +7 999 1234567"))
	f.Add([]byte("k"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := unpack(data)
		l, err := deadletter.Parse(r)
		if err != nil {
			var header *deadletter.HeaderError
			if !errors.Is(err, deadletter.ErrNotALetter) && !errors.As(err, &header) {
				t.Fatalf("got an error without a type: %v", err)
			}
			return
		}
		first := l.Encode()
		again, err := deadletter.Parse(first)
		if err != nil {
			t.Fatalf("its own record cannot be read: %v", err)
		}
		if !reflect.DeepEqual(again.Record, l.Record) || again.ID() != l.ID() {
			t.Fatalf("got event %+v\nwant %+v", again.Record, l.Record)
		}
		if second := again.Encode(); !reflect.DeepEqual(second, first) {
			t.Fatalf("got headers\n%s\nthen\n%s", dump(first.Headers), dump(second.Headers))
		}
	})
}
