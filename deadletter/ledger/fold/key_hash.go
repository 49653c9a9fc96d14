package fold

import "hash/fnv"

// KeyHash returns the hash of a record's key; 0 if there is no key. The [Fold] uses the hash to find letters without an
// order.
func KeyHash(key []byte) uint64 {
	if len(key) == 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write(key) // never fails
	return max(1, h.Sum64())
}
