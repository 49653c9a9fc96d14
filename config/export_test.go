package config

// The types of two settings, which are tested and fuzzed on their own.
type (
	Bytes = size
	Start = start
)
