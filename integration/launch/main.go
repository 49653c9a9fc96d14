// Command launch starts real Apache Kafka with the orders topic, and a LeadHit look-alike, for manual experiments on
// this machine. It prints the settings for a worker, and then a line for each call. Ctrl-C stops everything and deletes
// the data.
//
//	go run ./integration/launch
//	go run ./integration/launch produce -brokers 127.0.0.1:21234 4711 paid
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The exit codes are those of leadhit-sync.
const (
	exitError = 1
	exitUsage = 2
)

// The defaults of a worker's settings, and the topic of the events.
const (
	user    = "leadhit-sync"
	group   = "leadhit-sync"
	letters = "dlq.leadhit-sync"
	topic   = "orders"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// streams are the standard streams, or a test's.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// usageError is an error in the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// execute runs a command line and returns the exit code.
func execute(ctx context.Context, args []string, s streams) int {
	command := launchCommand
	if len(args) > 0 && args[0] == "produce" {
		command, args = produceCommand, args[1:]
	}
	err := command(ctx, args, s)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		// Ctrl-C during startup is what the user wanted, so it is not a failure.
		return 0
	}
	_, _ = fmt.Fprintln(s.err, "launch:", err) // nothing can be done if stderr is closed
	if _, usage := errors.AsType[usageError](err); usage {
		return exitUsage
	}
	return exitError
}

// options are the flags of launch.
type options struct {
	nodes                  int
	secure                 bool
	kafkaPort, leadhitPort int // 0: any free port
}

// launchCommand reads the flags of launch and runs it.
func launchCommand(ctx context.Context, args []string, s streams) error {
	var o options
	flags := newFlags("launch", s, `launch starts Apache Kafka with the topic orders, and a look-alike of LeadHit.
Java 17 or newer and Maven must be installed. Ctrl-C ends everything.

Usage: go run ./integration/launch [flags]
       go run ./integration/launch produce [flags] ORDER STATUS
`)
	flags.IntVar(&o.nodes, "nodes", 1, "`number` of Kafka's nodes: 1, or 3 for a cluster that survives the loss of one")
	flags.BoolVar(&o.secure, "secure", false, "TLS, logins and ACLs, and a user with the rights that a worker needs")
	flags.IntVar(&o.kafkaPort, "kafka-port", 0, "`port` of Kafka's first node (default: a free one)")
	flags.IntVar(&o.leadhitPort, "leadhit-port", 0, "`port` of the look-alike (default: a free one)")
	if err := parse(flags, args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return usageError{fmt.Errorf("unknown command %q: the only one is produce", flags.Arg(0))}
	case o.nodes < 1:
		return usageError{errors.New("-nodes must be 1 or more")}
	}
	return launch(ctx, s.out, o)
}

// newFlags returns a flag set whose help starts with the given text.
func newFlags(name string, s streams, help string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // execute prints the errors
	flags.Usage = func() {
		flags.SetOutput(s.out)
		_, _ = fmt.Fprintf(s.out, "%s\nFlags:\n", help)
		flags.PrintDefaults()
		flags.SetOutput(io.Discard)
	}
	return flags
}

// parse reads the flags. For -h it prints the help and returns flag.ErrHelp.
func parse(flags *flag.FlagSet, args []string) error {
	// The flag package calls Usage for -h and for every error. After an error, the help would hide the message.
	help := flags.Usage
	flags.Usage = func() {} // no help after an error
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		help()
		return err
	}
	if err != nil {
		return usageError{fmt.Errorf("%w; -h shows the flags", err)}
	}
	return nil
}
