package office

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/replay"
	"leadhit-sync/deadletter/view"
)

const (
	// readEvery is the time between two reads of the topics.
	readEvery = 2 * time.Second
	// readLimit limits the time for each read except the first, so that people soon learn when Kafka does not respond.
	readLimit = 10 * time.Second
	// limitsEvery is the time between two requests for the partitions of the group's topics.
	limitsEvery = 30 * time.Second
)

var errSilent = fmt.Errorf("no response from Kafka within %v", readLimit)

// Settings configure an Office.
type Settings struct {
	operator.Access

	// Workers returns the URLs of the workers' status pages. It is called for each page that shows workers, because
	// workers come and go.
	Workers func(context.Context) ([]string, error)
	// Log gets one line when the topics cannot be read, one when they can be read again, and one for each run that has
	// ended.
	Log *slog.Logger
}

// Office is the back end of a desk.
type Office struct {
	settings Settings
	// start hands runs to Serve, which owns their goroutines, because a run outlives the request that started it. ended
	// is closed when Serve has stopped taking runs, so that a late request fails instead of waiting for ever.
	start chan job
	ended chan struct{}

	mu       sync.Mutex // guards all fields below
	reader   *operator.Reader
	base     uint64 // added to the reader's number; above 0, because the number 0 means that there is no reading
	reading  desk.Reading
	limitsAt time.Time // when reading.Limits was read
	runs     map[string]context.CancelCauseFunc
}

// New returns a new Office. It does not read the topics yet.
func New(s Settings) *Office {
	o := &Office{
		settings: s, start: make(chan job), ended: make(chan struct{}), runs: map[string]context.CancelCauseFunc{},
	}
	o.base, o.reader = 1, o.newReader()
	return o
}

// newReader returns a reader that keeps an index, because pages show the history of individual letters.
func (o *Office) newReader() *operator.Reader {
	r := o.settings.Reader()
	r.Index()
	return r
}

// run reads the topics and carries out the runs, until ctx ends.
func (o *Office) run(ctx context.Context) error {
	var hands sync.WaitGroup
	defer hands.Wait()
	defer close(o.ended)
	hands.Go(func() { o.keepReading(ctx) })
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-o.start:
			hands.Go(func() { o.carryOut(ctx, j) })
		}
	}
}

// keepReading reads the topics until ctx ends. It logs one line when they cannot be read, and one when they can be read
// again.
func (o *Office) keepReading(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	broken := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		err := o.refresh(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !broken:
			o.settings.Log.WarnContext(ctx, "cannot read the dead letters and their ledger", slog.Any("error", err))
		case err == nil && broken:
			o.settings.Log.InfoContext(ctx, "the dead letters and their ledger can be read again")
		}
		broken = err != nil
		timer.Reset(readEvery)
	}
}

// refresh reads both topics to their ends, and notes the outcome.
func (o *Office) refresh(ctx context.Context) error {
	o.mu.Lock()
	r, first := o.reader, o.reading.At.IsZero()
	o.mu.Unlock()
	within := ctx
	if !first {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeoutCause(ctx, readLimit, errSilent)
		defer cancel()
	}
	err := o.read(within, r)
	if ctx.Err() != nil {
		return ctx.Err() // the request has ended, which says nothing about Kafka
	}
	if errors.Is(context.Cause(within), errSilent) {
		err = errSilent
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.reading.Err = err; err == nil {
		o.reading.At = time.Now()
	}
	return err
}

// read reads what is new in both topics. Every limitsEvery it also requests the partitions of the group's topics, which
// a plan needs.
func (o *Office) read(ctx context.Context, r *operator.Reader) error {
	if err := r.Refresh(ctx); err != nil {
		return err
	}
	recreated, err := r.Recreated(ctx)
	if err != nil {
		return err
	}
	if recreated {
		r = o.startAgain(r)
		if err := r.Refresh(ctx); err != nil {
			return err
		}
	}
	o.mu.Lock()
	known := time.Since(o.limitsAt) < limitsEvery
	o.mu.Unlock()
	if known && !recreated {
		return nil
	}
	limits, err := r.Limits(ctx, selection(view.Filter{}))
	if err != nil {
		return err
	}
	limits.Stored = func(event.Place) bool { return true } // a list must not query Kafka for each letter
	o.mu.Lock()
	defer o.mu.Unlock()
	o.limitsAt, o.reading.Limits = time.Now(), limits
	return nil
}

// startAgain replaces the reader after a topic was recreated.
func (o *Office) startAgain(old *operator.Reader) *operator.Reader {
	r := o.newReader()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.base += old.Look(func(*view.View) {}) + 1
	o.reader = r
	return r
}

// current returns the reader of the topics as they are now. Callers must not keep it: see startAgain.
func (o *Office) current() *operator.Reader {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.reader
}

func selection(f view.Filter) operator.Selection {
	_, limits := replay.Defaults()
	return operator.Selection{Filter: f, Most: limits.Most, MaxReplays: limits.MaxReplays}
}
