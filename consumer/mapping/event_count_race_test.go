//go:build race

package mapping_test

// events is how many events both decoders read: fewer where each takes twenty times as long.
const events = 5_000
