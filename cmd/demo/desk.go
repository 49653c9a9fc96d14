package main

import (
	"context"
	"log/slog"
	"net"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/office"
	"leadhit-sync/deadletter/operator"
)

// reception serves the desk, so that a person can look at the story's letters and replay them.
type reception struct {
	cluster      *broker.Cluster
	closeMapping func()
	office       *office.Office
	listener     net.Listener
	address      string
	served       bool
}

// openDesk opens the desk on a free port, for the worker at workerAddress. The desk has one user, who may do
// everything, because only programs on this computer can reach the desk.
func (p *parts) openDesk(ctx context.Context, workerAddress string) (_ *reception, err error) {
	r := &reception{closeMapping: func() {}}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	quiet := slog.New(slog.DiscardHandler)
	if r.cluster, err = worker.OpenCluster(p.settings, quiet); err != nil {
		return nil, err
	}
	access := operator.Access{
		Group: group, Letters: letters, Topics: []string{topic}, Cluster: r.cluster,
		WriteEntry: func(ctx context.Context, e ledger.Entry) error {
			return worker.AppendToLedger(ctx, p.settings, r.cluster, e)
		},
	}
	if access.Mapping, r.closeMapping, err = worker.OpenMapping(p.settings, "demo", quiet); err != nil {
		return nil, err
	}
	r.office = office.New(office.Settings{
		Access: access, Log: quiet,
		Workers: func(context.Context) ([]string, error) { return []string{"http://" + workerAddress + "/status"}, nil },
	})
	r.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", local(0))
	if err == nil {
		r.address = r.listener.Addr().String()
	}
	return r, err
}

// serve serves the desk until ctx ends. When ctx ends, a running replay stops too, and the worker finishes the letters
// that were requeued. A nil reception has no desk to serve.
func (r *reception) serve(ctx context.Context) error {
	if r == nil {
		return nil
	}
	pages, err := desk.New(desk.Settings{
		Source: r.office, Writer: r.office, Group: group, Access: desk.Access{Write: true, Everybody: "you"},
	})
	if err != nil {
		return err
	}
	r.served = true
	return r.office.Serve(ctx, r.listener, pages)
}

// close closes everything that is open. If serve was called, it must have returned.
func (r *reception) close() {
	if r.listener != nil && !r.served {
		_ = r.listener.Close()
	}
	r.closeMapping()
	if r.cluster != nil {
		r.cluster.Close()
	}
}
