package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/term"
)

// askLimit is the time limit for a command's requests to Kafka.
const askLimit = 30 * time.Second

// event is the record to write.
type event struct {
	key, value []byte
	headers    []kafka.Header
}

// headerFlags collects the values of the -header flag.
type headerFlags []kafka.Header

// String returns the default for the help: none.
func (h *headerFlags) String() string { return "" }

// Set adds a header from name=value.
func (h *headerFlags) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("want name=value")
	}
	*h = append(*h, kafka.Header{Key: name, Value: []byte(value)})
	return nil
}

// produceCommand reads the flags of produce and writes the event.
func produceCommand(ctx context.Context, args []string, s streams) error {
	var brokers, to, key string
	var headers headerFlags
	flags := newFlags("produce", s, `produce writes one event and prints its place in the log.

Usage: go run ./integration/launch produce [flags] ORDER STATUS
       go run ./integration/launch produce [flags] -key ORDER < event.json
`)
	flags.StringVar(&brokers, "brokers", os.Getenv("KAFKA_BROKERS"),
		"`host:port`,… of Kafka, without TLS or login (default: KAFKA_BROKERS)")
	flags.StringVar(&to, "topic", "", "`topic` to write to, created if it does not exist (default: the first of "+
		"KAFKA_TOPICS, else "+topic+")")
	flags.StringVar(&key, "key", "", "`key` of the record (default: ORDER)")
	flags.Var(&headers, "header", "a header of the record, `name=value`; may be repeated")
	if err := parse(flags, args); err != nil {
		return err
	}
	if brokers == "" {
		return usageError{errors.New("neither -brokers nor KAFKA_BROKERS is set: copy the lines that launch has printed")}
	}
	first, _, _ := strings.Cut(os.Getenv("KAFKA_TOPICS"), ",")
	to = cmp.Or(to, strings.TrimSpace(first), topic)
	e, err := readEvent(flags.Args(), key, s.in)
	if err != nil {
		return err
	}
	e.headers = headers
	place, err := produce(ctx, strings.Split(brokers, ","), to, e)
	if err != nil {
		return fmt.Errorf("write to topic %s at %s: %w", to, brokers, err)
	}
	_, err = fmt.Fprintf(s.out, "%s  %s\n", place, e.value)
	return err
}

// readEvent returns an event for the "plain" mapping, with the given order and status. Without these arguments it reads
// the event's value from its input.
func readEvent(args []string, key string, in io.Reader) (event, error) {
	switch len(args) {
	case 2:
		value, err := json.Marshal(struct {
			OrderID string `json:"order_id"`
			Status  string `json:"status"`
		}{args[0], args[1]})
		return event{key: []byte(cmp.Or(key, args[0])), value: value}, err
	case 0:
		if file, ok := in.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
			return event{}, usageError{errors.New("ORDER and STATUS are missing; for example: produce 4711 paid")}
		}
		// The order id is inside a value of unknown form, so only the user knows the key.
		if key == "" {
			return event{}, usageError{errors.New("-key is missing: the record key must be the order id")}
		}
		// The value is not parsed, so that broken events can be written too.
		value, err := io.ReadAll(in)
		value = bytes.TrimSuffix(value, []byte("\n")) // the newline ends the file, and is not part of the event
		return event{key: []byte(key), value: value}, err
	}
	return event{}, usageError{errors.New("want ORDER and STATUS; for example: produce 4711 paid")}
}

// clientOf returns a client, and a function that closes its connections.
func clientOf(brokers []string) (client *kafka.Client, closeClient func()) {
	transport := &kafka.Transport{}
	return &kafka.Client{Addr: kafka.TCP(brokers...), Transport: transport}, transport.CloseIdleConnections
}

// produce writes an event and returns its place as topic/partition/offset. It creates the topic if necessary.
func produce(ctx context.Context, brokers []string, to string, e event) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	client, closeClient := clientOf(brokers)
	defer closeClient()
	numbers, err := partitionsOf(ctx, client, to)
	if errors.Is(err, kafka.UnknownTopicOrPartition) {
		if err = createTopic(ctx, client, to); err == nil {
			numbers, err = partitionsOf(ctx, client, to)
		}
	}
	if err != nil {
		return "", err
	}
	// This is the partition that Java's default partitioner chooses, so that an order's events from a Java program and
	// from this command are in one partition.
	partition := (&kafka.Murmur2Balancer{}).Balance(kafka.Message{Key: e.key}, numbers...)
	for {
		answer, err := client.Produce(ctx, &kafka.ProduceRequest{
			Topic: to, Partition: partition, RequiredAcks: kafka.RequireAll,
			Records: kafka.NewRecordReader(kafka.Record{
				Time: time.Now(), Key: kafka.NewBytes(e.key), Value: kafka.NewBytes(e.value), Headers: e.headers,
			}),
		})
		if err == nil {
			err = answer.Error
		}
		if err == nil {
			return fmt.Sprintf("%s/%d/%d", to, partition, answer.BaseOffset), nil
		}
		// A new topic has no leader at first, and a broker may not know yet that it is the leader.
		if reply, ok := errors.AsType[kafka.Error](err); !ok || !reply.Temporary() {
			return "", err
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// partitionsOf returns the numbers of the topic's partitions. The request does not create the topic.
func partitionsOf(ctx context.Context, client *kafka.Client, name string) ([]int, error) {
	about, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{name}})
	if err != nil {
		return nil, err
	}
	if len(about.Topics) != 1 {
		return nil, kafka.UnknownTopicOrPartition
	}
	var numbers []int
	for _, p := range about.Topics[0].Partitions {
		numbers = append(numbers, p.ID)
	}
	return numbers, about.Topics[0].Error
}

// createTopic creates the topic with the brokers' default replication.
func createTopic(ctx context.Context, client *kafka.Client, name string) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	answer, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: name, NumPartitions: partitions, ReplicationFactor: -1}},
	})
	if err == nil {
		err = answer.Errors[name]
	}
	if err != nil {
		return fmt.Errorf("create topic %s: %w", name, err)
	}
	return nil
}
