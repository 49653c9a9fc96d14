// Package consumer runs the dispatcher against the clock and the network: it joins the group, fetches and commits, and
// carries out what [dispatch] decides.
//
// # What it promises
//
// The promises are dispatch's; this package keeps their conditions. Nothing is called before the ledger was read to its end
// (so a pause outlives a restart), the group's offsets were read, and one commit of this generation was acknowledged. When
// the generation ends, fetching stops, what is in the air is waited for (at most 15 seconds, less than the rebalance timeout
// of 30 seconds), the last commit goes out, and only then may the group go on: kafka-go does not rejoin before. A commit
// that stays without an answer ends the membership: the group is left and joined anew under another member id.
//
// No topic is created before the group was joined: a worker with a misspelt group or topic leaves none behind. In its first
// generation, before anything is fetched, the consumer has the topics created that do not exist yet, and reads the ledger if it was
// one of them. If that takes long it leaves the group, and waits outside of it.
//
// A position never moves but by what was read. Where the log itself has moved (retention passed the offset, the topic
// was truncated or made anew) it is told in the log and counted, and consumption goes on where the log now starts.
//
// The group belongs to these workers: Kafka refuses every other client, by the name of our assignment protocol. The leader
// assigns the partitions that exist, whatever else the members' topics name, and no request of the membership creates a
// topic. Whatever the worker waits for stands in [State], with the words of the log and the time since when.
//
// # Goroutines
//
// [Consumer.Run] owns all of them and returns when they have ended: the clock; a caller for each call in flight; the
// ledger's follower, and one for each entry that is written to it; the membership, with a goroutine a fetch, one committer
// and watchers for each generation; one goroutine a letter. The dispatcher belongs to whoever takes a turn, one at a time:
// an input, and carrying out what the dispatcher says to it.
//
// # Shutdown
//
// The context of Run is the wish to stop: no event is fetched any more, what is in the air is finished and committed,
// and the group is left. Then Run returns nil. Errors of Kafka and LeadHit never end Run: they are waited out and told.
package consumer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

const (
	// drainLimit bounds the end of a generation. It must stay below rebalanceTimeout: a member that overstays that loses
	// its partitions, and its last commit is refused.
	drainLimit       = 15 * time.Second
	rebalanceTimeout = 30 * time.Second
	// tick is how long there may be no turn though nothing happens: the pulse for the liveness probe.
	tick = time.Second
)

// Event is one record as it was read.
type Event struct {
	event.Record
	// Note is Decode's own: what it leaves here, Call and Store find.
	Note any
}

// Call is one call to make. Before must be asked as late as can be before the request is written; after an error of it
// nothing may be sent.
type Call struct {
	ID            string // topic-partition-offset, and -item where the event names several orders
	Order, Status string
	Before        func() error
	Event         *Event
}

// Letter is one event, or one order of it, to be stored as a dead letter.
type Letter struct {
	dispatch.Store
	Event *Event
}

// Options says what to consume and what to do with it. All functions are called from many goroutines at once.
type Options struct {
	Cluster *broker.Cluster
	Group   string
	Topics  []string
	Start   Start
	// Ledger is followed by all workers of the group.
	Ledger Ledger
	// Prepare creates what Store needs, and says what keeps it from storing. It is called once the group was joined, before the
	// first event is fetched, and again until it returns nil. Nil is nothing to prepare.
	Prepare func(context.Context) error
	// Dispatch bounds the work under way. Its Session is the group's session timeout.
	Dispatch dispatch.Config
	// Decode says what an event asks for: at least one item. An error means that this cannot be told yet: the partition
	// waits, and Decode is asked again.
	Decode func(context.Context, *Event) ([]dispatch.Item, error)
	// Call makes one call and judges what came of it.
	Call func(context.Context, Call) retry.Verdict
	// Store returns nil only when the letter is stored for good.
	Store  func(context.Context, Letter) error
	Logger *slog.Logger
}

// Consumer is one member of the group. Make it with New.
type Consumer struct {
	options Options
	log     *slog.Logger

	// What a turn needs. The lock is held for a turn, microseconds, never while anybody is waited for.
	turn       sync.Mutex
	over       bool // no more turns
	dispatcher *dispatch.Dispatcher
	current    *generation // where effects of the generation go
	ends       map[event.Partition]int64
	standing   map[event.Partition]Unreadable
	holds      holds
	alarm      *time.Timer // rings at alarmAt or earlier
	alarmAt    time.Time
	paused     dispatch.Pause // as the log last told it
	resumed    ledger.Entry   // the ledger's last resume
	// spawn starts a goroutine that Run waits for.
	spawn func(func(context.Context))

	pulse   atomic.Int64 // unix nanoseconds of the last turn
	phase   atomic.Pointer[phase]
	waits   waits
	unknown unknowns
	counts  counts
	failing failing

	ledger    *ledgerReader // nil: there is none
	mayCreate atomic.Bool   // the group was joined once, so that its name and topics are right: topics of ours may be created
	prepared  bool          // the membership's: what is needed before the first call is there
	preparing trouble       // the membership's

	member string            // the membership's: the last member id
	sizes  map[string]int    // the membership's: partitions of each topic when it was first seen
	fences trouble           // the membership's: refusals in a row
	begun  map[string]string // the membership's: where the log last said that the group begins, by topic
	absent string            // the leader's: the topics that the log last said to be missing
	uneven string            // the leader's: the topics of which the log last said that some members do not consume them
}

// New returns a Consumer that does nothing until Run.
func New(o Options) *Consumer {
	c := &Consumer{
		options: o, log: o.Logger,
		dispatcher: dispatch.New(o.Dispatch),
		ends:       map[event.Partition]int64{},
		standing:   map[event.Partition]Unreadable{},
		holds:      newHolds(),
		sizes:      map[string]int{},
		begun:      map[string]string{},
		failing:    failing{letters: map[letterAt]bool{}, told: map[string]bool{}},
		spawn:      func(func(context.Context)) {}, // nothing falls due before Run
		alarm:      time.NewTimer(tick),
	}
	c.enter(Starting)
	return c
}

var (
	errStopped  = errors.New("the consumer has stopped")
	errNoLedger = errors.New("the flood guard needs a ledger: without one nothing could end its pause")
)

// Run consumes until ctx ends; then it finishes and commits what was begun, for at most 15 seconds, and leaves the group,
// which takes as long as Kafka takes to answer: a join that is under way is waited for. It returns an error only for
// options that cannot work. Call it once.
func (c *Consumer) Run(ctx context.Context) error {
	if c.options.Dispatch.FloodGuard && c.options.Ledger.Topic == "" {
		return errNoLedger
	}
	// What is in the air outlives the wish to stop.
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(errStopped)
	var workers sync.WaitGroup
	c.turn.Lock()
	c.spawn = func(do func(context.Context)) { workers.Go(func() { do(work) }) }
	c.turn.Unlock()
	workers.Go(func() { c.clock(work) })

	var err error
	if c.readLedger(ctx) {
		err = c.membership(ctx, work)
	}
	stop(errStopped)
	c.turn.Lock()
	c.over = true // before the wait: nobody may start a goroutine any more
	c.turn.Unlock()
	workers.Wait()
	c.enter(Stopped)
	return err
}

// KeyChanged tells that another key is in use from now on: a pause for the old one is probed at once. It may be called at
// any time.
func (c *Consumer) KeyChanged() {
	c.send(func(now time.Time) { c.dispatcher.KeyChanged(now) })
}
