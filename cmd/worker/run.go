package worker

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// watchKey is how often the key's file is read, and therefore how soon a changed key is used.
	watchKey = time.Second
	// closeHTTP limits the final wait for HTTP requests in flight.
	closeHTTP = 2 * time.Second
)

// Run works until ctx ends. Then it takes at most 15 seconds to finish and commit the calls in flight, and leaves the
// group. If a join is in flight, this takes up to 50 seconds in all. Run returns an error only if it cannot listen on
// HTTP_ADDR or serve HTTP there, or if the settings cannot work. A worker whose pages can no longer be served ends in
// the same way, because it could no longer be monitored; its supervisor restarts it.
func (w *Worker) Run(ctx context.Context) error {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", w.config.HTTPAddr)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}
	defer func() { _ = listener.Close() }() // not before the last call has ended: see placeOf
	return w.serve(ctx, listener)
}

// serve owns all goroutines of a worker. They end in this order: the consumer, after its drain; then the watchers and
// the pages, so that the drain can be watched. If the pages end first, the consumer ends too.
func (w *Worker) serve(ctx context.Context, listener net.Listener) error {
	w.log.InfoContext(ctx, "listening", slog.String("addr", listener.Addr().String()))
	for _, warning := range w.config.Warnings {
		w.log.WarnContext(ctx, "suspicious setting", slog.String("warning", warning))
	}
	server := w.server()
	defer w.tracing.Start(ctx)()

	// Serve HTTP and watch the key until the consumer has ended, because the drain must stay visible.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, serving := errgroup.WithContext(serving)
	group.Go(func() error {
		if err := server.Serve(heldListener{listener}); err != http.ErrServerClosed {
			return fmt.Errorf("serve %s: %w", listener.Addr(), err)
		}
		return nil
	})
	group.Go(func() error { return w.watchKey(serving) })
	group.Go(func() error { return w.watchRetention(serving) })
	group.Go(func() error { return w.watchFitness(serving) })
	// Shutdown lets requests in flight finish, so that the last scrape sees the counters of the drain.
	group.Go(func() error {
		<-serving.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(serving), closeHTTP)
		defer cancel()
		return server.Shutdown(ctx)
	})
	working, leave := context.WithCancel(ctx)
	defer leave()
	defer context.AfterFunc(serving, leave)()
	group.Go(func() error {
		defer stop()
		// /readyz fails as soon as the signal arrives, while the drain still runs, so that a Kubernetes Service removes
		// the worker at once.
		defer context.AfterFunc(working, func() { w.stopping.Store(true) })()
		if !w.awaitLetters(working) {
			return nil
		}
		return w.consumer.Run(working)
	})
	return group.Wait()
}

// watchKey makes a new key take effect without a restart, because calls may be paused until LeadHit gets the new key.
func (w *Worker) watchKey(ctx context.Context) error {
	return w.key.Watch(ctx, watchKey, func() {
		w.log.InfoContext(ctx, "the API key file has changed; the new key is in use")
		w.consumer.KeyChanged()
	})
}
