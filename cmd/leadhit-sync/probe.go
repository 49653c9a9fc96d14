package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

const (
	// probeLimit bounds a probe, the reading of its answer included.
	probeLimit = 2 * time.Second
	// maxProbePage is more than any of the worker's own pages for probes.
	maxProbePage = 64 << 10
	// maxHeader is the longest header of an answer that is read. net/http's own limit is 10 MiB.
	maxHeader = 64 << 10
)

func probeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "probe URL", Short: "Request a page of a worker and print the answer",
		Long: `Request a page of a worker and print the answer. The exit code is 0 for a 2xx status,
else 1. It waits for two seconds at most, follows no redirect and uses no proxy. It is
meant for probes inside the image, which has neither a shell nor curl.`,
		Example: `  leadhit-sync probe http://127.0.0.1:8080/readyz`,
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			page, err := url.Parse(args[0])
			if err != nil || page.Scheme != "http" && page.Scheme != "https" || page.Host == "" {
				return usageError{errors.New("the URL is not an http or https URL")}
			}
			if page.User != nil {
				return usageError{errors.New("the URL names a user, which workers do not use; leave it out")}
			}
			return probe(c.Context(), page, c.OutOrStdout())
		},
	}
}

func probe(ctx context.Context, page *url.URL, out io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, probeLimit, fmt.Errorf("no answer within %v", probeLimit))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page.String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("probe %s: %w", page, err)
	}
	// A RoundTrip, not a client: it follows nobody. Without a Proxy it asks the worker itself, whatever HTTP_PROXY says.
	transport := &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("probe %s: %w", page, told(ctx, err))
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(out, io.LimitReader(answer.Body, maxProbePage)); err != nil {
		return fmt.Errorf("probe %s: %w", page, told(ctx, err))
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("probe %s: the answer is HTTP %d", page, answer.StatusCode)
	}
	return nil
}

// told prefers the reason why a context has ended to what its end has broken.
func told(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
