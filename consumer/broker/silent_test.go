package broker_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/consumer/broker"
)

func TestAPeerThatNeverRespondsIsNamed(t *testing.T) {
	for name, test := range map[string]struct{ sends, want string }{
		"nothing at all":                {"", "sends nothing"},
		"half of a size":                {"\x00\x00", "sends only 2 bytes of a response"},
		"a size":                        {"\x00\x00\x01\x00", "sends only 4 bytes of a response"},
		"a size and part of a response": {"\x00\x00\x01\x00\x00\x00\x00\x01\x00\x00", "sends only 10 bytes of a response"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkSilent(t, test.sends, test.want) })
		})
	}
}

func checkSilent(t *testing.T, sends, want string) {
	t.Helper()
	cluster, err := broker.Open(broker.Options{Brokers: []string{"kafka.example:9092"}, Dial: stalls(sends)})
	if err != nil {
		t.Fatal(err)
	}
	// The pool retries until it is closed, and its last attempt takes a while to end.
	defer time.Sleep(time.Minute)
	defer cluster.Close()
	_, err = cluster.Topics(t.Context(), "orders")
	for _, want := range []string{"kafka.example:9092 accepts the connection", want} {
		if err == nil || strings.Count(err.Error(), want) != 1 {
			t.Errorf("got %v from the pool, want %q in it once", err, want)
		}
	}
	conn, err := cluster.Dialer().DialContext(t.Context(), "tcp", "kafka.example:9092")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err = conn.ApiVersions(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v from the dialer, want %q in it", err, want)
	}
}

// stalls returns a dial function for a peer that reads everything, sends the start of a response, and then sends
// nothing more.
func stalls(sends string) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			if _, err := far.Read(make([]byte, 4096)); err == nil {
				_, _ = io.WriteString(far, sends)
			}
			_, _ = io.Copy(io.Discard, far)
		}()
		return near, nil
	}
}
