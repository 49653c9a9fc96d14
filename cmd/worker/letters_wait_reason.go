package worker

import (
	"context"
	"errors"
	"io"
	"net"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/dial"
)

// lettersWait says what the worker waits for before it may consume, as its state shows it. Looking at the topic is the
// worker's first request, so most errors are about the connection. consumer.Explain names those as every later one.
func lettersWait(topic string, err error) string {
	var network *net.OpError
	for _, is := range []error{
		dial.ErrTLS, broker.ErrTooOld, dial.ErrNotKafka, io.EOF, io.ErrUnexpectedEOF,
		context.DeadlineExceeded,
	} {
		if errors.Is(err, is) {
			return consumer.Explain(err)
		}
	}
	if errors.As(err, &network) || consumer.LoginRefused(err) {
		return consumer.Explain(err)
	}
	return "the dead-letter topic " + topic + " cannot store letters yet: " + err.Error()
}
