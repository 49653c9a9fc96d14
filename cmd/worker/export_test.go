package worker

import (
	"context"
	"net"
)

// PlaceOf returns the client id of a worker that listens on addr.
func PlaceOf(addr string) string { return placeOf(addr) }

// Held wraps l as a worker wraps the listener of its server.
func Held(l net.Listener) net.Listener { return heldListener{l} }

// Serve runs the worker and serves its pages on l.
func (w *Worker) Serve(ctx context.Context, l net.Listener) error { return w.serve(ctx, l) }
