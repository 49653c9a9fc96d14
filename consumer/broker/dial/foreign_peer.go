package dial

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ErrNotKafka says that the peer at an address does not speak Kafka's protocol, or sends responses with impossible
// lengths. The error's text names the address, the protocol found there if that is known, and what to check.
var ErrNotKafka = errors.New("not a Kafka broker")

// notKafkaError says why the bytes that came from an address are not a broker's response.
type notKafkaError struct {
	text string
	err  error // what ended the connection, if it ended
}

func (e *notKafkaError) Error() string        { return e.text }
func (e *notKafkaError) Is(target error) bool { return target == ErrNotKafka }

// Unwrap returns the error that ended the connection. If there is none, it returns io.ErrUnexpectedEOF, which kafka-go
// treats as a broken connection.
func (e *notKafkaError) Unwrap() error {
	if e.err != nil {
		return e.err
	}
	return io.ErrUnexpectedEOF
}

// peer is the broker that we expect at an address.
type peer struct {
	address    string
	configured bool // the address is in KAFKA_BROKERS; any other was advertised by a broker
}

// foreign returns the error for a response that is not a broker's. The response's first bytes are in begin.
func (p peer) foreign(begin []byte) error { return p.foreignUntil(begin, nil) }

// foreignUntil is like foreign, but for a response that err cut short.
func (p peer) foreignUntil(begin []byte, err error) error {
	text := fmt.Sprintf("%s does not speak Kafka: its response begins with %q; %s", p.address, begin, p.advice())
	if name := protocolOf(begin); name != "" {
		text = fmt.Sprintf("%s speaks %s, not Kafka; %s", p.address, name, p.advice())
	}
	return &notKafkaError{text: text, err: err}
}

// malformed returns the error for a response that looks like Kafka's but that no broker can have sent.
func (p peer) malformed(to, why string) error {
	return &notKafkaError{text: fmt.Sprintf("%s sent a response to %s that no Kafka broker sends: %s; %s",
		p.address, to, why, p.advice())}
}

func (p peer) advice() string {
	if p.configured {
		return "check KAFKA_BROKERS"
	}
	return "a broker advertised this address: check its advertised.listeners"
}

// protocolOf returns the name of the protocol whose servers start with the bytes in b. It returns "" if b, which has at
// most eight bytes, does not identify a protocol.
func protocolOf(b []byte) string {
	for _, known := range knownProtocols() {
		if bytes.HasPrefix(b, []byte(known.prefix)) {
			return known.name
		}
	}
	switch {
	case len(b) >= 5 && b[0] == 0 && b[3] == 4 && b[4] == 0: // the SETTINGS frame (RFC 9113, 6.5)
		return "HTTP/2"
	// MySQL's first packet has a length, the sequence number 0, and then protocol version 10 or an error.
	case len(b) >= 5 && b[3] == 0 && (b[4] == 10 || b[4] == 0xff):
		return "MySQL's protocol"
	case len(b) >= 4 && isDigit(b[0]) && isDigit(b[1]) && isDigit(b[2]) && (b[3] == ' ' || b[3] == '-'):
		return "SMTP or FTP"
	}
	return ""
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// knownProtocol identifies a protocol by the first bytes that its server sends, before or after our request.
type knownProtocol struct{ prefix, name string }

// knownProtocols returns the protocols of servers that may listen at a misconfigured address, mostly at the wrong port.
func knownProtocols() []knownProtocol {
	return []knownProtocol{
		{"HTTP", "HTTP"},
		{"<", "HTTP"},
		{"SSH-", "SSH"},
		{"-ERR", "Redis's protocol or POP3"},
		{"-NOAUTH", "Redis's protocol"},
		{"-DENIED", "Redis's protocol"},
		{"+OK", "POP3"},
		{"* OK", "IMAP"},
		{"AMQP", "AMQP"},
		{"RFB ", "VNC"},
		{"INFO {", "NATS's protocol"},
		{"ERROR", "memcached's protocol"},
		{"E\x00\x00", "PostgreSQL's protocol"},
	}
}
