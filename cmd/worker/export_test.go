package worker

import (
	"context"
	"net"
)

// PlaceOf returns the client id of a worker that listens on addr.
func PlaceOf(addr string) string { return placeOf(addr) }

// Held returns the listener that a worker's server gets.
func Held(l net.Listener) net.Listener { return heldListener{l} }

// Serve runs the worker with pages on a listener.
func (w *Worker) Serve(ctx context.Context, l net.Listener) error { return w.serve(ctx, l) }
