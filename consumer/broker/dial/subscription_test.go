package dial_test

import (
	"testing"
	"time"

	"leadhit-sync/consumer/broker/dial"
)

func TestASubscriptionKeepsThePartsThatKafkaGoCanRead(t *testing.T) {
	t.Parallel()
	whole := "\x00\x01\x00\x00\x00\x01\x00\x06orders\x00\x00\x00\x02ab"
	null := "\x00\x00\x00\x00\x00\x01\x00\x06orders\xff\xff\xff\xff"
	nothing := string(make([]byte, 10))
	for name, test := range map[string]struct{ in, want string }{
		"ours":                              {whole, whole},
		"without user data":                 {null, null},
		"with fields of a later version":    {whole + "\x00\x00\x00\x01\x00\x06orders\x00\x00\x00\x00", whole},
		"empty":                             {"", nothing},
		"cut short":                         {whole[:len(whole)-1], nothing},
		"a count that nothing follows":      {"\x00\x01\x7f\xff\xff\xff", nothing},
		"a topic of negative length":        {"\x00\x01\x00\x00\x00\x01\xff\xff", nothing},
		"user data longer than the message": {"\x00\x01\x00\x00\x00\x00\x7f\xff\xff\xff", nothing},
	} {
		begun := time.Now()
		if got := string(dial.Subscription([]byte(test.in))); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
		// A loop over a trusted count takes 7 s. Rejecting the count takes a microsecond.
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("%s: took %v, want the parser to end with the message", name, took)
		}
	}
}
