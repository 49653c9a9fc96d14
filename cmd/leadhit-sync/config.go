package main

import (
	"errors"

	"github.com/spf13/cobra"

	"leadhit-sync/config"
)

func configCommand() *cobra.Command {
	var table bool
	c := &cobra.Command{
		Use: "config", Short: "Print every setting and the value in force",
		Long: `Print every setting with the value in force, secrets as ***. If the settings
cannot work, the table of all settings is printed instead, then each mistake on a
line of stderr, and the exit code is 2. --table prints the table as Markdown.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if table {
				return config.WriteTable(c.OutOrStdout())
			}
			settings, err := config.Load()
			if err = errors.Join(err, mappingMistakes()); err != nil {
				return errors.Join(config.WriteTable(c.OutOrStdout()), err)
			}
			return settings.WriteValues(c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&table, "table", false, "print names, defaults and meanings as a Markdown table, without values")
	return withCheck(c)
}
