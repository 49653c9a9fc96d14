package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"leadhit-sync/leadhit/sandbox"
)

// apiKey is the only key that the look-alike accepts.
const apiKey = "local-key"

// serveLeadHit serves the look-alike until ctx is done, and prints each call. It returns the value of LEADHIT_URL, and
// a channel that is closed when the goroutines have ended. The caller must wait for that before it returns.
func serveLeadHit(ctx context.Context, out io.Writer, port int) (url string, done <-chan struct{}, err error) {
	node := sandbox.New(sandbox.Options{Key: apiKey})
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return "", nil, fmt.Errorf("look-alike of LeadHit: %w", err)
	}
	server := &http.Server{Handler: node, ReadHeaderTimeout: 10 * time.Second}
	served, all := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // until the server is closed below
	}()
	go func() {
		defer close(all)
		showCalls(ctx, out, node)
		_ = server.Close()
		<-served
	}()
	return "http://" + listener.Addr().String() + "/api/v1/orders/", all, nil
}

// showCalls prints a line for each call that the look-alike has responded to, until ctx is done.
func showCalls(ctx context.Context, out io.Writer, node *sandbox.Sandbox) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	shown := 0
	for {
		if node.Count() > shown {
			for _, call := range node.Calls()[shown:] {
				if call.Answer == sandbox.Pending {
					break // this call and those after it are shown when it has ended
				}
				_, _ = fmt.Fprintf(out, "LeadHit: set_order_status(%q, %q): %s\n", call.OrderID, call.Status, call.Answer)
				shown++
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
