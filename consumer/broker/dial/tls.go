package dial

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"syscall"

	"leadhit-sync/config/credentials"
)

// ErrTLS says that a broker was reached, but the TLS handshake failed: one side does not trust the other, or does not
// speak TLS. The error's text says what to do.
var ErrTLS = errors.New("TLS handshake with the broker failed")

// TLS names the files that prove who the brokers are, and who we are. The zero value trusts the system's authorities
// and sends no certificate. TLS 1.2 is the minimum, and the name in the broker's certificate is always checked.
type TLS struct {
	// CAFile is a PEM file with authorities to trust in addition to the system's.
	CAFile string
	// CertFile and KeyFile are PEM files with our certificate and its key. Set both or neither.
	CertFile, KeyFile string
}

// reader returns the function that reads the files. The configuration that the function returns has no server name yet.
// The function's error may combine several mistakes.
func (t *TLS) reader() func() (*tls.Config, error) {
	authorities := credentials.Authorities(t.CAFile)
	return func() (*tls.Config, error) {
		config := &tls.Config{MinVersion: tls.VersionTLS12}
		var mistakes []error
		if t.CAFile != "" {
			roots, err := authorities()
			mistakes = append(mistakes, optionError("tls ca file", err))
			config.RootCAs = roots
		}
		if (t.CertFile == "") != (t.KeyFile == "") {
			mistakes = append(mistakes, optionError("tls certificate",
				errors.New("a client certificate needs a certificate file and a key file")))
		}
		if t.CertFile != "" && t.KeyFile != "" {
			pair, err := t.pair()
			mistakes = append(mistakes, err)
			config.Certificates = []tls.Certificate{pair}
		}
		if err := errors.Join(mistakes...); err != nil {
			return nil, err
		}
		return config, nil
	}
}

// pair reads the certificate and the key. Its error is about the certificate file if that is wrong, and otherwise about
// the key file.
func (t *TLS) pair() (tls.Certificate, error) {
	certificate, err := credentials.Read(t.CertFile)
	if err != nil {
		return tls.Certificate{}, optionError("tls certificate", fmt.Errorf("read client certificate: %w", err))
	}
	if block, _ := pem.Decode(certificate); block == nil {
		return tls.Certificate{}, optionError("tls certificate",
			errors.New("read client certificate: the file contains no PEM data"))
	} else if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return tls.Certificate{}, optionError("tls certificate", fmt.Errorf("read client certificate: %w", err))
	}
	key, err := credentials.Read(t.KeyFile)
	if err != nil {
		return tls.Certificate{}, optionError("tls key", fmt.Errorf("read the key of the client certificate: %w", err))
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return tls.Certificate{}, optionError("tls key", fmt.Errorf("read the key of the client certificate: %w", err))
	}
	return pair, nil
}

// tlsError is a TLS failure. Its text gives advice.
type tlsError struct {
	text string
	err  error
}

func (e *tlsError) Error() string        { return e.text }
func (e *tlsError) Unwrap() error        { return e.err }
func (e *tlsError) Is(target error) bool { return target == ErrTLS }

// explainHandshake returns why a handshake failed, and what to do about it. It never looks at an error's text. Its own
// text is the same for each attempt, so that a log can leave out repeats.
func explainHandshake(err error) error {
	var text string
	host, isHost := errors.AsType[x509.HostnameError](err)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case isHost:
		return &tlsError{text: fmt.Sprintf("the broker's certificate is for another name (%s) than %s; check KAFKA_BROKERS "+
			"and the broker's advertised.listeners, or renew its certificate with this name",
			credentials.NamesIn(host.Certificate), host.Host), err: err}
	case isInvalid && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return &tlsError{text: "the broker's certificate has expired or is not valid yet; renew it, " +
			"or check this machine's clock: " + credentials.Validity(invalid.Cert), err: err}
	case isInvalid:
		text = "the broker's certificate cannot be used; renew it"
	case is[x509.UnknownAuthorityError](err):
		text = "the broker's certificate is signed by an unknown authority; check KAFKA_TLS_CA_FILE"
	case is[tls.RecordHeaderError](err):
		text = "the broker does not speak TLS at this address; check the port in KAFKA_BROKERS, or KAFKA_TLS"
	case isRemote(err):
		text = refusedByBroker
	case isEnd(err), errors.Is(err, syscall.ECONNRESET):
		text = "the broker closed the connection during the TLS handshake; if it does not speak TLS at this address, " +
			"check the port in KAFKA_BROKERS, or KAFKA_TLS"
	case is[net.Error](err):
		return err // a timeout or the network: TLS is not to blame
	default:
		text = "the TLS handshake with the broker failed"
	}
	return &tlsError{text: fmt.Sprintf("%s: %v", text, err), err: err}
}

const refusedByBroker = "the broker rejected the TLS handshake; if it requires a client certificate, " +
	"check KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE (TLS 1.2 is the minimum)"

// isRemote reports whether the broker sent an alert. crypto/tls has no type for received alerts.
func isRemote(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

// is reports whether err wraps an error of type T.
func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}
