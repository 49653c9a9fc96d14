package main

import (
	"runtime/debug"
	"testing"
)

func TestGOGCOverridesThePercentageOfARun(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	t.Setenv("GOGC", "100")
	collectMoreOften()
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("got %d with GOGC=100, want 100", got)
	}
	t.Setenv("GOGC", "")
	collectMoreOften()
	if got := debug.SetGCPercent(100); got != gcPercent {
		t.Errorf("got %d without GOGC, want %d", got, gcPercent)
	}
}
