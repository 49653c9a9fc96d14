// Package dispatch is the heart of the worker: which order may be called now, what is finished, and what may be
// committed.
//
// It is a pure state machine. Inputs are methods of [Dispatcher] (Assigned, Fetched, Answered, Stored, Committed,
// Revoked, Lost …); they only change state. [Dispatcher.Next] then says what to do: the calls, stores, fetches and the
// commit to start now, and when to ask again. There is no goroutine, clock, context or I/O in here: the time comes in,
// effects go out as values. One goroutine at a time may use a Dispatcher.
//
// # What it promises
//
// Lanes: a lane is a partition number and an order id. A lane runs its events one at a time in the order in which they
// were fetched; lanes run in parallel. An event that names several orders runs when it is first in all their lanes. The
// next event of a lane becomes callable only when the outcome of the last called one is covered by an acknowledged
// commit, so a crash repeats an order's last call at most and its status never goes back.
//
// Offsets: an offset is finished when each of its status changes was accepted, needed no call, or is stored as a letter.
// A commit is the lowest unfinished offset; what is finished above it travels in the commit's metadata, whose room is
// reserved before a call starts. So the retry of the lowest unfinished event never waits for room.
//
// Repeats: with 2 × CallsInFlight called events that need no further call and are not yet covered by an acknowledged
// commit no new call starts. So a crash repeats the calls of at most 3 × CallsInFlight events, and of those that name
// several orders and are partly done, at most CallsInFlight too.
//
// Calls: whether one may start at all is asked of a [retry.Governor]: pauses, the gate of an outage, the limit of calls in
// the air, calls a second and Retry-After are its matter. While only probes may start, one at a time, a probe that failed is
// parked, and the next one is about another order. An outage makes no letters: time in which calls are held counts against no
// order.
//
// Letters: with Config.FloodGuard a flood of letters pauses the calls, and what the mapping refuses is withheld. What was
// begun goes on: the letters of answered calls, and of events that were called about, are always stored, so a drain ends.
// Effects.Announce tells the others, through a ledger; what stands in there comes in by Followed.
//
// Ownership: no call starts unless a commit of this generation was acknowledged recently (the lease), and none after
// Revoked. A commit that stays without an answer may still be applied, over a newer one: from then on no acknowledgement
// counts until the worker is a new member of the group.
//
// The generation's state is dropped by Lost. What belongs to the process outlives it: the governor, the
// slots of calls still in the air, the orders they are about, and the mark of the unanswered commit.
package dispatch
