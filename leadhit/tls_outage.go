package leadhit

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// manyHandshakes is how many handshakes must fail, without an answered call between them and over more time than a
	// call may take, before they count as an outage. Behind a load balancer, one bad server among several makes only
	// some handshakes fail, and calls that started earlier may still be answered.
	manyHandshakes = 5
	// mostCauses limits the log lines for one outage, because a server may show a different certificate each time.
	mostCauses = 4
)

// tlsOutage logs when TLS fails for all calls: a line for each cause, and one when calls get through again. The
// operator can fix TLS, but the reason for the pause (no response) does not mention TLS.
type tlsOutage struct {
	log     *slog.Logger
	limit   time.Duration // of one call
	ongoing atomic.Bool   // whether failed is not zero; spares each answered call the lock

	mu     sync.Mutex
	failed int       // failed handshakes since the last answered call
	since  time.Time // when the first of them failed
	logged []string
}

func (o *tlsOutage) failure(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed++; o.failed == 1 {
		o.since = time.Now()
		o.ongoing.Store(true)
	}
	if o.failed < manyHandshakes || time.Since(o.since) <= o.limit {
		return
	}
	if len(o.logged) == mostCauses || slices.Contains(o.logged, text) {
		return
	}
	o.logged = append(o.logged, text)
	o.log.Warn("no call reaches LeadHit; retrying until TLS works", slog.String("error", text))
}

func (o *tlsOutage) answered() {
	if !o.ongoing.Load() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.logged) > 0 {
		o.log.Info("calls reach LeadHit again")
	}
	o.failed, o.logged = 0, nil
	o.ongoing.Store(false)
}
