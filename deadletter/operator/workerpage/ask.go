// Package workerpage requests the /status pages of running workers, all at once:
//
//	for _, asked := range workerpage.Ask(ctx, pages) { … }
//
// It trusts no response, because an address may be wrong, and any program may respond there. So it follows no redirect,
// and limits the time for a response and the sizes of the response's header and body. It owns its goroutines and waits
// for them.
package workerpage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"leadhit-sync/consumer/status"
)

const (
	// Limit limits how long a request to a worker may take. statusPage limits the size of the response: 20 orders with
	// their last responses, and a line for each partition, take far less.
	Limit      = 5 * time.Second
	statusPage = 8 << 20
	// maxHeader limits the header of a response. net/http's own limit of 10 MiB is too high, because the address may be
	// wrong, and this program may run in a worker's pod, under the pod's memory limit.
	maxHeader = 64 << 10
)

// Asked is the result of querying one worker: its status, or the reason why there is none.
type Asked struct {
	URL string `json:"url"`
	// Either Error says why the worker gave no status, or Status is set.
	Error  string         `json:"error,omitempty"`
	Status *status.Worker `json:"status,omitempty"`
}

// Ask queries all workers at once. So it takes at most Limit, however many workers do not respond. Each goroutine
// writes to its own element, so no lock is needed.
func Ask(ctx context.Context, pages []string) []Asked {
	all := make([]Asked, len(pages))
	var hands sync.WaitGroup
	for i, page := range pages {
		hands.Go(func() {
			all[i] = Asked{URL: page}
			said, err := askWorker(ctx, page)
			if all[i].Status = said; err != nil {
				all[i].Error = err.Error()
			}
		})
	}
	hands.Wait()
	return all
}

// askWorker requests the status of one worker. It checks the schema, because another program's page must not pass for
// an idle worker.
func askWorker(ctx context.Context, page string) (*status.Worker, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, Limit, fmt.Errorf("no response within %v", Limit))
	defer cancel()
	answer, err := Get(ctx, page)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %d: is this a worker's /status?", answer.StatusCode)
	}
	var said status.Worker
	if err := json.NewDecoder(io.LimitReader(answer.Body, statusPage)).Decode(&said); err != nil {
		return nil, causeOf(ctx, fmt.Errorf("the response is not a status: %w", err))
	}
	if said.Schema != "status.v1" {
		return nil, fmt.Errorf("the response has the schema %q: is this the /status of a worker of this version?",
			said.Schema)
	}
	return &said, nil
}

// Get requests a page from a worker. It uses a bare transport, because a client would follow redirects. A transport
// without Proxy ignores HTTP_PROXY, which must not apply to pages on the same host or in the same cluster. If ctx ends,
// its cause becomes the error, even while the body is being read.
func Get(ctx context.Context, page string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := (&http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader}).RoundTrip(request)
	if err != nil {
		return nil, causeOf(ctx, err)
	}
	answer.Body = body{answer.Body, func(err error) error { return causeOf(ctx, err) }}
	return answer, nil
}

// body is a response's body that replaces errors from Read with their cause.
type body struct {
	io.ReadCloser

	cause func(error) error
}

// Read replaces any error but io.EOF.
func (b body) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.cause(err)
	}
	return n, err
}

// causeOf returns the cause of the context if it has ended, because err is then only a consequence. "no response within
// 5s" says more to an operator than "context deadline exceeded".
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
