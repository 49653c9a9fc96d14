//go:build !race

package mapping_test

// events is the number of events that both decoders read.
const events = 100_000
