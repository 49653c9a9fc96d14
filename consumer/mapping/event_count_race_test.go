//go:build race

package mapping_test

// events is how many events both decoders read: fewer with the race detector, where each takes twenty times as long.
const events = 5_000
