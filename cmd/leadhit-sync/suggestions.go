package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// unknownCommand returns the error for a word that is not a command of c. It suggests similar commands.
func unknownCommand(c *cobra.Command, word string) error {
	c.SuggestionsMinimumDistance = max(c.SuggestionsMinimumDistance, 2) // cobra sets it for the root only
	near := c.SuggestionsFor(word)
	if len(near) == 0 {
		return fmt.Errorf("unknown command %q for %q", word, c.CommandPath())
	}
	return fmt.Errorf("unknown command %q for %q; did you mean %s?", word, c.CommandPath(), strings.Join(near, " or "))
}

// wrongArguments returns the error for too few or too many arguments. It takes the arguments' name from the command's
// usage line. That line is written for people, so the error uses the same word as the help.
func wrongArguments(c *cobra.Command, args []string) error {
	usage, _, _ := strings.Cut(c.Use, " [flags]") // "[flags] < FILE" in a usage line is not an argument
	_, argument, _ := strings.Cut(usage, " ")
	switch {
	case argument == "":
		return fmt.Errorf("%q takes no arguments, got %q", c.CommandPath(), args[0])
	case len(args) == 0:
		return fmt.Errorf("%s is missing", argument)
	}
	return fmt.Errorf("want one %s, got %d: %q", argument, len(args), args)
}

// withNearFlag adds similar flags to the error for an unknown flag. Shorthands are left out, because every letter is
// similar to every other one.
func withNearFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return err
	}
	// Cobra only suggests commands, so make commands with the names of the flags.
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	if near := flags.SuggestionsFor(unknown.GetSpecifiedName()); len(near) > 0 {
		return fmt.Errorf("%w; did you mean --%s?", err, strings.Join(near, " or --"))
	}
	return err
}

// helpCommand replaces cobra's help command, which reports no error for an unknown command. A script that asks for
// help on a misspelt command gets exit code 2 instead of help that it did not ask for. The arguments of help are
// completed with the names of commands.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND…]", Short: "Show help for a command", Args: cobra.ArbitraryArgs,
		Example: `  leadhit-sync help letters list`,
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usageError{unknownCommand(about, strings.Join(rest, " "))}
			}
			// Cobra adds the flag only when it executes a command, and this one is not executed.
			about.InitDefaultHelpFlag()
			return about.Help()
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			about, rest, err := c.Root().Find(args)
			var names []string
			if err == nil && len(rest) == 0 {
				for _, below := range about.Commands() {
					if below.IsAvailableCommand() && strings.HasPrefix(below.Name(), begun) {
						names = append(names, below.Name())
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}
