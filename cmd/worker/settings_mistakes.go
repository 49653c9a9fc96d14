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

// joined returns a *config.Error with the problems of all errors of that type, or nil if there are none.
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

// withoutPath drops the path from a file error, because a path given by mistake may be the secret itself.
func withoutPath(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}

// mappingMistake returns the *config.Error about the mapping. Each mistake in a mapping file has a line of its own.
func mappingMistake(err error) error {
	what := err.Error()
	if file, ok := errors.AsType[*spec.FileError](err); ok {
		what = "the mapping has mistakes\n" + file.Error()
	}
	return (*config.Error)(nil).Add(config.Problem{Variable: "MAPPING", What: what})
}

// mistakesOf turns the option errors of our packages into a *config.Error that names the settings. If err contains no
// option error, mistakesOf returns err itself, because something other than a setting is wrong.
func mistakesOf(err error) error {
	var all *config.Error
	for _, err := range separate(err) {
		if found, ok := errors.AsType[*config.Error](err); ok {
			all = all.Add(found.Problems...)
		} else if name := variableOf(err); name != "" {
			all = all.Add(problem(name, errors.Unwrap(err)))
		}
	}
	if all == nil {
		return err
	}
	return all
}

// separate returns the errors that were joined in err, and those in nested joins. An option error wraps one reason and
// never a join, so it is not taken apart.
func separate(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err)
	if !ok {
		return []error{err}
	}
	var all []error
	for _, err := range joined.Unwrap() {
		all = append(all, separate(err)...)
	}
	return all
}

// variableOf names the setting behind an option error of one of our packages. It returns "" for any other error.
// Settings are named after the options, except for the two of the client certificate. An error about the option "api
// key" always concerns LEADHIT_API_KEY, because the file named by LEADHIT_API_KEY_FILE is checked when it is read,
// before the client sees its content.
func variableOf(err error) string {
	var name string
	if found, ok := errors.AsType[*dial.OptionError](err); ok {
		name = "kafka " + found.Option
	} else if found, ok := errors.AsType[*leadhit.OptionError](err); ok {
		name = "leadhit " + found.Option
	} else if found, ok := errors.AsType[*registry.OptionError](err); ok {
		name = "schema registry " + found.Option
	}
	switch name {
	case "kafka tls certificate":
		return "KAFKA_TLS_CERT_FILE"
	case "kafka tls key":
		return "KAFKA_TLS_KEY_FILE"
	}
	return strings.ToUpper(strings.ReplaceAll(name, " ", "_"))
}
