package spec_test

import (
	"testing"

	"leadhit-sync/consumer/mapping/spec"
)

// The loader calls All before it has added the last mistake, so Add must still work after All.
func TestAMistakeThatIsNotedTwiceIsReportedOnce(t *testing.T) {
	t.Parallel()
	var problems spec.Problems
	at := func(line int) spec.Place { return spec.Place{File: "shop.yaml", Line: line, Column: 1} }
	problems.Add(at(2), "rules", "is wrong")
	problems.Add(at(2), "rules", "is wrong")
	if got := problems.All(); len(got) != 1 {
		t.Errorf("got %v, want one problem", got)
	}
	problems.Add(at(1), "fields", "is wrong")
	const want = "shop.yaml:1:1: fields: is wrong\nshop.yaml:2:1: rules: is wrong"
	if err := problems.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
