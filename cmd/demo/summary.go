package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"leadhit-sync/deadletter"
	"leadhit-sync/leadhit/sandbox"
)

// evidence is what the parts know at the end, each for itself.
type evidence struct {
	seed   uint64
	length time.Duration
	orders int

	book            []entry        // what the shop wrote
	calls           []sandbox.Call // LeadHit's ledger
	letters         []deadletter.Letter
	broken          int // records of the letters' topic that are no letters
	committed, ends map[int]int64
	retries         uint64 // as the worker counts
}

// verdict is what the comparison of the books has found. Findings are sentences.
type verdict struct {
	audit sandbox.Report
	// refused counts events that LeadHit refused, letters those that have a letter.
	refused, letters int
	// letterFaults are refused events without their letter, letters without a refused event, and altered ones.
	letterFaults []string
	// behind are partitions whose commit is not the log end, or whose end is not what the shop wrote.
	behind []string
	empty  bool
}

func (v verdict) lost() int { return len(v.audit.Lost) }

func (v verdict) outOfOrder() int { return len(v.audit.Backward) + len(v.audit.Overlapping) }

// ok says that all books agree, about something.
func (v verdict) ok() bool {
	return v.audit.Err() == nil && len(v.letterFaults) == 0 && len(v.behind) == 0 && v.refused == v.letters && !v.empty
}

func judge(e evidence) verdict {
	book := slices.SortedFunc(slices.Values(e.book), func(a, b entry) int {
		if a.partition != b.partition {
			return a.partition - b.partition
		}
		return int(a.offset - b.offset)
	})
	want := make(map[string][]sandbox.Event)
	written := make(map[int]int64)
	for _, b := range book {
		want[b.order] = append(want[b.order], sandbox.Event{ID: b.callID(), Status: b.status})
		written[b.partition]++
	}
	v := verdict{audit: sandbox.Audit(e.calls, want), empty: len(book) == 0}
	v.compareLetters(e, book)
	v.compareOffsets(e, written)
	return v
}

// compareLetters compares the letters with what LeadHit refused, event by event.
func (v *verdict) compareLetters(e evidence, book []entry) {
	refused := make(map[string]bool) // by call id
	for i := range e.calls {
		if e.calls[i].Answer == sandbox.Refused {
			refused[e.calls[i].ID] = true
		}
	}
	v.refused = len(refused)
	found := make(map[string]deadletter.Letter)
	for _, l := range e.letters {
		found[l.ID()] = l // a letter may be stored twice: its id is what counts
	}
	v.letters = len(found)
	for _, b := range book {
		l, stored := found[b.letterID()]
		delete(found, b.letterID())
		switch refused := refused[b.callID()]; {
		case refused && !stored:
			v.letterFault("%s of order %s (%s) was refused and has no letter", b.letterID(), b.order, b.status)
		case !refused && stored:
			v.letterFault("%s of order %s (%s) has a letter (%s) and was not refused", b.letterID(), b.order, b.status, l.Cause)
		case stored && (sha256.Sum256(l.Value) != b.value || string(l.Key) != b.order || l.OrderID != b.order || l.Status != b.status):
			v.letterFault("the letter %s is not the event that the shop wrote", b.letterID())
		}
	}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		v.letterFault("the letter %s is of no event that the shop wrote", id)
	}
	if e.broken > 0 {
		v.letterFault("%d records of the dead-letter topic are no letters", e.broken)
	}
}

func (v *verdict) letterFault(format string, args ...any) {
	v.letterFaults = append(v.letterFaults, fmt.Sprintf(format, args...))
}

func (v *verdict) compareOffsets(e evidence, written map[int]int64) {
	for _, p := range slices.Sorted(maps.Keys(e.ends)) {
		if e.committed[p] != e.ends[p] || written[p] != e.ends[p] {
			v.behind = append(v.behind, fmt.Sprintf("partition %d: committed %d, log end %d, written %d",
				p, e.committed[p], e.ends[p], written[p]))
		}
	}
}

// headline is the proof in one line.
func (v verdict) headline() string {
	sign := "="
	if v.letters != v.refused {
		sign = "≠"
	}
	return fmt.Sprintf("lost %d · out of order %d · letters %d %s refused %d", v.lost(), v.outOfOrder(), v.letters, sign, v.refused)
}

// findings are all sentences, the gravest first.
func (v verdict) findings() []string {
	var all []string
	for _, kind := range []struct {
		name string
		list []string
	}{
		{"lost", v.audit.Lost},
		{"older status after a newer one", v.audit.Backward},
		{"two events of an order at once", v.audit.Overlapping},
		{"nobody asked for", v.audit.Strange},
		{"letters", v.letterFaults},
		{"not committed", v.behind},
	} {
		for _, text := range kind.list {
			all = append(all, kind.name+": "+text)
		}
	}
	if v.empty {
		all = append(all, "no event was written: this proves nothing")
	}
	return all
}

const shownFindings = 12

// summarise writes what came of it. It returns the error of writing.
func summarise(out io.Writer, e evidence, v verdict, colour bool) error { //nolint:revive // a mode of the output, not a fork in the logic
	row := func(name, text string) line { return line{{normal, "  "}, label(name), {normal, text}} }
	lines := []line{
		nil,
		row("shop", fmt.Sprintf("%d events of %d orders in %s (seed %d)", len(e.book), ordersOf(e.book), seconds(e.length), e.seed)),
	}
	for i, text := range wrap(fmt.Sprintf("%d calls: %s", len(e.calls), answers(e.calls)), 66) {
		lines = append(lines, row([]string{"LeadHit", ""}[min(i, 1)], text))
	}
	lines = append(lines,
		row("worker", fmt.Sprintf("%d retries; %d events executed twice, their answers were lost", e.retries, v.audit.Repeated)),
		row("Kafka", fmt.Sprintf("committed = log end in %d of %d partitions", len(e.ends)-len(v.behind), len(e.ends))),
		nil,
	)
	verdictLine := line{{green, "  ✓ "}, {bold, v.headline()}}
	if !v.ok() {
		verdictLine[0] = span{red, "  ✗ "}
	}
	lines = append(lines, verdictLine)
	findings := v.findings()
	for _, text := range findings[:min(len(findings), shownFindings)] {
		lines = append(lines, line{{red, "    " + printable(text)}})
	}
	if more := len(findings) - shownFindings; more > 0 {
		lines = append(lines, line{{red, fmt.Sprintf("    and %d more", more)}})
	}
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l.render(200, colour) + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func ordersOf(book []entry) int {
	orders := make(map[string]bool)
	for _, b := range book {
		orders[b.order] = true
	}
	return len(orders)
}

// answers counts the ledger by answer, the most frequent first.
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

// inWords names an answer as the story does.
func inWords(a sandbox.Answer) string {
	switch a {
	case sandbox.Failed:
		return "× 503"
	case sandbox.Forbidden:
		return "× 403"
	case sandbox.Lost, sandbox.LostReset:
		return a.String() + " after execution"
	case sandbox.HTML:
		return "HTML pages"
	}
	return a.String()
}
