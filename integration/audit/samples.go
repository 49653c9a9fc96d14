package audit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// samples compares each sampled commit with the events that were settled by the time of the sample.
func (a *auditor) samples() {
	parts := make(map[Place]*passed)
	for _, event := range a.byOffset() {
		place := Place{event.Topic, event.Partition}
		if parts[place] == nil {
			parts[place] = &passed{reported: make(map[int64]bool)}
		}
		parts[place].add(event)
	}
	for _, sample := range a.Samples {
		part := parts[sample.Place]
		if part == nil {
			continue
		}
		if sample.Next < part.highest {
			a.report.Back++
		}
		part.highest = max(part.highest, sample.Next)
		for _, event := range part.open(sample) {
			a.report.Ahead = append(a.report.Ahead, fmt.Sprintf("event %s: passed by the commit of offset %d%s at %s, %s",
				event.LetterID(), sample.Next, quoted(sample.Metadata), sample.Taken.Format(clock), event.since()))
		}
	}
}

func quoted(metadata string) string {
	if metadata == "" {
		return ""
	}
	return " " + strconv.Quote(metadata)
}

// since returns the time at which the event was settled, for the line that reports it.
func (e *entry) since() string {
	if e.done.IsZero() {
		return "never settled"
	}
	return "settled at " + e.done.Format(clock)
}

// passed holds one partition's events, sorted by offset. It finds in logarithmic time whether a commit passed an
// unsettled event. A run has thousands of samples, and a scan of all events for each of them would be quadratic.
type passed struct {
	events   []*entry
	latest   []time.Time // when the last of the events up to the same index was settled
	never    int         // index of the first event that was never settled; len(events): none
	reported map[int64]bool
	highest  int64
}

func (p *passed) add(event *entry) {
	done := event.done
	if n := len(p.latest); n > 0 && p.latest[n-1].After(done) {
		done = p.latest[n-1]
	}
	if p.never == len(p.events) && (event.Want == Untouched || !event.done.IsZero()) {
		p.never++
	}
	p.events, p.latest = append(p.events, event), append(p.latest, done)
}

// open returns the unsettled events that the sample's commit has passed. Each event is returned once.
func (p *passed) open(sample Sample) []*entry {
	var found []*entry
	look := func(event *entry) {
		late := event.done.IsZero() || event.done.After(sample.Taken)
		if late && event.Want != Untouched && !p.reported[event.Offset] {
			p.reported[event.Offset] = true
			found = append(found, event)
		}
	}
	below := p.index(sample.Next)
	if below > p.never || below > 0 && p.latest[below-1].After(sample.Taken) {
		for _, event := range p.events[:below] {
			look(event)
		}
	}
	frontier, gaps := finishedAbove(sample.Next, sample.Metadata)
	for _, event := range p.events[below:] {
		if event.Offset >= frontier {
			break
		}
		if !gaps[event.Offset] {
			look(event)
		}
	}
	return found
}

// index returns how many events are below an offset.
func (p *passed) index(offset int64) int {
	i, _ := slices.BinarySearchFunc(p.events, offset, func(e *entry, offset int64) int { return int(e.Offset - offset) })
	return i
}

// finishedAbove reads a commit's metadata. Below the frontier, every event except the gaps is finished. The metadata
// has the form
//
//	1,<offset>,<stamp>,<distance>,<gap>,<gap>…
//
// in base 36. The offset is the commit's own, and each gap is relative to the one before. Other text is ignored,
// because an operator's tool may have committed it. This reader is independent of the worker's, so that the two share
// no bug.
func finishedAbove(next int64, metadata string) (frontier int64, gaps map[int64]bool) {
	fields := strings.Split(metadata, ",")
	if len(fields) < 4 || fields[0] != "1" {
		return next, nil
	}
	var numbers []int64
	for _, field := range append([]string{fields[1]}, fields[3:]...) {
		n, err := strconv.ParseInt(field, 36, 64)
		if err != nil {
			return next, nil
		}
		numbers = append(numbers, n)
	}
	if numbers[0] != next {
		return next, nil
	}
	gaps = map[int64]bool{next: true}
	at := next
	for _, gap := range numbers[2:] {
		at += gap
		gaps[at] = true
	}
	return next + numbers[1], gaps
}
