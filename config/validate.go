package config

import (
	"fmt"
	"net"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// leaseMargin sets the margin of the lease: the last call that the lease allows ends at least session/leaseMargin
// before the session does. The dispatcher uses the same margin.
const leaseMargin = 10

// leastRate is the lowest limit allowed, in calls per second. With a lower limit, minutes pass between calls, and the
// worker looks dead.
const leastRate = 0.01

// checkWork checks the settings that are neither Kafka's nor LeadHit's, and the settings that must fit each other.
func (c *Config) checkWork(p *problems) {
	c.checkLease(p)
	c.checkMemory(p)
	if rate := c.CallsPerSecond; p.good("CALLS_PER_SECOND") && rate > 0 && rate < leastRate {
		p.add("CALLS_PER_SECOND", fmt.Sprintf("%v is neither 0 nor at least %v", rate, leastRate))
	}
	if p.good("RETRY_INITIAL", "RETRY_MAX") && c.Retry.Max < c.Retry.Initial {
		what := fmt.Sprintf("%s is shorter than RETRY_INITIAL %s", brief(c.Retry.Max), brief(c.Retry.Initial))
		p.addWith("RETRY_MAX", what, brief(max(time.Minute, c.Retry.Initial)))
	}
	elapsed := c.Retry.MaxElapsed
	if p.good("RETRY_INITIAL", "RETRY_MAX_ELAPSED") && elapsed > 0 && elapsed < c.Retry.Initial {
		p.add("RETRY_MAX_ELAPSED", fmt.Sprintf("%s is shorter than RETRY_INITIAL %s: no order would get a second attempt",
			brief(elapsed), brief(c.Retry.Initial)))
	}
	if p.good("HTTP_ADDR") {
		if _, port, err := net.SplitHostPort(c.HTTPAddr); err != nil || !isPort(port, 0) {
			p.add("HTTP_ADDR", fmt.Sprintf("%q is not host:port", clip(c.HTTPAddr)))
		}
	}
}

// checkLease checks that calls have time to start within the session. A call may start while
//
//	now − last acknowledged commit < lease = session − call timeout − margin
//
// and a commit is sent at least six times per session timeout. If the lease is at least a third of a session, calls
// therefore continue after one failed commit.
func (c *Config) checkLease(p *problems) {
	if !p.good("KAFKA_SESSION_TIMEOUT", "LEADHIT_TIMEOUT") {
		return
	}
	session, call := c.Kafka.SessionTimeout, c.LeadHit.Timeout
	margin, least := session/leaseMargin, session/3
	lease := session - call - margin
	if lease >= least {
		return
	}
	p.addWith("LEADHIT_TIMEOUT",
		fmt.Sprintf("%s is too long for KAFKA_SESSION_TIMEOUT %s: %s - %s - %s (margin) leaves %s to start calls in, "+
			"but a third of the session, %s, is needed",
			call, session, session, call, margin, lease, least.Round(time.Millisecond)),
		(session - margin - least).Truncate(time.Second).String())
}

// checkMemory compares the window with the memory limit (GOMEMLIMIT) that the runtime was given.
func (c *Config) checkMemory(p *problems) {
	// The worker needs this memory in addition to the window, measured under full load, garbage included.
	const rest = 32 * mib
	limit := size(debug.SetMemoryLimit(-1))
	if !p.good("WINDOW_BYTES") || c.WindowBytes+rest <= limit {
		return
	}
	what := fmt.Sprintf("%s is too much for GOMEMLIMIT %s: %s + %s (everything else) = %s",
		c.WindowBytes, limit, c.WindowBytes, rest, c.WindowBytes+rest)
	if fits := (limit - rest) / mib * mib; fits >= mib {
		p.addWith("WINDOW_BYTES", what, fits.String())
		return
	}
	p.addOther("WINDOW_BYTES", what, "GOMEMLIMIT", ((c.WindowBytes + rest + mib - 1) / mib * mib).String())
}

// warnings returns the lines about settings that work but are probably not intended.
func (c *Config) warnings(settings []setting) []string {
	lines := misspelt(settings)
	if c.Kafka.SASLMechanism != "" && !c.Kafka.TLS {
		lines = append(lines, "KAFKA_SASL_MECHANISM without KAFKA_TLS: events and the user name travel unencrypted")
	}
	lines = append(lines, c.deskWarnings()...)
	return append(lines, c.Traces.warnings()...)
}

// isPort reports whether text is a port number that is not below least.
func isPort(text string, least uint64) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n >= least
}

// isInternal reports whether Kafka reserves a topic of this name for itself.
func isInternal(name string) bool {
	return slices.Contains([]string{
		"__consumer_offsets", "__transaction_state", "__share_group_state", "__remote_log_metadata",
		"__cluster_metadata",
	}, name)
}

// isLegalName reports whether Kafka accepts name as a topic's name, even with one of our suffixes (.ledger, .replay).
func isLegalName(name string) bool {
	const most = 249 - len(".ledger")
	const legal = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	return name != "" && name != "." && name != ".." && len(name) <= most && strings.Trim(name, legal) == ""
}
