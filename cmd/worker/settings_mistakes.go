package worker

import (
	"errors"
	"io/fs"
	"strings"

	"leadhit-sync/config"
	"leadhit-sync/consumer/broker/dial"
	"leadhit-sync/consumer/mapping/registry"
	"leadhit-sync/consumer/mapping/spec"
	"leadhit-sync/leadhit"
)

// mistake returns a *config.Error about one setting, without an example, because the value's form is right.
func mistake(variable string, err error) error {
	return (*config.Error)(nil).Add(problem(variable, err))
}

// joined returns a *config.Error with the problems of all errors of that type, or nil.
func joined(errs ...error) *config.Error {
	var all *config.Error
	for _, err := range errs {
		for _, err := range separate(err) {
			if found, ok := errors.AsType[*config.Error](err); ok {
				all = all.Add(found.Problems...)
			}
		}
	}
	return all
}

func problem(variable string, err error) config.Problem {
	what := withoutPath(err).Error()
	if strings.HasSuffix(variable, "_FILE") || strings.HasSuffix(variable, "_CERTIFICATE") {
		what = "the file cannot be used: " + what
	}
	return config.Problem{Variable: variable, What: what}
}

// withoutPath drops the path of a file error: a path given by mistake may be the secret itself.
func withoutPath(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}

// mappingMistake returns the *config.Error about the mapping. Each mistake of a file has its own line.
func mappingMistake(err error) error {
	what := err.Error()
	if file, ok := errors.AsType[*spec.FileError](err); ok {
		what = "the mapping has mistakes\n" + file.Error()
	}
	return (*config.Error)(nil).Add(config.Problem{Variable: "MAPPING", What: what})
}

// mistakesOf turns the option errors of one of our packages into a *config.Error; variable names the setting.
func mistakesOf(err error, variable func(error) (string, bool)) error {
	var all *config.Error
	for _, err := range separate(err) {
		if found, ok := errors.AsType[*config.Error](err); ok {
			all = all.Add(found.Problems...)
		} else if name, ok := variable(err); ok {
			all = all.Add(problem(name, errors.Unwrap(err)))
		}
	}
	if all == nil {
		return err
	}
	return all
}

// separate returns the errors that were joined in err.
func separate(err error) []error {
	switch wrapped := err.(type) { //nolint:errorlint // it takes the tree apart, whose nodes are looked at with errors.As
	case interface{ Unwrap() []error }:
		var all []error
		for _, err := range wrapped.Unwrap() {
			all = append(all, separate(err)...)
		}
		return all
	case *dial.OptionError, *leadhit.OptionError, *registry.OptionError, *config.Error:
		return []error{err}
	}
	if err == nil {
		return nil
	}
	if inner := errors.Unwrap(err); inner != nil {
		return separate(inner)
	}
	return []error{err}
}

// kafkaVariable names the setting of a mistake that the package broker found.
func kafkaVariable(err error) (string, bool) {
	mistake, ok := errors.AsType[*dial.OptionError](err)
	if !ok {
		return "", false
	}
	switch mistake.Option {
	case "brokers":
		return "KAFKA_BROKERS", true
	case "tls ca file":
		return "KAFKA_TLS_CA_FILE", true
	case "tls certificate":
		return "KAFKA_TLS_CERT_FILE", true
	case "tls key":
		return "KAFKA_TLS_KEY_FILE", true
	case "sasl mechanism":
		return "KAFKA_SASL_MECHANISM", true
	case "sasl username":
		return "KAFKA_SASL_USERNAME", true
	case "sasl password file":
		return "KAFKA_SASL_PASSWORD_FILE", true
	}
	return "", false
}

// leadHitVariable names the setting of a mistake that the package leadhit found. A key from a file was checked when
// that was read.
func leadHitVariable(err error) (string, bool) {
	mistake, ok := errors.AsType[*leadhit.OptionError](err)
	if !ok {
		return "", false
	}
	switch mistake.Option {
	case "url":
		return "LEADHIT_URL", true
	case "api key":
		return "LEADHIT_API_KEY", true
	case "proxy":
		return "LEADHIT_PROXY", true
	case "ca file":
		return "LEADHIT_CA_FILE", true
	}
	return "", false
}

// registryVariable names the setting of a mistake that the package registry found.
func registryVariable(err error) (string, bool) {
	mistake, ok := errors.AsType[*registry.OptionError](err)
	if !ok {
		return "", false
	}
	switch mistake.Option {
	case "ca file":
		return "SCHEMA_REGISTRY_CA_FILE", true
	case "password file":
		return "SCHEMA_REGISTRY_PASSWORD_FILE", true
	}
	return "", false
}
