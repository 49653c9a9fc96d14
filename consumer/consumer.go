// Package consumer runs the dispatcher against the clock and the network: it joins the group, fetches and commits, and
// carries out what [dispatch] decides.
//
// # Promises
//
// Package dispatch makes the promises; this package meets their preconditions. No call starts until the group's offsets
// have been read and one commit in this generation has been acknowledged. The letters and the ledger must also have
// been read, up to their ends at the time of the assignment. So a pause survives a restart, and no replay is missed or
// sent twice. When the generation ends, fetching stops. The consumer waits for the calls in flight (at most 15 seconds,
// less than the rebalance timeout of 30 seconds) and sends the last commit. Only then may the group continue: kafka-go
// does not rejoin earlier. A commit without a response ends the membership: the worker leaves the group and rejoins it
// under a new member id.
//
// The letters and the ledger are read before the worker joins the group, and followed from then on. At most the newest
// 200,000 letters are read. If either topic can no longer be read, the worker continues as before; only a new
// generation waits. While nothing can be written to the ledger, an order waits even if LeadHit has accepted its call.
// The fetch of a letter for its replay is retried until the letter has been read or is known to be gone.
//
// No topic is created until the worker has joined the group, so a misspelt name leaves no stray topic. In its first
// generation, before anything is fetched, the consumer creates the letters' topic and the ledger if they are missing,
// and then reads them. If this takes too long, the worker leaves the group and waits outside it.
//
// A worker with [Options.Place] considers other members with the same place to be dead, and removes them from the group
// before its first join. It first waits for the call timeout and a short margin, counted from the start of Run. By then
// their last calls have ended.
//
// A position advances only past records that were read. The log itself may have moved: retention has passed the offset,
// or the topic was truncated or recreated. In that case, the consumer logs this, updates its counters, and continues at
// the new start of the log.
//
// While the group has a worker, only workers can join it, because their assignment protocol has a name of its own and
// Kafka rejects all other clients. The leader assigns only partitions that exist, whatever topics the members name, and
// no request that the membership sends creates a topic. [State] lists what the worker is waiting for, with the logged
// reason and the start time.
//
// # Goroutines
//
// [Consumer.Run] owns all goroutines and returns when they have ended. They are the clock, the membership, and the
// followers of the letters and the ledger. Each generation has a committer and watchers. Each fetch, each call in
// flight, each batch for the ledger, and each letter that is stored or fetched for a replay has a goroutine of its own.
// Goroutines use the dispatcher one at a time, each in a turn. A turn passes one input to the dispatcher and starts the
// resulting effects.
//
// # Shutdown
//
// Cancelling Run's context asks the worker to stop: it fetches no more events, finishes and commits the calls in
// flight, and leaves the group. Then Run returns nil. Errors from Kafka or LeadHit never end Run, which logs them and
// retries.
package consumer

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/partitioner"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/retry"
)

const (
	// drainLimit bounds the drain at the end of a generation. It must stay below rebalanceTimeout, because a member that
	// exceeds that timeout loses its partitions, and its last commit is refused.
	drainLimit       = 15 * time.Second
	rebalanceTimeout = 30 * time.Second
)

// Event is one record, as read from Kafka.
type Event struct {
	event.Record
	// Note is for Decode, which may set it to pass something on to Call and Store.
	Note any
}

// Call is one call to make.
type Call struct {
	ID            string // topic-partition-offset, plus -item if the event names several orders
	Order, Status string
	// Before must be called as late as possible before the request is written, because it checks the lease. If it returns
	// an error, no byte may be sent.
	Before func() error
	// Event is the event that asks for the call. The calls of all its items share it, so it must not be changed.
	Event *Event
}

// Letter is one event, or one of its orders, to be stored as a dead letter.
type Letter struct {
	turn.Store
	Event *Event
}

// Options says what to consume and what to do with it. All functions are called from many goroutines at once.
type Options struct {
	// Cluster outlives Run, which does not close it.
	Cluster *broker.Cluster
	Group   string
	// Topics are the topics to consume. Before its first join, Run waits until all of them exist, so that a misspelt
	// name is noticed.
	Topics []string
	// Start is where a group that has never committed starts reading.
	Start Start
	// Place is the worker's client id in the group. It names something that only one process can own at a time, such as a
	// network address. The worker must own it from before the start of Run until Run has returned, so Run considers other
	// members with the same client id to be dead, and removes them. Empty means that the place is not known.
	Place string
	// All workers in the group follow Ledger and Letters.
	Ledger  Ledger
	Letters Letters
	// Prepare creates what Store needs; its error says why letters cannot be stored. After the worker has joined the
	// group, and before the first fetch, it is called until it returns nil. A nil Prepare is skipped.
	Prepare func(context.Context) error
	// Dispatch limits the work in flight. Its Session is the group's session timeout, and New sets its Explain.
	Dispatch dispatch.Config
	// Decode returns what an event asks for: at least one item. An error means that the items are not known yet, so the
	// partition waits, and Decode is called again.
	Decode func(context.Context, *Event) ([]event.Item, error)
	// Call makes one call and judges its outcome.
	Call func(context.Context, Call) retry.Verdict
	// Repeat is called instead of Call for a repeat; the Call's Before is nil. A nil Repeat is skipped.
	Repeat func(context.Context, Call)
	// Store returns nil only when the letter is stored durably.
	Store func(context.Context, Letter) error
	// Take fetches a letter for its replay, and maps its event; the Record of the result is an *Event. An error means that
	// the letter could not be read yet, so Take is called again.
	Take func(context.Context, turn.Take) (turn.Taken, error)
	// Logger gets one line per change of state, but none per event.
	Logger *slog.Logger
}

