//go:build !race

package program

// raceDetector says whether this build has it.
const raceDetector = false
