package life

import (
	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

// Facts are what is known besides the events.
type Facts struct {
	// Group is the consumer group that the commits and the workers belong to.
	Group string
	// Workers holds the status of each worker that responded.
	Workers []status.Worker
	// Commits holds the group's commits; nil if they could not be read.
	Commits map[event.Partition]groups.OffsetCommit
	// Letters holds the letters and what the ledger says about them; nil if they were not read.
	Letters *view.View
}

// Decide works out what happened to an event, from facts alone. Where nothing is known, the state says so.
func (f *Facts) Decide(e *Event) {
	commit, known := f.Commits[event.Partition{Topic: e.Topic, Number: e.Partition}]
	covered := known && dispatch.Covers(commit.Next, commit.Metadata, e.Offset)
	work, replay := f.work(e.ID)
	e.Letter = f.letter(e.ID)
	switch {
	case work != nil && !covered: // the worker was queried before the commit was read
		e.State, e.Work = State(work.Doing), work
	case e.Letter != nil:
		e.State = HasLetter
		if e.Letter.State == fold.Requeued {
			e.Work = replay
		}
	case covered && f.Letters == nil:
		e.State = Committed
	case covered:
		e.State = Finished
	default:
		f.uncommitted(e, commit, known)
	}
}

// uncommitted decides the state of an event that no commit covers.
func (f *Facts) uncommitted(e *Event, commit groups.OffsetCommit, known bool) {
	before := func(position int64) {
		n := e.Offset - position
		e.Before = &n
	}
	owner, told := f.owner(e)
	switch {
	case owner == nil && !known:
		e.State = Unknown
	case owner == nil:
		e.State = NotCommitted
		if commit.Next >= 0 {
			before(commit.Next)
		}
	case e.Offset >= owner.Fetched:
		e.State = NotReached
		before(owner.Fetched)
	case told:
		e.State = NothingLeft
	default:
		e.State = Fetched
	}
}

// owner returns the partition's status from the worker that has fetched most of it, because a former owner may list the
// partition too while the group rebalances. told reports whether this worker lists everything that is left to do for
// the order.
func (f *Facts) owner(e *Event) (owner *status.Partition, told bool) {
	for _, s := range f.Workers {
		for _, p := range s.Partitions {
			if p.Topic == e.Topic && p.Partition == e.Partition && (owner == nil || p.Fetched > owner.Fetched) {
				owner, told = &p, s.Order != nil && s.Order.More == 0
			}
		}
	}
	return owner, told
}

// work returns what a worker is doing with an event, and with a replay of it.
func (f *Facts) work(id string) (work, replay *Work) {
	for _, s := range f.Workers {
		for _, i := range itemsOf(s, id) {
			w := &Work{i.Replay, i.Doing, i.Behind, i.Tries, i.Repeat, i.Next, i.Cause, i.Code, i.Message, ""}
			if s.Paused && (i.Doing == "ready" || i.Doing == "waiting") {
				w.Paused = s.State
			}
			if i.Replay > 0 {
				replay = w
			} else {
				work = w
			}
		}
	}
	return work, replay
}

// itemsOf returns the items that a worker lists for an event.
func itemsOf(s status.Worker, id string) (items []status.Item) {
	if s.Order == nil {
		return nil
	}
	for _, i := range s.Order.Items {
		if i.Event == id {
			items = append(items, i)
		}
	}
	return items
}

// letter returns the state of an event's letter; nil if there is none, or if the letters were not read.
func (f *Facts) letter(id string) *Letter {
	place, err := ledger.ParseID(id)
	if f.Letters == nil || err != nil {
		return nil
	}
	l, ok := f.Letters.Find(place)
	if !ok || l.Group != "" && l.Group != f.Group {
		return nil
	}
	is := l.Ledger
	return &Letter{is.State, is.N, is.Overtaken, is.Newer, !is.Known}
}