// base is what the parts of a Consumer share.
type base struct {
	turns
	phases

	options Options
	log     *slog.Logger
	waits   waits
	counts  counts
	// caughtUp informs the dispatcher once the letters and the ledger have been read as far as the generation needs.
	// Call it only within a turn.
	caughtUp func()
	// Use current and pauses only within a turn.
	current *generation // receives the generation's effects; nil between generations
	pauses  pauseLog
	// mayCreate is set once the worker has joined the group. Until then the group's or a topic's name may be wrong, so
	// the worker creates no topic.
	mayCreate atomic.Bool
}

// Consumer is one member of the group. Create it with [New].
type Consumer struct {
	*base

	fetcher    *fetcher
	letters    *letters
	membership *membership
	own        *ownTopics
	entries    *ledgerWriter
}

// New returns a Consumer that does nothing until Run is called.
func New(o Options) *Consumer {
	o.Dispatch.Explain = partitioner.All().Explain
	b := &base{turns: newTurns(o.Dispatch), options: o, log: o.Logger, pauses: pauseLog{log: o.Logger}}
	topics := newCommitTopics(b)
	starts := &starts{base: b, topics: topics, sizes: map[string]int{}, begun: map[string]string{}}
	c := &Consumer{
		base: b,
		fetcher: &fetcher{
			base: b, starts: starts, topics: topics,
			ends: map[event.Partition]int64{}, standing: map[event.Partition]Unreadable{},
			holds: newHolds(),
		},
		letters: &letters{base: b, failing: map[letterAt]bool{}},
		own:     newOwnTopics(b),
		entries: &ledgerWriter{base: b},
	}
	c.membership = &membership{
		base: b, starts: starts, fetcher: c.fetcher, letters: c.letters, leader: leader{base: b}, own: c.own,
		takes: &takes{base: b}, topics: topics, predecessor: predecessor{base: b},
	}
	b.start, b.caughtUp = c.start, c.own.check
	c.enter(Starting)
	return c
}

var (
	errStopped   = errors.New("the consumer has stopped")
	errNoLedger  = errors.New("the flood guard needs a ledger: without one nothing could end its pause")
	errNoReplays = errors.New("replays need the letters' topic, the ledger, and a way to fetch a letter")
)

// Run consumes until ctx ends. Then it takes at most 15 seconds to finish and commit the calls in flight, and leaves
// the group. If a join is in flight, it waits for Kafka's response first. Run returns an error only for options that
// cannot work. Call it once.
func (c *Consumer) Run(ctx context.Context) error {
	switch o := c.options; {
	case o.Dispatch.FloodGuard && o.Ledger.Topic == "":
		return errNoLedger
	case o.Dispatch.Replays && (o.Ledger.Topic == "" || o.Letters.Topic == "" || o.Take == nil):
		return errNoReplays
	}
	// Work in flight outlives ctx.
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(errStopped)
	c.membership.predecessor.began = time.Now()
	var workers sync.WaitGroup
	c.begin(work, &workers)
	workers.Go(func() { c.clock(work) })

	var err error
	if c.own.readExisting(ctx) {
		err = c.membership.run(ctx, work)
	}
	stop(errStopped)
	c.end() // no goroutine may start during the wait
	workers.Wait()
	c.enter(Stopped)
	return err
}

// KeyChanged informs the dispatcher that the API key has changed. If calls are paused because of the old key, the next
// probe is due at once. KeyChanged may be called at any time.
func (c *Consumer) KeyChanged() {
	c.send(func(now time.Time) { c.dispatcher.KeyChanged(now) })
}

// start starts the effects of a turn, within that turn.
func (c *Consumer) start(e turn.Effects) {
	c.pauses.note(c.dispatcher.Pause())
	for _, call := range e.Calls {
		c.spawn(func(ctx context.Context) { c.call(ctx, call) })
	}
	for _, store := range e.Stores {
		c.spawn(func(ctx context.Context) { c.letters.store(ctx, store) })
	}
	if len(e.Repeats) > 0 && c.options.Repeat != nil {
		repeats := slices.Clone(e.Repeats) // they are valid only until the next turn
		c.spawn(func(ctx context.Context) { c.repeat(ctx, repeats) })
	}
	if e.Spread != nil {
		c.logSpread(*e.Spread)
	}
	if e.Announce != nil {
		entry := *e.Announce
		c.spawn(func(ctx context.Context) { c.entries.announce(ctx, entry) })
	}
	if e.Append != nil {
		batch := *e.Append
		c.spawn(func(ctx context.Context) { c.entries.write(ctx, batch) })
	}
	if g := c.current; g != nil {
		g.start(e, c.dispatcher.NeedsNewMember())
	}
}

// logSpread warns that the worker no longer skips repeats.
func (c *Consumer) logSpread(s turn.Spread) {
	log := c.log.With(slog.String("topic", s.Topic), slog.Int("partition", s.Partition), slog.Int64("offset", s.Offset))
	if s.Unexplained {
		log.Warn("no known partitioner explains the partitions of all record keys, so an order's events may be in " +
			"several partitions; events that repeat a status are no longer skipped; have all producers use one " +
			"partitioner, such as murmur2; if partitions were added, restart the worker once the older events have been " +
			"processed")
		return
	}
	log.Warn("an order's events may be in several partitions, so events that repeat a status are no longer skipped; " +
		"set the record key to the order id")
}
