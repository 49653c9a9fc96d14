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
	// watchKey is how often the key's file is read: a changed key is in use about as fast.
	watchKey = time.Second
	// closeHTTP bounds the wait for probes and scrapes that are being answered at the end.
	closeHTTP = 2 * time.Second
)

// Run works until ctx ends and what was begun is finished, committed and the group left: 15 seconds at most for what is
// in the air, and up to 50 in all where the group is just being joined. It returns an error only if HTTP_ADDR cannot be
// listened on or served, or the settings cannot work.
func (w *Worker) Run(ctx context.Context) error {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", w.config.HTTPAddr)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}
	w.log.InfoContext(ctx, "listening", slog.String("addr", listener.Addr().String()))
	for _, warning := range w.config.Warnings {
		w.log.WarnContext(ctx, "suspicious setting", slog.String("warning", warning))
	}
	server := w.server()
	defer w.tracing.Start(ctx)()

	// The probes and the key are served until the consumer has ended: what drains must stay visible.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, serving := errgroup.WithContext(serving)
	group.Go(func() error {
		if err := server.Serve(listener); err != http.ErrServerClosed {
			return fmt.Errorf("serve %s: %w", listener.Addr(), err)
		}
		return nil
	})
	group.Go(func() error { return w.watchKey(serving) })
	group.Go(func() error { return w.watchRetention(serving) })
	group.Go(func() error { return w.watchFitness(serving) })
	group.Go(func() error {
		<-serving.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(serving), closeHTTP)
		defer cancel()
		return server.Shutdown(ctx)
	})
	group.Go(func() error {
		defer stop()
		defer context.AfterFunc(ctx, func() { w.stopping.Store(true) })()
		if !w.awaitLetters(ctx) {
			return nil
		}
		return w.consumer.Run(ctx)
	})
	return group.Wait()
}

func (w *Worker) watchKey(ctx context.Context) error {
	return w.key.Watch(ctx, watchKey, func() {
		w.log.InfoContext(ctx, "the API key's file has changed; the new key is in use")
		w.consumer.KeyChanged()
	})
}
