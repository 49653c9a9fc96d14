package config

// The types of two settings, whose values are tested and fuzzed alone.
type (
	Bytes = size
	Start = start
)
