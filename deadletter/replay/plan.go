package replay

import (
	"iter"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

// Class says what a plan does with a letter.
type Class string

// The classes. A run requeues only letters in class Ready.
const (
	Ready        Class = "ready"
	Superseded   Class = "superseded"    // LeadHit accepted a newer event of the order; Force replays open letters
	Requeued     Class = "requeued"      // a replay was requested, and has no outcome yet
	Resolved     Class = "resolved"      // nothing is left to do
	dismissed    Class = "dismissed"     // closed by an operator
	overMax      Class = "over-max"      // it was replayed MaxReplays times
	orderUnknown Class = "order-unknown" // unknown whether LeadHit accepted a newer event; Force replays these
	expired      Class = "expired"       // the letter, or the value that it refers to, is gone
	foreign      Class = "foreign"       // it belongs to another group, or its topic or partition is no longer consumed
)

// Classes returns all classes, in the order in which they are shown to people.
func Classes() []Class {
	return []Class{Ready, Superseded, overMax, orderUnknown, Requeued, Resolved, dismissed, expired, foreign}
}

// mostLeft limits the list of the letters that a plan leaves alone.
const mostLeft = 20

// Limits say which letters a plan may call ready.
type Limits struct {
	// Group is the consumer group whose letters are planned; letters of other groups are left alone.
	Group string
	// Most limits how many ready letters a plan lists; further ones are only counted. A letter that was replayed
	// MaxReplays times is not ready.
	Most, MaxReplays int
	// Force makes letters ready even if LeadHit accepted, or may have accepted, a newer event of their order. A replay
	// of such a letter may set an older status, which only a person may decide.
	Force bool
	// Consumed reports whether the group consumes a partition.
	Consumed func(event.Partition) bool
	// Stored reports whether a topic still has the event at a place. It is called only for letters whose value was
	// omitted.
	Stored func(event.Place) bool
	// Horizon is the first offset in the letters' topic that workers read when they start.
	Horizon int64
}

// Planned is a letter, and what a plan does with it.
type Planned struct {
	fold.Status

	Class Class
	Why   string // in words, for a letter that is left alone
	// Force is set for a letter that is ready only because of Limits.Force.
	Force bool
	// Stage, Cause, Text and Version are copied from the letter: where and why it failed, the status that it was about,
	// and the worker's version.
	Stage, Cause, Text, Version string
	// Becomes is what the current mapping makes of the letter's event; nil if that is not known.
	Becomes *event.Item
}

// Plan says which letters a run requeues.
type Plan struct {
	// Letters are the ready letters, sorted by topic, partition and offset.
	Letters []Planned
	// Left lists the first few letters that are left alone.
	Left []Planned
	// Counts holds the number of letters in each class. More letters may be ready than Limits.Most.
	Counts map[Class]int
}

// NewPlan makes a plan for letters, which must be sorted by id, and for ids that were requested individually. An id
// without a letter counts as expired.
func NewPlan(letters iter.Seq[view.Letter], ids []ledger.ID, limits Limits) Plan {
	p := Plan{Counts: map[Class]int{}}
	found := map[ledger.ID]bool{}
	for l := range letters {
		found[l.Ledger.ID] = true
		p = p.with(limits.Judge(l), limits.Most)
	}
	for _, id := range ids {
		if !found[id] {
			gone := Planned{Status: fold.Status{Letter: fold.Letter{ID: id}}, Class: expired, Why: "no such letter"}
			p = p.with(gone, limits.Most)
			found[id] = true
		}
	}
	return p
}

func (p Plan) with(l Planned, most int) Plan {
	p.Counts[l.Class]++
	switch {
	case l.Class != Ready && len(p.Left) < mostLeft:
		p.Left = append(p.Left, l)
	case l.Class == Ready && len(p.Letters) < most:
		p.Letters = append(p.Letters, l)
	}
	return p
}

// Judge decides what a plan does with one letter.
func (is Limits) Judge(l view.Letter) Planned {
	p := Planned{Status: l.Ledger, Stage: l.Stage, Cause: l.Cause, Text: l.Status, Version: l.Version}
	p.Class, p.Why = is.fixed(l)
	if p.Class != Ready {
		return p
	}
	switch {
	case l.Ledger.N >= is.MaxReplays:
		p.Class, p.Why = overMax, "raise --max-replays to replay it once more"
	case l.Ledger.Overtaken:
		p.Class, p.Why = Superseded, "LeadHit accepted a newer event of its order: "+l.Ledger.Newer
	case l.Ledger.Order == "" && l.Ledger.Key == 0:
		p.Class, p.Why = orderUnknown, "it has neither an order id nor a key, "+
			"so a newer event of its order may have been accepted"
	case l.Ledger.Offset < is.Horizon:
		p.Class, p.Why = orderUnknown, "it is so old that workers do not know whether a newer event of its order was accepted"
	}
	if is.Force && (p.Class == Superseded || p.Class == orderUnknown) {
		p.Class, p.Why, p.Force = Ready, "", true
	}
	return p
}

// fixed returns the class of a letter that no option can make ready, and Ready for all other letters.
func (is Limits) fixed(l view.Letter) (class Class, why string) {
	partition := event.Partition{Topic: l.Ledger.ID.Topic, Number: l.Ledger.ID.Partition}
	switch {
	case l.Group != "" && l.Group != is.Group:
		return foreign, "it belongs to group " + l.Group
	case !l.Ledger.Known:
		return expired, "the letters' topic no longer has it"
	case l.Ledger.State == fold.Requeued:
		return Requeued, "a replay was requested already"
	case l.Ledger.State == fold.Resolved:
		return Resolved, ""
	case l.Ledger.State == fold.Dismissed:
		return dismissed, "reopen it first"
	case l.Ledger.State == fold.Superseded:
		return Superseded, "it is closed: reopen it first, and use --force"
	case !is.Consumed(partition):
		return foreign, "the group does not consume its topic and partition"
	case l.Omitted != nil && !is.Stored(l.Letter.Place):
		return expired, "its value was too large for the letters' topic, and its own topic no longer has it"
	}
	return Ready, ""
}

// Orders returns the order ids of the ready letters, each once, in the order of Letters.
func (p Plan) Orders() []string {
	var all []string
	met := map[string]bool{"": true}
	for _, l := range p.Letters {
		if !met[l.Order] {
			met[l.Order] = true
			all = append(all, l.Order)
		}
	}
	return all
}

// cannotTell is the Cause of a refusal that [Planned.Map] makes, because the worker could not know what the letter is
// about.
const cannotTell = "CannotTell"

// Map notes what the current mapping makes of the letter's event, by the same rules as a worker.
func (p *Planned) Map(items []event.Item) {
	i := max(p.ID.Item, 0)
	unclear := i >= len(items) || p.ID.Item == ledger.NoItem && len(items) != 1
	if !unclear && p.Order != "" && items[i].OrderID != p.Order {
		unclear = items[i].OrderID != "" || items[i].Action != event.Ignore
	}
	if unclear {
		p.Becomes = &event.Item{
			OrderID: p.Order, Cause: cannotTell, Message: "the event does not name the letter's order now",
		}
		return
	}
	p.Becomes = &items[i]
}

// Same reports whether the current mapping returns the same as when the letter failed: a refusal with the same cause,
// or the same call.
func (p *Planned) Same() bool {
	b := p.Becomes
	switch {
	case b == nil:
		return false
	case p.Stage == deadletter.StageMapping:
		return b.Action == event.Refuse && b.Cause == p.Cause
	}
	return b.Action == event.Call && b.OrderID == p.Order && b.Status == p.Text
}
