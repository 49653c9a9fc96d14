package replay

import "time"

// Defaults returns the default settings of a run and the default limits of its plan. The command and the desk share
// them.
func Defaults() (Run, Limits) {
	return Run{Rate: 10, Canary: 1, Breaker: 0.2, Timeout: 15 * time.Minute}, Limits{Most: 1000, MaxReplays: 3}
}
