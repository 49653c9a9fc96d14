// Command leadhit-sync sends LeadHit the status of each order. It consumes order events from Kafka, calls
// set_order_status for each, and stores refused events as dead letters.
//
// cmd/worker shows how the parts are wired.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"leadhit-sync/config"
)

// version is set by the linker in releases (-ldflags "-X main.version=1.2.3").
var version = ""

// The exit codes. --help explains them. A script can distinguish a mistake that must be corrected (2) from a failure
// that may pass (1). After code 2, a retry with the same arguments and settings is useless.
const (
	exitError       = 1
	exitUsage       = 2
	exitPartly      = 3
	exitDeclined    = 5 // by a person or by a safety rule
	exitExceeded    = 8 // a threshold of "letters check"
	exitInterrupted = 130
)

const help = `leadhit-sync sends LeadHit the status of each order.

It reads order events from Kafka, calls set_order_status(order_id, status) for each,
retries calls that may still succeed, and stores events that were refused or kept
failing in a dead-letter topic.
Settings are environment variables: see "leadhit-sync config". A mapping says how an
event becomes a status: see "leadhit-sync mapping".

Exit codes: 0 done (run: stopped by SIGTERM or SIGINT, every finished event is
committed) · 1 failure, see stderr · 2 usage error or wrong settings, one mistake
per line on stderr · 3 partly done · 5 declined, or refused by a safety rule ·
8 letters check: a threshold is exceeded · 130 interrupted.`

// firstSteps are the examples of the root command: from settings to a running worker.
const firstSteps = `  export KAFKA_BROKERS=kafka-1:9092 KAFKA_TOPICS=orders LEADHIT_API_KEY_FILE=api-key
  leadhit-sync preview       # which calls a worker would make, without making them
  leadhit-sync check         # is everything ready for a worker?
  leadhit-sync run
  leadhit-sync status        # in another terminal`

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// streams are what a command reads and writes. Data goes to out and everything else to err, so that a script can read
// stdout as JSON while a person sees notices and progress on stderr.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// rootCommand returns the whole tree of commands.
func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "leadhit-sync", Short: "Send LeadHit the status of each order", Long: help, Example: firstSteps,
		SilenceErrors: true, SilenceUsage: true, Version: versionLines(),
	}
	root.SetVersionTemplate("{{.Version}}\n")
	// Cobra passes this function to all subcommands, so a wrong flag gives exit code 2 everywhere.
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usageError{withNearFlag(c, err)} })
	for _, command := range []func() *cobra.Command{
		runCommand,
		checkCommand,
		configCommand,
		mappingCommand,
		previewCommand,
		lettersCommand,
		replayCommand,
		runsCommand,
		orderCommand,
		pauseCommand,
		resumeCommand,
		probeCommand,
		statusCommand,
		deskCommand,
		versionCommand,
	} {
		root.AddCommand(command())
	}
	root.SetHelpCommand(helpCommand())
	// complete adds cobra's own completion commands, so it runs before checkUsage visits the tree.
	complete(root)
	for c := range commands(root) {
		checkUsage(c)
	}
	return root
}

// checkUsage turns the usage errors of a command into errors with exit code 2. Cobra itself prints the help and exits
// with 0 if a subcommand is missing, and accepts any arguments if a command does not limit them. A script that lost an
// argument must not read the help as data.
func checkUsage(c *cobra.Command) {
	if c.Args == nil {
		c.Args = cobra.NoArgs
	}
	c.Args = arguments(c.Args)
	if !c.HasSubCommands() {
		return
	}
	var names []string
	for _, below := range c.Commands() {
		names = append(names, below.Name())
	}
	c.RunE = func(*cobra.Command, []string) error {
		return usageError{fmt.Errorf("no command given: want one of %s", strings.Join(names, ", "))}
	}
}

// execute runs one command line and returns the exit code. Only execute prints the error that a command returned. Cobra
// is silenced, because otherwise each error would appear twice. Tests call execute with their own streams, because
// os.Exit in main would end the test.
func execute(ctx context.Context, args []string, s streams) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	// Mistakes in settings take precedence. They are listed without a prefix, one per line, for a person who fixes
	// them.
	code, text := exitError, fmt.Sprintf("leadhit-sync: %v", err)
	var usage usageError
	var listed listedError
	var coded codedError
	switch found := mistakes(err); {
	case found != "":
		code, text = exitUsage, found
	// An error at the root comes from cobra itself, and is about the command line, because the root's own RunE only
	// returns usage errors.
	case errors.As(err, &usage), command == root:
		code, text = exitUsage, fmt.Sprintf("leadhit-sync: %v\nSee \"%s --help\".", err, command.CommandPath())
	case errors.As(err, &coded):
		code = coded.code
	case errors.As(err, &listed):
		text = err.Error()
	}
	_, _ = fmt.Fprintln(s.err, text) // if stderr is closed, there is still the exit code
	return code
}

// mistakes returns the mistakes in settings that err contains, one or more lines each, or "" if there are none. It
// looks into joined errors, because a command may report mistakes and also fail to print the table.
func mistakes(err error) string {
	if settings, ok := errors.AsType[*config.Error](err); ok {
		return settings.Error()
	}
	if setting, ok := errors.AsType[settingError](err); ok {
		return fmt.Sprintf("leadhit-sync: %v", setting)
	}
	return ""
}

// settingError is about the settings as a whole, such as a file that cannot be read. It gives exit code 2, because a
// person has to correct the settings before the command can work.
type settingError struct{ error }

func (e settingError) Unwrap() error { return e.error }

// listedError is an error of several lines, each of which begins with its own subject, usually a place in a file. It is
// printed without a prefix, because an editor or CI can jump to a place only if the line begins with that place. The
// exit code stays 1.
type listedError struct{ error }

func (e listedError) Unwrap() error { return e.error }

// codedError is an error with an exit code of its own.
type codedError struct {
	code int
	error
}

func (e codedError) Unwrap() error { return e.error }

// usageError is a mistake on the command line. It is printed with a pointer to the help of the command.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// arguments turns the errors of an argument check into usage errors. It suggests a command if one is expected.
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
