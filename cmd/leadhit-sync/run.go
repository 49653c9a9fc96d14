package main

import (
	"context"
	"io"
	"log/slog"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
)

// runCommand returns the only command that joins the group, commits, and calls LeadHit for events. The operators'
// commands may run alongside it at any time. The exit code is 0 after a signal, so that Kubernetes and systemd do not
// count a normal stop as a failure. Code 2 means a mistake in the settings, which no restart can fix.
func runCommand() *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: "Consume events until SIGTERM or SIGINT",
		Long: `Consume events and call LeadHit, until SIGTERM or SIGINT.

On the first signal the worker fetches no more events, waits for the calls in flight,
commits, leaves the group and exits with 0. That usually takes a second or two. Calls
in flight may take up to 15 s; if the worker is joining the group, stopping may
take up to 50 s. A second signal ends the worker at once; calls that were in flight
are repeated later.

The worker waits as long as necessary for Kafka, for LeadHit and for all its topics;
once it has joined the group, one topic is enough. /readyz and the log say what it waits
for. To see beforehand what is not ready, run "leadhit-sync check".`,
		Example: `  leadhit-sync run
  LOG_FORMAT=text LOG_LEVEL=debug leadhit-sync run`,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), c.OutOrStdout()) },
	}
}

// The order of run's steps matters. The settings come before the log, because LOG_FORMAT is one of them; mistakes go to
// stderr as plain lines. The log comes before the signals, so that the stop can be logged. Deferred calls undo these
// steps in reverse order: the connections close first, and the log is flushed last.
func run(ctx context.Context, out io.Writer) error {
	settings, err := worker.Settings(versionText())
	if err != nil {
		return err
	}
	// A closed log must not end the worker before its last commit. Go ends a process on SIGPIPE if the broken pipe is
	// stdout or stderr (see os/signal). With the signal ignored, the write fails with EPIPE, and the log buffer drops
	// the line.
	signal.Ignore(syscall.SIGPIPE)
	collectMoreOften()
	log, flush := startLog(ctx, settings, out)
	defer flush()
	takeStrayLines(log)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	announced := announceStop(ctx, stop, log)
	defer announced()
	w, err := worker.Open(settings, versionText(), log)
	if err != nil {
		return settingError{err} // a file that has changed since it was checked
	}
	defer w.Close()
	log.InfoContext(ctx, "starting", slog.String("version", versionText()), slog.String("group", settings.Kafka.Group))
	// Run returns when all goroutines of the worker have ended, so "stopped" is the last line.
	if err := w.Run(ctx); err != nil {
		return err
	}
	announced()
	log.InfoContext(ctx, "stopped")
	return nil
}

// announceStop logs that the worker is stopping, once ctx has ended. From then on a signal ends the process, as usual.
// If ctx has ended, announced waits until the line is written, so that the line precedes "stopped". Otherwise announced
// prevents the line. The order of the lines matters to people who look for a worker that hangs while it stops.
func announceStop(ctx context.Context, stop func(), log *slog.Logger) (announced func()) {
	written := make(chan struct{})
	forget := context.AfterFunc(ctx, func() {
		defer close(written)
		stop()
		log.InfoContext(ctx, "stopping: finishing the calls in flight")
	})
	return sync.OnceFunc(func() {
		if !forget() {
			<-written
		}
	})
}

// startLog returns the log that the settings describe, with a buffer for a slow reader. flush waits until
// the reader has every line, but at most a few seconds; later lines are dropped. The goroutine that writes outlives
// ctx, because the drain after a signal must be logged too. Only flush ends that goroutine, and waits for it, so
// callers defer flush before everything else that logs.
func startLog(ctx context.Context, settings *config.Config, out io.Writer) (log *slog.Logger, flush func()) {
	buffer := newLogBuffer(out, settings.Log.Format)
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var hands sync.WaitGroup
	hands.Go(func() { buffer.run(writing) })
	return slog.New(handler(buffer, settings.Log.Format, settings.Log.Level)), func() {
		stop()
		hands.Wait()
	}
}

// handler returns a handler that writes lines in LOG_FORMAT, with durations as people write them. A nil level means
// info. The buffer's own lines go through a handler of the same kind, so a reader needs to parse only one format.
func handler(w io.Writer, format string, level slog.Leveler) slog.Handler {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration { // JSON would have nanoseconds
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return a
	}}
	if format == "text" {
		return slog.NewTextHandler(w, options)
	}
	return slog.NewJSONHandler(w, options)
}
