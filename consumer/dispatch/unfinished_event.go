package dispatch

import (
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/retry"
)

// pending is an unfinished event, linked with its neighbours in the log. An event that is known only from a commit's
// metadata is a placeholder until it is fetched.
type pending struct {
	of         *partition
	offset     int64
	since      time.Time // when the event began to age
	stamp      int64     // of the record's time, as stored in metadata
	bytes      int64
	record     any
	key        []byte  // the record's key; nil in a replay, which has only the key's hash, and in a finished event
	replay     *replay // set if this is a replay: it is in no window, and no commit waits for it
	prev, next *pending

	items []item
	lanes []*lane
	// Most events are about one order: these arrays spare them two allocations.
	oneItem [1]item
	oneLane [1]*lane

	waits   int // lanes in which the event cannot run yet
	open    int // items that are not done
	sending int // open items whose call has no final verdict

	placeholder bool
	started     bool // a call was made, or an item was skipped
	called      bool // a call was made
	dropped     bool // its partition was recreated or truncated, or its replay has ended: outcomes are ignored
}

// item is what is left to do for one order of an event. A window holds many items, so data that only a few of them need
// is in failures.
type item struct {
	*event.Item
	*failures
	attempts int
	state    state
	letter   bool // its letter is stored
	repeat   bool // finished without a call
}

// failures is the data that an item needs after its call, or the writing of its letter, has failed.
type failures struct {
	backoff *retry.Backoff
	verdict retry.Verdict // on the last call; the letter quotes it if it is final
}

// failed prepares the item for its first failure.
func (it *item) failed() {
	if it.failures == nil {
		it.failures = &failures{}
	}
}

// last returns the verdict on the last call, or the mapping's verdict.
func (it *item) last() retry.Verdict {
	if it.failures != nil && it.Action != event.Refuse {
		return it.verdict
	}
	return retry.Verdict{Kind: retry.DeadLetter, Cause: it.Cause, Message: it.Message}
}

// state is the state of an item; the package comment has the transitions.
type state uint8

const (
	idle     state = iota // waits for its lane
	ready                 // its call may start
	inFlight              // its call is in flight
	waiting               // backs off
	parked                // waits for the end of a pause
	storing               // its letter is being stored, or waits for that
	marking               // accepted or given up; older letters for its order are being marked in the ledger
	done
)

// task is one item of an event: the unit of calls, waits and letters.
type task struct {
	*pending
	i int
}

func (t task) item() *item { return &t.items[t.i] }

// keyHash returns the hash that identifies letters without an order.
func (e *pending) keyHash() uint64 {
	if e.replay != nil {
		return e.replay.key
	}
	return fold.KeyHash(e.key)
}

// several reports whether the event has calls for more than one order. Only these events can be partly done.
func (e *pending) several() bool { return len(e.lanes) > 1 }

// fill copies the fetched event into e. If several items for one order ask for a call, only the last of them gets one.
// The items of an event have the same time, so an earlier status was never the order's latest.
func (e *pending) fill(in turn.Event) {
	e.offset, e.since, e.bytes, e.record, e.key = in.Offset, in.Since, int64(in.Bytes), in.Record, in.Key
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
			if it.Action == event.Call {
				last[it.OrderID] = i
			}
		}
	}
	for i := range in.Items {
		it := &in.Items[i]
		e.items[i] = item{Item: it}
		if it.Action == event.Ignore || it.Action == event.Call && last != nil && last[it.OrderID] != i {
			e.items[i].state = done
			continue
		}
		e.open++
		if it.Action == event.Call {
			e.sending++
		}
	}
}
