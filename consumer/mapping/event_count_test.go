//go:build !race

package mapping_test

// events is how many events both decoders read.
const events = 100_000
