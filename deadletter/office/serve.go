package office

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	requestLimit  = 10 * time.Second // for reading a request
	maxHTTPHeader = 16 << 10
	// answerLimit limits the time for a response. Reading an order's topics may take minutes.
	answerLimit = 5 * time.Minute
	// closeLimit is how long responses may take after ctx has ended.
	closeLimit = 3 * time.Second
)

// Serve reads the topics, carries out the runs that people start, and serves the desk's pages on a listener. It returns
// when ctx has ended, or with an error if the server fails. It closes the listener.
func (o *Office) Serve(ctx context.Context, listener net.Listener, pages http.Handler) error {
	server := &http.Server{
		Handler: pages,
		// A client that is slow on purpose must not keep connections open.
		ReadHeaderTimeout: requestLimit / 2, ReadTimeout: requestLimit, WriteTimeout: answerLimit, IdleTimeout: time.Minute,
		MaxHeaderBytes: maxHTTPHeader, ErrorLog: slog.NewLogLogger(o.settings.Log.Handler(), slog.LevelWarn),
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return o.run(ctx) })
	all.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	all.Go(func() error {
		<-ctx.Done()
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		if server.Shutdown(closing) != nil {
			_ = server.Close() // cuts off the connections that are left
		}
		return nil
	})
	return all.Wait()
}
