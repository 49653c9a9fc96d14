package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/authority"
)

// Whom launchSecure lets in, and to what: the defaults of a worker's settings.
const (
	user    = "leadhit-sync"
	group   = "leadhit-sync"
	letters = "dlq.leadhit-sync"
	events  = "orders"
)

// launchSecure runs a cluster that asks who comes and what they may do, until ctx ends. Its files go with it.
func launchSecure(ctx context.Context, out io.Writer, nodes int) (err error) {
	dir, err := os.MkdirTemp("", "leadhit-sync-secure-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	place := func(name string) string { return filepath.Join(dir, name) }
	password := rand.Text()
	if err := certify(place); err != nil {
		return err
	}
	if err := authority.WriteFile(place("password"), []byte(password+"\n")); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "# starting Apache Kafka %s, %d node(s), with TLS, logins and ACLs; the first time it is fetched with Maven\n", apache.Version, nodes)
	cluster, err := apache.Start(ctx, apache.Options{
		Nodes: nodes, Authorize: true,
		Listeners: []apache.Listener{apache.Login("LOGIN", apache.LoginOptions{Keystore: place("broker.pem"), Plain: map[string]string{user: password}})},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	rights := append(apache.WorkerRights(user, group, letters, events), apache.CreateRights(user, letters)...)
	if err := errors.Join(cluster.SetPassword(ctx, user, password), cluster.Allow(ctx, rights...)); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, `# topics and events are made by whoever comes to %s, without TLS and login
export KAFKA_BROKERS=%s KAFKA_TOPICS=%s KAFKA_GROUP=%s
export KAFKA_TLS=true KAFKA_TLS_CA_FILE=%s
export KAFKA_SASL_MECHANISM=SCRAM-SHA-512 KAFKA_SASL_USERNAME=%s KAFKA_SASL_PASSWORD_FILE=%s
# Ctrl-C ends it and deletes its data
`, cluster.Brokers()[0], cluster.Nodes()[0].ListenerAddr("LOGIN"), events, group, place("ca.pem"), user, place("password"))
	<-ctx.Done()
	return nil
}

// certify makes an authority and a certificate of its for the nodes.
func certify(place func(string) string) error {
	ca, err := authority.New("authority of a Kafka to try things out")
	if err != nil {
		return err
	}
	pair, err := ca.Issue(authority.Subject{Name: "broker", Hosts: []string{"127.0.0.1"}})
	if err != nil {
		return err
	}
	return errors.Join(
		authority.WriteFile(place("ca.pem"), ca.PEM()),
		authority.WriteFile(place("broker.pem"), pair.Keystore()),
	)
}
