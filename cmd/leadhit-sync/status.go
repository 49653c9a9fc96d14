package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/config"
	"leadhit-sync/deadletter/operator/workerpage"
)

// errUnreached gives exit code 1 after the whole output, which shows the workers that did respond.
var errUnreached = errors.New("not every worker responded")

// statusCommand needs no permission in Kafka and no key, because it reads the /status page of each worker over HTTP.
// The state of a worker, even an outage, does not change the exit code; a script reads it from -o json.
func statusCommand() *cobra.Command {
	var workers string
	var output outputForm
	var watching bool
	c := &cobra.Command{
		Use: "status [URL…]", Short: "Show the state of running workers", Args: cobra.ArbitraryArgs,
		Long: `Show the state of running workers and the reason for it, their calls and partitions,
waiting orders with the outcome of the last call, and the letters of the last hour.
The command only reads; it changes nothing.

Without a URL or --workers it asks the worker on this host, at HTTP_ADDR. A URL may be
just host:port. --workers takes several addresses, or dns:name:port for every address of
a name, such as that of a headless Service. The exit code is 1 if a worker does not
respond.`,
		Example: `  leadhit-sync status
  leadhit-sync status 10.0.0.7:8080 -o json
  leadhit-sync status --workers dns:leadhit-sync.shop.svc:8080 -w`,
		RunE: func(c *cobra.Command, args []string) error {
			find, err := statusPages(args, workers)
			if err != nil {
				return err
			}
			if watching {
				return watchStatus(c.Context(), c.OutOrStdout(), output, func(ctx context.Context, w io.Writer, on screen) error {
					return showStatus(ctx, w, find, output, on)
				})
			}
			n := terminal.StartNotice(c.ErrOrStderr(), "waiting for the workers' responses…")
			defer n.Stop()
			columns, _ := terminal.Size(c.OutOrStdout()) // any number of lines, because a terminal scrolls
			return showStatus(c.Context(), c.OutOrStdout(), find, output, screen{columns: columns})
		},
	}
	c.Flags().StringVar(&workers, "workers", "", "ask these workers: host:port,… or dns:name:port")
	c.Flags().BoolVarP(&watching, "watch", "w", false, "refresh every two seconds, until Ctrl-C")
	outputFlag(c, &output)
	return c
}

// finder returns the URLs to request. It is called before each refresh, because the addresses of a name may change.
type finder func(context.Context) ([]string, error)

// statusPages decides which workers to query. Errors are about usage or settings.
func statusPages(args []string, workers string) (finder, error) {
	list := slices.Clone(args)
	name, byName := strings.CutPrefix(workers, "dns:")
	switch {
	case strings.Contains(workers, "@") || slices.ContainsFunc(args,
		func(arg string) bool { return strings.Contains(arg, "@") }):
		// The URL appears on the screen, and workers need no login.
		return nil, usageError{errors.New("a worker's address must not contain a user name or @")}
	case byName && len(args) == 0:
		host, port, err := net.SplitHostPort(name)
		if err != nil || host == "" || port == "" {
			return nil, usageError{fmt.Errorf("--workers %s: want dns:name:port", workers)}
		}
		return func(ctx context.Context) ([]string, error) { return pagesBehind(ctx, host, port) }, nil
	case workers != "" && len(args) > 0:
		return nil, usageError{errors.New("give URLs or --workers, not both")}
	case workers != "":
		list = strings.Split(workers, ",")
	case len(args) == 0:
		settings, err := config.LoadStatus()
		if err != nil {
			return nil, err
		}
		list = []string{ownAddress(settings.HTTPAddr)}
	}
	for i, given := range list {
		page, err := statusPageOf(given)
		if err != nil {
			return nil, usageError{err}
		}
		list[i] = page
	}
	return func(context.Context) ([]string, error) { return list, nil }, nil
}

// pagesBehind returns a URL for each address of a name. The name of a headless Service resolves to the addresses of its
// ready pods or, with publishNotReadyAddresses, of all its pods. The order is fixed, so that workers keep their place
// on the screen.
func pagesBehind(ctx context.Context, host, port string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, workerpage.Limit)
	defer cancel()
	addresses, err := new(net.Resolver).LookupHost(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("find the workers: %w", err)
	}
	slices.Sort(addresses)
	for i, address := range addresses {
		addresses[i] = "http://" + net.JoinHostPort(address, port) + "/status"
	}
	return addresses, nil
}

// ownAddress returns the address at which this host reaches its own worker, which listens at the given address. A
// worker that listens on all addresses is queried on the loopback interface, which no network policy blocks.
func ownAddress(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// statusPageOf completes a given host:port, or a URL with or without a path. A path is kept, so that a worker behind a
// proxy can be queried too.
func statusPageOf(given string) (string, error) {
	text := strings.TrimSpace(given)
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	page, err := url.Parse(text)
	if err != nil || page.Scheme != "http" && page.Scheme != "https" || page.Host == "" {
		return "", fmt.Errorf("%q is neither host:port nor an http or https URL", given)
	}
	if page.Path == "" || page.Path == "/" {
		page.Path = "/status"
	}
	return page.String(), nil
}

// showStatus queries all workers concurrently and prints their status for a screen. It returns an error if any worker
// did not respond. If a name cannot be resolved, there is no worker to query, and only the error is returned.
func showStatus(ctx context.Context, w io.Writer, find finder, output outputForm, on screen) error {
	pages, err := find(ctx)
	if err != nil {
		return err
	}
	all := workerpage.Ask(ctx, pages)
	report := struct {
		Schema  string             `json:"schema"`
		Workers []workerpage.Asked `json:"workers"`
	}{"workers.v1", all}
	err = output.print(w, report, func(w io.Writer) error { return writeStatus(w, all, on) })
	if err == nil && slices.ContainsFunc(all, func(a workerpage.Asked) bool { return a.Error != "" }) {
		err = errUnreached
	}
	return err
}
