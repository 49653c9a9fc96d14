package dispatch

import (
	"time"

	"leadhit-sync/retry"
)

// pending is an unfinished event, linked with its neighbours in the log. One that is known only from a commit's metadata
// is a placeholder until it is fetched.
type pending struct {
	of         *partition
	offset     int64
	since      time.Time // when it began to age
	stamp      int64     // of the record's time, as stored in metadata
	bytes      int64
	record     any
	prev, next *pending

	items []item
	lanes []*lane
	// Most events are about one order: these spare them an allocation each.
	oneItem [1]item
	oneLane [1]*lane

	waits   int // lanes in which it cannot run yet
	open    int // items not yet accepted, nor stored
	sending int // of them, those whose calls have no final verdict

	placeholder bool
	started     bool // a call was made
	dropped     bool // its partition was lost or restarted: what is in the air about it concerns nobody
}

// item is what is left to do about one order of an event. A window holds many: what only a few need stands apart.
type item struct {
	*Item
	*trouble
	attempts int
	state    state
}

// trouble is what an item needs once a call or a letter of it has failed.
type trouble struct {
	backoff *retry.Backoff
	verdict retry.Verdict // the last one: for the letter, if it is final
}

// failed makes room for trouble.
func (it *item) failed() {
	if it.trouble == nil {
		it.trouble = &trouble{}
	}
}

// last is the verdict on the last call, or the mapping's.
func (it *item) last() retry.Verdict {
	if it.trouble != nil && it.Action != Refuse {
		return it.verdict
	}
	return retry.Verdict{Kind: retry.DeadLetter, Cause: it.Cause, Message: it.Message}
}

type state uint8

const (
	idle    state = iota // waits for its lane
	ready                // may be called
	inAir                // is being called
	waiting              // backs off
	parked               // waits for the end of a pause
	storing              // its letter is on its way
	done
)

// task is one item of an event: the unit of calls, waits and letters.
type task struct {
	*pending
	i int
}

func (t task) item() *item { return &t.items[t.i] }

// several says whether the event is about more than one order: only such an event can be partly done.
func (e *pending) several() bool { return len(e.lanes) > 1 }

// fill makes of e the event that was fetched. Of the items for one order only the last that asks for a call is called:
// the event is one moment, and the older status was never the order's last.
func (e *pending) fill(in Event) {
	e.offset, e.since, e.bytes, e.record = in.Offset, in.Since, int64(in.Bytes), in.Record
	if e.since.IsZero() {
		e.since = in.Time
	}
	e.placeholder, e.stamp = false, stampOf(in.Time)
	e.items = e.oneItem[:]
	if len(in.Items) != 1 {
		e.items = make([]item, len(in.Items))
	}
	var last map[string]int
	if len(in.Items) > 1 {
		last = make(map[string]int, len(in.Items))
		for i, it := range in.Items {
			if it.Action == Send {
				last[it.Order] = i
			}
		}
	}
	for i := range in.Items {
		it := &in.Items[i]
		e.items[i] = item{Item: it}
		if it.Action == Ignore || it.Action == Send && last != nil && last[it.Order] != i {
			e.items[i].state = done
			continue
		}
		e.open++
		if it.Action == Send {
			e.sending++
		}
	}
}
