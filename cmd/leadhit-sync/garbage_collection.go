package main

import (
	"os"
	"runtime/debug"
)

// gcPercent replaces Go's default of 100. Between two collections, the heap grows by this percentage of the live
// memory. Most of a worker's live memory is the window.
const gcPercent = 80

// collectMoreOften lowers the worker's peak memory, at the cost of a little processor time. GOGC overrides it.
// GOMEMLIMIT, if set, still limits the heap.
func collectMoreOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
