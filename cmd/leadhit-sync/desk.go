package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/config/credentials"
	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/office"
)

// deskCommand serves pages that do what the commands do. It joins no group, and may run alongside workers and other
// desks.
func deskCommand() *cobra.Command {
	var addresses string
	c := &cobra.Command{
		Use: "desk", Short: "Serve web pages about dead letters, orders and workers",
		Long: `Serve web pages about dead letters, orders and workers at DESK_ADDR, until SIGTERM or
SIGINT. The pages show what the commands letters, runs, order and status print.

With DESK_WRITE=true, known users may also replay, dismiss and reopen letters, see
their values, and pause and resume calls. Users are identified by a header that a
proxy sets, or by a token; see the settings that begin with DESK_.

desk needs the settings that preview needs, plus DEAD_LETTER_TOPIC. Without --workers
it asks the worker on this host, at HTTP_ADDR.`,
		Example: `  leadhit-sync desk
  leadhit-sync desk --workers dns:leadhit-sync.shop.svc:8080`,
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := config.LoadDesk()
			if err != nil {
				return err
			}
			workers, err := statusPages(nil, addresses)
			if err != nil {
				return err
			}
			return serveDesk(c.Context(), c.OutOrStdout(), settings, workers)
		},
	}
	c.Flags().StringVar(&addresses, "workers", "", "ask these workers: host:port,… or dns:name:port")
	return c
}

// serveDesk serves the pages until a signal arrives. Then the replay runs of this process stop, and the workers finish
// the letters that are already requeued.
func serveDesk(ctx context.Context, out io.Writer, settings *config.Config, workers finder) error {
	log, flush := startLog(ctx, settings, out)
	defer flush()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process
	m, closeMapping, err := openMapping(settings)
	defer closeMapping()
	if err != nil {
		return err
	}
	cluster, err := worker.OpenCluster(settings, log)
	if err != nil {
		return err
	}
	defer cluster.Close()
	access, err := deskAccess(settings, log)
	if err != nil {
		return settingError{err}
	}
	a := accessTo(settings, cluster, new(terminal.Notice))
	a.Mapping, a.Answered = m, nil
	o := office.New(office.Settings{Access: a, Workers: workers, Log: log})
	pages, err := desk.New(desk.Settings{Source: o, Writer: o, Group: settings.Kafka.Group, Access: access})
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", settings.Desk.Addr)
	if err != nil {
		return settingError{err}
	}
	for _, warning := range settings.Warnings {
		log.WarnContext(ctx, "suspicious setting", slog.String("warning", warning))
	}
	log.InfoContext(ctx, "listening", slog.String("addr", listener.Addr().String()),
		slog.String("url", "http://"+listener.Addr().String()),
		slog.String("version", versionText()), slog.String("group", settings.Kafka.Group),
		slog.Bool("write", settings.Desk.Write))
	if err := o.Serve(ctx, listener, pages); err != nil {
		return err
	}
	log.InfoContext(ctx, "stopped")
	return nil
}

// deskAccess returns who may use the desk. The token file is reread each time a token is checked, so that a user can be
// added without a restart.
func deskAccess(settings *config.Config, log *slog.Logger) (desk.Access, error) {
	d := settings.Desk
	access := desk.Access{Write: d.Write, UserHeader: d.UserHeader, TrustedProxies: d.TrustedProxies}
	if d.TokenFile == "" {
		return access, nil
	}
	kept, err := credentials.Keep("DESK_TOKEN_FILE", log, func() (desk.Tokens, error) {
		return desk.ReadTokens(d.TokenFile)
	})
	if err != nil {
		return access, err
	}
	access.Tokens = kept.Load
	return access, nil
}
