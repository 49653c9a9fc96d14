// Command demo shows leadhit-sync at work in one process, with nothing to install: an embedded Kafka, a LeadHit
// look-alike over real HTTP, a shop that writes order events, and the worker, wired as in the binary.
//
//	go run ./cmd/demo -for 30s
//
// During the demo, LeadHit has faults: it responds with 503, slowly or not at all, and rejects the key for a few
// seconds. Between two faults it learns a status that it has been refusing, and a person replays the letters with that
// status. When the -for time is up, or on Ctrl-C, the shop stops, the faults end, and the worker finishes its events
// and shuts down as it would on SIGTERM. Then the summary compares independent records: what the shop wrote, LeadHit's
// call log, the dead-letter topic and the ledger. The exit code is 0 only if they agree: nothing lost, nothing out of
// order, one letter for each refused event and no other, an outcome for each replay, and everything committed. A second
// Ctrl-C ends the demo at once, with exit code 130.
//
// cmd/worker shows the path of an event. Here, parts.go opens everything, shop.go writes the events, story.go switches
// LeadHit's faults on and off, person.go replays letters, screen.go and plain.go show the progress, and summary.go
// compares the records.
//
// [run] owns every goroutine and waits for it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"leadhit-sync/cmd/terminal"
)

const (
	exitError       = 1
	exitUsage       = 2
	exitInterrupted = 130 // as shells report SIGINT
)

func main() { os.Exit(execute(context.Background(), os.Args[1:])) }

// options are the flags. Fixed ports let other programs keep their settings across runs.
type options struct {
	length  time.Duration // 0: until Ctrl-C
	rate    int           // events per second
	orders  int
	seed    uint64
	plain   bool
	verbose bool

	kafkaPort, leadhitPort, httpPort int // 0: any free port
}

const (
	// In the shortest demo, the pause caused by the rejected key lasts about two seconds, long enough to be seen.
	shortest = 10 * time.Second
	// perOrder is how many events of one order the demo can process in a second. The worker makes the calls for one
	// order one at a time, each after the commit that covers the previous call, and some calls wait for a fault to end.
	perOrder = 3
)

const usage = `demo shows leadhit-sync at work, with nothing to install: an embedded Kafka, a
LeadHit look-alike, a shop that writes order events, and the worker between them.

Usage: go run ./cmd/demo [flags]

`

const usageEnd = `
Ctrl-C ends the demo with the summary; a second Ctrl-C ends it at once. NO_COLOR=1
turns colours off. The demo ignores settings of the worker in the environment.

The demo prints "export" lines and writes them to a file. With them, the commands
status, letters, replay, runs, order, preview, check, pause and resume of
leadhit-sync work on the running demo from another terminal.

Exit codes: 0 nothing was lost, all counts agree · 1 they do not agree, or an error ·
2 usage error · 130 ended before the summary.
`

// parse reads the command line. If the help is requested, it writes the help and returns flag.ErrHelp.
func parse(args []string, help io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // its errors are returned, and printed once
	flags.Usage = func() {}
	flags.DurationVar(&o.length, "for", 0, "end after this `time`, 10s or more; all faults happen within it (default: "+
		"run until Ctrl-C)")
	flags.IntVar(&o.rate, "events-per-second", 60, "`events` that the shop writes per second")
	flags.IntVar(&o.orders, "orders", 200, "number of `orders` that the events belong to")
	flags.Uint64Var(&o.seed, "seed", 0, "`number` that makes the shop and LeadHit's faults repeatable (default: random; "+
		"the demo prints it)")
	flags.BoolVar(&o.plain, "plain", false, "print plain lines, as if the output were not a terminal")
	flags.IntVar(&o.kafkaPort, "kafka-port", 0, "`port` of the embedded Kafka (default: a free one)")
	flags.IntVar(&o.leadhitPort, "leadhit-port", 0, "`port` of the LeadHit look-alike (default: a free one)")
	flags.IntVar(&o.httpPort, "http-port", 0, "`port` of the worker's pages (default: a free one)")
	flags.BoolVar(&o.verbose, "v", false, "with plain lines: print all log lines of the worker, not only warnings and "+
		"errors")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(help)
			_, _ = fmt.Fprint(help, usage)
			flags.PrintDefaults()
			_, _ = fmt.Fprint(help, usageEnd)
		}
		return o, err
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1_000_000) + 1 // short enough to type
	}
	return o, o.check(flags.Args())
}

