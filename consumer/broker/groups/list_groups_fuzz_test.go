package groups_test

import (
	"testing"

	"leadhit-sync/consumer/broker/groups"
)

func FuzzListGroups(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x02\x05mine\x09consumer\x06Empty\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\x0f"))
	f.Add([]byte("\x00\x00\x00\x01\x00\x00\x02\x03he"))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x80\x80\x04")) // a count of 65535, and no group
	f.Fuzz(func(t *testing.T, body []byte) {
		if count, err := groups.ParseGroupList(body); count > len(body) {
			t.Errorf("got %d groups of %d bytes, %v", count, len(body), err)
		}
	})
}

func TestAListOfGroupsThatIsNotWholeIsRefused(t *testing.T) {
	t.Parallel()
	whole := "\x00\x00\x00\x00\x00\x00\x02\x05mine\x09consumer\x06Empty\x00\x00"
	if count, err := groups.ParseGroupList([]byte(whole)); err != nil || count != 1 {
		t.Errorf("got %d groups, %v, want one", count, err)
	}
	for n := range len(whole) - 1 { // the tags at the end of the response are not read
		if count, err := groups.ParseGroupList([]byte(whole[:n])); err == nil {
			t.Errorf("got %d groups of the first %d bytes, want an error", count, n)
		}
	}
	negative := whole[:6] + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" + whole[7:]
	if count, err := groups.ParseGroupList([]byte(negative)); err == nil {
		t.Errorf("got %d groups of a count of 2⁶⁴ - 1, want an error", count)
	}
}
