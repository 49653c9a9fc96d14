package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/authority"
)

// startSecure starts a cluster with TLS, logins and ACLs. Its files are deleted with it. The plain listener has neither
// TLS nor logins, and its clients may do anything. The launch command creates the topic there, and the produce command
// writes there.
func startSecure(ctx context.Context, o options) (_ *running, err error) {
	dir, err := os.MkdirTemp("", "leadhit-sync-secure-")
	if err != nil {
		return nil, err
	}
	r := &running{remove: func() error { return os.RemoveAll(dir) }}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.remove())
		}
	}()
	// The folder is readable only by its owner (MkdirTemp), because it contains the password and the broker's private
	// key.
	place := func(name string) string { return filepath.Join(dir, name) }
	// Each run has a new password. The listener is on 127.0.0.1, but other users of the machine can reach it.
	password := rand.Text()
	if err := errors.Join(certify(place), authority.WriteFile(place("password"), []byte(password+"\n"))); err != nil {
		return nil, err
	}
	login := apache.LoginOptions{Keystore: place("broker.pem"), Plain: map[string]string{user: password}}
	r.Cluster, err = apache.Start(ctx, apache.Options{
		Nodes: o.nodes, Port: o.kafkaPort, Authorize: true,
		Listeners: []apache.Listener{apache.Login("LOGIN", login)},
	})
	if err != nil {
		return nil, err
	}
	rights := append(apache.WorkerRights(user, group, letters, topic), apache.CreateRights(user, letters)...)
	if err := errors.Join(r.SetPassword(ctx, user, password), r.Allow(ctx, rights...)); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	// One broker is enough to connect, because it returns the addresses of the others. Secrets are files, as in
	// production.
	r.settings = []string{
		fmt.Sprintf("export KAFKA_BROKERS=%s KAFKA_TOPICS=%s KAFKA_GROUP=%s", r.Nodes()[0].Listeners["LOGIN"], topic, group),
		"export KAFKA_TLS=true KAFKA_TLS_CA_FILE=" + place("ca.pem"),
		fmt.Sprintf("export KAFKA_SASL_MECHANISM=SCRAM-SHA-512 KAFKA_SASL_USERNAME=%s KAFKA_SASL_PASSWORD_FILE=%s",
			user, place("password")),
	}
	return r, nil
}

// certify creates an authority that issues a certificate for the nodes.
func certify(place func(string) string) error {
	ca, err := authority.New("authority of a trial Kafka")
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
