package dispatch

import (
	"time"

	"leadhit-sync/consumer/dispatch/turn"
)

// window is the unfinished part of a partition, in log order, and the fetch that continues it.
type window struct {
	position  int64  // next offset to fetch
	fetchID   uint64 // of the fetch whose response counts
	fetching  bool
	fullSince time.Time // when fetching began to rest because the window was full; zero if it does not rest

	first, last *pending // unfinished events, including placeholders
	unfinished  int      // excluding placeholders
	bytes       int64    // memory that the unfinished events take

	hole     *pending // the first placeholder that is not fetched yet
	restored int64    // below it, each event without a placeholder was finished by an earlier generation
	identity int64    // stamp of the first placeholder's record; unknownStamp if unknown, or once it has been compared
}

// isAnotherLog reports whether an event differs from the one that the metadata describes at its offset.
func (w *window) isAnotherLog(in turn.Event) bool {
	return w.identity != unknownStamp && w.first != nil && in.Offset == w.first.offset && stampOf(in.Time) != w.identity
}

// past reports whether the event at an offset was fetched and is finished.
func (w *window) past(offset int64) bool {
	if offset >= w.position {
		return false
	}
	for e := w.first; e != nil && e.offset <= offset; e = e.next {
		if e.offset == offset {
			return false
		}
	}
	return true
}

// add counts an event that is not finished.
func (w *window) add(e *pending) {
	w.unfinished++
	w.bytes += e.bytes
}

// remove subtracts a counted event.
func (w *window) remove(e *pending) {
	w.unfinished--
	w.bytes -= e.bytes
}

// link puts an event at the end.
func (w *window) link(e *pending) {
	e.prev = w.last
	if w.last == nil {
		w.first = e
	} else {
		w.last.next = e
	}
	w.last = e
}

func (w *window) unlink(e *pending) {
	if e.prev == nil {
		w.first = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		w.last = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil
}
