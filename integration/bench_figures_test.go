package integration_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// measured holds the figures of one run.
type measured struct {
	perSecond float64 // events
	calls     float64 // per event
	cpu       float64 // microseconds of processor time per event
	broker    float64 // the same for the brokers; 0: unknown
	commits   float64 // per second
	rss       int     // peak in MiB; 0: unknown
}

var head = fmt.Sprintf("%-10s %9s %12s %13s %13s %10s %9s",
	"", "events/s", "calls/event", "CPU µs/event", "broker's", "commits/s", "RSS MiB")

func (m measured) row(name string) string {
	known := func(format string, figure float64) string {
		if figure == 0 {
			return "–"
		}
		return fmt.Sprintf(format, figure)
	}
	return fmt.Sprintf("%-10s %9.0f %12.2f %13.1f %13s %10s %9s", name, m.perSecond, m.calls, m.cpu,
		known("%.1f", m.broker), known("%.1f", m.commits), known("%.0f", float64(m.rss)))
}

// against returns rows that compare m with the median of another program's runs, if there are any.
func (m measured) against(name string, runs []measured) []string {
	if len(runs) == 0 {
		return nil
	}
	o := median(runs)
	of := func(mine, its float64) string {
		if its == 0 {
			return ""
		}
		return fmt.Sprintf("%.2f×", mine/its)
	}
	return []string{
		o.row(name),
		strings.TrimRight(fmt.Sprintf("%-10s %9s %12s %13s %13s %10s %9s", "ratio", of(m.perSecond, o.perSecond), of(m.calls, o.calls),
			of(m.cpu, o.cpu), of(m.broker, o.broker), of(m.commits, o.commits), of(float64(m.rss), float64(o.rss))), " "),
	}
}

// median returns the median of each figure except rss, for which it returns the highest value.
func median(all []measured) (m measured) {
	middle := func(of func(measured) float64) float64 {
		figures := make([]float64, len(all))
		for i := range all {
			figures[i] = of(all[i])
		}
		slices.Sort(figures)
		return figures[len(figures)/2]
	}
	m.perSecond = middle(func(m measured) float64 { return m.perSecond })
	m.calls = middle(func(m measured) float64 { return m.calls })
	m.cpu = middle(func(m measured) float64 { return m.cpu })
	m.broker = middle(func(m measured) float64 { return m.broker })
	m.commits = middle(func(m measured) float64 { return m.commits })
	for _, other := range all {
		m.rss = max(m.rss, other.rss)
	}
	return m
}

// commitsPerSecond returns the rate of the group's commits between two times. It reads the topic in which the brokers
// store commits. All commits in one request have the same timestamp, and a worker has one request in flight, so each
// timestamp counts once.
func (r *run) commitsPerSecond(tb testing.TB, from, to time.Time) float64 {
	tb.Helper()
	commits := map[time.Time]bool{}
	r.broker.readAll(tb, "__consumer_offsets", func(record *kgo.Record) {
		at := record.Timestamp
		if bytes.Contains(record.Key, []byte(r.topic)) && at.After(from) && at.Before(to) {
			commits[at] = true
		}
	})
	return float64(len(commits)) / to.Sub(from).Seconds()
}

// peakMemory returns the peak memory of a process, and how much of its memory is backed by files, in MiB. Both are 0 if
// the system does not report them. A system that is short of memory reclaims pages that are backed by files, so they do
// not count towards a limit.
func peakMemory(pid int) (peak, files int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	return memoryIn(string(text))
}

// memoryIn reads both figures of [peakMemory] from the text of /proc/PID/status.
func memoryIn(status string) (peak, files int) {
	for line := range strings.SplitSeq(status, "\n") {
		var kb int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kb); err == nil {
			peak = (kb + 1023) / 1024
		}
		if _, err := fmt.Sscanf(line, "RssFile: %d kB", &kb); err == nil {
			files = kb / 1024
		}
	}
	return peak, files
}
