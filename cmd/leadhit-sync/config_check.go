package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
)

// checkSettings checks the settings in the environment or, if --env-file is given, only those in the file. Mistakes in
// the file and in the settings are reported in one run, so that a person has to correct the file only once. Any mistake
// gives exit code 2.
func checkSettings(out, errs io.Writer, o *configOptions) error {
	var mistakes []string
	if o.envFile != "" {
		values, found, err := readEnvFile(o.envFile)
		if err != nil {
			return settingError{fmt.Errorf("--env-file: %w", err)}
		}
		// The settings are checked even if the file has malformed lines, so that a person sees all mistakes at once.
		mistakes = found
		restore, err := replaceSettings(values)
		// restore is deferred before err is checked, because some variables may have been replaced already.
		defer restore()
		if err != nil {
			return fmt.Errorf("--env-file: %w", err)
		}
	}
	settings, unread, err := o.settings()
	for _, m := range mistakes {
		_, _ = fmt.Fprintf(errs, "%s: %s\n", o.envFile, m) // the exit code shows it too
	}
	if err == nil && len(mistakes) > 0 {
		err = settingError{fmt.Errorf("%s in %s", count(len(mistakes), "mistake"), o.envFile)}
	}
	r := newReport(out, o.output, "config.check.v1")
	for _, m := range mistakes {
		if o.output == "json" {
			r.fail("env-file", m)
		}
	}
	if err == nil {
		r.settings(settings)
		if len(unread) > 0 {
			r.skip("settings", "files were not read: "+strings.Join(unread, ", "))
		}
	}
	return errors.Join(r.end(err), err)
}

// settings reads the settings. unread lists the settings whose files were not read.
func (o *configOptions) settings() (settings *config.Config, unread []string, err error) {
	if o.skipFiles {
		return worker.SettingsWithoutFiles(versionText())
	}
	settings, err = worker.Settings(versionText())
	return settings, nil, err
}

// readEnvFile reads NAME=value lines, blank lines and comments. A message about a mistake names the line, but never
// the value, which may be a secret. As in Docker and Kustomize, quotes are part of a value, and the text after = stays
// as it is. A line of 64 KiB or more is an error (bufio.Scanner).
func readEnvFile(path string) (values map[string]string, mistakes []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	// Nothing was written, so an error from Close loses nothing.
	defer func() { _ = f.Close() }()
	values = map[string]string{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimLeft(lines.Text(), " \t")
		if text == "" || text[0] == '#' {
			continue
		}
		name, value, pair := strings.Cut(text, "=")
		_, twice := values[name]
		switch {
		case !pair || !isName(name): // the line may be part of a secret, so it is not quoted
			mistakes = append(mistakes, fmt.Sprintf("line %d is not NAME=value", n))
		case foreign(name):
		case !isSetting(name):
			mistakes = append(mistakes, fmt.Sprintf("line %d: %s is not a setting%s", n, name, meant(name)))
		case twice:
			mistakes = append(mistakes, fmt.Sprintf("line %d: %s is set a second time", n, name))
		default:
			values[name] = value
		}
	}
	return values, mistakes, lines.Err()
}

// meant returns a suggestion for a name that is not a setting, or "" if no setting is similar.
func meant(name string) string {
	if near := config.DidYouMean(name); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// isName reports whether text has the form of a setting's name.
func isName(text string) bool {
	for i, c := range []byte(text) {
		if upper := c >= 'A' && c <= 'Z'; !upper && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return text != ""
}

// foreign reports whether Go's runtime or OpenTelemetry reads the variable, rather than package config. Env files
// contain these variables as well as our settings. The list is narrow on purpose, because a pattern such as OTEL_*
// would hide misspelt names.
func foreign(name string) bool {
	return slices.Contains([]string{
		"GOMEMLIMIT", "GOGC", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK",
		"OTEL_RESOURCE_ATTRIBUTES",
	}, name) ||
		slices.ContainsFunc([]string{"OTEL_TRACES_SAMPLER", "OTEL_BSP_", "OTEL_SPAN_"},
			func(p string) bool { return strings.HasPrefix(name, p) })
}

// replaceSettings replaces all settings in the environment, including misspelt ones, with values. This makes the file
// the only source, as it will be in the container. A setting in the shell must not hide that the file lacks it. The
// caller must call restore after it has read the settings, and also after an error.
func replaceSettings(values map[string]string) (restore func(), err error) {
	before := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if isSetting(name) || config.DidYouMean(name) != "" {
			before[name] = value
			err = errors.Join(err, os.Unsetenv(name))
		}
	}
	for name, value := range values {
		err = errors.Join(err, os.Setenv(name, value))
	}
	restore = func() {
		for name := range values {
			_ = os.Unsetenv(name) // cannot fail: the variable was set above
		}
		for name, value := range before {
			_ = os.Setenv(name, value) // cannot fail: the environment already had this pair
		}
	}
	return restore, err
}

func isSetting(name string) bool {
	return slices.ContainsFunc(config.Variables(), func(v config.Variable) bool { return v.Name == name })
}
