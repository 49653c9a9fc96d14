package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
)

// configCommand prints no secret in any of its forms, so its output may be attached to a ticket. It never connects to
// Kafka or LeadHit; "leadhit-sync check" does that.
func configCommand() *cobra.Command {
	var o configOptions
	c := &cobra.Command{
		Use: "config", Short: "Print every setting with its value, or check the settings",
		Long: `Print every setting with the value in force; secrets appear as ***. --table prints a
Markdown table of names, defaults and meanings, without values. If there are mistakes
in the settings, config prints that table (or, with -o json, the settings and the
mistakes) without values, and the mistakes on stderr, one per line; the exit code is
then 2.

--check prints no values. It checks whether a worker could start with these settings,
by the same rules as run; if not, the exit code is 2. It reads the files that settings
name (key, certificates, passwords, mapping), but opens no connection. It takes the
memory limit from GOMEMLIMIT in the environment.

--skip-files checks everything except the files. Use it in CI, where secrets are not
mounted.

--env-file takes the settings from a file instead of the environment. The file has
NAME=value lines, in the form that Kustomize and Docker read. A name in it that is
neither a setting nor a variable of Go's runtime or OpenTelemetry is a mistake.`,
		Example: `  leadhit-sync config
  leadhit-sync config --check
  leadhit-sync config --check --skip-files --env-file deploy/settings.env
  leadhit-sync config -o json | jq -r '.settings[] | .name + "=" + .value'`,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	f := c.Flags()
	f.BoolVar(&o.table, "table", false, "print names, defaults and meanings as a Markdown table, without values")
	f.BoolVar(&o.check, "check", false, "only check whether a worker could start with these settings")
	f.BoolVar(&o.skipFiles, "skip-files", false, "with --check: do not read the files that settings name")
	f.StringVar(&o.envFile, "env-file", "", "with --check: take the settings from this file instead of the environment")
	outputFlag(c, &o.output)
	return c
}

// configOptions are the flags. Without flags, config prints each setting with its value. --table prints a Markdown
// table without values instead, and -o json prints JSON. --check prints no values, and can be combined with -o json but
// not with --table.
type configOptions struct {
	table, check, skipFiles bool
	envFile                 string
	output                  outputForm
}

func (o *configOptions) run(c *cobra.Command) error {
	switch {
	case o.check && o.table:
		return usageError{errors.New("--check and --table cannot be combined")}
	case o.check:
		return checkSettings(c.OutOrStdout(), c.ErrOrStderr(), o)
	// The options of --check are refused without --check. If they were ignored, a user would believe that the file was
	// read.
	case o.envFile != "":
		return usageError{errors.New("--env-file needs --check")}
	case o.skipFiles:
		return usageError{errors.New("--skip-files needs --check")}
	case o.table && o.output == "json":
		return usageError{errors.New("--table and -o json cannot be combined")}
	case o.table:
		return config.WriteTable(c.OutOrStdout())
	}
	// run and check call the same function, so the three commands cannot disagree about a setting.
	settings, err := worker.Settings(versionText())
	if o.output == "json" {
		return errors.Join(printSettings(c.OutOrStdout(), settings, err), err)
	}
	// A user whose settings have mistakes is probably still writing them, and needs the names of all settings.
	if err != nil {
		return errors.Join(config.WriteTable(c.OutOrStdout()), err)
	}
	return settings.WriteValues(c.OutOrStdout())
}

// printedSettings is the JSON form of all settings. A value is "***" for a secret and "" for a setting that is not set.
// There are no values if there are mistakes.
type printedSettings struct {
	Schema   string            `json:"schema"`
	OK       bool              `json:"ok"`
	Mistakes []mistakenSetting `json:"mistakes,omitempty"`
	// Settings lists every setting, in the order of the documentation.
	Settings []printedSetting `json:"settings"`
	// Warnings are about settings that are allowed but suspicious; a worker logs them at startup.
	Warnings []string `json:"warnings,omitempty"`
}

// printedSetting has no value if there are mistakes, so a program can distinguish a missing value from an empty one.
type printedSetting struct {
	Name    string  `json:"name"`
	Value   *string `json:"value,omitempty"`
	Default string  `json:"default,omitempty"`
	// Required is false for a setting that another one can replace, such as the key or its file.
	Required bool   `json:"required"`
	Secret   bool   `json:"secret"`
	Meaning  string `json:"meaning"`
}

// printSettings writes the JSON even if there are mistakes, because programs read the mistakes from it. The exit code
// is still 2.
func printSettings(w io.Writer, c *config.Config, mistakes error) error {
	said := printedSettings{Schema: "config.v1", OK: mistakes == nil, Mistakes: mistaken(mistakes)}
	var values []string
	if c != nil {
		values, said.Warnings = c.Values(), c.Warnings
	}
	for i, v := range config.Variables() {
		s := printedSetting{Name: v.Name, Default: v.Default, Required: v.Required, Secret: v.Secret, Meaning: v.Meaning}
		// Values and Variables have the same order. Without settings there are no values, and the member is left out.
		if i < len(values) {
			s.Value = &values[i]
		}
		said.Settings = append(said.Settings, s)
	}
	return printJSON(w, said, "  ")
}
