package broker

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/semaphore"

	"leadhit-sync/consumer/broker/dial"
	"leadhit-sync/consumer/broker/exchange"
	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/records"
)

const (
	// setupLimit bounds the setup of a connection: dialling, TLS, API versions and SASL. A pool tries its brokers one
	// after another within this time, so the limit is a multiple of the dialer's limit for one address.
	setupLimit = 6 * time.Second

	// metadataTTL is both the maximum age of the pool's metadata and, in kafka-go, the deadline for the request that
	// renews it. At one second, renewals would fail on a slow cluster. A longer TTL would delay requests for longer
	// after a leader has moved.
	metadataTTL = 2 * time.Second

	// idleLimit is far below the broker's own ten minutes, so that we close an idle connection first. If the broker
	// closed it, the next commit would be ambiguous.
	idleLimit = 60 * time.Second
)

// Options say which cluster to reach, and how.
type Options struct {
	// Brokers are the addresses, host:port, of the brokers to contact first. At least one is required.
	Brokers []string
	// Topics lists all topics that will be fetched from or written to, because the pool knows the leaders of these
	// topics only. An empty list means every topic in the cluster, which is costly on a large cluster.
	Topics []string
	// TLS turns on TLS. Nil means plain TCP.
	TLS *dial.TLS
	// SASL turns on authentication. Nil means none.
	SASL *dial.SASL
	// ClientID identifies this process in the brokers' logs and quotas.
	ClientID string
	// Dial opens a connection, without TLS. If it is nil, net.Dialer is used.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger logs failures to connect, at debug level, and changes to the TLS and SASL files. If it is nil, nothing is
	// logged.
	Logger *slog.Logger
}

// Cluster is this process's connection to a Kafka cluster. Create it with [Open]. It has the methods of an
// [inspect.Inspector], which change nothing, and of [groups.Coordinators].
type Cluster struct {
	*inspect.Inspector
	*groups.Coordinators

	brokers   []string
	members   *kafka.Dialer // for the group's membership
	transport *kafka.Transport
	pool      *exchange.Pool
	client    *kafka.Client
	writers   writers
	buffers   sync.Pool           // *[]byte, bodies of fetch responses
	memory    *semaphore.Weighted // memoryBudget bytes, for large fetch responses
	decoders  *records.Decoders
	slots     *semaphore.Weighted // for decoding
}

// Open checks the options, reads each file that they name, and returns the cluster without connecting to it. All
// mistakes are reported at once, each as a [*dial.OptionError]. The files are reread for every connection. While a file
// cannot be read, its previous content stays in use.
func Open(o Options) (*Cluster, error) {
	dialer, err := dial.New(dial.Options{Brokers: o.Brokers, TLS: o.TLS, SASL: o.SASL, Dial: o.Dial, Logger: o.Logger})
	if err != nil {
		return nil, fmt.Errorf("open cluster: %w", err)
	}

	// kafka-go's group looks up its coordinator only at the first broker that accepts a TCP connection, so the order
	// must differ between workers.
	brokers := slices.Clone(o.Brokers)
	rand.Shuffle(len(brokers), func(i, j int) { brokers[i], brokers[j] = brokers[j], brokers[i] })

	// TLS stays nil in the dialer and in the transport, because their dial functions add TLS, with the server name from
	// each address.
	members := &kafka.Dialer{
		ClientID:      o.ClientID,
		DialFunc:      dialer.ConnectMember,
		Timeout:       setupLimit,
		SASLMechanism: dialer.Mechanism(),
	}
	transport := &kafka.Transport{
		Dial:           dialer.Connect,
		DialTimeout:    setupLimit,
		IdleTimeout:    idleLimit,
		MetadataTTL:    metadataTTL,
		MetadataTopics: slices.Clone(o.Topics),
		ClientID:       o.ClientID,
		SASL:           dialer.Mechanism(),
	}
	pool := &exchange.Pool{
		Addr: kafka.TCP(brokers...), Transport: transport, ClientID: o.ClientID, Explain: dialer.Explain,
	}
	return &Cluster{
		Inspector:    inspect.New(pool, members),
		Coordinators: groups.New(pool),
		brokers:      brokers,
		members:      members,
		transport:    transport,
		pool:         pool,
		client:       pool.Client(),
		writers:      newWriters(pool.Addr, transport),
		memory:       semaphore.NewWeighted(memoryBudget),
		decoders:     records.NewDecoders(),
		slots:        newDecodeSlots(),
	}, nil
}

// Brokers returns the addresses in Options.Brokers, in the random order that Open has chosen.
func (c *Cluster) Brokers() []string { return slices.Clone(c.brokers) }

// Dialer returns the dialer for kafka.ConsumerGroupConfig, and for nothing else: see [dial.Dialer.ConnectMember]. The
// caller must not change it.
func (c *Cluster) Dialer() *kafka.Dialer { return c.members }

// Close waits for the records that are being appended, and closes the idle connections. A connection in use closes when
// its request has ended, but Close does not wait for that. The Cluster must not be used afterwards.
func (c *Cluster) Close() {
	c.writers.close()
	c.transport.CloseIdleConnections()
}
