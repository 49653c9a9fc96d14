// Package dispatch decides which order's call may start now, which events are finished, and which offsets may be
// committed.
//
// It is a pure state machine: no goroutine, clock, context or I/O. Inputs are methods of [Dispatcher] (Assigned,
// Fetched, Answered, Stored, Committed, Revoked, Lost …) and only change state. [Dispatcher.Next] returns the effects:
// the calls, stores, fetches and the commit to start now, and when to call Next again. Time is a parameter. One
// goroutine at a time may use a Dispatcher.
//
//	d := dispatch.New(config)
//	d.Assigned(now, positions, true)
//	for {
//		effects := d.Next(now)
//		// Start everything in effects; wait for effects.Wake or an outcome.
//		d.Answered(now, id, verdict) // or Fetched, Stored, Committed
//	}
//
// # Promises
//
// Lanes: a lane is a partition number and an order id. A lane runs its events one at a time, in the sequence in which
// they were fetched. Lanes run in parallel. An event about several orders runs when it is first in all their lanes. The
// call of a lane's next event may start only when an acknowledged commit covers the outcome of the lane's last call. So
// a crash repeats at most the last call of each order, and an order's status never moves backwards.
//
// Offsets: an offset is finished when each item of its event was accepted, needed no call, or is stored as a letter. A
// commit holds the lowest unfinished offset of each partition, and metadata that names the finished offsets above it.
// Space in the metadata is reserved before a call starts. So the retry of the lowest unfinished event never waits for
// space.
//
// Crashes: no new call starts while 2 × CallsInFlight sent events need no further call and are not yet covered by an
// acknowledged commit. So a crash repeats the calls of at most 3 × CallsInFlight events, plus those of at most
// CallsInFlight partly processed events that concern several orders, and one such event per partition. (If the brokers
// accept too little metadata, the first bound is one event per partition higher.) An event that was only skipped has no
// call to repeat, so it does not count. The next owner makes a call for it, because the memory of accepted statuses is
// lost. That costs one call per order, which the order's next repeat would otherwise need.
//
// Repeats: with Config.SkipRepeats, an item whose status is the one that LeadHit accepted last for its order is
// finished without a call when its turn in the lane comes. It counts as accepted for everything except the flood guard.
// The proof must be a call that this worker made in this generation, for an event of the same partition with the same
// key. Otherwise another worker may have made a call for the order since. For the same reason, nothing is skipped in
// partitions whose Position.Spread is set, nor once an event had no key, an order had two keys or partitions, a key had
// two orders, or Config.Explain found that no single partitioner puts all keys into their partitions. Two producers
// with different partitioners are detected once this worker has made calls for keys from both, and among these keys are
// some that the partitioners map to different partitions. A worker that has no partition with keys from the second
// producer cannot detect that producer. When a call starts, its order's status is forgotten. The new status is
// remembered only once LeadHit accepts the call, and not while LeadHit may still apply an earlier call that had no
// response. A pause, another API key, and a recreated or truncated partition clear the memory. The memory holds only
// the most recently used orders. Forgetting an order costs a call and nothing else.
//
// Calls: a [retry.Governor] decides whether a call may start at all. It considers pauses, the gate that closes in an
// outage, the limit on calls in flight, the calls per second and Retry-After. While only probes may start, they start
// one at a time. A probe that failed is parked, and the next probe is for another order. An outage causes no letters,
// because the time during which calls are paused counts against no order.
//
// Letters: with Config.FloodGuard, a flood of letters pauses the calls, and letters about events that the mapping
// refused are withheld. Letters about events that had a call are always stored, so that a drain can end during a flood.
// Effects.Announce informs the other workers through the ledger, whose entries come back through Followed.
//
// Replays: with Config.Replays, an operator's entry in the ledger requests that a letter be sent again. The replay runs
// at the end of its order's lane, under the same rules as an event. So that no older status follows a newer one, an
// accepted event counts as finished only when the ledger holds a mark on each older letter for its order. A replay is
// judged by these marks when it is taken up and whenever its turn comes, and its lane continues only when its outcome
// is stored. A crash repeats only replays whose outcome is unknown, and at most CallsInFlight of them. A forced replay
// ignores the marks, but no other rule.
//
// Ownership: a call starts only during the lease, that is, for a short time after an acknowledged commit of this
// generation. No call starts after Revoked. A commit without a response may still be applied, and replace a newer one.
// So after such a commit no acknowledgement counts until the worker is a new member of the group.
//
// Lost drops the generation's state. The governor, the slots and orders of calls in flight, and an unknown commit
// outlive the generation.
//
// # The states of an item
//
// An item is what an event says about one order:
//
//	idle ──first in its lane──▶ ready ──slot──▶ inFlight ──accepted──▶ done
//	                              ▲ ▲            │ │ └──refused, or retries exhausted──▶ storing ──acknowledged──▶ done
//	                              │ └── parked ◀─┘ │ failed while only probes may start; ready again after the pause
//	                              └─── waiting ◀───┘ failed; ready again after its backoff
//
// A repeat leaves the state ready without a call, as if it had been accepted.
//
// An item that was accepted, or whose retries are exhausted, stays in marking until the ledger holds the marks on older
// letters for its order.
//
// An item that the mapping refused starts in storing. An item whose letter could not be stored stays in storing and
// backs off.
//
// # The life of a replay
//
//	requeued ──a place is free──▶ taken up ──fetched, mapped──▶ in its lane ──its turn──▶ called
//	    │                            │                              │            ├ accepted ─▶ marks, then "resolved"
//	    └──── overtaken: "superseded" · cannot be judged: "failed" ─┘            └ refused ──▶ a letter with its count
//
// Replays are taken up in ledger order, and enter their lanes in that order. So, of several replays for one order, the
// previous owner can only have sent the first that has no outcome, and the next owner sends that one first. A replay
// that may have been sent, but ends without a response, is treated as accepted: older letters are marked.
//
// # The life of a commit
//
//	due ──▶ in flight ─┬▶ Acked      the lanes of covered events open; the lease is renewed
//	                   ├▶ NotSent    its events are committed again after a short wait
//	                   ├▶ Ambiguous  the same, but the generation drains and acknowledgements no longer count
//	                   └▶ Refused    the generation is fenced: it ends when its calls have ended
//
// A commit is due 250 ms after an event has finished. It is due earlier if the bound on what a crash repeats would soon
// stop calls, or if slots are free and only a commit would allow calls to start in them. Commits for free slots are at
// least 20 ms apart, unless CallsInFlight finished events are uncommitted. If one order has at least ten events, and at
// least half of all unfinished events, the commits that it waits for may be only 5 ms apart. A commit is due at once if
// the generation has drained, and otherwise at least six times per session timeout.
package dispatch
