//go:build !race

package program

// raceDetector reports whether this build has the race detector.
const raceDetector = false
