package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"

	"leadhit-sync/cmd/worker/observe"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/dial"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/mapping/registry"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/leadhit"
	"leadhit-sync/retry"
)

const (
	// fetchBytes is the memory for the events of one fetch. A larger fetch would not be faster, because a partition
	// works on the events that it has while the next ones are being fetched.
	fetchBytes = 1 << 20
	// metadataBytes is how much metadata a broker accepts with a commit, unless offset.metadata.max.bytes says
	// otherwise.
	metadataBytes = 4096
	// clientID identifies workers to brokers, also for quotas. As a group member, a worker has a longer id: see
	// placeOf.
	clientID = "leadhit-sync"
)

// Open returns a worker for the settings. It reads the files named in the settings, but makes no connection. An error
// about a file's content is a *config.Error.
func Open(c *config.Config, version string, log *slog.Logger) (_ *Worker, err error) {
	w := &Worker{config: c, version: version, log: log, refused: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	m, closeMapping, err := OpenMapping(c, version, log)
	w.closeMapping = closeMapping
	if err != nil {
		return nil, err
	}
	if w.cluster, err = OpenCluster(c, log); err != nil {
		return nil, err
	}
	if w.client, w.key, err = OpenLeadHit(c, version, log); err != nil {
		return nil, err
	}
	if w.tracing, err = openTracing(c, version, log); err != nil {
		return nil, err
	}
	// Everything that can fail is open. Only metrics and wiring are left, so wire never sees an incomplete worker.
	w.metrics = observe.NewMetrics(version, c.DeadLetter.Types, log)
	w.wire(m)
	return w, nil
}

// OpenMapping loads the mapping as configured. If a registry is configured, the mapping fetches schemas from there
// later; OpenMapping itself makes no connection. Its error is a *config.Error. The caller must call the returned
// function after the last event is decoded. That function is never nil.
func OpenMapping(c *config.Config, version string, log *slog.Logger) (m *mapping.Mapping, closing func(), err error) {
	o := mapping.Options{Source: c.Mapping, Topics: c.Kafka.Topics}
	closing = func() {}
	var wrongRegistry error
	if r := c.SchemaRegistry; r.URL != "" {
		schemas, err := registry.Open(registry.Options{
			URL: r.URL, CAFile: r.CAFile, Username: r.Username, PasswordFile: r.PasswordFile, Version: version, Logger: log,
		})
		if err == nil {
			o.Schemas, closing = schemas.Lookup, schemas.Close
		} else {
			wrongRegistry = mistakesOf(err)
			o.Schemas = noSchemas // so that the mapping's own mistakes are reported too
		}
	}
	m, err = mapping.Load(o)
	if err != nil {
		err = mappingMistake(err)
	}
	if all := joined(err, wrongRegistry); all != nil {
		return nil, closing, all
	}
	return m, closing, wrongRegistry
}

// OpenCluster returns the Kafka cluster as configured, without connecting to it. Its error is a *config.Error.
func OpenCluster(c *config.Config, log *slog.Logger) (*broker.Cluster, error) {
	o := broker.Options{
		Brokers:  c.Kafka.Brokers,
		Topics:   append([]string{c.DeadLetter.Topic, ledger.Topic(c.DeadLetter.Topic)}, c.Kafka.Topics...),
		ClientID: clientID,
		Logger:   log,
	}
	if c.Kafka.TLS {
		o.TLS = &dial.TLS{CAFile: c.Kafka.TLSCAFile, CertFile: c.Kafka.TLSCertFile, KeyFile: c.Kafka.TLSKeyFile}
	}
	if c.Kafka.SASLMechanism != "" {
		o.SASL = &dial.SASL{
			Mechanism: c.Kafka.SASLMechanism, Username: c.Kafka.SASLUsername, PasswordFile: c.Kafka.SASLPasswordFile,
		}
	}
	cluster, err := broker.Open(o)
	if err != nil {
		return nil, mistakesOf(err)
	}
	return cluster, nil
}

// OpenLeadHit returns the client as configured, and its key, without making a connection. Its error is a *config.Error.
func OpenLeadHit(c *config.Config, version string, log *slog.Logger) (*leadhit.Client, *leadhit.Key, error) {
	key := leadhit.FixedKey(c.LeadHit.APIKey.Reveal())
	var wrongKey error
	if c.LeadHit.APIKeyFile != "" {
		var err error
		if key, err = leadhit.OpenKey(c.LeadHit.APIKeyFile, log); err != nil {
			wrongKey = mistake("LEADHIT_API_KEY_FILE", err)
			key = leadhit.FixedKey("unread") // so that the other options are checked
		}
	}
	client, err := leadhit.Open(leadhit.Options{
		URL: c.LeadHit.URL, Key: key, Timeout: c.LeadHit.Timeout, CAFile: c.LeadHit.CAFile,
		Proxy: c.LeadHit.Proxy.Reveal(), CallsInFlight: c.CallsInFlight, Version: version, Logger: log,
	})
	if err := errors.Join(wrongKey, err); err != nil {
		return nil, nil, mistakesOf(err)
	}
	return client, key, nil
}

// Close closes all connections. Call it after Run has returned.
func (w *Worker) Close() {
	if w.client != nil {
		w.client.Close()
	}
	if w.cluster != nil {
		w.cluster.Close()
	}
	w.closeMapping()
}

// dispatchConfig returns the dispatcher's limits. build names the version and the mapping, because a resume accepts
// fingerprints for one build only.
func dispatchConfig(c *config.Config, build string) dispatch.Config {
	return dispatch.Config{
		CallsInFlight:  c.CallsInFlight,
		CallsPerSecond: c.CallsPerSecond,
		WindowEvents:   c.WindowEvents,
		WindowBytes:    int64(c.WindowBytes),
		FetchBytes:     fetchBytes,
		Session:        c.Kafka.SessionTimeout,
		CallTimeout:    c.LeadHit.Timeout,
		MetadataBytes:  metadataBytes,
		FloodGuard:     true,
		Replays:        true,
		SkipRepeats:    c.SkipRepeats,
		Worker:         workerName(),
		Build:          build,
		Fingerprint:    fingerprint,
		Retry: retry.Policy{
			Initial: c.Retry.Initial, Max: c.Retry.Max, MaxElapsed: c.Retry.MaxElapsed,
			// Workers that restart together must not retry in step, so each has a seed of its own.
			Random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		},
	}
}

// workerName distinguishes this process from the group's other workers, and shows people where it runs.
func workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

// openTracing returns tracing as configured. Its error is a *config.Error, because only the collector's CA file can be
// wrong.
func openTracing(c *config.Config, version string, log *slog.Logger) (*observe.Tracing, error) {
	tracing, err := observe.OpenTracing(c, version, log)
	if err != nil {
		return nil, mistake("OTEL_EXPORTER_OTLP_CERTIFICATE", err)
	}
	return tracing, nil
}
