package main

import (
	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter/ledger"
)

// decide says what became of an event, from facts alone. Where none is known, the state says so.
func (f *orderFacts) decide(e *eventLife) {
	commit, known := f.commits[event.Partition{Topic: e.Topic, Number: e.Partition}]
	covered := known && dispatch.Covers(commit.Next, commit.Metadata, e.Offset)
	work, replay := f.work(e.ID)
	e.Letter = f.letter(e.ID)
	switch {
	case work != nil && !covered: // the worker was asked before the commit was read
		e.State, e.Work = orderState(work.Doing), work
	case e.Letter != nil:
		e.State = stateLetter
		if e.Letter.State == ledger.Requeued {
			e.Work = replay
		}
	case covered && f.letters == nil:
		e.State = stateCommitted
	case covered:
		e.State = stateFinished
	default:
		f.uncommitted(e, commit, known)
	}
}

// uncommitted says where an event stands that no commit covers.
func (f *orderFacts) uncommitted(e *eventLife, commit groups.OffsetCommit, known bool) {
	before := func(position int64) {
		n := e.Offset - position
		e.Before = &n
	}
	owner, told := f.owner(e)
	switch {
	case owner == nil && !known:
		e.State = stateUnknown
	case owner == nil:
		e.State = stateUncommitted
		if commit.Next >= 0 {
			before(commit.Next)
		}
	case e.Offset >= owner.Fetched:
		e.State = stateUnreached
		before(owner.Fetched)
	case told:
		e.State = stateNothingLeft
	default:
		e.State = stateFetched
	}
}

// owner returns the partition's status from the worker that has fetched most of it: while the group rebalances, a
// former owner may list it too. told says that this worker lists what is left to do about the order, all of it.
func (f *orderFacts) owner(e *eventLife) (owner *status.Partition, told bool) {
	for _, s := range f.workers {
		for _, p := range s.Partitions {
			if p.Topic == e.Topic && p.Partition == e.Partition && (owner == nil || p.Fetched > owner.Fetched) {
				owner, told = &p, s.Order != nil && s.Order.More == 0
			}
		}
	}
	return owner, told
}

// work returns what a worker does about an event, and about a replay of it.
func (f *orderFacts) work(id string) (work, replay *orderWork) {
	for _, s := range f.workers {
		for _, i := range itemsOf(s, id) {
			w := &orderWork{i.Replay, i.Doing, i.Behind, i.Tries, i.Next, i.Cause, i.Code, i.Message, ""}
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

// itemsOf returns what a worker lists about an event.
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
func (f *orderFacts) letter(id string) *orderStood {
	place, err := ledger.ParseID(id)
	if f.letters == nil || err != nil {
		return nil
	}
	l, ok := f.letters.Find(place)
	if !ok || l.Group != "" && l.Group != f.group {
		return nil
	}
	is := l.Ledger
	return &orderStood{is.State, is.N, is.Overtaken, is.Newer, !is.Known}
}
