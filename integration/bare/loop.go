package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// loop makes the same POSTs as the worker: same body, same key, same number in flight. It neither orders nor judges
// them.
type loop struct {
	url, key        string
	calls, inFlight int
}

// run makes all calls, and returns the first error.
func (l loop) run(ctx context.Context) error {
	// net/http keeps only two idle connections per host by default. With that limit the loop would mostly open
	// connections, and the worker would look better than it is.
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: l.inFlight, DisableCompression: true}}
	// All goroutines share one counter, because fixed shares would leave some of them idle at the end.
	var made atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range l.inFlight {
		group.Go(func() error {
			for n := made.Add(1); n <= int64(l.calls); n = made.Add(1) {
				if err := l.call(ctx, client, n); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (l loop) call(ctx context.Context, client *http.Client, n int64) error {
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":"bare-0-%d","method":"set_order_status",`+
		`"params":{"order_id":"order-%d","status":"paid"}}`, n, n%1000)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header["API-KEY"] = []string{l.key}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	// Read to the end, so that the connection can serve the next call.
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("call %d: HTTP %d", n, answer.StatusCode)
	}
	return nil
}
