package fold_test

import (
	"slices"
	"testing"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// The letters of an event about several orders have the first order's id as their key. An event whose order is unknown
// may be about another of these orders. In that case, its key is that order's id. With the simulator's seed 63673, a
// replay started under a mapping that could read its event, and continued under one that could not.
func TestAnEventWithoutAnOrderIsNewerThanLettersOfTheOrderThatItsKeyNames(t *testing.T) {
	t.Parallel()
	var f fold.Fold
	letter := ledger.ID{Topic: "orders", Offset: 4, Item: 1}
	f.Add(fold.Letter{ID: letter, Order: "b", Key: fold.KeyHash([]byte("a"))})
	event := ledger.ID{Topic: "orders", Offset: 7, Item: ledger.NoItem}
	if got := f.Older(event, "", fold.KeyHash([]byte("b"))); !slices.Equal(got, []ledger.ID{letter}) {
		t.Errorf("got %v, want %v", got, letter)
	}
	if got := f.Older(event, "", fold.KeyHash([]byte("c"))); len(got) > 0 {
		t.Errorf("got %v of another order, want none", got)
	}
}
