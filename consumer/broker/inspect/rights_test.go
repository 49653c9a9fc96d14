package inspect_test

import (
	"strings"
	"testing"

	"leadhit-sync/consumer/broker/inspect"
)

func TestUnknownRightsAreNotReportedAsMissing(t *testing.T) {
	t.Parallel()
	const read, write, describe = 1 << 3, 1 << 4, 1 << 8
	for name, test := range map[string]struct {
		operations int32
		want       string
	}{
		"not known":     {0, ""},
		"not asked for": {-1 << 31, ""},
		"all":           {read | write | describe, ""},
		"to read":       {read | describe, "Write"},
		"to describe":   {describe, "Read Write"},
		"another":       {1 << 7, "Read Write"},
	} {
		if got := strings.Join(inspect.RightsOf(test.operations).Lack("Read", "Write"), " "); got != test.want {
			t.Errorf("%s: got %q missing, want %q", name, got, test.want)
		}
	}
}
