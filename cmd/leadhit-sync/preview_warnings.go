package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

// mostSamples is how many events without an accepted call are kept, so that the presets can be tried on them. About 20
// presets read each of them, so more would make people wait.
const mostSamples = 20

// sample keeps an event that is refused, or that LeadHit will refuse because it does not know the status.
func (w *watch) sample(r event.Record, e seen) {
	if len(w.samples) >= mostSamples || !slices.ContainsFunc(e.items, w.lost) {
		return
	}
	w.samples = append(w.samples, r)
}

// lost reports whether the mapping refuses the item, or LeadHit certainly will. An item that waits for a schema is not
// lost.
func (w *watch) lost(o event.Item) bool {
	return o.Action == event.Refuse && o.Cause != causeWaits || o.Action == event.Call &&
		!slices.Contains(w.statuses, o.Status)
}

// warnings lists problems that are certain: findings about the mapping, statuses that LeadHit does not know, and a
// mapping that fits none of the events. It loads the presets only if no call would be accepted, because that takes a
// while.
func (w *watch) warnings(ctx context.Context, source string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := []string{}
	for _, f := range w.mapping.Check().Findings {
		all = append(all, f.String())
	}
	accepted := 0
	var calls []string
	for _, g := range w.tally.sorted(event.Call) {
		if g.What == othersGroup {
			accepted++ // there are too many statuses to list; assume one of them is accepted
			continue
		}
		if slices.Contains(w.statuses, g.What) {
			accepted++
			continue
		}
		calls = append(calls, fmt.Sprintf("%s with the status %q", count(g.Count, "call"), g.What))
	}
	if len(calls) > 0 {
		all = append(all, fmt.Sprintf("LeadHit refuses %s: it knows %s; "+
			"status lists in a mapping translate it, for instance paid: [%q]",
			listing(calls), strings.Join(w.statuses, ", "), w.firstUnknown()))
	}
	if refused := w.tally.outcomes[event.Refuse]; accepted == 0 && len(w.samples) > 0 {
		what := "no event leads to a call that LeadHit accepts"
		if refused == w.tally.events {
			what = "every event is refused"
		}
		all = append(all, what+": is MAPPING="+source+" right?"+w.suggestion(ctx, source))
	}
	return all
}

// firstUnknown returns the most frequent status that LeadHit does not know.
func (w *watch) firstUnknown() string {
	for _, g := range w.tally.sorted(event.Call) {
		if g.What != othersGroup && !slices.Contains(w.statuses, g.What) {
			return g.What
		}
	}
	return ""
}

// listing joins the first few texts, and counts the rest.
func listing(texts []string) string {
	if more := len(texts) - mostExamples; more > 0 {
		texts = append(slices.Clone(texts[:mostExamples]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(texts, ", ")
}

// reading measures how well a preset fits the kept events: how many it read, how many of these led to a call, and how
// many of its fields were present.
type reading struct {
	preset              string
	read, calls, fields int
}

// suggestion names the presets that read at least half of the kept events, the best first. Half is enough, since a
// topic may have events that no shop maps. Between two presets that read the same events, the number of fields decides,
// because the right preset finds more fields.
func (w *watch) suggestion(ctx context.Context, source string) string {
	var all []reading
	for _, name := range mapping.Presets() {
		// The preset in use is left out, because it has just failed on these events.
		m, err := mapping.Load(mapping.Options{Source: name})
		if err != nil || name == source {
			continue
		}
		r := reading{preset: name}
		for _, record := range w.samples {
			w.try(ctx, m, record, &r)
		}
		if r.calls > 0 && 2*r.read >= len(w.samples) {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return " No preset reads them; leadhit-sync mapping explain shows how one event is read"
	}
	slices.SortStableFunc(all, func(a, b reading) int {
		return cmp.Or(cmp.Compare(b.read, a.read), cmp.Compare(b.fields, a.fields), cmp.Compare(b.calls, a.calls))
	})
	const most = 3
	var names []string
	for _, r := range all[:min(len(all), most)] {
		names = append(names, fmt.Sprintf("%s (%d of %d)", r.preset, r.read, len(w.samples)))
	}
	return " Presets that read them: " + strings.Join(names, ", ")
}

// try applies a preset to one event and counts the result. A preset that reads an event only to refuse it does not fit.
func (w *watch) try(ctx context.Context, m *mapping.Mapping, record event.Record, r *reading) {
	e, err := m.Explain(ctx, record)
	if err != nil || slices.ContainsFunc(e.Orders, func(o mapping.ExplainedOrder) bool { return w.lost(o.Item) }) {
		return
	}
	r.read++
	if slices.ContainsFunc(e.Orders, func(o mapping.ExplainedOrder) bool { return o.Item.Action == event.Call }) {
		r.calls++
	}
	for _, f := range e.Orders[0].Fields {
		if f.Source != "" && f.Value != nil && f.Type != "present" {
			r.fields++
		}
	}
}
