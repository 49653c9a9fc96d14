package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/segmentio/kafka-go"
)

// openLetters creates the dead-letter topic and its writer. The broker timestamps the records, because the audit
// compares the times at which letters were stored with those of commits.
func (w *worker) openLetters(ctx context.Context) error {
	topic := "dlq." + w.group
	client := &kafka.Client{Addr: kafka.TCP(w.brokers...), Timeout: 20 * time.Second}
	answer, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: topic, NumPartitions: 1, ReplicationFactor: min(3, len(w.brokers)), // releases before 2.4 have no default
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "message.timestamp.type", ConfigValue: "LogAppendTime"}},
	}}})
	if err != nil {
		return err
	}
	if err := answer.Errors[topic]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return err
	}
	w.letters = &kafka.Writer{
		Addr: client.Addr, Topic: topic, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
	}
	return nil
}

// deliver calls LeadHit until it accepts or refuses the event. It stores a refused event as a letter, and returns the
// letter's cause.
func (w *worker) deliver(ctx context.Context, m kafka.Message) (cause string, err error) {
	for {
		cause, err := w.call(ctx, m)
		switch {
		case err == nil && cause == "":
			return "", nil
		case err == nil:
			return cause, w.keep(ctx, m, cause)
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// event is the part of an event that the worker reads.
type event struct {
	Order  string `json:"order_id"`
	Status string `json:"status"`
}

// call makes one call. A cause means that the event is refused. An error means that the call must be retried.
func (w *worker) call(ctx context.Context, m kafka.Message) (cause string, err error) {
	var event event
	if err := json.Unmarshal(m.Value, &event); err != nil {
		return "NotJSON", nil // the cause that leadhit-sync gives, because the audit compares causes
	}
	body, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "id": fmt.Sprintf("%s-%d-%d", m.Topic, m.Partition, m.Offset), "method": "set_order_status",
		"params": map[string]string{"order_id": event.Order, "status": event.Status},
	})
	if err != nil {
		return "", err
	}
	// The key is read for each call, because the chaos test changes it while this worker runs.
	key, err := os.ReadFile(w.keyFile)
	if err != nil {
		return "", err
	}
	// A call that has started is finished, because otherwise LeadHit could execute it after the next owner's call.
	lasting, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(lasting, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header["API-KEY"] = []string{string(bytes.TrimSpace(key))}
	// This client follows redirects, which a worker must not do, but it is the one in most tutorials.
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusForbidden && w.planted == "403-to-letters" {
		return "HTTP 403", nil
	}
	return verdict(answer)
}

// verdict reads a response. It needs only the type of an error, as the cause of a letter.
func verdict(answer *http.Response) (cause string, err error) {
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("HTTP %d", answer.StatusCode)
	}
	var said struct {
		Result any `json:"result"`
		Error  *struct {
			Data struct {
				Type string `json:"type"`
			} `json:"data"`
		} `json:"error"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return "", err
	}
	if said.Error != nil {
		return said.Error.Data.Type, nil
	}
	return "", nil
}

// keep stores an event as a letter, with the headers that the audit needs.
func (w *worker) keep(ctx context.Context, m kafka.Message, cause string) error {
	letter := kafka.Message{Key: m.Key, Value: m.Value, Headers: append(append([]kafka.Header{}, m.Headers...),
		kafka.Header{Key: "dlq.id", Value: fmt.Appendf(nil, "%s/%d/%d", m.Topic, m.Partition, m.Offset)},
		kafka.Header{Key: "__connect.errors.exception.class.name", Value: []byte(cause)})}
	lasting := context.WithoutCancel(ctx)
	if w.planted == "letter-unawaited" {
		// An asynchronous producer would also return before the letter is stored.
		time.AfterFunc(time.Second, func() { _ = w.letters.WriteMessages(lasting, letter) })
		return nil
	}
	return w.letters.WriteMessages(lasting, letter)
}
