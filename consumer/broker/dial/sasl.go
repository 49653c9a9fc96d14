package dial

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"leadhit-sync/config/credentials"
)

// SASL identifies us to the brokers.
type SASL struct {
	// Mechanism is SCRAM-SHA-256, SCRAM-SHA-512, or PLAIN, which New accepts only together with TLS.
	Mechanism string
	// Username is the principal.
	Username string
	// PasswordFile is the file with the password; line breaks after the password are not part of it. The file is reread
	// for each handshake.
	PasswordFile string
}

// plainName is the mechanism that sends the password in clear text.
const plainName = "PLAIN"

// mechanism checks the settings and returns the mechanism for kafka-go. Later changes to the password's file are
// logged.
func (s *SASL) mechanism(log *slog.Logger) (sasl.Mechanism, error) {
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
	password, err := credentials.Keep("KAFKA_SASL_PASSWORD_FILE", log, func() (string, error) {
		return credentials.Password(s.PasswordFile)
	})
	if err != nil {
		mistakes = append(mistakes, optionError("sasl password file", fmt.Errorf("read SASL password: %w", err)))
	} else if s.Mechanism != plainName {
		mistakes = append(mistakes, s.prepared(password.Load()))
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return freshPassword{*s, password}, nil
}

// prepared returns an error if SCRAM does not accept the user name or the password.
func (s *SASL) prepared(password string) error {
	for _, p := range []struct{ option, name, password string }{
		{"sasl username", s.Username, "x"}, {"sasl password file", "x", password},
	} {
		// The cause is not wrapped, because it quotes the character that SCRAM rejects. The algorithm does not affect
		// which characters SCRAM allows (RFC 5802, SASLprep).
		if _, err := scram.Mechanism(scram.SHA256, p.name, p.password); err != nil {
			return optionError(p.option, errors.New("contains a character that SCRAM does not allow"))
		}
	}
	return nil
}

// freshPassword is a sasl.Mechanism. kafka-go keeps one mechanism for the life of the process, so freshPassword starts
// each handshake with the current content of the password's file.
type freshPassword struct {
	sasl     SASL
	password *credentials.Kept[string]
}

func (f freshPassword) Name() string { return f.sasl.Mechanism }

// Start uses the password that the file contains now, because the password may have been rotated.
func (f freshPassword) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	password := f.password.Load()
	if f.sasl.Mechanism == plainName {
		return plain.Mechanism{Username: f.sasl.Username, Password: password}.Start(ctx)
	}
	algorithm := scram.SHA512
	if f.sasl.Mechanism == "SCRAM-SHA-256" {
		algorithm = scram.SHA256
	}
	mechanism, err := scram.Mechanism(algorithm, f.sasl.Username, password)
	if err != nil {
		// The cause is not wrapped, because it quotes the password's character that SCRAM rejects.
		return nil, nil, errors.New("SASL user name or password contains a character that SCRAM does not allow")
	}
	return mechanism.Start(ctx)
}
