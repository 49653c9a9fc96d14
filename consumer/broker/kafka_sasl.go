package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// SASL says who we are to the brokers. The password never leaves its file but for the handshake.
type SASL struct {
	// Mechanism is PLAIN, which Open takes only together with TLS, SCRAM-SHA-256 or SCRAM-SHA-512.
	Mechanism string
	// Username is the principal.
	Username string
	// PasswordFile holds the password; line ends behind it are not part of it. It is read for each handshake.
	PasswordFile string
}

// plainName is the mechanism that shows the password to whoever reads the connection.
const plainName = "PLAIN"

// saslMechanism keeps a nil interface nil: a nil pointer in sasl.Mechanism would be authentication without a name.
type saslMechanism = sasl.Mechanism

// mechanism checks the settings. The log takes what becomes of the password's file.
func (s *SASL) mechanism(log *slog.Logger) (saslMechanism, error) {
	var mistakes []error
	switch s.Mechanism {
	case plainName, "SCRAM-SHA-256", "SCRAM-SHA-512":
	default:
		mistakes = append(mistakes, optionError("sasl mechanism",
			fmt.Errorf("SASL mechanism %q: want PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.Mechanism)))
	}
	if s.Username == "" {
		mistakes = append(mistakes, optionError("sasl username", errors.New("SASL without a user name")))
	}
	password := &kept[string]{what: "the password of KAFKA_SASL_PASSWORD_FILE", read: s.password, log: log}
	if text, err := password.load(); err != nil {
		mistakes = append(mistakes, optionError("sasl password file", err))
	} else if s.Mechanism != plainName {
		mistakes = append(mistakes, s.prepared(text))
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return freshPassword{*s, password}, nil
}

func (s *SASL) password() (string, error) {
	text, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read SASL password: %w", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if err := checkPassword(password); err != nil {
		return "", fmt.Errorf("SASL password in %s: %w", s.PasswordFile, err)
	}
	return password, nil
}

// checkPassword refuses what comes of a slip in making the file, and is in nobody's password. Its error quotes nothing.
func checkPassword(password string) error {
	switch {
	case password == "":
		return errors.New("empty")
	case strings.HasPrefix(password, "\uFEFF"):
		return errors.New("begins with a byte order mark; save the file without one")
	case strings.ContainsAny(password, "\r\n"):
		return errors.New("line break inside: it must be one line")
	case strings.ContainsRune(password, 0): // it ends the password in PLAIN
		return errors.New("zero byte inside")
	}
	return nil
}

// prepared says whether SCRAM takes the user's name and the password.
func (s *SASL) prepared(password string) error {
	for _, p := range []struct{ option, name, password string }{
		{"sasl username", s.Username, "x"}, {"sasl password file", "x", password},
	} {
		// The cause is not wrapped: it quotes the character that it does not like.
		if _, err := scram.Mechanism(scram.SHA256, p.name, p.password); err != nil {
			return optionError(p.option, errors.New("holds a character that SCRAM does not allow"))
		}
	}
	return nil
}

// freshPassword starts each handshake with what the password's file holds then.
type freshPassword struct {
	sasl     SASL
	password *kept[string]
}

func (f freshPassword) Name() string { return f.sasl.Mechanism }

func (f freshPassword) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	password, err := f.password.load()
	if err != nil {
		return nil, nil, err
	}
	if f.sasl.Mechanism == plainName {
		return plain.Mechanism{Username: f.sasl.Username, Password: password}.Start(ctx)
	}
	algorithm := scram.SHA512
	if f.sasl.Mechanism == "SCRAM-SHA-256" {
		algorithm = scram.SHA256
	}
	mechanism, err := scram.Mechanism(algorithm, f.sasl.Username, password)
	if err != nil {
		// The cause is not wrapped: it quotes the character of the password that it does not like.
		return nil, nil, errors.New("SASL user name or password has a character that SCRAM does not allow")
	}
	return mechanism.Start(ctx)
}
