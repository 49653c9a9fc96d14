package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"leadhit-sync/config"
)

// withCheck adds --check and --env-file to the config command.
func withCheck(c *cobra.Command) *cobra.Command {
	var check bool
	var file string
	c.Long += `

--check prints no values: it says whether a worker could start, with exit code 2
and each mistake on a line of stderr if it could not. Files that settings name are
looked into; GOMEMLIMIT is the environment's. With --env-file the settings are
those of a file with NAME=value lines, as Kustomize and Docker read it, and no
others; what is no setting, nor one of Go's runtime or OpenTelemetry's, is a mistake.`
	c.Flags().BoolVar(&check, "check", false, "only say whether the settings can work")
	c.Flags().StringVar(&file, "env-file", "", "with --check: take the settings from this file, not from the environment")
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case check:
			return checkSettings(c.OutOrStdout(), c.ErrOrStderr(), file)
		case file != "":
			return usageError{errors.New("--env-file goes with --check")}
		}
		return run(c, args)
	}
	return c
}

// checkSettings judges the settings of the environment or, where there is a file, of that alone.
func checkSettings(out, errs io.Writer, file string) error {
	var mistakes []string
	if file != "" {
		values, found, err := readEnvFile(file)
		if err != nil {
			return settingError{fmt.Errorf("--env-file: %w", err)}
		}
		mistakes = found
		restore, err := replaceSettings(values)
		defer restore()
		if err != nil {
			return fmt.Errorf("--env-file: %w", err)
		}
	}
	settings, err := config.Load()
	for _, m := range mistakes {
		_, _ = fmt.Fprintf(errs, "%s: %s\n", file, m) // nobody reads any more
	}
	if err != nil {
		return err
	}
	if len(mistakes) > 0 {
		return settingError{fmt.Errorf("%s in %s", count(len(mistakes), "mistake"), file)}
	}
	r := &report{out: out}
	r.ok("settings", "complete and consistent")
	for _, w := range settings.Warnings {
		r.warn("settings", w)
	}
	return nil
}

// readEnvFile reads NAME=value lines, blank ones and comments. A mistake names its line, never a value: that may be a
// secret.
func readEnvFile(path string) (values map[string]string, mistakes []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	// Nothing was written, so nothing can be lost by an error of Close.
	defer func() { _ = f.Close() }()
	variables := config.Variables()
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
		case !pair || !isName(name): // it may be a part of a secret that spans lines
			mistakes = append(mistakes, fmt.Sprintf("line %d is not NAME=value", n))
		case foreign(name):
		case !slices.ContainsFunc(variables, func(v config.Variable) bool { return v.Name == name }):
			mistakes = append(mistakes, fmt.Sprintf("line %d: %s is not a setting", n, name))
		case twice:
			mistakes = append(mistakes, fmt.Sprintf("line %d: %s is set a second time", n, name))
		default:
			values[name] = value
		}
	}
	return values, mistakes, lines.Err()
}

// isName says whether a text has the form of our settings' names.
func isName(text string) bool {
	for i, c := range []byte(text) {
		if upper := c >= 'A' && c <= 'Z'; !upper && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return text != ""
}

// foreign says whether a variable is one that Go's runtime or OpenTelemetry reads, and not we.
func foreign(name string) bool {
	return slices.Contains([]string{"GOMEMLIMIT", "GOGC", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK", "OTEL_RESOURCE_ATTRIBUTES"}, name) ||
		slices.ContainsFunc([]string{"OTEL_TRACES_SAMPLER", "OTEL_BSP_", "OTEL_SPAN_"}, func(p string) bool { return strings.HasPrefix(name, p) })
}

// replaceSettings puts values into the environment in place of all settings that are there. The caller calls restore, also
// after an error, when it has read them.
func replaceSettings(values map[string]string) (restore func(), err error) {
	before := map[string]string{}
	restore = func() {
		for _, v := range config.Variables() {
			// What was there can be put back, and a name of ours can be taken away.
			_ = os.Unsetenv(v.Name)
			if old, set := before[v.Name]; set {
				_ = os.Setenv(v.Name, old)
			}
		}
	}
	for _, v := range config.Variables() {
		if old, set := os.LookupEnv(v.Name); set {
			before[v.Name] = old
		}
		if value, set := values[v.Name]; set {
			err = errors.Join(err, os.Setenv(v.Name, value))
		} else {
			err = errors.Join(err, os.Unsetenv(v.Name))
		}
	}
	return restore, err
}
