//go:build race

package mapping_test

// events is the number of events that both decoders read. With the race detector an event takes twenty times as long,
// so there are fewer.
const events = 5_000
