package fold_test

import (
	"testing"

	"leadhit-sync/deadletter/ledger/fold"
)

func TestARecordWithoutAKeyHasNoHash(t *testing.T) {
	t.Parallel()
	if fold.KeyHash(nil) != 0 || fold.KeyHash([]byte{}) != 0 || fold.KeyHash([]byte("a")) == fold.KeyHash([]byte("b")) || fold.KeyHash([]byte("a")) == 0 {
		t.Error("want 0 only without a key, and different hashes for different keys")
	}
}
