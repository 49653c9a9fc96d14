// Command leadhit-sync tells LeadHit what became of each order: it consumes order events from Kafka, calls
// set_order_status for each, and keeps what LeadHit refuses as dead letters.
//
// cmd/worker shows how the parts are wired.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"leadhit-sync/config"
)

// version is set by the linker in releases (-ldflags "-X main.version=1.2.3").
var version = ""

// The exit codes, as --help tells them.
const (
	exitError = 1
	exitUsage = 2
)

const help = `leadhit-sync tells LeadHit what became of each order.

It consumes order events from Kafka, calls set_order_status(order_id, status) for
each, repeats what may still succeed, and keeps what LeadHit refuses in a
dead-letter topic. Settings are environment variables: see "leadhit-sync config".

Exit codes: 0 done (run: stopped by SIGTERM or SIGINT, everything begun is
committed) · 1 it failed, stderr says why · 2 wrong usage or settings, each
mistake on a line of stderr.`

func main() { os.Exit(execute(context.Background(), os.Args[1:])) }

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string) int {
	root := &cobra.Command{
		Use: "leadhit-sync", Short: "Tell LeadHit what became of each order", Long: help,
		SilenceErrors: true, SilenceUsage: true,
		RunE: func(c *cobra.Command, _ []string) error { return usageError{errors.New("a command is missing")} },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(runCommand(), checkCommand(), configCommand(), lettersCommand(), versionCommand()) //nolint:contextcheck // cobra hands the context to each command
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	var settings *config.Error
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &settings):
		fmt.Fprintln(os.Stderr, settings)
		return exitUsage
	case errors.As(err, &usage), command == root:
		fmt.Fprintf(os.Stderr, "leadhit-sync: %v\nSee \"%s --help\".\n", err, command.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(os.Stderr, "leadhit-sync: %v\n", err)
	return exitError
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// arguments makes usage errors of what a positional-argument check finds.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}
