// Command stub stands in for the worker in the tests of package program: it logs, serves a page, and exits as the test
// requests.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	fmt.Fprintln(os.Stderr, strings.Join(os.Environ(), "\n"))
	if len(os.Args) > 1 && os.Args[1] == "fail" {
		os.Exit(3)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, r.URL.Path)
		})
		_ = (&http.Server{ReadHeaderTimeout: time.Second, Handler: handler}).Serve(listener)
	}()
	logger.InfoContext(ctx, "state", "state", "waiting")
	logger.InfoContext(ctx, "listening", "addr", listener.Addr().String())
	logger.InfoContext(ctx, "state", "state", "running")
	<-ctx.Done()
}
