package leadhit_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"leadhit-sync/leadhit"
	"leadhit-sync/leadhit/sandbox"
)

// BenchmarkSetOrderStatus compares the client with the minimum that net/http needs for the same calls: an http.Client
// with a timeout, which reads the body and ignores it. Both share the server and the process, so the server's cost
// moves the ratio towards 1. Each client makes one call at a time, and then 64 at a time.
func BenchmarkSetOrderStatus(b *testing.B) {
	server := httptest.NewServer(sandbox.New(sandbox.Options{}))
	defer server.Close()
	client, err := leadhit.Open(leadhit.Options{URL: server.URL, Key: leadhit.FixedKey("bench")})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	bare := &http.Client{
		Timeout:   3 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	}
	defer bare.CloseIdleConnections()

	calls := map[string]func(id int64) error{
		"client": func(id int64) error {
			return client.SetOrderStatus(b.Context(), leadhit.Call{
				ID: fmt.Sprintf("orders-3-%d", id), OrderID: "A-100500", Status: "paid",
				Before: func() error { return nil },
			})
		},
		"bare": func(id int64) error { return bareCall(b.Context(), bare, server.URL, id) },
	}
	for _, name := range []string{"bare", "client"} {
		b.Run(name+"/1", func(b *testing.B) { benchCalls(b, 1, calls[name]) })
		b.Run(name+"/64", func(b *testing.B) { benchCalls(b, 64, calls[name]) })
	}
}

func benchCalls(b *testing.B, atOnce int64, call func(id int64) error) {
	b.Helper()
	b.ReportAllocs()
	var workers sync.WaitGroup
	for w := range atOnce {
		workers.Go(func() {
			for id := w; id < int64(b.N); id += atOnce {
				if err := call(id); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
}

func bareCall(ctx context.Context, client *http.Client, url string, id int64) error {
	body := fmt.Appendf(nil, `{"jsonrpc":"2.0","id":"orders-3-%d","method":"set_order_status",`+
		`"params":{"order_id":"A-100500","status":"paid"}}`, id)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("API-KEY", "bench")
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.ReadAll(response.Body)
	return err
}
