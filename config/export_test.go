package config

// The types of two settings, whose texts are tested and fuzzed alone.
type (
	Bytes = size
	Start = start
)
