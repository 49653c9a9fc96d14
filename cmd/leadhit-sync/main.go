// Command leadhit-sync tells LeadHit what became of each order: it consumes order events from Kafka, calls
// set_order_status for each, and keeps what LeadHit refuses as dead letters.
//
// cmd/worker shows how the parts are wired.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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

const help = `leadhit-sync sends LeadHit the status of each order.

It reads order events from Kafka, calls set_order_status(order_id, status) for each,
retries calls that may still succeed, and keeps what LeadHit refuses in a dead-letter
topic. Settings are environment variables: see "leadhit-sync config". A mapping says
how an event becomes a status: see "leadhit-sync mapping".

Exit codes: 0 done (run: stopped by SIGTERM or SIGINT, every finished event is
committed) · 1 it failed, stderr says why · 2 wrong usage or settings, each
mistake on a line of stderr.`

// firstSteps are the examples of the root: from settings to a running worker.
const firstSteps = `  export KAFKA_BROKERS=kafka-1:9092 KAFKA_TOPICS=orders LEADHIT_API_KEY_FILE=api-key
  leadhit-sync preview       # what would be called, without calling
  leadhit-sync check         # would a worker work here?
  leadhit-sync run
  leadhit-sync status        # in another terminal`

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// streams are where a command reads and writes: data goes to out, all else to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// rootCommand returns the whole tree of commands.
func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "leadhit-sync", Short: "Send LeadHit the status of each order", Long: help, Example: firstSteps,
		SilenceErrors: true, SilenceUsage: true, Version: versionLines(),
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return usageError{errors.New("a command is missing")} },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usageError{withNearFlag(c, err)} })
	for _, command := range []func() *cobra.Command{
		runCommand,
		checkCommand,
		configCommand,
		mappingCommand,
		previewCommand,
		lettersCommand,
		pauseCommand,
		resumeCommand,
		probeCommand,
		statusCommand,
		versionCommand,
	} {
		root.AddCommand(command())
	}
	root.SetHelpCommand(helpCommand())
	complete(root)
	return root
}

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, s streams) int {
	root := rootCommand() //nolint:contextcheck // completions get their context from the command that the shell runs
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	code, text := exitError, fmt.Sprintf("leadhit-sync: %v", err)
	var usage usageError
	var listed listedError
	switch found := mistakes(err); {
	case found != "":
		code, text = exitUsage, found
	case errors.As(err, &usage), command == root:
		code, text = exitUsage, fmt.Sprintf("leadhit-sync: %v\nSee \"%s --help\".", err, command.CommandPath())
	case errors.As(err, &listed):
		text = err.Error()
	}
	_, _ = fmt.Fprintln(s.err, text) // nobody reads any more
	return code
}

// mistakes returns every mistake of settings in err, one or more lines each; "" if there is none.
func mistakes(err error) string {
	if settings, ok := errors.AsType[*config.Error](err); ok {
		return settings.Error()
	}
	if setting, ok := errors.AsType[settingError](err); ok {
		return fmt.Sprintf("leadhit-sync: %v", setting)
	}
	return ""
}

// settingError prevents reading or using the settings, and is not about one of them.
type settingError struct{ error }

func (e settingError) Unwrap() error { return e.error }

// listedError is an error whose lines each begin with what they are about, a file's place mostly, and bear no other
// word before them.
type listedError struct{ error }

func (e listedError) Unwrap() error { return e.error }

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// arguments turns errors of a positional-argument check into usage errors. Where a command is expected it suggests one.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		err := check(c, args)
		switch {
		case err == nil:
			return nil
		case c.HasAvailableSubCommands() && len(args) > 0:
			return usageError{unknownCommand(c, args[0])}
		}
		return usageError{wrongArguments(c, args)}
	}
}
