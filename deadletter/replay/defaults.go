package replay

import "time"

// Defaults returns how runs work, and the limits of their plans, unless an operator decides otherwise. The command and
// the desk share them.
func Defaults() (Run, Limits) {
	return Run{Rate: 10, Canary: 1, Breaker: 0.2, Timeout: 15 * time.Minute}, Limits{Most: 1000, MaxReplays: 3}
}
