package dial

// OptionError is a mistake in one of the [Options], or in a file that an option names. Its text contains no secret.
type OptionError struct {
	// Option is the option's name: brokers, tls ca file, tls certificate, tls key, sasl mechanism, sasl username or
	// sasl password file.
	Option string
	Err    error
}

// Error returns the text of Err, without the option's name.
func (e *OptionError) Error() string { return e.Err.Error() }

// Unwrap returns the underlying error.
func (e *OptionError) Unwrap() error { return e.Err }

// optionError returns nil if err is nil.
func optionError(option string, err error) error {
	if err == nil {
		return nil
	}
	return &OptionError{Option: option, Err: err}
}
