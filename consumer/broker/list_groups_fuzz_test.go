package broker_test

import (
	"testing"

	"leadhit-sync/consumer/broker"
)

func FuzzListGroups(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x05mine\x09consumer\x06Empty\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\x0f"))
	f.Add([]byte("\x00\x00\x00\x01\x03\x00\x05hello"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if groups, err := broker.ParseGroupList(body); err == nil && groups > len(body) {
			t.Errorf("got %d groups of %d bytes", groups, len(body))
		}
	})
}
