package replay

import (
	"math/rand/v2"
	"time"
)

// NewID returns a short name for a run. Names sort by time. Two runs that start in the same hundredth of a second get
// the same name with a probability of about 1 in 1000.
func NewID(now time.Time, random *rand.Rand) string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // Crockford's: no character is easily misread
	const bits, digits, randomBits = 5, 10, 10
	n := uint64(now.UnixMilli()/10)<<randomBits | random.Uint64N(1<<randomBits)
	text := [digits]byte{}
	for i := range text {
		text[digits-1-i] = alphabet[n>>(bits*i)&(1<<bits-1)]
	}
	return "r_" + string(text[:])
}
