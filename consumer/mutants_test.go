package consumer_test

import (
	"maps"
	"slices"
	"testing"

	"leadhit-sync/integration/mutation"
)

// TestMutants breaks the rules that a dead worker's successor follows, one rule at a time. The test named beside the
// broken rule must fail.
func TestMutants(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"successor-does-not-wait":      "TestNoCallOfASuccessorMeetsOneOfItsPredecessor",
		"successor-removes-the-living": "TestWorkersOfOtherPlacesAreNeverTakenForDead",
	}
	binary, err := mutation.Build(t, ".", map[string][]mutation.Edit{
		"successor-does-not-wait": {{
			"predecessor.go", "p.began.Add(p.options.Dispatch.CallTimeout + lastCallMargin)", "p.began",
		}},
		"successor-removes-the-living": {{
			"predecessor.go", "member.ClientID == p.options.Place", `member.ClientID != ""`,
		}},
	}, "mutants_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if err := binary.Unchanged(t.Context(), slices.Collect(maps.Values(tests))); err != nil {
		t.Error(err)
	}
	binary.Each(t, func(t *testing.T, mutant string) {
		t.Helper()
		if _, err := binary.Hunt(t.Context(), mutant, tests[mutant]); err != nil {
			t.Error(err)
		}
	})
}
