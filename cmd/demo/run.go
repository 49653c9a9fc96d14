package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"leadhit-sync/deadletter/ledger"
)

const (
	// idleLimit is how long the worker may commit nothing at the end, with LeadHit in good health.
	idleLimit = 20 * time.Second
	// stopLimit is more than a worker takes to stop.
	stopLimit = 45 * time.Second
	readLimit = 15 * time.Second
)

var errStopped = errors.New("the worker has stopped by itself")

// demo is everything that runs.
type demo struct {
	*parts
	options options
	shop    *shop
	story   *story
	box     *letterbox
	address string
	begun   time.Time
	running *running
}

// running is a worker under way.
type running struct {
	stop context.CancelFunc
	done chan struct{} // closed when it has ended
	err  error         // to be read after that
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

// end stops it and waits, though not for ever.
func (r *running) end() error {
	r.stop()
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-r.done:
		return r.err
	case <-limit.C:
		return fmt.Errorf("the worker has not stopped within %v", stopLimit)
	}
}

// run plays the demo until its time is over or ctx ends, and then says whether all books agree.
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
	_, _ = fmt.Fprintf(out, "starting embedded Kafka, LeadHit's look-alike, shop and worker (seed %d) ...\n", o.seed)
	d.running = start(context.WithoutCancel(ctx), p.worker.Run)
	if d.address, err = p.ready(ctx, d.running); err != nil {
		return v, errors.Join(err, d.running.end())
	}
	d.introduce(out)
	e, err := d.play(ctx, paint)
	if err != nil {
		return v, err
	}
	v = judge(e)
	width, ink := paint.manner()
	return v, summarise(out, e, v, width, ink)
}

// introduce prints how to look at the running demo from another terminal.
func (d *demo) introduce(out io.Writer) {
	_, _ = fmt.Fprintf(out, `
To look at it from another terminal, in this folder:

%s
go run ./cmd/leadhit-sync status
go run ./cmd/leadhit-sync letters list

`, strings.Join(d.exports(d.address), "\n"))
}

// play lets the shop sell and the story run, with the screen beside them, and brings all to its end.
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
	d.story = &story{length: d.options.length, orders: d.options.orders, leadhit: d.leadhit, keys: d.keys, begun: d.begun}

	lasting, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var beside errgroup.Group
	beside.Go(func() error { d.show(lasting, paint); return nil })
	beside.Go(func() error { return d.box.read(lasting, -1) })
	err = errors.Join(d.sell(ctx), d.finish(lasting), d.running.end())
	stop()
	if err = errors.Join(err, beside.Wait()); err != nil {
		return e, err
	}
	return d.evidence(context.WithoutCancel(ctx))
}

// sell lets the shop write events and the story run, until the latter or ctx ends.
func (d *demo) sell(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var both errgroup.Group
	both.Go(func() error {
		defer stop()
		return d.story.play(ctx)
	})
	both.Go(func() error {
		defer stop()
		return d.shop.sell(ctx)
	})
	both.Go(func() error {
		select {
		case <-d.running.done:
			stop()
			return errors.Join(errStopped, d.running.err)
		case <-ctx.Done():
			return nil
		}
	})
	return both.Wait()
}

// finish waits until the worker has committed all that was written, or commits nothing any more.
func (d *demo) finish(ctx context.Context) error {
	d.story.tell("the shop closes; the worker finishes what is left")
	defer d.story.tell("the worker stops as on SIGTERM: commits, leaves the group")
	idle := time.NewTimer(idleLimit)
	defer idle.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	before, told := int64(-1), false
	for {
		committed := sum(d.committed())
		if committed == int64(len(d.shop.entries())) {
			return nil
		}
		if committed != before {
			before = committed
			idle.Reset(idleLimit)
		}
		if d.worker.Status().State == ledger.ByHand {
			idle.Reset(idleLimit) // whoever paused it may take their time
			if !told {
				d.story.tell("somebody has paused the worker: leadhit-sync resume lets it finish")
				told = true
			}
		}
		select {
		case <-look.C:
		case <-idle.C:
			return nil // the summary tells what is missing
		case <-d.running.done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// evidence collects what the parts know. The worker has stopped.
func (d *demo) evidence(ctx context.Context) (evidence, error) {
	var end int64
	if info := d.kafka.PartitionInfo(letters, 0); info != nil {
		end = info.HighWatermark
	}
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	if err := d.box.read(ctx, end); err != nil {
		return evidence{}, err
	}
	e := evidence{
		seed: d.options.seed, length: time.Since(d.begun), orders: d.options.orders,
		book: d.shop.entries(), calls: d.leadhit.Calls(), committed: d.committed(), ends: d.ends(),
		retries: d.worker.Status().Retries,
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
