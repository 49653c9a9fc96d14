package integration_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/nemesis"
)

// tally sums up the rounds of a schedule.
type tally struct {
	name    string
	rounds  int
	faults  map[nemesis.Kind]int
	stills  map[nemesis.Kind]time.Duration // the longest standstill during faults of each kind
	causes  map[audit.Cause]int
	asked   map[string]int // ledger entries that counted, by kind
	events  int
	calls   int
	letters int
	removed int // dead workers that their successors removed from the group
	late    int
	back    int
	samples int
	unseen  time.Duration // longest time without a sample
	stalled time.Duration
	wrong   int
	took    time.Duration
}

func newTally(name string) *tally {
	return &tally{name: name, faults: make(map[nemesis.Kind]int), stills: make(map[nemesis.Kind]time.Duration), causes: make(map[audit.Cause]int), asked: make(map[string]int)}
}

// add adds a round that has ended.
func (y *tally) add(r *round, report audit.Report) {
	calls := r.leadhit.Calls()
	y.rounds++
	y.events += len(r.events)
	y.calls += len(calls)
	y.late += len(report.Late)
	y.back += report.Back
	y.samples += r.sampler.rounds
	y.unseen = max(y.unseen, r.sampler.longest)
	y.stalled = max(y.stalled, r.sampler.stalled)
	y.wrong += len(r.wrong)
	y.took += time.Since(r.began)
	for _, event := range r.events {
		if event.Want == audit.Refused || event.Want == audit.Judged {
			y.letters++
		}
	}
	for _, l := range r.lives {
		y.removed += strings.Count(l.Stdout(), succeeds)
	}
	for cause, n := range report.Causes {
		y.causes[cause] += n
	}
	stills := audit.Standstills(r.events, calls, 500*time.Millisecond)
	for _, h := range r.happenings {
		y.faults[h.Kind]++
		for _, s := range stills {
			if s.From.Before(h.healed) && s.To.After(h.began) && s.To.Sub(s.From) > y.stills[h.Kind] {
				y.stills[h.Kind] = s.To.Sub(s.From)
				r.note("partition %d stood still for %.1f s from %s on: %v", s.Partition, s.To.Sub(s.From).Seconds(), s.From.Format("15:04:05.000"), h.Kind)
			}
		}
	}
}

// line returns the schedule's figures on one line.
func (y *tally) line() string {
	var faults []string
	for _, kind := range nemesis.Kinds() {
		if n := y.faults[kind]; n > 0 {
			faults = append(faults, fmt.Sprintf("%v %d (%.1f s)", kind, n, y.stills[kind].Seconds()))
		}
	}
	var causes []string
	for _, cause := range slices.Sorted(maps.Keys(y.causes)) {
		causes = append(causes, fmt.Sprintf("%s %d", cause, y.causes[cause]))
	}
	return fmt.Sprintf("%s: %d round(s), %.0f s; faults (longest standstill): %s; %d events, %d calls, %d letters; repeats: %s; dead workers removed %d; "+
		"late calls %d; %d samples, at most %.1f s apart, %d back; machine late by %.1f s%s; violations %d",
		y.name, y.rounds, y.took.Seconds(), strings.Join(faults, ", "), y.events, y.calls, y.letters,
		cmp.Or(strings.Join(causes, ", "), "none"), y.removed, y.late, y.samples, y.unseen.Seconds(), y.back, y.stalled.Seconds(), y.replays(), y.wrong)
}

// table returns the figures of all schedules: one row per fault, one column per schedule.
func table(tallies []*tally, seed uint64) string {
	var text strings.Builder
	row := func(name string, cell func(*tally) string) {
		fmt.Fprintf(&text, "%-20s", name)
		for _, y := range tallies {
			fmt.Fprintf(&text, "%14s", cell(y))
		}
		text.WriteString("\n")
	}
	count := func(n int) string { return strings.TrimPrefix(strconv.Itoa(n), "0") }
	fmt.Fprintf(&text, "\nCHAOS_SEED=%d; a fault's row has its count and the longest standstill of a partition\n", seed)
	row("", func(y *tally) string { return y.name })
	for _, kind := range nemesis.Kinds() {
		row(kind.String(), func(y *tally) string {
			if y.faults[kind] == 0 {
				return ""
			}
			return fmt.Sprintf("%d  %.1f s", y.faults[kind], y.stills[kind].Seconds())
		})
	}
	row("events", func(y *tally) string { return count(y.events) })
	row("calls", func(y *tally) string { return count(y.calls) })
	row("letters", func(y *tally) string { return count(y.letters) })
	for _, cause := range []audit.Cause{audit.Kill, audit.Freeze, audit.Membership, "replay", "no response", "gave up", "unexplained"} {
		row("repeats: "+string(cause), func(y *tally) string { return count(y.causes[cause]) })
	}
	row("dead removed", func(y *tally) string { return count(y.removed) })
	row("late calls", func(y *tally) string { return count(y.late) })
	row("seconds", func(y *tally) string { return fmt.Sprintf("%.0f", y.took.Seconds()) })
	row("machine late by", func(y *tally) string { return fmt.Sprintf("%.1f s", y.stalled.Seconds()) })
	row("violations", func(y *tally) string { return strconv.Itoa(y.wrong) })
	return text.String()
}

func inOrder(losses []audit.Loss) []audit.Loss {
	slices.SortStableFunc(losses, func(a, b audit.Loss) int { return a.From.Compare(b.From) })
	return losses
}

// keepIn makes the runs write their output to a folder that the tester names. The folder is kept.
func (s *suite) keepIn(t *testing.T, dir string) {
	t.Helper()
	if dir == "" {
		return
	}
	dir = fmt.Sprintf("%s/%s", dir, time.Now().Format("2006-01-02T15-04-05"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.emitted = dir
	t.Logf("all logs are kept in %s", dir)
}

// keepCalls writes LeadHit's call log beside the round's own log, one line per call, so that the calls behind a finding
// can be looked up.
func (r *round) keepCalls(t *testing.T) {
	t.Helper()
	const clock = "15:04:05.000"
	var text strings.Builder
	for _, c := range r.leadhit.Calls() {
		fmt.Fprintf(&text, "%s\t%s\t%s\t%s\t%s\t%s\t%v\n",
			c.Arrived.Format(clock), c.Ended.Format(clock), strings.TrimPrefix(c.Path, "/"), c.ID, c.OrderID, c.Status, c.Answer)
	}
	if err := os.WriteFile(filepath.Join(r.emitted, r.name, "calls.tsv"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}
