package main

import (
	"context"
	"io"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
)

func runCommand() *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: "Consume events until SIGTERM or SIGINT",
		Long: `Consume events until SIGTERM or SIGINT.

On the first signal the worker fetches no more, finishes what is in the air,
commits, leaves the group and exits 0, within about 30 seconds. A second signal
ends it at once; what was in the air is called again later.

It waits for Kafka, for its topics and for LeadHit as long as it takes, and says
on /readyz and in the log what it waits for.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), c.OutOrStdout()) },
	}
}

func run(ctx context.Context, out io.Writer) error {
	settings, err := config.Load()
	if err != nil {
		return err
	}
	// A log that nobody reads any more must not end the worker without its last commit.
	signal.Ignore(syscall.SIGPIPE)
	buffer := newLogBuffer(out)
	defer buffer.close()
	log := logger(settings, buffer)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// Once the first signal has been taken, the next one has its usual effect: it ends the process.
	defer context.AfterFunc(ctx, func() {
		stop() // before the line: where stdout is blocked it may never be written
		log.InfoContext(ctx, "stopping: finishing what is in the air")
	})() // what ends without a signal says nothing of stopping
	w, err := worker.Open(settings, versionText(), log) //nolint:contextcheck // it reads files and connects to nobody
	if err != nil {
		return settingError{err}
	}
	defer w.Close()
	log.InfoContext(ctx, "starting", slog.String("version", versionText()), slog.String("group", settings.Kafka.Group))
	if err := w.Run(ctx); err != nil {
		return err
	}
	log.InfoContext(ctx, "stopped")
	return nil
}

func logger(settings *config.Config, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: settings.Log.Level}
	if settings.Log.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
