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
	"leadhit-sync/leadhit/sandbox"
)

// evidence is what each part recorded, independent of the others.
type evidence struct {
	seed   uint64
	length time.Duration
	orders int

	book            []entry        // what the shop wrote
	calls           []sandbox.Call // LeadHit's call log
	letters         []deadletter.Letter
	broken          int // records of the letters' topic that are not letters
	committed, ends map[int]int64
	retries         uint64 // as the worker counted
}

// verdict is the result of comparing the records. Findings are sentences.
type verdict struct {
	audit sandbox.Report
	// refused counts the events that LeadHit refused, letters those with a letter.
	refused, letters int
	// letterFaults are refused events without a letter, letters without a refused event, and letters that differ from their event.
	letterFaults []string
	// behind are partitions in which commit, log end and number of written events differ.
	behind []string
	// written counts the shop's events.
	written int
}

func (v verdict) lost() int { return len(v.audit.Lost) }

func (v verdict) outOfOrder() int { return len(v.audit.Backward) + len(v.audit.Overlapping) }

// ok reports whether all records agree, and there are some.
func (v verdict) ok() bool {
	return v.audit.Err() == nil && len(v.letterFaults) == 0 && len(v.behind) == 0 && v.refused == v.letters && v.written > 0
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
	v := verdict{audit: sandbox.Audit(e.calls, want), written: len(book)}
	v.refused, v.letters, v.letterFaults = compareLetters(e, book)
	v.behind = compareOffsets(e, written)
	return v
}

// compareLetters compares the letters with what LeadHit refused, event by event.
func compareLetters(e evidence, book []entry) (refused, letters int, faults []string) {
	refusals := make(map[string]bool) // by call id
	for i := range e.calls {
		if e.calls[i].Answer == sandbox.Refused {
			refusals[e.calls[i].ID] = true
		}
	}
	found := make(map[string]deadletter.Letter)
	for _, l := range e.letters {
		found[l.ID()] = l // a letter may be stored twice, under the same id
	}
	refused, letters = len(refusals), len(found)
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for _, b := range book {
		id := b.letterID()
		l, stored := found[id]
		delete(found, id)
		switch refused := refusals[b.callID()]; {
		case refused && !stored:
			fault("%s of order %s (%s) was refused and has no letter", id, b.order, b.status)
		case !refused && stored:
			fault("%s of order %s (%s) has a letter (%s) and was not refused", id, b.order, b.status, l.Cause)
		case stored && !b.isIn(l):
			fault("%s differs from the event that the shop wrote", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		fault("%s is not an event of the shop", id)
	}
	if e.broken > 0 {
		fault("%d records of the topic are not letters", e.broken)
	}
	return refused, letters, faults
}

// isIn reports whether a letter holds the event unchanged.
func (e entry) isIn(l deadletter.Letter) bool {
	return sha256.Sum256(l.Value) == e.value && string(l.Key) == e.order && l.OrderID == e.order && l.Status == e.status
}

// compareOffsets names the partitions whose commit, log end and number of written events differ.
func compareOffsets(e evidence, written map[int]int64) (behind []string) {
	for _, p := range slices.Sorted(maps.Keys(e.ends)) {
		if e.committed[p] != e.ends[p] || written[p] != e.ends[p] {
			behind = append(behind, fmt.Sprintf("partition %d: committed %d, log end %d, written %d",
				p, e.committed[p], e.ends[p], written[p]))
		}
	}
	return behind
}

// headline is the result in one line.
func (v verdict) headline() string {
	sign := "="
	if v.letters != v.refused {
		sign = "≠"
	}
	return fmt.Sprintf("lost %d · out of order %d · letters %d %s refused %d", v.lost(), v.outOfOrder(), v.letters, sign, v.refused)
}

// findings are all sentences, the most serious first.
func (v verdict) findings() []string {
	var all []string
	for _, kind := range []struct {
		name string
		list []string
	}{
		{"lost", v.audit.Lost},
		{"older status after a newer one", v.audit.Backward},
		{"two events of an order at once", v.audit.Overlapping},
		{"unexpected call", v.audit.Strange},
		{"letters", v.letterFaults},
		{"not committed", v.behind},
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

// account is what each part did, in a few lines each.
func account(e evidence, v verdict, width int) []line {
	var lines []line
	for _, part := range []struct{ name, text string }{
		{"shop", fmt.Sprintf("%d events of %d orders in %s (seed %d)", len(e.book), ordersOf(e.book), seconds(e.length), e.seed)},
		{"LeadHit", fmt.Sprintf("%d calls: %s", len(e.calls), answers(e.calls))},
		{"worker", fmt.Sprintf("%d retries; %d repeated a call that LeadHit had executed, because its response was lost or wrong", e.retries, v.audit.Repeated)},
		{"Kafka", fmt.Sprintf("committed = log end in %d of %d partitions", len(e.ends)-len(v.behind), len(e.ends))},
	} {
		for i, text := range terminal.Wrap(part.text, max(width-labelWidth, 16)) {
			name := part.name
			if i > 0 {
				name = ""
			}
			lines = append(lines, line{{normal, "  "}, label(name), {normal, text}})
		}
	}
	return lines
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

// inWords names a response as the story does.
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
