package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"leadhit-sync/deadletter/ledger"
)

const (
	// idleLimit is how long the worker may go without a commit at the end, when LeadHit has no faults. A retry waits at
	// most 2 s (RETRY_MAX), so 20 s without a commit means that the worker is stuck.
	idleLimit = 20 * time.Second
	// stopLimit is longer than a worker takes to stop. Calls end after callTimeout here, so a worker that needs more
	// time is stuck.
	stopLimit = 45 * time.Second
	readLimit = 15 * time.Second
)

var errStopped = errors.New("the worker stopped before the end")

// demo holds everything that runs.
type demo struct {
	*parts
	options options
	shop    *shop
	story   *story
	box     *letterbox
	person  *person
	desk    *reception
	address string
	begun   time.Time
	running *running
}

// running is a worker that was started. The caller of start must call end, which waits for the worker's goroutine. err
// needs no lock, because it is set before done is closed, and read only after that.
type running struct {
	stop context.CancelFunc
	done chan struct{} // closed when the worker has ended
	err  error         // to be read after done is closed
}

func start(ctx context.Context, work func(context.Context) error) *running {
	ctx, stop := context.WithCancel(ctx)
	r := &running{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = work(ctx)
	}()
	return r
}

// end stops the worker and waits for at most stopLimit, so that a stuck worker ends the demo with an error. After the
// limit the goroutine is left behind, because the process is about to end anyway.
func (r *running) end() error {
	r.stop()
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-r.done:
		return r.err
	case <-limit.C:
		return fmt.Errorf("the worker did not stop within %v", stopLimit)
	}
}

// run runs the demo until its time is up or ctx ends, and then compares the records.
func run(ctx context.Context, o options, paint painter, out io.Writer) (v verdict, err error) {
	p, err := setUp(ctx, o)
	if err != nil {
		return v, err
	}
	defer func() {
		p.close()
		if v.ok() || errors.Is(err, errNotBegun) {
			p.removeFiles()
			return
		}
		_, _ = fmt.Fprintf(out, "\n  The worker's log: %s\n", p.logFile())
	}()
	d := &demo{parts: p, options: o}
	_, _ = fmt.Fprintf(out, "starting embedded Kafka, a LeadHit look-alike, a shop and the worker (seed %d)…\n", o.seed)
	// A signal must not end the worker, which has to finish the events after the shop has closed.
	d.running = start(context.WithoutCancel(ctx), p.worker.Run)
	if d.address, err = p.ready(ctx, d.running); err != nil {
		return v, errors.Join(err, d.running.end())
	}
	if d.desk, err = p.openDesk(ctx, d.address); err != nil {
		return v, errors.Join(err, d.running.end())
	}
	defer d.desk.close()
	if err = d.introduce(out); err != nil {
		return v, errors.Join(err, d.running.end())
	}
	e, err := d.play(ctx, paint)
	if err != nil {
		return v, err
	}
	v = judge(e)
	width, ink := paint.manner()
	return v, summarise(out, e, v, width, ink)
}

// introduce prints how to use the commands on the running demo from another terminal. The export lines are also written
// to a file, whose name is short enough for a row of the screen. The file's mode is 0600, like that of the key's file
// beside it.
func (d *demo) introduce(out io.Writer) error {
	exports := strings.Join(d.exports(d.address), "\n")
	if err := os.WriteFile(d.exportsFile(), []byte(exports+"\n"), 0o600); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, `
To use the commands on the demo from another terminal, in this folder:

%s
%s
go run ./cmd/leadhit-sync letters list

Look at the letters and replay them: http://%s

`, exports, tryCommand, d.desk.address)
	return nil
}

// tryCommand is suggested as the first command. It is the shortest way to see the worker's own view of the story.
const tryCommand = "go run ./cmd/leadhit-sync status"

