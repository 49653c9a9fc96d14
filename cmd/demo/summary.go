package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/replay"
	"leadhit-sync/integration/audit"
	"leadhit-sync/leadhit/sandbox"
)

// evidence is what each part recorded, independently of the others.
type evidence struct {
	seed   uint64
	length time.Duration
	orders int

	book            []entry        // what the shop wrote
	calls           []sandbox.Call // LeadHit's call log
	letters         []deadletter.Letter
	broken          int            // records that are neither letters nor ledger entries
	ledger          audit.Ledger   // as the demo reads it
	run             replay.Summary // as the person's replay reported it
	committed, ends map[int]int64
	retries         uint64 // as the worker counted them
}

// verdict is the result of comparing what the shop wrote, LeadHit's call log, the letters, the ledger and the commits.
// Its findings are sentences.
type verdict struct {
	audit.Report

	// refused counts the events that LeadHit refused. letters counts the events that have a letter. refusals counts the
	// refused calls, of which there may be more, because a replayed letter may be refused again.
	refused, letters, refusals int
	// unknown has further findings: records that the shop did not write, broken records, and outcomes that are not in
	// the ledger.
	unknown []string
	// written counts the shop's events.
	written int
	// replays maps each kind of ledger entry, such as "resolved", to the number of entries that had an effect. pending
	// is the number of replays without an outcome.
	replays map[string]int
	pending int
	// repeated counts the calls that repeat an earlier call that LeadHit executed.
	repeated int
}

// ok reports whether the shop wrote events and all records agree.
func (v verdict) ok() bool {
	return v.Err() == nil && len(v.unknown) == 0 && v.refused == v.letters && v.written > 0
}

// judge compares the records. The worker's own counters are not among them, so an error in the worker cannot confirm
// itself. An unexpected letter counts as much as a missing one, because the audit compares in both directions.
func judge(e evidence) verdict {
	v := verdict{written: len(e.book)}
	all := audit.Evidence{
		Calls: e.calls, Committed: places(e.committed), End: places(e.ends), Patience: callTimeout, Ledger: &e.ledger,
	}
	v.replays, v.pending, v.repeated = e.ledger.Counts, e.ledger.Requeued(), repeated(e.calls)
	refused := make(map[string]bool) // by call id
	for _, c := range all.Calls {
		if c.Answer == sandbox.Refused || c.Answer == sandbox.Invalid {
			refused[c.ID] = true
			v.refusals++
		}
	}
	written := make(map[int]int64)
	for _, b := range e.book {
		event := audit.Event{
			Topic: topic, Partition: b.partition, Offset: b.offset, Key: []byte(b.order),
			Value: content(b.value, b.order, b.status),
			Order: b.order, Status: b.status,
		}
		// The faults decide which orders LeadHit refuses, so only its call log shows which events must have a letter.
		if refused[event.CallID()] {
			event.Want = audit.Refused
			v.refused++
		}
		all.Events = append(all.Events, event)
		written[b.partition]++
	}
	stored := make(map[string]bool) // a letter may be stored twice, under the same id
	for _, l := range e.letters {
		value := content(sha256.Sum256(l.Value), l.OrderID, l.Status)
		all.Letters = append(all.Letters, audit.Letter{ID: l.ID(), Cause: l.Cause, Key: l.Key, Value: value})
		stored[l.ID()] = true
	}
	v.letters = len(stored)
	v.Report = audit.Compare(all)
	if e.broken > 0 {
		v.unknown = append(v.unknown, fmt.Sprintf("%d records are neither letters nor entries of the ledger", e.broken))
	}
	v.unknown = append(v.unknown, v.unproven(e.run)...)
	for _, p := range slices.Sorted(maps.Keys(e.ends)) {
		// Only the shop writes to the topic, so a difference means that a record has no entry in the book.
		if written[p] != e.ends[p] {
			v.unknown = append(v.unknown, fmt.Sprintf("partition %d: the log ends at %d, but %d were written", p, e.ends[p],
				written[p]))
		}
	}
	return v
}

// unproven returns a finding for each outcome that the person's replay reported more often than the ledger does. The
// ledger may have more, because a person at another terminal may replay letters too.
func (v verdict) unproven(run replay.Summary) []string {
	var all []string
	for _, outcome := range []struct {
		name          string
		reported, has int
	}{
		{"resolved", run.Resolved, v.replays["resolved"]},
		{"superseded", run.Superseded, v.replays["superseded"]},
		{"failed", run.Failed, v.replays["failed"]},
		{"refused again", run.Refused, v.refusedAgain()},
	} {
		if outcome.reported > outcome.has {
			all = append(all, fmt.Sprintf("the replay reported %d letters as %s, the ledger has %d", outcome.reported,
				outcome.name, outcome.has))
		}
	}
	return all
}

// refusedAgain counts the replays that ended with a new letter. It subtracts all other replays, because the ledger has
// no entry for this outcome.
func (v verdict) refusedAgain() int {
	return v.replays["replay"] - v.replays["resolved"] - v.replays["superseded"] - v.replays["failed"] - v.pending
}

// repeated counts the calls that repeat an earlier call that LeadHit executed.
func repeated(calls []sandbox.Call) int {
	count := 0
	executed := make(map[string]bool)
	for i := range calls {
		if executed[calls[i].ID] {
			count++
		}
		executed[calls[i].ID] = executed[calls[i].ID] || calls[i].Executed
	}
	return count
}

