package worker_test

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/deadletter/ledger"
)

// The workers continue to follow a ledger that has only one replica, so an operator must be able to end their pause.
func TestAnOperatorsEntryIsWrittenThoughTheClusterHasGrown(t *testing.T) {
	const topic = "dlq.leadhit-sync.ledger"
	s := newScene(t)
	create := kmsg.NewPtrCreateTopicsRequest()
	one := kmsg.NewCreateTopicsRequestTopic()
	one.Topic, one.NumPartitions, one.ReplicationFactor = topic, 1, 1
	create.Topics = append(create.Topics, one)
	if answer, err := create.RequestWith(t.Context(), s.shop); err != nil || answer.Topics[0].ErrorCode != 0 {
		t.Fatalf("got %+v, %v for the creation", answer, err)
	}
	if _, _, err := s.kafka.AddNode(-1, 0); err != nil {
		t.Fatal(err)
	}
	settings, err := config.LoadKafka()
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := worker.OpenCluster(settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	e := ledger.Entry{Event: ledger.GuardResume, At: time.Now(), By: "alice", Via: "cli", Reason: "LeadHit has migrated"}
	if err := worker.AppendToLedger(t.Context(), settings, cluster, e); err != nil {
		t.Fatalf("got %v, want no error", err)
	}
	if got := s.kafka.PartitionInfo(topic, 0).HighWatermark; got != 1 {
		t.Errorf("got %d entries, want the resume", got)
	}
}

func TestAnEntryWaitsUntilTheBrokersKnowANewLedger(t *testing.T) {
	s := newScene(t)
	settings, err := config.LoadKafka()
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := worker.OpenCluster(settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	s.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.UnknownTopicOrPartition, Count: 4})
	e := ledger.Entry{Event: ledger.GuardResume, At: time.Now(), By: "alice", Via: "cli", Reason: "LeadHit has migrated"}
	if err := worker.AppendToLedger(t.Context(), settings, cluster, e); err != nil {
		t.Fatalf("got %v, want no error", err)
	}
	if got := s.kafka.PartitionInfo("dlq.leadhit-sync.ledger", 0).HighWatermark; got != 1 {
		t.Errorf("got %d entries, want the resume", got)
	}
}

// A rejected login or a failed TLS handshake keeps a worker out of Kafka.
func TestWhatKeepsAWorkerOutOfKafkaIsNotBlamedOnTheLettersTopic(t *testing.T) {
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	elsewhere := httptest.NewTLSServer(http.NotFoundHandler()) // we do not trust its certificate's issuer
	defer elsewhere.Close()
	login := []string{
		"KAFKA_SASL_MECHANISM", "SCRAM-SHA-256", "KAFKA_SASL_USERNAME", "alice", "KAFKA_SASL_PASSWORD_FILE",
		password,
	}
	for name, c := range map[string]struct {
		kafka    []kfake.Opt
		refusal  *kerr.Error // of the login
		settings []string
		want     string
	}{
		"a wrong password":                     {nil, kerr.SaslAuthenticationFailed, login, "Kafka rejects the login"},
		"a mechanism that Kafka does not have": {nil, kerr.UnsupportedSaslMechanism, login, "Kafka rejects the login"},
		"a certificate that is not trusted": {
			[]kfake.Opt{kfake.TLS(&tls.Config{Certificates: elsewhere.TLS.Certificates})},
			nil,
			[]string{"KAFKA_TLS", "true"},
			"cannot connect to Kafka over TLS",
		},
	} {
		t.Run(name, func(t *testing.T) {
			kafka, err := kfake.NewCluster(append(c.kafka, kfake.NumBrokers(1), kfake.SeedTopics(2, "orders"))...)
			if err != nil {
				t.Fatal(err)
			}
			defer kafka.Close()
			kafka.ControlKey(int16(kmsg.SASLHandshake), func(r kmsg.Request) (kmsg.Response, error, bool) {
				kafka.KeepControl()
				answer, _ := r.ResponseKind().(*kmsg.SASLHandshakeResponse)
				answer.ErrorCode, answer.SupportedMechanisms = c.refusal.Code, []string{"GSSAPI"}
				return answer, nil, true
			})
			s := newScene(t, append(c.settings, "KAFKA_BROKERS", strings.Join(kafka.ListenAddrs(), ","))...)
			s.run()
			s.until("the reason why it does not consume",
				func() bool {
					return strings.Contains(s.logs.String(), "not consuming until dead letters can be stored")
				})
			if told := s.logs.String(); !strings.Contains(told, c.want) || strings.Contains(told, "cannot store letters") {
				t.Errorf("got\n%s\nwant %q, and nothing about the letters' topic", told, c.want)
			}
		})
	}
}