// check refuses invalid flags, and flags with which the worker would fall further and further behind, because the demo
// would then end with a finding that proves nothing.
func (o options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case o.length != 0 && o.length < shortest:
		return fmt.Errorf("-for %v is too short: want %v or more", o.length, shortest)
	case o.rate < 1, o.orders < 1:
		return errors.New("-events-per-second and -orders must be 1 or more")
	case o.rate > perOrder*o.orders:
		return fmt.Errorf("%d events per second are too many for %d orders: in the demo, the worker makes about %d calls "+
			"per second for each order, one at a time; set -orders to %d or more", o.rate, o.orders, perOrder,
			(o.rate+perOrder-1)/perOrder)
	case o.rate > maxRate:
		return fmt.Errorf("-events-per-second must be at most %d", maxRate)
	}
	for name, port := range map[string]int{
		"kafka-port": o.kafkaPort, "leadhit-port": o.leadhitPort,
		"http-port": o.httpPort,
	} {
		if port < 0 || port > math.MaxUint16 {
			return fmt.Errorf("-%s %d: want a port, 1 to %d", name, port, math.MaxUint16)
		}
	}
	return nil
}

// execute runs one command line and returns the exit code. It reads no settings, so the flags are all that a person has
// to know. Errors go to stderr and the summary to stdout, so the summary can be redirected to a file.
func execute(ctx context.Context, args []string) int {
	o, err := parse(args, os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(os.Stderr, "demo: %v\nSee go run ./cmd/demo -h.\n", err)
		return exitUsage
	}
	// The first signal ends ctx, so the shop closes and the worker finishes its events.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// Nothing waits for the goroutine that runs endAtOnce, because it ends with the process.
	defer context.AfterFunc(ctx, endAtOnce)()

	v, err := run(ctx, o, painterFor(o, os.Stdout), os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
	}
	return exitCode(v, err)
}

// exitCode returns the exit code. If a signal ended the demo during startup, nothing was compared, so that case has a
// code of its own. An error gives the same code as a finding, because without a summary nothing has been proved.
func exitCode(v verdict, err error) int {
	switch {
	// The exit code of a signal shows a script that the demo neither passed nor failed.
	case errors.Is(err, errNotBegun):
		return exitInterrupted
	case err != nil, !v.ok():
		return exitError
	}
	return 0
}

// endAtOnce is started by the first signal. It waits for the next signal and ends the process. The screen needs no
// cleanup.
func endAtOnce() {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGINT, syscall.SIGTERM)
	<-again
	fmt.Fprintln(os.Stderr, "\ndemo: ended before the summary")
	os.Exit(exitInterrupted)
}

// painterFor chooses between the live screen and plain lines. A terminal with TERM=dumb, as in some editors, does not
// support cursor movement. A terminal of unknown size is treated as 80 by 24, the size of the VT100.
func painterFor(o options, out *os.File) painter {
	if o.plain || !terminal.Is(out) || os.Getenv("TERM") == "dumb" {
		return &plain{out: out, verbose: o.verbose}
	}
	size := func() (width, height int) {
		if width, height = terminal.Size(out); width == 0 {
			return 80, 24
		}
		return width, height
	}
	if width, height := size(); width < narrowest || height < lowest {
		return &plain{out: out, verbose: o.verbose}
	}
	ink := ansi
	// Any value that is not empty turns colours off, as no-color.org specifies.
	if os.Getenv("NO_COLOR") != "" {
		ink = colourless
	}
	return &screen{Screen: terminal.Screen{Out: out, Size: size}, ink: ink}
}
