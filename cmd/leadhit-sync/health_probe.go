package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/deadletter/operator/workerpage"
)

const (
	// probeLimit is the time limit of a probe, including the body of the response. Kubernetes has a limit of its own,
	// timeoutSeconds. If that is shorter, an operator may never see the reason for a failure.
	probeLimit = 2 * time.Second
	// maxProbePage is larger than any of the worker's pages for probes.
	maxProbePage = 64 << 10
)

// probeCommand reads no settings, because a setting that the worker has already read must not make a health probe fail.
// A URL with a user name is refused, because probe's errors contain the URL, including any password.
func probeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "probe URL", Short: "Request a page from a worker and print the response",
		Long: `Request a page from a worker and print the response. The exit code is 0 for a 2xx status,
otherwise 1. probe waits at most two seconds, follows no redirects and uses no proxy.
It is meant for health probes inside the image, which has neither a shell nor curl.`,
		Example: `  leadhit-sync probe http://127.0.0.1:8080/readyz`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			page, err := url.Parse(args[0])
			if err != nil || page.Scheme != "http" && page.Scheme != "https" || page.Host == "" {
				// The error from url.Parse would quote the URL, which may contain a password.
				return usageError{errors.New("the URL is not an http or https URL")}
			}
			if page.User != nil {
				return usageError{errors.New("the URL must not contain a user name: workers require none")}
			}
			return probe(c.Context(), page, c.OutOrStdout())
		},
	}
}

// probe treats any 2xx as success, as Kubernetes does.
func probe(ctx context.Context, page *url.URL, out io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, probeLimit, fmt.Errorf("no response within %v", probeLimit))
	defer cancel()
	answer, err := workerpage.Get(ctx, page.String())
	if err != nil {
		return fmt.Errorf("probe %s: %w", page, err)
	}
	defer func() { _ = answer.Body.Close() }()
	// The page is printed whatever the status, because Kubernetes shows it as the reason for a failed probe.
	if _, err := io.Copy(out, io.LimitReader(answer.Body, maxProbePage)); err != nil {
		return fmt.Errorf("probe %s: %w", page, err)
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("probe %s: HTTP %d", page, answer.StatusCode)
	}
	return nil
}
