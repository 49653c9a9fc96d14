package dial_test

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"leadhit-sync/consumer/broker/dial"
)

// late is a connection whose reads return the strings in answers, one per read. An empty string stands for an expired
// deadline.
type late struct {
	canned
	answers []string
}

func (l *late) Read(b []byte) (int, error) {
	next := l.answers[0]
	l.answers = l.answers[1:]
	if next == "" {
		return 0, os.ErrDeadlineExceeded
	}
	return copy(b, next), nil
}

func TestOnlyAConnectionWithoutAnyResponseIsCalledSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const silent = "kafka:9092 accepts the connection and sends nothing"
		answer := sized("\x00\x00\x00\x02\x00\x00")
		conn := dial.Frame(&late{answers: []string{"", "", answer[:8], answer[8:], ""}}, "kafka:9092")
		read := func(want string) {
			t.Helper()
			_, _ = conn.Write(requestHead(int16(protocol.Heartbeat), 0, 2))
			_, err := io.ReadFull(conn, make([]byte, len(answer)))
			known := dial.Silence(conn, context.DeadlineExceeded)
			for by, err := range map[string]error{"Read": err, "a caller": known} {
				if is := err != nil && strings.Contains(err.Error(), silent); is != (want != "") {
					t.Errorf("%s: got %v, want %q", by, err, want)
				}
			}
		}
		read("") // the connection is young
		time.Sleep(5 * time.Second)
		read(silent)
		read("") // a response arrives
		read("") // no response now, but one has already arrived
	})
}
