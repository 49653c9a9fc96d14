package dispatch

import (
	"time"

	"leadhit-sync/retry"
)

// Config is what a Dispatcher needs to know.
type Config struct {
	// CallsInFlight bounds the calls in the air, those of ended generations included. At least 1. How many LeadHit can bear
	// is found out below it.
	CallsInFlight int
	// CallsPerSecond bounds the calls a second. 0: no bound.
	CallsPerSecond float64
	// WindowEvents bounds the unfinished events of a partition, but for the last fetch; WindowBytes what they hold
	// and the fetches ask for, but for one record a partition and what a first batch is larger.
	WindowEvents int
	WindowBytes  int64
	// FetchBytes is what one fetch asks for at most.
	FetchBytes int
	// Session is the group's session timeout, CallTimeout the longest that a call may take.
	Session, CallTimeout time.Duration
	// MetadataBytes is how much metadata the broker takes with a commit: 4096 where it is not set otherwise.
	MetadataBytes int
	Retry         retry.Policy
	// FloodGuard lets a flood of letters pause the calls. Only a resume that is Followed ends such a pause: leave it off
	// where nobody reads the ledger.
	FloodGuard bool
	// Worker names this process in what it announces, Build its version and mapping.
	Worker, Build string
	// Fingerprint groups the letters of one cause for the flood guard; nil: by stage, cause and code. It is asked within a
	// turn, so it must be quick.
	Fingerprint func(Store) string
}