// play runs the shop and the story, with the screen alongside, until all have ended. The screen and the letterbox
// outlive ctx, because people should see the drain. The clients close last, when nothing uses them any more.
func (d *demo) play(ctx context.Context, paint painter) (e evidence, err error) {
	if d.shop, err = openShop(d.kafka.ListenAddrs(), d.options); err != nil {
		return e, errors.Join(err, d.running.end())
	}
	defer d.shop.client.Close()
	if d.box, err = openLetterbox(d.kafka.ListenAddrs()); err != nil {
		return e, errors.Join(err, d.running.end())
	}
	defer d.box.client.Close()
	d.begun = time.Now()
	d.story = &story{
		length: d.options.length, orders: d.options.orders, leadhit: d.leadhit, keys: d.keys, begun: d.begun,
		learns: make(chan struct{}),
	}
	d.person = &person{story: d.story, settings: d.settings}

	lasting, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var beside errgroup.Group
	beside.Go(func() error { d.show(lasting, paint); return nil })
	// The letters are read while the demo runs, so that the screen can show the last ones.
	beside.Go(func() error { return d.box.read(lasting, nil) })
	// The worker must not stop before the shop has written its last event, or the summary would report that event as
	// lost.
	err = errors.Join(d.sell(ctx), d.finish(lasting), d.running.end())
	stop()
	if err = errors.Join(err, beside.Wait()); err != nil {
		return e, err
	}
	return d.evidence(context.WithoutCancel(ctx))
}

// sell runs the shop, the story, the person and the desk, until the story or ctx ends. If the story or the shop fails,
// or the worker stops early, the others end too; only a replay that has started is completed. The worker is watched
// here too, because otherwise the shop would write events that nobody reads, until the -for time is up.
func (d *demo) sell(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var all errgroup.Group
	all.Go(func() error {
		defer stop()
		return d.story.play(ctx)
	})
	all.Go(func() error {
		defer stop()
		return d.shop.sell(ctx)
	})
	all.Go(func() error { return d.person.replay(ctx) })
	all.Go(func() error { return d.desk.serve(ctx) })
	all.Go(func() error {
		select {
		case <-d.running.done:
			stop()
			return errors.Join(errStopped, d.running.err)
		case <-ctx.Done():
			return nil
		}
	})
	return all.Wait()
}

// finish waits until the worker has committed everything that was written and all replays have their outcomes, or until
// the worker has stopped committing. Neither is an error here, because only the summary judges. finish adds up the
// committed offsets. Their sum is the number of committed events, because each log starts at 0 and has no transactions.
func (d *demo) finish(ctx context.Context) error {
	d.story.add("the shop closes; the worker finishes its events")
	defer d.story.add("the worker stops: it commits and leaves the group")
	idle := time.NewTimer(idleLimit)
	defer idle.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	before, told := int64(-1), false
	for {
		committed := sum(d.committed())
		if committed == int64(len(d.shop.entries())) && d.box.requeued() == 0 {
			return nil
		}
		if committed != before {
			before = committed
			idle.Reset(idleLimit)
		}
		if d.worker.Status().State == ledger.ByHand {
			idle.Reset(idleLimit) // a person decides when to resume
			if !told {
				d.story.add("the worker is paused by hand: leadhit-sync resume lets it finish")
				told = true
			}
		}
		select {
		case <-look.C:
		case <-idle.C:
			return nil // the summary shows what is missing
		case <-d.running.done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// evidence collects the records of all parts. The worker has stopped, so the letterbox reads up to a fixed end. If that
// read is cut short, evidence returns an error, because the summary would report unread letters as missing.
func (d *demo) evidence(ctx context.Context) (evidence, error) {
	ends := map[string]int64{letters: 0, ledger.Topic(letters): 0}
	for topic := range ends {
		if info := d.kafka.PartitionInfo(topic, 0); info != nil {
			ends[topic] = info.HighWatermark
		}
	}
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	if err := d.box.read(ctx, ends); err != nil {
		return evidence{}, err
	}
	e := evidence{
		seed: d.options.seed, length: time.Since(d.begun), orders: d.options.orders,
		book: d.shop.entries(), calls: d.leadhit.Calls(), committed: d.committed(), ends: d.ends(),
		retries: d.worker.Status().Retries, ledger: d.box.ledger, run: d.person.summary,
	}
	e.letters, e.broken = d.box.all()
	return e, nil
}

func sum(offsets map[int]int64) (total int64) {
	for _, offset := range offsets {
		total += offset
	}
	return total
}