// content returns a stand-in for an event's value in the audit: the value's hash, the order and the status.
func content(hash [sha256.Size]byte, order, status string) []byte {
	return fmt.Appendf(nil, "%x %s %s", hash, order, status)
}

// places converts the offsets of the demo's only topic to the audit's form.
func places(offsets map[int]int64) map[audit.Place]int64 {
	all := make(map[audit.Place]int64)
	for partition, offset := range offsets {
		all[audit.Place{Topic: topic, Partition: partition}] = offset
	}
	return all
}

// headline returns the verdict in one line.
func (v verdict) headline() string {
	sign := "="
	if v.letters != v.refused {
		sign = "≠"
	}
	return fmt.Sprintf("lost %d · out of order %d · letters %d %s refused %d", len(v.Lost), len(v.OutOfOrder), v.letters,
		sign, v.refused)
}

// findings returns all findings, the most serious first. Lost events come first, because LeadHit never learns of them.
func (v verdict) findings() []string {
	var all []string
	for _, kind := range []struct {
		name string
		list []string
	}{
		{"lost", v.Lost},
		{"out of order", v.OutOfOrder},
		{"unexpected", v.Strange},
		{"altered", v.Altered},
		{"not ended", v.Unended},
		{"not committed", v.Uncommitted},
		{"unknown", v.unknown},
	} {
		for _, text := range kind.list {
			all = append(all, kind.name+": "+text)
		}
	}
	if v.written == 0 {
		all = append(all, "no event was written, so this proves nothing")
	}
	return all
}

// shownFindings is how many findings are printed. Most of the other findings have the same cause, and the headline has
// the counts.
const shownFindings = 12

// summarise writes the summary.
func summarise(out io.Writer, e evidence, v verdict, width int, show ink) error {
	lines := slices.Concat([]line{nil}, account(e, v, width-3), []line{nil})
	mark := span{green, "  ✓ "}
	if !v.ok() {
		mark = span{red, "  ✗ "}
	}
	lines = append(lines, line{mark, {bold, v.headline()}})
	findings := v.findings()
	for _, text := range findings[:min(len(findings), shownFindings)] {
		lines = append(lines, line{{red, "    " + terminal.Escape(text)}})
	}
	if more := len(findings) - shownFindings; more > 0 {
		lines = append(lines, line{{red, fmt.Sprintf("    and %d more", more)}})
	}
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l.render(max(width, 200), show) + "\n") // findings may be long, and must not be cut
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// account returns what each part did, in a few lines each.
func account(e evidence, v verdict, width int) []line {
	var lines []line
	retries := "retries"
	if e.retries == 1 {
		retries = "retry"
	}
	for _, part := range []struct{ name, text string }{
		{"shop", fmt.Sprintf("%d events of %d orders in %s (seed %d)", len(e.book), ordersOf(e.book), seconds(e.length),
			e.seed)},
		{"LeadHit", fmt.Sprintf("%d calls: %s%s", len(e.calls), answers(e.calls), v.needless())},
		{"worker", fmt.Sprintf("%d %s; %d repeated a call that LeadHit had executed, because its response was lost or "+
			"wrong", e.retries, retries, v.repeated)},
		{"letters", v.replayed()},
		{"Kafka", fmt.Sprintf("committed = log end in %d of %d partitions", len(e.ends)-len(v.Uncommitted), len(e.ends))},
	} {
		for i, text := range terminal.Hang("", part.text, max(width-labelWidth, 16)) {
			name := part.name
			if i > 0 {
				name = ""
			}
			lines = append(lines, line{{normal, "  "}, label(name), {normal, text}})
		}
	}
	return lines
}

// needless formats the number of events that needed no call, because LeadHit had already accepted their order's status.
func (v verdict) needless() string {
	if v.Skipped == 0 {
		return ""
	}
	return fmt.Sprintf("; %d events needed no call: LeadHit had the status already", v.Skipped)
}

// replayed counts the replays by outcome.
func (v verdict) replayed() string {
	text := fmt.Sprintf("%d calls of %d events refused; replayed %d", v.refusals, v.refused, v.replays["replay"])
	outcomes := counts(" · ", count{v.replays["resolved"], "resolved"}, count{v.replays["superseded"], "superseded"},
		count{v.refusedAgain(), "refused again"}, count{v.replays["failed"], "failed"},
		count{v.pending, "without an outcome"})
	if outcomes == "" {
		return text
	}
	return text + ": " + outcomes
}

func ordersOf(book []entry) int {
	orders := make(map[string]bool)
	for _, b := range book {
		orders[b.order] = true
	}
	return len(orders)
}

// answers counts LeadHit's responses, the most frequent first.
func answers(calls []sandbox.Call) string {
	counts := make(map[sandbox.Answer]int)
	for i := range calls {
		counts[calls[i].Answer]++
	}
	kinds := slices.SortedFunc(maps.Keys(counts), func(a, b sandbox.Answer) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return int(a) - int(b)
	})
	texts := make([]string, len(kinds))
	for i, kind := range kinds {
		texts[i] = fmt.Sprintf("%d %s", counts[kind], inWords(kind))
	}
	return strings.Join(texts, ", ")
}

// inWords names a kind of response as the story does.
func inWords(a sandbox.Answer) string {
	words := map[sandbox.Answer]string{
		sandbox.Failed: "× 503", sandbox.Forbidden: "× 403", sandbox.HTML: "HTML pages",
		sandbox.Lost: "lost after execution", sandbox.LostReset: "reset after execution",
	}
	if text, ok := words[a]; ok {
		return text
	}
	return a.String()
}
